/**
 * Transcendental functions as basic rows, with range reduction: every target vectorises them from
 * this one definition. Polynomials are minimax or Taylor with their error stated; constants that
 * were copied name their source.
 */
import type { Maker, Node } from "./node.ts";

/** Short names for formulas. */
function formulas(make: Maker) {
  const binary = (op: string) => (a: Node, b: Node) => make.make(op, [a, b]);
  return {
    f: (value: number) => make.constant(value, "float32"),
    i: (value: number) => make.constant(value, "int32"),
    add: binary("add"),
    sub: binary("subtract"),
    mul: binary("multiply"),
    div: binary("divide"),
    min: binary("minimum"),
    max: binary("maximum"),
    less: binary("less"),
    equal: binary("equal"),
    shiftLeft: binary("shiftLeft"),
    shiftRight: binary("shiftRight"),
    and: binary("and"),
    or: binary("or"),
    select: (c: Node, a: Node, b: Node) => make.make("select", [c, a, b]),
    abs: (a: Node) => make.make("absolute", [a]),
    negate: (a: Node) => make.make("negate", [a]),
    asInt: (a: Node) => make.make("bitcast", [a], { dtype: "int32" }),
    asFloat: (a: Node) => make.make("bitcast", [a], { dtype: "float32" }),
    toFloat: (a: Node) => make.make("cast", [a], { dtype: "float32" }),
    /** c0 + x (c1 + x (c2 + ...)) by Horner's rule. */
    polynomial: (x: Node, coefficients: readonly number[]): Node => {
      const constants = coefficients.map((c) => make.constant(c, "float32"));
      return constants.reduceRight((sum, c) =>
        make.make("add", [make.make("multiply", [sum, x]), c]),
      );
    },
  };
}

/** 1.5 * 2^23: adding it rounds a float32 of small magnitude to a whole number, in its low bits. */
const magic = 12582912;
/** ln 2 in two parts; n * ln2High is exact for |n| < 2^9 (Cody and Waite 1980; values of Cephes). */
const ln2High = 0.693359375;
const ln2Low = -2.121944400546906e-4;

/** x = n ln 2 + r with whole n and |r| <= ln(2)/2: r as float32, n as int32. */
function reduceByLn2(make: Maker, x: Node): { r: Node; n: Node } {
  const { f, i, add, sub, mul, asInt } = formulas(make);
  const shifted = add(mul(x, f(Math.LOG2E)), f(magic));
  const whole = sub(shifted, f(magic));
  const r = sub(sub(x, mul(whole, f(ln2High))), mul(whole, f(ln2Low)));
  return { r, n: sub(asInt(shifted), i(0x4b400000)) };
}

/** 2^n for -126 <= n <= 127, by writing the exponent bits. */
function powerOfTwo(make: Maker, n: Node): Node {
  const { i, add, shiftLeft, asFloat } = formulas(make);
  return asFloat(shiftLeft(add(n, i(127)), i(23)));
}

/**
 * (exp(r) - 1 - r) / r^2 on |r| <= 0.3466: Taylor to r^7 / 7!; the first left-out term is
 * r^6 / 8! < 4.4e-8 of the leading 1/2, below the rounding of what it is added to.
 */
const expm1Tail = [1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040];

/** What exp(x) and exp(x) - 1 have in common, so that both cost little more than one: exp(r) - 1, n. */
function reducedExpm1(make: Maker, x: Node): { p: Node; n: Node } {
  const { f, add, mul, min, max, polynomial } = formulas(make);
  // Beyond these both have reached infinity, 0 or -1.
  const { r, n } = reduceByLn2(make, max(min(x, f(89)), f(-104)));
  return { p: add(mul(mul(r, r), polynomial(r, expm1Tail)), r), n };
}

/** exp(x) = 2^n exp(r): two factors of 2^n, so that the ends of the range come out right. */
export function exponential(make: Maker, { inputs: [x] }: Node): Node {
  const { f, i, add, sub, mul, shiftRight } = formulas(make);
  const { p, n } = reducedExpm1(make, x!);
  const half = shiftRight(n, i(1));
  return mul(mul(add(p, f(1)), powerOfTwo(make, half)), powerOfTwo(make, sub(n, half)));
}

/**
 * exp(x) - 1 = 2 (h p + (h - 1/2)) with h = 2^(n-1) and p = exp(r) - 1: near 0, where n = 0, it is p
 * itself. h is half of 2^n so that it does not overflow before the result does.
 */
export function expm1(make: Maker, { inputs: [x] }: Node): Node {
  const { f, i, add, sub, mul, max } = formulas(make);
  const { p, n } = reducedExpm1(make, x!);
  // The least power of two that can be written: far too small to change the result.
  const h = powerOfTwo(make, max(sub(n, i(1)), i(-126)));
  return mul(add(mul(h, p), sub(h, f(0.5))), f(2));
}

/**
 * log(1 + t) - t + t^2 / 2, divided by t^3, on sqrt(1/2) - 1 <= t <= sqrt(2) - 1: the minimax
 * polynomial of Cephes' logf.c (Moshier 1992), error about 1e-8 relative to the logarithm.
 */
