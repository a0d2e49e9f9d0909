/** What the scheduler cuts a computation into, and the emitter turns into one function each. */
import type { Axis, Node } from "../ir/node.ts";

/**
 * - `contract`: blocks of a contraction; `nodes` run on each block of its result.
 * - `rows`: `nodes` run along the inner axes, row by row; reductions over the inner axes are among
 *   them.
 * - `columns`: a reduction over axes that lie outside the vector axis; `nodes` are its prologue (the
 *   ones with a reduced axis) and what follows.
 * - `uniform`: numbers without axes; every thread computes its own copy.
 */
export type KernelKind = "contract" | "rows" | "columns" | "uniform";

export interface Kernel {
  readonly kind: KernelKind;
  /** The contraction or column reduction. */
  readonly anchor: Node | undefined;
  /** Loops around the rows, outermost first. */
  readonly outer: readonly Axis[];
  /** Loops of one row; the last one is the vector axis. Empty for `uniform`. */
  readonly inner: readonly Axis[];
  /** Computed here, inputs first, without the anchor. */
  readonly nodes: readonly Node[];
  readonly stores: readonly Store[];
  /**
   * A contraction that only computes its partial sums: one for each slice of the reduced axis. The
   * kernel stores them as a value with this axis in front.
   */
  readonly slices?: Axis;
  /** The anchor is the sum of these partial sums, added in order. */
  readonly partial?: Node;
}

/** Where a value that a kernel computes (or only reads) goes. */
export interface Store {
  readonly node: Node;
  readonly target: Target;
}

export type Target =
  /** A value of its own in the arena, for other kernels. */
  | { readonly kind: "value"; readonly node: Node }
  /** The new value of a variable: straight to its place, or first to a place of its own. */
  | { readonly kind: "variable"; readonly variable: Node }
  | { readonly kind: "result"; readonly name: string; readonly axes: readonly Axis[] };

/** The length of the slices between cuts, of which the last may be shorter; undefined: they differ. */
export function sliceLength(cuts: readonly number[]): number | undefined {
  const [length, ...others] = cuts.slice(1).map((to, i) => to - cuts[i]!);
  const last = others.pop() ?? length!;
  return last <= length! && others.every((other) => other === length) ? length : undefined;
}

/** A place of its own for a value, with these axes: a leaf that only the compiler knows. */
export const placeFor = ({ id, dtype }: Node, axes: readonly Axis[]): Node => ({
  id,
  op: "variable",
  dtype,
  axes,
  inputs: [],
  attributes: {},
});
