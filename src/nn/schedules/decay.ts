/** Schedules that decay: Keras's, and the book's power schedule. */
import { power } from "../../base/elementary.ts";
import { boolean, list, number } from "../fields.ts";
import { checkTogether, rate, schedule, steps } from "./schedule.ts";

/** Options of `schedules.constant`. */
export interface ConstantOptions {
  readonly learningRate: number;
}

/** Options of `schedules.exponentialDecay`. */
export interface ExponentialDecayOptions {
  readonly initialLearningRate: number;
  /** Steps after which the rate is multiplied by `decayRate`; above 0. */
  readonly decaySteps: number;
  /** At least 0. */
  readonly decayRate: number;
  /** Decays in whole strides only. Default: false. */
  readonly staircase?: boolean;
}

/** Options of `schedules.piecewiseConstantDecay`. */
export interface PiecewiseConstantDecayOptions {
  /** Last steps of each value, increasing. */
  readonly boundaries: readonly number[];
  /** One more than boundaries. */
  readonly values: readonly number[];
}

/** Options of `schedules.polynomialDecay`. */
export interface PolynomialDecayOptions {
  readonly initialLearningRate: number;
  /** Steps until the end; above 0. */
  readonly decaySteps: number;
  /** Default: 0.0001. */
  readonly endLearningRate?: number;
  /** At least 0; 1 is a straight line. Default: 1. */
  readonly power?: number;
  /** Goes on with a longer decay at the end instead of staying there. Default: false. */
  readonly cycle?: boolean;
}

/** Options of `schedules.powerDecay`. */
export interface PowerDecayOptions {
  readonly initialLearningRate: number;
  /** Steps until the rate is 2^-power of the first one; above 0. */
  readonly decaySteps: number;
  /** At least 0. Default: 1. */
  readonly power?: number;
}

/** Schedules that decay. */
export const decays = {
  /** The same rate at every step. Keras has no such class: files have the number. */
  constant: schedule<ConstantOptions>()("constant", { learningRate: rate() }, (options) => ({
    rate: () => options.learningRate,
  })),

  /** initialLearningRate decayRate^(step / decaySteps), with `staircase` of the whole quotient. */
  exponentialDecay: schedule<ExponentialDecayOptions>()(
    "exponentialDecay",
    {
      initialLearningRate: rate(),
      decaySteps: steps(),
      decayRate: number(undefined, { from: 0 }),
      staircase: boolean(false),
    },
    ({ initialLearningRate, decaySteps, decayRate, staircase }) => ({
      rate: (step) => initialLearningRate * power(decayRate, strides(step, decaySteps, staircase)),
    }),
  ),

  /**
   * values[i] for the steps after boundaries[i - 1] up to boundaries[i], which is the last one.
   *
   * @throws ValueError where boundaries do not increase, or do not fit the count of values
   */
  piecewiseConstantDecay: schedule<PiecewiseConstantDecayOptions>()(
    "piecewiseConstantDecay",
    { boundaries: list(number()), values: list(rate()) },
    ({ boundaries, values }) => {
      const who = "piecewiseConstantDecay";
      const isSorted = boundaries.every((value, i) => i === 0 || value > boundaries[i - 1]);
      checkTogether(isSorted, who, "boundaries must increase", [...boundaries]);
      const counts = `${values.length} values for ${boundaries.length} boundaries`;
      const fits = values.length === boundaries.length + 1;
      checkTogether(fits, who, "values must be one more than boundaries", counts);
      return {
        rate: (step) => {
          const at = boundaries.findIndex((boundary) => step <= boundary);
          return values[at < 0 ? boundaries.length : at];
        },
      };
    },
  ),

  /** initialLearningRate / (1 + decayRate step / decaySteps). */
  inverseTimeDecay: schedule<ExponentialDecayOptions>()(
    "inverseTimeDecay",
    {
      initialLearningRate: rate(),
      decaySteps: steps(),
      decayRate: number(undefined, { from: 0 }),
      staircase: boolean(false),
    },
    ({ initialLearningRate, decaySteps, decayRate, staircase }) => ({
      rate: (step) => initialLearningRate / (1 + decayRate * strides(step, decaySteps, staircase)),
    }),
  ),

  /**
   * The book's power schedule, initialLearningRate / (1 + step / decaySteps)^power (Géron,
   * Hands-On Machine Learning, chapter 11). Keras has none; power 1 is its InverseTimeDecay.
   */
  powerDecay: schedule<PowerDecayOptions>()(
    "powerDecay",
    { initialLearningRate: rate(), decaySteps: steps(), power: number(1, { from: 0 }) },
    ({ initialLearningRate, decaySteps, power: exponent }) => ({
      rate: (step) => initialLearningRate / power(1 + step / decaySteps, exponent),
    }),
  ),

  /**
   * From initialLearningRate to endLearningRate over `decaySteps`, by (1 - step / decaySteps)^power;
   * then it stays, or with `cycle` starts anew towards the next multiple of `decaySteps`.
   */
  polynomialDecay: schedule<PolynomialDecayOptions>()(
    "polynomialDecay",
    {
      initialLearningRate: rate(),
      decaySteps: steps(),
      endLearningRate: rate(0.0001),
      power: number(1, { from: 0 }),
      cycle: boolean(false),
    },
    ({ initialLearningRate, decaySteps, endLearningRate, power: exponent, cycle }) => ({
      rate: (step) => {
        const all = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
        const left = 1 - Math.min(step, all) / all;
        return (initialLearningRate - endLearningRate) * power(left, exponent) + endLearningRate;
      },
    }),
  ),
};

const strides = (step: number, decaySteps: number, staircase: boolean): number =>
  staircase ? Math.floor(step / decaySteps) : step / decaySteps;
