/** Elementwise rows on whole values, with their error bounds. */
import type { DType } from "../base/dtype.ts";
import { arrange } from "./arrange.ts";
import { inRange, limiterOf, rounderOf, ulp32 } from "./float32.ts";
import { orNone, roundingError, type Value } from "./interpret-value.ts";
import { type Node, sizeOfAxes } from "./node.ts";
import { type OpRow, rowOf } from "./ops.ts";

/** The value of an elementwise node; bounds in exact mode only. */
export function elementwise(node: Node, inputs: readonly Value[], exact: boolean): Value {
  const columns = inputs.map(({ data, axes }) => arrange(data, axes, node.axes));
  const element = new Element(node, exact);
  if (!exact || inputs.every(({ bounds }) => !bounds)) return element.run(columns);
  const none = new Float64Array(columns[0].length);
  const uncertain = inputs.map(({ bounds, axes }) =>
    bounds ? arrange(bounds, axes, node.axes) : none,
  );
  return element.runBounded(columns, uncertain, sameNumber(node, inputs, columns));
}

/**
 * Where the two inputs are the same float32 on any device, however uncertain it is: a comparison of
 * the two is not too close to call. So it is for one node twice, and for what a reduction picked.
 */
function sameNumber(
  node: Node,
  inputs: readonly Value[],
  columns: readonly Float64Array[],
): Uint8Array | undefined {
  // Comparisons only: x and x, of an uncertain bool, is as uncertain.
  if (inputs.length !== 2 || node.dtype !== "bool" || !rowOf(node.op).tooClose) return undefined;
  const [a, b] = inputs;
  const picked = b.certain && b.node.inputs[0] === a.node ? b : a;
  const term = picked === b ? a : b;
  if (a.node !== b.node && !(picked.certain && picked.node.inputs[0] === term.node))
    return undefined;
  const certain = picked.certain && arrange(picked.certain, picked.axes, node.axes);
  const equal = (i: number) => columns[0][i] === columns[1][i] && certain?.[i] !== 0;
  return Uint8Array.from(columns[0], (_, i) => (a.node === b.node || equal(i) ? 1 : 0));
}

/** One elementwise node: what is the same for all its elements, and room for one of them. */
class Element {
  readonly #node: Node;
  readonly #row: OpRow;
  readonly #from: DType;
  readonly #isFloat: boolean;
  readonly #exact: boolean;
  readonly #represent: (value: number) => number;
  readonly #size: number;
  readonly #values: number[];
  readonly #bounds: number[];
  readonly #corner: number[];
  /** For each input the first input that is the same node: both are off by the same error. */
  readonly #twins: number[];

  constructor(node: Node, exact: boolean) {
    this.#node = node;
    this.#row = rowOf(node.op);
    this.#from = node.inputs[0].dtype;
    this.#isFloat = node.dtype === "float32";
    this.#exact = exact;
    this.#represent = exact ? limiterOf(node.dtype) : rounderOf(node.dtype);
    this.#size = sizeOfAxes(node.axes);
    this.#values = node.inputs.map(() => 0);
    this.#bounds = node.inputs.map(() => 0);
    this.#corner = node.inputs.map(() => 0);
    this.#twins = node.inputs.map((input) => node.inputs.indexOf(input));
  }

