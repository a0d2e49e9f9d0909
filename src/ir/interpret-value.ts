/** What the interpreter holds for a node. */
import { quantum, ulp32, unitRoundoff } from "./float32.ts";
import type { Axis, Node } from "./node.ts";

export interface Value {
  readonly node: Node;
  /** Those of the node. */
  readonly axes: readonly Axis[];
  /** Row-major in `axes`; shared with other values, so never written to once made. */
  readonly data: Float64Array;
  /** How far a float32 device may be from each number; undefined: all exact. */
  readonly bounds: Float64Array | undefined;
  /**
   * For a reduction that picks one of its terms: 1 where there is no doubt which. There the result
   * is the very same float32 as that term, however uncertain both are.
   */
  readonly certain?: Float64Array;
}

/** Bounds that are all 0 are none. */
export const orNone = (bounds: Float64Array): Float64Array | undefined =>
  bounds.some((bound) => bound !== 0) ? bounds : undefined;

/**
 * What rounding adds to a bound: `ulps` units in the last place of `result`. Nothing, where the
 * operation is rounded correctly and there is nothing to round.
 */
export function roundingError(result: number, ulps: number, propagated: number): number {
  if (!Number.isFinite(result)) return 0;
  if (propagated === 0 && ulps <= 0.5 && Math.fround(result) === result) return 0;
  return ulps * ulp32(result) + 2 * quantum;
}

/**
 * Bound of a sum of `count` rounded terms in any order (Higham 2002, section 4.2): gamma_n times
 * the sum of magnitudes. Whole numbers below 2^24 add up exactly in any order.
 */
export function summationError(count: number, magnitude: number, whole: boolean): number {
  if (whole && magnitude <= 2 ** 24) return 0;
  const gamma = (count * unitRoundoff) / (1 - count * unitRoundoff);
  return gamma * magnitude + count * quantum;
}
