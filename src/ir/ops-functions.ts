/** Derived rows: functions that are made of basic rows, so that every device vectorises them. */
import * as decompose from "./decompositions.ts";
import { derived, floats, mul, type OpRow, select } from "./row.ts";

export const functions = {
  exponential: derived({
    type: floats,
    evaluate: ([a]) => Math.exp(a!),
    ulps: 1.25,
    slopes: (_, y) => [y],
    gradient: (make, node, g) => [mul(make, g, node)],
    lower: decompose.exponential,
    cost: 18,
  }),
  /**
   * exp(x) - 1, exact to the last place near 0. Its slope is exp(x) itself: this value plus 1 would
   * round to 0 below -17, where a tiny slope still makes a full step of some optimizers.
   */
  expm1: derived({
    type: floats,
    evaluate: ([a]) => Math.expm1(a!),
    ulps: 2,
    slopes: (_, y) => [Math.abs(y + 1)],
    // Below e^-28 the slope is taken as 0: no update shows it (an optimizer divides by at least its
    // epsilon), and its products and squares would be subnormal numbers, which slow every core.
    gradient: (make, { inputs: [a] }, g) => {
      const isFlat = make.make("less", [a!, make.constant(-28, "float32")]);
      const slope = make.make("exponential", [a!]);
      return [mul(make, g, select(make, isFlat, make.constant(0, "float32"), slope))];
    },
    lower: decompose.expm1,
    cost: 18,
  }),
  logarithm: derived({
    type: floats,
    evaluate: ([a]) => Math.log(a!),
    ulps: 1,
    slopes: ([a]) => [Math.abs(1 / a!)],
    gradient: (make, { inputs: [a] }, g) => [make.make("divide", [g, a!])],
    lower: decompose.logarithm,
    cost: 24,
  }),
  tanh: derived({
    type: floats,
    evaluate: ([a]) => Math.tanh(a!),
    ulps: 3,
    slopes: (_, y) => [Math.abs(1 - y * y)],
    gradient: (make, node, g) => {
      const slope = make.make("subtract", [make.constant(1, "float32"), mul(make, node, node)]);
      return [mul(make, g, slope)];
    },
    lower: decompose.tanh,
    cost: 26,
  }),
  /** 1 / (1 + exp(-x)), exact to a few ulps at both ends. */
  logistic: derived({
    type: floats,
    evaluate: ([a]) => exactLogistic(a!),
    ulps: 3,
    slopes: (_, y) => [y * (1 - y)],
    gradient: (make, node, g) => {
      const other = make.make("subtract", [make.constant(1, "float32"), node]);
      return [mul(make, g, mul(make, node, other))];
    },
    lower: decompose.logistic,
    cost: 26,
  }),
  /**
   * log(1 + exp(x)). A row of its own for its slope: that of max(x, 0) + log1p(exp(-|x|)) is wrong
   * where x is 0, while the logistic function is right everywhere and shares the exponential.
   */
  logOnePlusExponential: derived({
    type: floats,
    evaluate: ([a]) => Math.max(a!, 0) + Math.log1p(Math.exp(-Math.abs(a!))),
    ulps: 3,
    slopes: ([a]) => [exactLogistic(a!)],
    gradient: (make, { inputs: [a] }, g) => [mul(make, g, make.make("logistic", [a!]))],
    lower: decompose.logOnePlusExponential,
    cost: 54,
  }),
  /** log(1 + x), exact to the last places near 0. */
  log1p: derived({
    type: floats,
    evaluate: ([a]) => Math.log1p(a!),
    ulps: 2.5,
    slopes: ([a]) => [Math.abs(1 / (1 + a!))],
    gradient: (make, { inputs: [a] }, g) => [
      make.make("divide", [g, make.make("add", [a!, make.constant(1, "float32")])]),
    ],
    lower: decompose.log1p,
    cost: 34,
  }),
  /** The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x. */
  erf: derived({
    type: floats,
    evaluate: ([a]) => exactErf(a!),
    ulps: 1.5,
    slopes: ([a]) => [erfSlopeAtZero * Math.exp(-a! * a!)],
    gradient: (make, { inputs: [a] }, g) => {
      const bell = make.make("exponential", [make.make("negate", [mul(make, a!, a!)])]);
      return [mul(make, g, mul(make, bell, make.constant(erfSlopeAtZero, "float32")))];
    },
    lower: decompose.erf,
    cost: 44,
  }),
} as const satisfies Record<string, OpRow>;

/** Without a difference: far below 0 it is as exact as exp(x). */
function exactLogistic(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

const erfSlopeAtZero = 2 / Math.sqrt(Math.PI);

/**
 * erf(x) = 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)): all terms have one
 * sign, so nothing cancels (Abramowitz and Stegun 1964, 7.1.6). From 6 on it is 1 to a double.
 */
function exactErf(x: number): number {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return erfSlopeAtZero * Math.exp(-x * x) * sum;
}
