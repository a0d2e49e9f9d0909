/** Activations of all numbers along one dimension. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import * as composites from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activation } from "../activation.ts";
import { dimension } from "../fields.ts";

/** Options of activations along a dimension. */
export interface AxisOptions {
  /** The dimension, counted with the batch as 0, negative ones from the end. Default: -1. */
  readonly axis?: number;
}

const fields = { axis: dimension(-1) };

export const along = {
  /** exp(x_i) / sum_j exp(x_j) along a dimension, shifted so that it never overflows. */
  softmax: activation<AxisOptions>()(
    "softmax",
    fields,
    ({ axis }) =>
      (x) =>
        atLast(x, axis, "softmax", composites.softmax),
  ),

  /** log(softmax(x)), without the rounding of the softmax. */
  logSoftmax: activation<AxisOptions>()(
    "logSoftmax",
    fields,
    ({ axis }) =>
      (x) =>
        atLast(x, axis, "logSoftmax", composites.logSoftmax),
  ),

  /**
   * The point of the probability simplex that is nearest to x: max(x - t, 0) with the t that makes
   * the sum 1. Martins and Astudillo, "From Softmax to Sparsemax", 2016,
   * https://arxiv.org/abs/1602.02068. (What Keras 3.15 returns does not sum to 1 where several
   * numbers are above 0: it adds up the partial sums of their sorted list.)
   */
  sparsemax: activation<AxisOptions>()(
    "sparsemax",
    fields,
    ({ axis }) =>
      (x) =>
        atLast(x, axis, "sparsemax", sparsemax),
  ),

  /**
   * Gated linear unit: the first half of a dimension times the sigmoid of the second. Dauphin et
   * al., "Language Modeling with Gated Convolutional Networks", 2016,
   * https://arxiv.org/abs/1612.08083.
   *
   * @throws ShapeError where the dimension's size is odd
   */
  glu: activation<AxisOptions>()("glu", fields, ({ axis }) => (x) => {
    const at = positionOf(x, axis, "glu");
    const size = x.shape[at];
    if (size % 2 !== 0)
      throw new ShapeError({
        who: "glu",
        expected: `dimension ${axis} must have an even size`,
        received: formatShape(x.shape),
      });
    const half = size / 2;
    return x.slice(at, 0, half).multiply(x.slice(at, half, half).sigmoid());
  }),
};

function positionOf(x: Tensor, axis: number, who: string): number {
  const at = axis < 0 ? axis + x.rank : axis;
  if (at >= 0 && at < x.rank) return at;
  throw new ShapeError({
    who,
    expected: `axis must be from ${-x.rank} to ${x.rank - 1}`,
    received: `${axis}`,
  });
}

/** `call` along any dimension, given that along the last one. */
function atLast(x: Tensor, axis: number, who: string, call: (x: Tensor) => Tensor): Tensor {
  const at = positionOf(x, axis, who);
  const last = x.rank - 1;
  if (at === last) return call(x);
  const swap = x.shape.map((_, i) => (i === at ? last : i === last ? at : i));
  return call(x.transpose(swap)).transpose(swap);
}

/**
 * Without sorting: z_i is in the support where 1 + k z_i > sum of the k largest up to z_i, and
 * these are all z_j >= z_i (equal ones change nothing on either side). As if the largest were 0, so
 * that it always is, however large. n^2 comparisons of n numbers.
 */
function sparsemax(x: Tensor): Tensor {
  const shifted = x.subtract(x.max(-1, true).stopGradient());
  const mine = shifted.expandDimension(-1);
  const others = shifted.expandDimension(-2);
  const isLarger = mine.lessEqual(others);
  const count = isLarger.cast("float32").sum(-1);
  const sum = isLarger.where(others, 0).sum(-1);
  const isSupport = sum.less(shifted.multiply(count).add(1));
  const size = isSupport.cast("float32").sum(-1, true);
  const threshold = isSupport.where(shifted, 0).sum(-1, true).subtract(1).divide(size);
  return shifted.subtract(threshold).maximum(0);
}
