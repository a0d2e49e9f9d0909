/** Reductions and contractions on whole values, with their error bounds. */
import { arrange } from "./arrange.ts";
import { fusedMultiplyAdd, inRange, limiterOf, rounderOf } from "./float32.ts";
import { orNone, summationError, type Value } from "./interpret-value.ts";
import { type Axis, hasAxis, type Node, sizeOfAxes } from "./node.ts";
import { type OpRow, rowOf } from "./ops.ts";

/** The value of a reduction; terms are taken one after the other, row-major in the input's axes. */
export function reduce(node: Node, input: Value, exact: boolean): Value {
  const { over = [] } = node.attributes;
  const gone = input.axes.filter((axis) => over.includes(axis.name));
  const order = [...node.axes, ...gone];
  const terms = arrange(input.data, input.axes, order);
  const row = rowOf(node.op);
  const count = sizeOfAxes(gone);
  const represent = exact ? limiterOf(node.dtype) : rounderOf(node.dtype);
  const neutral = row.neutral!(node.dtype);
  const pair = [0, 0];
  const fold = (numbers: ArrayLike<number>, start: number): number => {
    let result = neutral;
    for (let i = start; i < start + count; i++) {
      pair[0] = result;
      pair[1] = numbers[i];
      result = represent(row.evaluate!(pair, node.dtype, node.dtype));
    }
    return result;
  };
  const data = new Float64Array(sizeOfAxes(node.axes));
  for (let o = 0; o < data.length; o++) data[o] = fold(terms, o * count);
  const result = { node, axes: node.axes, data };
  const isFloat = node.dtype === "float32";
  if (!exact || (!input.bounds && !(isFloat && row.ulps))) return { ...result, bounds: undefined };
  const uncertain = input.bounds
    ? arrange(input.bounds, input.axes, order)
    : new Float64Array(terms.length);
  const bounds = data.map((value, o) => {
    const start = o * count;
    const own = isFloat ? foldError(row, terms, uncertain, start, count) : 0;
    return limitBound(value, own + endsOf(value, fold, terms, uncertain, start, count), isFloat);
  });
  const picks = isFloat && !row.ulps;
  return {
    ...result,
    bounds: orNone(bounds),
    ...(picks && { certain: data.map((v, o) => isCertain(v, terms, uncertain, o * count, count)) }),
  };
}

/** How far the fold of all terms at the lower, and at the upper ends of their intervals is off. */
function endsOf(
  value: number,
  fold: (numbers: ArrayLike<number>, start: number) => number,
  terms: Float64Array,
  uncertain: Float64Array,
  start: number,
  count: number,
): number {
  const bounds = uncertain.subarray(start, start + count);
  if (bounds.every((bound) => bound === 0)) return 0;
  if (bounds.some((bound) => bound === Number.POSITIVE_INFINITY)) return Number.POSITIVE_INFINITY;
  const slice = terms.subarray(start, start + count);
  const off = [-1, 1].map((sign) => {
    const end = fold(
      slice.map((term, i) => term + sign * bounds[i]),
      0,
    );
    return end === value || (Number.isNaN(end) && Number.isNaN(value)) ? 0 : Math.abs(end - value);
  });
  return Math.max(...off);
}

/** What rounding in an unknown order adds: nothing for rows that do not round. */
function foldError(
  { ulps }: OpRow,
  terms: Float64Array,
  uncertain: Float64Array,
  start: number,
  count: number,
): number {
  if (!ulps || count === 1) return 0;
  let magnitude = 0;
  let whole = true;
  for (let i = start; i < start + count; i++) {
    magnitude += Math.abs(terms[i]);
    if (uncertain[i] > 0 || !Number.isInteger(terms[i])) whole = false;
  }
  // Infinite or NaN terms: the result is that, exactly.
  if (!Number.isFinite(magnitude)) return 0;
  // A partial sum may overflow in one order and not in another.
  if (!inRange(magnitude)) return Number.POSITIVE_INFINITY;
  return 2 * ulps * summationError(count, magnitude, whole);
}

/** 1 where no term but one could be the result, whatever the errors. */
function isCertain(
  value: number,
  terms: Float64Array,
  uncertain: Float64Array,
  start: number,
  count: number,
): number {
  const picked = terms.indexOf(value, start);
  if (picked < 0 || picked >= start + count) return 0;
  for (let i = start; i < start + count; i++) {
    const reach = uncertain[i] + uncertain[picked];
    if (i !== picked && reach > 0 && Math.abs(terms[i] - value) <= reach) return 0;
  }
  return 1;
}