  /** Inputs without bounds. */
  run(columns: readonly Float64Array[]): Value {
    const { ulps } = this.#row;
    const data = new Float64Array(this.#size);
    const bounds = this.#exact && this.#isFloat && ulps ? new Float64Array(this.#size) : undefined;
    const values = this.#values;
    for (let i = 0; i < data.length; i++) {
      for (let j = 0; j < columns.length; j++) values[j] = columns[j][i];
      const result = this.#evaluate(values);
      data[i] = result;
      if (bounds) bounds[i] = this.#rounded(result, 0);
    }
    return { node: this.#node, axes: this.#node.axes, data, bounds: bounds && orNone(bounds) };
  }

  /** Inputs with bounds; `same` marks elements whose two inputs are the same float32. */
  runBounded(
    columns: readonly Float64Array[],
    uncertain: readonly Float64Array[],
    same: Uint8Array | undefined,
  ): Value {
    const data = new Float64Array(this.#size);
    const bounds = new Float64Array(this.#size);
    const values = this.#values;
    const off = this.#bounds;
    for (let i = 0; i < data.length; i++) {
      let sum = 0;
      for (let j = 0; j < columns.length; j++) {
        values[j] = columns[j][i];
        off[j] = same?.[i] ? 0 : uncertain[j][i];
        sum += off[j];
      }
      const result = this.#evaluate(values);
      data[i] = result;
      bounds[i] = this.#rounded(result, sum === 0 ? 0 : this.#propagate(result, sum));
    }
    return { node: this.#node, axes: this.#node.axes, data, bounds: orNone(bounds) };
  }

  #evaluate(values: readonly number[]): number {
    return this.#represent(this.#row.evaluate!(values, this.#node.dtype, this.#from));
  }

  /** The bound, given what the inputs' bounds make of it: plus the op's own rounding. */
  #rounded(result: number, propagated: number): number {
    if (!this.#isFloat || propagated === Number.POSITIVE_INFINITY) return propagated;
    const own = roundingError(result, this.#row.ulps ?? 0, propagated);
    const bound = propagated + own + this.#roundingOnTheWay();
    // Near the end of the range it is open whether a device overflows.
    return bound === 0 || Number.isFinite(result) === inRange(Math.abs(result) + bound)
      ? bound
      : Number.POSITIVE_INFINITY;
  }

  /** What a value between the inputs and the result loses, where a device rounds it. */
  #roundingOnTheWay(): number {
    const between = this.#row.onTheWay?.(this.#values);
    if (between === undefined || Math.fround(between) === between) return 0;
    return inRange(Math.abs(between)) ? ulp32(between) / 2 : Number.POSITIVE_INFINITY;
  }

  /** What the inputs' bounds, whose sum is given, do to the result. */
  #propagate(result: number, sum: number): number {
    const bounds = this.#bounds;
    let open = 0;
    if (sum === Number.POSITIVE_INFINITY) {
      open = this.#acrossUnknown(result);
      if (open === Number.POSITIVE_INFINITY) return open;
      for (let j = 0; j < bounds.length; j++) if (!Number.isFinite(bounds[j])) bounds[j] = 0;
    }
    if (this.#row.tooClose?.(this.#values, bounds, this.#from)) return Number.POSITIVE_INFINITY;
    const spread = this.#spread(result);
    if (!this.#isFloat || !Number.isFinite(result))
      return spread + open > 0 ? Number.POSITIVE_INFINITY : 0;
    return open + Math.max(spread, this.#linear(result));
  }

  /** First order: the sum of |d result / d input| * bound. */
  #linear(result: number): number {
    const slopes = this.#row.slopes?.(this.#values, result);
    let sum = 0;
    for (let j = 0; j < this.#bounds.length; j++)
      if (this.#bounds[j] > 0) sum += (slopes ? slopes[j] : 1) * this.#bounds[j];
    return Number.isNaN(sum) ? Number.POSITIVE_INFINITY : sum;
  }

  /**
   * The largest change of the result at the corners of the box that the bounds span: what the
   * slopes in the middle do not see, as kinks, edges of the domain, bounds as large as the value.
   */
  #spread(result: number, from = 0): number {
    const corner = this.#corner;
    for (let j = from; j < corner.length; j++) {
      const twin = this.#twins[j];
      const value = this.#values[j];
      const bound = this.#bounds[j];
      corner[j] = twin < j ? corner[twin] : value;
      if (twin < j || bound === 0) continue;
      corner[j] = value - bound;
      const below = this.#spread(result, j + 1);
      corner[j] = value + bound;
      return Math.max(below, this.#spread(result, j + 1));
    }
    return difference(this.#evaluate(corner), result);
  }

  /**
   * What inputs that may be anything do to the result: its largest change, if it is the same for
   * all of them within the bounds of the other inputs, else Infinity. So a choice between two equal
   * numbers is safe, and an unknown number that is not chosen does no harm.
   */
  #acrossUnknown(result: number): number {
    const finite = this.#bounds.filter(Number.isFinite);
    const tolerance = finite.reduce((sum, bound) => sum + bound, 0);
    const candidates = this.#bounds.map((bound, j) =>
      Number.isFinite(bound) ? [this.#values[j]] : this.#anything(j),
    );
    let largest = 0;
    for (const values of product(candidates)) {
      const change = difference(this.#evaluate(values), result);
      if (change > tolerance) return Number.POSITIVE_INFINITY;
      largest = Math.max(largest, change);
    }
    // Which of the others counts is open as well, so all their bounds do.
    return this.#isFloat ? largest + tolerance : largest;
  }

  /** Numbers among which a dependence on input `j` shows: ends of its range, and its rivals. */
  #anything(j: number): number[] {
    const { dtype } = this.#node.inputs[j];
    if (dtype === "bool") return [0, 1];
    const rivals = this.#values.filter((_, other) => other !== j);
    if (dtype === "float32")
      return [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, this.#values[j], ...rivals];
    const round = rounderOf(dtype);
    const ends = [0, -1, 2 ** 31, 2 ** 31 - 1];
    return [...ends, ...rivals, ...rivals.map((value) => value + 1)].map(round);
  }
}

/** |a - b|, 0 for equal infinities and for two NaN, Infinity for one NaN. */
function difference(a: number, b: number): number {
  if (a === b) return 0;
  const change = Math.abs(a - b);
  if (!Number.isNaN(change)) return change;
  return Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.POSITIVE_INFINITY;
}

/** All ways to take one number of each list. */
const product = (lists: readonly (readonly number[])[]): number[][] =>
  lists.reduce<number[][]>(
    (heads, list) => heads.flatMap((head) => list.map((value) => [...head, value])),
    [[]],
  );
