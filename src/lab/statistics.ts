/** Means of a few numbers, and how sure they are. */

/** A mean with what its numbers say about it. */
export interface Summary {
  /** How many numbers. */
  readonly count: number;
  readonly mean: number;
  /** Of a sample (divided by count - 1); null for one number. */
  readonly standardDeviation: number | null;
  /**
   * Where the mean of the distribution that the numbers come from lies with the confidence asked
   * for, if that is normal: mean -+ t * deviation / sqrt(count). Null for one number.
   */
  readonly interval: readonly [low: number, high: number] | null;
}

/**
 * Mean, deviation and t-interval of at least one number. What is no number makes all of them NaN.
 *
 * Source: Student, "The probable error of a mean", Biometrika 6, 1908.
 *
 * @param confidence of the interval, in (0, 1)
 */
export function summarize(values: readonly number[], confidence = 0.95): Summary {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count < 2) return { count, mean, standardDeviation: null, interval: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const standardDeviation = Math.sqrt(squares / (count - 1));
  const half = (studentQuantile(confidence, count - 1) * standardDeviation) / Math.sqrt(count);
  return { count, mean, standardDeviation, interval: [mean - half, mean + half] };
}

/** The standard error of a share of `count` independent pictures: sqrt(p (1 - p) / count). */
export const binomialError = (share: number, count: number): number =>
  Math.sqrt((share * (1 - share)) / count);

/**
 * The t for which a variable with Student's distribution lies in (-t, t) with this probability.
 *
 * @param probability in (0, 1)
 * @param freedom degrees of freedom, a whole number of at least 1
 */
export function studentQuantile(probability: number, freedom: number): number {
  // The probability grows with the angle atan(t / sqrt(freedom)): halved until doubles are equal.
  let [low, high] = [0, Math.PI / 2];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return Math.tan(middle) * Math.sqrt(freedom);
    if (studentProbability(middle, freedom) < probability) low = middle;
    else high = middle;
  }
}

/**
 * The probability that t lies within -+sqrt(freedom) tan(angle).
 *
 * Source: M. Abramowitz and I. A. Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and
 * 26.7.4: a finite sum of positive terms for whole degrees of freedom.
 */
function studentProbability(angle: number, freedom: number): number {
  const isOdd = freedom % 2 === 1;
  const cosine = Math.cos(angle);
  let term = isOdd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let n = isOdd ? 3 : 2; n < freedom; n += 2) {
    term *= (cosine ** 2 * (n - 1)) / n;
    sum += term;
  }
  const inner = Math.sin(angle) * sum;
  return isOdd ? (2 / Math.PI) * (angle + inner) : inner;
}
