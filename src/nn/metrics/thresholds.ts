/** Lists of thresholds: checked, and as a dimension of a tensor. */
import { describe, ValueError } from "../../base/errors.ts";
import { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import { type Field, type Json, list, number } from "../fields.ts";

/** Thresholds of a confusion table, in the order of its rows. */
export interface Thresholds {
  readonly values: readonly number[];
  /**
   * Whether a prediction p is above number t where p (count - 1) > t: thresholds evenly spread over
   * [0, 1], compared as Keras compares them. Predictions are taken for those of [0, 1].
   */
  readonly isEven: boolean;
  /** Whether all predictions are above the first one, also those of 0 (and none above the last). */
  readonly isOpen: boolean;
}

/** As `is_evenly_distributed_thresholds` of keras/src/metrics/metrics_utils.py, numpy's allclose. */
function isEven(values: readonly number[]): boolean {
  const last = values.length - 1;
  const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-7 + 1e-5 * b;
  return last >= 2 && values.every((value, i) => isNear(value, i / last));
}

/** Thresholds as a user listed them. */
export const listed = (values: readonly number[]): Thresholds => ({
  values,
  isEven: isEven(values),
  isOpen: false,
});

/** `count` thresholds from 0 to 1; a single one is 0.5. */
export const evenly = (count: number): Thresholds =>
  count === 1
    ? listed([0.5])
    : {
        values: Array.from({ length: count }, (_, i) => i / (count - 1)),
        isEven: true,
        isOpen: false,
      };

/** Thresholds of a curve from end to end: the first is below 0, the last above 1. */
export function openEnded(inner: readonly number[]): Thresholds {
  const sorted = [...inner].sort((a, b) => a - b);
  return {
    values: [-1e-7, ...sorted, 1 + 1e-7],
    isEven: isEven([0, ...sorted, 1]) || sorted.length === 0,
    isOpen: true,
  };
}

/** The option `thresholds`: one number in [0, 1] or a list of them. */
export const thresholdsField: Field<number | readonly number[] | undefined> = {
  read: (value, name, who) => {
    if (value === undefined || value === null) return undefined;
    const share = number(undefined, { from: 0, to: 1 });
    if (!Array.isArray(value)) return share.read(value, name, who);
    if (value.length === 0)
      throw new ValueError({
        who,
        expected: `${name} must have at least one number`,
        received: describe(value),
      });
    return list(share).read(value, name, who);
  },
  write: (value) => (value ?? null) as Json,
};

/** Whether each prediction is above each threshold: `[thresholds, ...predictions]`. */
export function above(trace: Trace, yPred: Tensor, { values, isEven, isOpen }: Thresholds): Tensor {
  const index = indices(trace, values.length);
  const limits = isEven ? evenLimits(index, isOpen) : constants(index, values);
  const compared = isEven
    ? yPred
        .maximum(0)
        .minimum(1)
        .multiply(values.length - 1)
    : yPred;
  let column = limits;
  for (let i = 0; i < yPred.rank; i++) column = column.expandDimension(-1);
  return compared.greater(column);
}

/** 0, 1, 2, ... as uint32 `[count]`. */
function indices(trace: Trace, count: number): Tensor {
  if (count === 1) return trace.constant(0, "uint32").expandDimension(0);
  const axis = trace.graph.axis(count);
  return new Tensor(trace, trace.graph.make("index", [], { axes: [axis] }), [axis]);
}

/** The number of each threshold; the first one, if open, so low that all are above it. */
function evenLimits(index: Tensor, isOpen: boolean): Tensor {
  const number = index.cast("float32");
  return isOpen ? index.equal(0).where(-1, number) : number;
}

/** A list of numbers as a tensor along `index`. */
export const constants = (index: Tensor, values: readonly number[]): Tensor =>
  values
    .slice(0, -1)
    .reduceRight(
      (rest: Tensor, value, i) => index.equal(i).where(value, rest),
      index.cast("float32").multiply(0).add(values.at(-1)!),
    );
