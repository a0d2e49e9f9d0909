/** Numbers of a device against those of the interpreter. */
import type { Values } from "../../src/ir/interpret.ts";

export interface Failure {
  /** Row-major position. */
  readonly index: number;
  readonly expected: number;
  readonly actual: number;
  readonly bound: number;
}

export interface Comparison {
  /** Largest error in units of its bound, among the elements that were not skipped. */
  readonly worst: number;
  /** Elements that hang on a comparison too close to call. */
  readonly skipped: number;
  /** All elements, skipped ones too. */
  readonly count: number;
  /** Elements off by more than `factor` bounds; NaN and infinity must be met exactly. */
  readonly failures: readonly Failure[];
}

/**
 * Compares numbers of a device, in the order of `expected.axes`, with the interpreter's in exact
 * mode. An element passes where |actual - expected| <= factor * bound; bool is true or false.
 */
export function compareWithin(
  expected: Values,
  actual: ArrayLike<number>,
  factor: number,
): Comparison {
  const { data, bounds, dtype } = expected;
  if (actual.length !== data.length)
    throw new RangeError(`compareWithin: ${data.length} numbers, got ${actual.length}`);
  const failures: Failure[] = [];
  let worst = 0;
  let skipped = 0;
  for (const [index, want] of data.entries()) {
    const bound = bounds[index];
    if (bound === Number.POSITIVE_INFINITY) {
      skipped++;
      continue;
    }
    const got = dtype === "bool" ? Number(actual[index] !== 0) : actual[index];
    const error = errorInBounds(want, got, bound);
    worst = Math.max(worst, error);
    if (error > factor) failures.push({ index, expected: want, actual: got, bound });
  }
  return { worst, skipped, count: data.length, failures };
}

function errorInBounds(expected: number, actual: number, bound: number): number {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return 0;
  const error = Math.abs(actual - expected) / bound;
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
