/** Options that name dimensions, counted as Keras does: the batch is dimension 0, -1 is the last. */
import { describe, ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Field } from "../fields.ts";

/** One dimension or several. */
export type Axes = number | readonly number[];

/** An option of one dimension or a list of them. */
export const axesField = (initial?: Axes): Field<Axes> => ({
  initial,
  read: (value, name, who) => {
    const list = Array.isArray(value) ? (value as unknown[]) : [value];
    if (list.length > 0 && list.every(Number.isSafeInteger))
      return Array.isArray(value) ? [...(value as number[])] : (value as number);
    throw new ValueError({
      who,
      expected: `${name} must be a whole number or an array of some`,
      received: describe(value),
    });
  },
});

/** What an axis may be. */
interface AxisRange {
  /** Whether it may be the batch. Default: false. */
  readonly batch?: boolean;
  /** The name of the option. Default: `axis`. */
  readonly name?: string;
}

/**
 * The position of a dimension in `[batch, ...shape]`.
 *
 * @throws ShapeError where there is no such dimension, or it is the batch and must not be
 */
export function positionOf(axis: number, shape: Shape, who: string, range: AxisRange = {}): number {
  const { batch = false, name = "axis" } = range;
  const rank = shape.length + 1;
  const position = axis < 0 ? axis + rank : axis;
  if (position < rank && position >= (batch ? 0 : 1)) return position;
  const isBatch = position === 0;
  const known =
    rank === 1
      ? "a dimension beside the batch"
      : `a dimension from ${batch ? 0 : 1} to ${rank - 1}`;
  throw new ShapeError({
    who,
    expected: `${name} must be ${known} (or counted from the end) of inputs of shape ${formatShape(shape)}`,
    received: isBatch ? `${axis}, the batch` : `${axis}`,
  });
}

/** The positions of several dimensions in ascending order, each once. */
export function positionsOf(
  axes: Axes,
  shape: Shape,
  who: string,
  range: AxisRange = {},
): number[] {
  const list = typeof axes === "number" ? [axes] : axes;
  const positions = list.map((axis) => positionOf(axis, shape, who, range));
  if (new Set(positions).size !== positions.length)
    throw new ShapeError({
      who,
      expected: `${range.name ?? "axis"} must name each dimension once`,
      received: `[${list.join(", ")}]`,
    });
  return positions.sort((a, b) => a - b);
}

/** All positions of a tensor but these. */
export const othersOf = (rank: number, positions: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => !positions.includes(i));

/** `value`, whose dimensions are those at `positions`, as it broadcasts against `rank` dimensions. */
export const spread = (value: Tensor, positions: readonly number[], rank: number): Tensor =>
  othersOf(rank, positions).reduce((wide, i) => wide.expandDimension(i), value);

/** The opposite of `spread`: only the dimensions at `positions`; the others have size 1. */
export const gathered = (value: Tensor, positions: readonly number[]): Tensor =>
  othersOf(value.rank, positions).reduceRight((narrow, i) => narrow.squeeze(i), value);
