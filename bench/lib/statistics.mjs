/** Numbers about numbers: what a benchmark says of its samples. */

/** @param {readonly number[]} values */
export const minimum = (values) =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** @param {readonly number[]} values */
export const maximum = (values) =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

/** @param {readonly number[]} values */
export const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/**
 * The one in the middle; the mean of both where there are two.
 *
 * @param {readonly number[]} values
 */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}

/**
 * Sample variance (divided by n - 1).
 *
 * @param {readonly number[]} values
 */
export function variance(values) {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1);
}

/**
 * Minimum, median and number of samples, as all benchmarks report them.
 *
 * @param {readonly number[]} values
 */
export const summary = (values) => ({
  minimum: minimum(values),
  median: median(values),
  samples: values.length,
});

/**
 * The interval of the difference of two means (a - b), whose variances may differ: Welch (1947),
 * with the degrees of freedom of Welch and Satterthwaite.
 *
 * @param {readonly number[]} a at least two samples
 * @param {readonly number[]} b at least two samples
 * @param {number} level how often such an interval holds the true difference
 */
export function welch(a, b, level = 0.95) {
  const [partA, partB] = [variance(a) / a.length, variance(b) / b.length];
  const difference = mean(a) - mean(b);
  const squared = partA + partB;
  if (squared === 0) return { difference, low: difference, high: difference, degrees: Infinity };
  const degrees = squared ** 2 / (partA ** 2 / (a.length - 1) + partB ** 2 / (b.length - 1));
  const half = tQuantile((1 + level) / 2, degrees) * Math.sqrt(squared);
  return { difference, low: difference - half, high: difference + half, degrees };
}

/**
 * The t below which a share `p` of Student's distribution lies.
 *
 * @param {number} p above 0.5 and below 1
 * @param {number} degrees of freedom, above 0
 */
export function tQuantile(p, degrees) {
  let [low, high] = [0, 1];
  while (tDistribution(high, degrees) < p) high *= 2;
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (tDistribution(middle, degrees) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Share of Student's distribution below `t` >= 0: 1 - I(n / (n + t^2); n / 2, 1 / 2) / 2.
 *
 * @param {number} t
 * @param {number} degrees
 */
function tDistribution(t, degrees) {
  return 1 - incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

/**
 * The regularised incomplete beta function I(x; a, b), by its continued fraction (Abramowitz and
 * Stegun 26.5.8) where that converges fast, else by I(x; a, b) = 1 - I(1 - x; b, a).
 *
 * @param {number} x from 0 to 1
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function incompleteBeta(x, a, b) {
  if (x <= 0 || x >= 1) return Math.min(Math.max(x, 0), 1);
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const factor = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b),
  );
  /** @param {number} i */
  const term = (i) => {
    const m = i >> 1;
    if (i % 2 === 0) return (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    return (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
  };
  // 1 + d1 / (1 + d2 / (1 + ...)), from far out inwards: no care for small divisors is needed.
  let fraction = 1;
  for (let i = 300; i >= 1; i--) fraction = 1 + term(i) / fraction;
  return factor / (a * fraction);
}

/**
 * ln Gamma(x), x > 0: Stirling's series where x is large, moved there by Gamma(x + 1) = x Gamma(x).
 *
 * @param {number} x
 */
function logGamma(x) {
  let moved = 0;
  let at = x;
  for (; at < 12; at++) moved += Math.log(at);
  const inverse = 1 / at;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - moved;
}
