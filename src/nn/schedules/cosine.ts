/** Schedules of half cosines (Loshchilov and Hutter, SGDR, 2016, https://arxiv.org/abs/1608.03983). */
import { cosTurns, wholePower } from "../../base/elementary.ts";
import { number, optional } from "../fields.ts";
import { rate, schedule, steps } from "./schedule.ts";

/** Options of `schedules.cosineDecay`. */
export interface CosineDecayOptions {
  readonly initialLearningRate: number;
  /** Steps of the decay, without the warm-up; above 0. */
  readonly decaySteps: number;
  /** The lowest rate, as a share of the highest. Default: 0. */
  readonly alpha?: number;
  /** The rate that a warm-up ends at and the decay begins at. Default: no warm-up. */
  readonly warmupTarget?: number;
  /** Steps of the warm-up, in front of the decay; only with `warmupTarget`. Default: 0. */
  readonly warmupSteps?: number;
}

/** Options of `schedules.cosineDecayRestarts`. */
export interface CosineDecayRestartsOptions {
  readonly initialLearningRate: number;
  /** Steps of the first period; above 0. */
  readonly firstDecaySteps: number;
  /** How much longer each period is than the one before; at least 1. Default: 2. */
  readonly tMul?: number;
  /** What each restart's rate is of the one before; at least 0. Default: 1. */
  readonly mMul?: number;
  /** The lowest rate, as a share of the first one. Default: 0. */
  readonly alpha?: number;
}

/** Schedules of half cosines. */
export const cosines = {
  /**
   * A line from initialLearningRate to warmupTarget over `warmupSteps`, if there is a target; then
   * half a cosine from there to `alpha` of it over `decaySteps`, where it stays.
   */
  cosineDecay: schedule<CosineDecayOptions>()(
    "cosineDecay",
    {
      initialLearningRate: rate(),
      decaySteps: steps(),
      alpha: number(0, { from: 0 }),
      warmupTarget: optional(rate()),
      warmupSteps: number(0, { from: 0 }),
    },
    ({ initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps }) => {
      const decayed = (from: number, step: number) =>
        from * ((1 - alpha) * halfCosine(Math.min(step, decaySteps) / decaySteps) + alpha);
      if (warmupTarget === undefined) return { rate: (step) => decayed(initialLearningRate, step) };
      const slope = warmupTarget - initialLearningRate;
      return {
        rate: (step) =>
          step < warmupSteps
            ? slope * (step / warmupSteps) + initialLearningRate
            : decayed(warmupTarget, step - warmupSteps),
      };
    },
  ),

  /**
   * Half cosines from initialLearningRate mMul^i to `alpha` of the first rate, one after the other,
   * each tMul times as long as the one before. (Keras finds the period by a float32 logarithm, and
   * may see a restart one step late.)
   */
  cosineDecayRestarts: schedule<CosineDecayRestartsOptions>()(
    "cosineDecayRestarts",
    {
      initialLearningRate: rate(),
      firstDecaySteps: steps(),
      tMul: number(2, { from: 1 }),
      mMul: number(1, { from: 0 }),
      alpha: number(0, { from: 0 }),
    },
    ({ initialLearningRate, firstDecaySteps, tMul, mMul, alpha }) => ({
      rate: (step) => {
        const { period, share } = periodOf(step, firstDecaySteps, tMul);
        const height = halfCosine(share) * wholePower(mMul, period);
        return initialLearningRate * ((1 - alpha) * height + alpha);
      },
    }),
  ),
};

/** Which period a step lies in, and what share of it is over. */
function periodOf(step: number, first: number, factor: number): { period: number; share: number } {
  if (factor === 1) {
    const period = Math.floor(step / first);
    return { period, share: step / first - period };
  }
  let [period, begin, length] = [0, 0, first];
  while (step >= begin + length) {
    begin += length;
    length *= factor;
    period++;
  }
  return { period, share: (step - begin) / length };
}

/** From 1 at 0 to 0 at 1. */
const halfCosine = (share: number): number => 0.5 * (1 + cosTurns(share / 2));