/**
 * The value of a contraction. Rounding mode adds the products one after the other, row-major in the
 * reduced axes as `a` has them; where there are cuts, each slice for itself, then the slices.
 */
export function contract(node: Node, a: Value, b: Value, exact: boolean, fused: boolean): Value {
  const { over = [] } = node.attributes;
  const reduced = a.axes.filter((axis) => over.includes(axis.name));
  const own = (value: Value) => value.axes.filter((axis) => !over.includes(axis.name));
  const batch = own(a).filter((axis) => hasAxis(b.axes, axis.name));
  const rows = own(a).filter((axis) => !hasAxis(b.axes, axis.name));
  const columns = own(b).filter((axis) => !hasAxis(a.axes, axis.name));
  const left = operand(a, [...batch, ...rows, ...reduced]);
  const right = operand(b, [...batch, ...columns, ...reduced]);
  const count = sizeOfAxes(reduced);
  const cuts = node.attributes.cuts ?? [0, count];
  const order = [...batch, ...rows, ...columns];
  const data = new Float64Array(sizeOfAxes(order));
  const bounds = exact ? new Float64Array(data.length) : undefined;
  const dot = roundedDot(fused);
  const [sets, height, width] = [batch, rows, columns].map(sizeOfAxes);
  let place = 0;
  for (let set = 0; set < sets; set++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++, place++) {
        const i = (set * height + row) * count;
        const j = (set * width + column) * count;
        if (!bounds) data[place] = inSlices(cuts, (from, to) => dot(left, right, i, j, from, to));
        else [data[place], bounds[place]] = exactDot(left, right, i, j, count);
      }
  const arranged = (numbers: Float64Array) => arrange(numbers, order, node.axes);
  return {
    node,
    axes: node.axes,
    data: arranged(data),
    bounds: bounds && orNone(arranged(bounds)),
  };
}

interface Operand {
  readonly data: Float64Array;
  readonly bounds: Float64Array | undefined;
}

const operand = ({ data, bounds, axes }: Value, order: readonly Axis[]): Operand => ({
  data: arrange(data, axes, order),
  bounds: bounds && arrange(bounds, axes, order),
});

type Dot = (a: Operand, b: Operand, i: number, j: number, from: number, to: number) => number;

const roundedDot =
  (fused: boolean): Dot =>
  (a, b, i, j, from, to) => {
    let sum = 0;
    for (let k = from; k < to; k++) {
      const x = a.data[i + k];
      const y = b.data[j + k];
      sum = fused ? fusedMultiplyAdd(x, y, sum) : Math.fround(sum + Math.fround(x * y));
    }
    return sum;
  };

/** Partial sums of the slices between neighbouring cuts, added in order. */
function inSlices(cuts: readonly number[], slice: (from: number, to: number) => number): number {
  let sum = slice(cuts[0], cuts[1]);
  for (let s = 1; s + 1 < cuts.length; s++) sum = Math.fround(sum + slice(cuts[s], cuts[s + 1]));
  return sum;
}

/** The sum of products in doubles, and its bound: that of the inputs, and gamma_n sum |a b|. */
function exactDot(a: Operand, b: Operand, i: number, j: number, count: number): [number, number] {
  let sum = 0;
  let magnitude = 0;
  let propagated = 0;
  let whole = true;
  for (let k = 0; k < count; k++) {
    const x = a.data[i + k];
    const y = b.data[j + k];
    const dx = a.bounds ? a.bounds[i + k] : 0;
    const dy = b.bounds ? b.bounds[j + k] : 0;
    sum += x * y;
    magnitude += Math.abs(x * y);
    if (dx > 0 || dy > 0) propagated += Math.abs(x) * dy + Math.abs(y) * dx + dx * dy;
    if (whole && !(dx === 0 && dy === 0 && Number.isInteger(x) && Number.isInteger(y)))
      whole = false;
  }
  const value = limiterOf("float32")(sum);
  if (!Number.isFinite(magnitude)) return [value, propagated > 0 ? Number.POSITIVE_INFINITY : 0];
  if (!inRange(magnitude)) return [value, Number.POSITIVE_INFINITY];
  return [value, limitBound(value, propagated + summationError(count, magnitude, whole), true)];
}

/** A bound that is no number, or reaches beyond the range of a float32, says nothing. */
function limitBound(value: number, bound: number, isFloat: boolean): number {
  if (bound === 0) return 0;
  const sound = isFloat && Number.isFinite(value) && inRange(Math.abs(value) + bound);
  return sound ? bound : Number.POSITIVE_INFINITY;
}
