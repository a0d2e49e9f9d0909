/**
 * Batch renormalization (Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in
 * Batch-Normalized Models", 2017, https://arxiv.org/abs/1702.03275), as Keras has it.
 */
import { describe, ValueError } from "../../base/errors.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { type Field, type Json, number, optional, readOptions } from "../fields.ts";

/** Limits of the correction: r in [rmin, rmax], d in [-dmax, dmax]. */
export interface RenormClipping {
  readonly rmax?: number;
  readonly rmin?: number;
  readonly dmax?: number;
}

/** The weights that renormalization has beside those of batch normalization. */
export interface RenormState {
  readonly movingDeviation: Variable;
  readonly mean: Variable;
  readonly deviation: Variable;
}

interface Statistics {
  readonly mean: Tensor;
  readonly deviation: Tensor;
}

const limit = optional(number(undefined, { from: 0 }));

/** The option `renormClipping`. */
export const clippingField: Field<RenormClipping> = {
  initial: {},
  read: (value, name, who) => {
    const fields = { rmax: limit, rmin: limit, dmax: limit };
    const read = readOptions(fields, (value ?? {}) as object, `${who} ${name}`);
    if ((read.rmin ?? 0) > (read.rmax ?? Number.POSITIVE_INFINITY))
      throw new ValueError({
        who: `${who} ${name}`,
        expected: "rmax must not be less than rmin",
        received: describe(value),
      });
    const given = Object.entries(read).filter(([, bound]) => bound !== undefined);
    return Object.fromEntries(given);
  },
  write: (value) => (Object.keys(value).length > 0 ? ({ ...value } as Json) : null),
};

/**
 * r and d of a batch, taken as constants by gradients: with them, (x - mean) / deviation r + d is
 * what the statistics `known` from before would have made of x, as far as the limits let it.
 */
export function correction(
  batch: Statistics,
  known: Statistics,
  epsilon: number,
  { rmax, rmin, dmax }: RenormClipping,
): { r: Tensor; d: Tensor } {
  const deviation = known.deviation.maximum(Math.sqrt(epsilon));
  let r = batch.deviation.divide(deviation);
  let d = batch.mean.subtract(known.mean).divide(deviation);
  if (rmin !== undefined) r = r.maximum(rmin);
  if (rmax !== undefined) r = r.minimum(rmax);
  if (dmax !== undefined) d = d.maximum(-dmax).minimum(dmax);
  return { r: r.stopGradient(), d: d.stopGradient() };
}