const logTail = [
  3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1,
  -1.2420140846e-1, 1.167699874e-1, -1.151461031e-1, 7.0376836292e-2,
];

/** log(x) = e ln 2 + log(m), m in [sqrt(1/2), sqrt(2)); -inf at 0, NaN below. */
export function logarithm(make: Maker, { inputs: [x] }: Node): Node {
  const { f, i, add, sub, mul, less, equal, select, shiftRight, and, or } = formulas(make);
  const { asInt, asFloat, toFloat, polynomial } = formulas(make);
  // Subnormals have no exponent bits of their own: scale them by 2^23 first.
  const subnormal = less(x!, f(1.1754943508222875e-38));
  const scaled = select(subnormal, mul(x!, f(8388608)), x!);
  const bits = asInt(scaled);
  const exponent = sub(shiftRight(bits, i(23)), i(126));
  const mantissa = asFloat(or(and(bits, i(0x007fffff)), i(0x3f000000)));
  const small = less(mantissa, f(Math.SQRT1_2));
  const m = sub(select(small, add(mantissa, mantissa), mantissa), f(1));
  const shift = select(subnormal, f(-23), f(0));
  const e = add(sub(toFloat(exponent), select(small, f(1), f(0))), shift);
  const squared = mul(m, m);
  const tail = add(mul(mul(m, squared), polynomial(m, logTail)), mul(e, f(ln2Low)));
  const near = add(sub(tail, mul(squared, f(0.5))), m);
  const value = add(near, mul(e, f(ln2High)));
  const infinity = f(Number.POSITIVE_INFINITY);
  const atEnds = select(equal(x!, infinity), infinity, value);
  const atZero = select(equal(x!, f(0)), f(Number.NEGATIVE_INFINITY), atEnds);
  // `x < 0` and NaN alike: 0 <= x does not hold.
  return select(make.make("lessEqual", [f(0), x!]), atZero, f(Number.NaN));
}

/** tanh(x) = -t / (t + 2), t = expm1(-2 |x|), with the sign of x: exact to a few ulps near 0 too. */
export function tanh(make: Maker, { inputs: [x] }: Node): Node {
  const { f, add, mul, div, less, select, abs, negate } = formulas(make);
  const t = make.make("expm1", [mul(abs(x!), f(-2))]);
  const positive = div(negate(t), add(t, f(2)));
  return select(less(x!, f(0)), negate(positive), positive);
}

/** 1 / (1 + exp(-x)): with e = exp(-|x|) it is 1 / (1 + e) or, for negative x, e / (1 + e). */
export function logistic(make: Maker, { inputs: [x] }: Node): Node {
  const { f, add, div, less, select } = formulas(make);
  const e = exponentialOfMinus(make, x!);
  return div(select(less(x!, f(0)), e, f(1)), add(e, f(1)));
}

/** log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)): never overflows, and is exp(x) far below 0. */
export function logOnePlusExponential(make: Maker, { inputs: [x] }: Node): Node {
  const { f, add, max } = formulas(make);
  return add(max(x!, f(0)), make.make("log1p", [exponentialOfMinus(make, x!)]));
}

/** exp(-|x|), which both functions of the same x share. */
function exponentialOfMinus(make: Maker, x: Node): Node {
  const { abs, negate } = formulas(make);
  return make.make("exponential", [negate(abs(x))]);
}

/**
 * log(1 + x) = log(u) x / (u - 1) with u = 1 + x as rounded: what u loses of x it loses in both
 * factors (W. Kahan; Hewlett-Packard's calculators did it first). Where u is 1 it is x.
 */
export function log1p(make: Maker, { inputs: [x] }: Node): Node {
  const { f, add, sub, mul, div, less, equal, select } = formulas(make);
  const u = add(x!, f(1));
  // From 2^24 on the ratio is 1; infinity would make it NaN.
  const ratio = select(less(x!, f(2 ** 24)), div(x!, sub(u, f(1))), f(1));
  return select(equal(u, f(1)), x!, mul(make.make("logarithm", [u]), ratio));
}

/** From here on erf is 1 - exp(-x + x p(x)), below it is x + x q(x^2). */
const erfMiddle = 0.927734375;
/** Minimax polynomials for float32 by N. Juffa, https://stackoverflow.com/a/35148199 (2016). */
const erfNear = [
  1.28379166e-1, -3.76125336e-1, 1.12819925e-1, -2.67681349e-2, 4.99119423e-3, -5.96761703e-4,
];
const erfFar = [
  -1.28717512e-1, -6.34846687e-1, -1.06777877e-1, 2.42546219e-2, -3.88396438e-3, 3.83197126e-4,
  -1.7285347e-5,
];

export function erf(make: Maker, { inputs: [x] }: Node): Node {
  const { f, add, sub, mul, min, less, select, abs, negate, polynomial } = formulas(make);
  const near = add(mul(polynomial(mul(x!, x!), erfNear), x!), x!);
  // From 4 on it is 1; a NaN stays.
  const size = min(abs(x!), f(4));
  const rest = make.make("exponential", [sub(mul(polynomial(size, erfFar), size), size)]);
  const positive = sub(f(1), rest);
  const far = select(less(x!, f(0)), negate(positive), positive);
  return select(less(size, f(erfMiddle)), near, far);
}
