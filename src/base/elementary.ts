/**
 * Elementary functions whose bits are the same on every host. JavaScript fixes the bits of
 * addition, multiplication, division and square root, but leaves those of Math.log, Math.cos and
 * Math.exp to the engine; whatever feeds random draws is therefore made of these.
 */

// ln 2 as a sum of two doubles (fdlibm e_log.c): the upper one has 33 bits, so that its
// product with an exponent is exact.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const WORDS = new Uint32Array(2);
const DOUBLE = new Float64Array(WORDS.buffer);
// Which of the two words of a double holds its exponent hangs on the byte order of the machine.
DOUBLE[0] = 1;
const HIGH_WORD = WORDS[1] === 0 ? 0 : 1;

/**
 * Natural logarithm of a positive normal double, as ln(m * 2^k) = k ln 2 + 2 atanh(s) with
 * s = (m - 1) / (m + 1), m in [sqrt(1/2), sqrt(2)), and the series of atanh to the 21st power.
 * Relative error below 1e-15.
 */
export function log(value: number): number {
  DOUBLE[0] = value;
  let exponent = (WORDS[HIGH_WORD] >>> 20) - 1023;
  WORDS[HIGH_WORD] = (WORDS[HIGH_WORD] & 0xfffff) | 0x3ff00000;
  let mantissa = DOUBLE[0];
  if (mantissa >= Math.SQRT2) {
    mantissa *= 0.5;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1); // |s| < 0.1716
  const z = s * s;
  const upper = (((z / 21 + 1 / 19) * z + 1 / 17) * z + 1 / 15) * z + 1 / 13;
  const series = ((((upper * z + 1 / 11) * z + 1 / 9) * z + 1 / 7) * z + 1 / 5) * z + 1 / 3;
  return exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * s * (series * z + 1));
}

/**
 * e^x: x is reduced by a multiple k of ln 2 to at most ln 2 / 2, the series summed to the 18th
 * power and multiplied by 2^k. Relative error below 1e-15 times the larger of 1 and |x| / 700; 0 and
 * infinity beyond the range of doubles.
 */
export function exp(x: number): number {
  if (x > 710) return Number.POSITIVE_INFINITY;
  if (x < -746) return 0;
  const k = Math.floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
  const rest = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 18; n >= 1; n--) sum = 1 + (sum * rest) / n;
  // In two halves, because 2^k alone may be outside of the range where the product is not.
  const half = Math.trunc(k / 2);
  return sum * wholePower(2, half) * wholePower(2, k - half);
}

/** base^exponent for a whole exponent, by squaring: a pure function of the two, exact for 2. */
export function wholePower(base: number, exponent: number): number {
  let left = Math.abs(exponent);
  let square = base;
  let product = 1;
  while (left > 0) {
    if (left % 2 === 1) product *= square;
    square *= square;
    left = Math.floor(left / 2);
  }
  return exponent < 0 ? 1 / product : product;
}

/** base^exponent for a base of at least 0: whole exponents by squaring, others by `exp` and `log`. */
export function power(base: number, exponent: number): number {
  if (Number.isSafeInteger(exponent)) return wholePower(base, exponent);
  if (base === 0) return exponent > 0 ? 0 : Number.POSITIVE_INFINITY;
  return exp(exponent * log(base));
}

const TURN = 2 * Math.PI;

/**
 * Cosine of an angle in turns, cos(2 pi t): the argument is reduced exactly to an eighth of a
 * turn, then the Taylor series of cosine or sine is summed to the 18th power. Absolute error
 * below 1e-15.
 */
export function cosTurns(turns: number): number {
  // cos is even and has period 1: t in [0, 1/2].
  const whole = Math.abs(turns - Math.floor(turns + 0.5));
  if (whole <= 0.125) return cosSeries(whole * TURN);
  if (whole <= 0.375) return -sinSeries((whole - 0.25) * TURN);
  return -cosSeries((0.5 - whole) * TURN);
}

/** Sine of an angle in turns, sin(2 pi t) = cos(2 pi (t - 1/4)). Absolute error below 1e-15. */
export function sinTurns(turns: number): number {
  return cosTurns(turns - 0.25);
}

/** Taylor series of cosine for |angle| <= pi / 4. */
function cosSeries(angle: number): number {
  const z = -angle * angle;
  let sum = 1;
  for (let n = 18; n >= 2; n -= 2) sum = 1 + (sum * z) / (n * (n - 1));
  return sum;
}

/** Taylor series of sine for |angle| <= pi / 4. */
function sinSeries(angle: number): number {
  const z = -angle * angle;
  let sum = 1;
  for (let n = 19; n >= 3; n -= 2) sum = 1 + (sum * z) / (n * (n - 1));
  return sum * angle;
}
