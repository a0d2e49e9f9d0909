/** Adam and its kin. */
import { boolean, choice, type Field, keyed, number } from "../fields.ts";
import { scaleByAdam, scaleByAdamax } from "../transforms/adam.ts";
import { scaleByLearningRate } from "../transforms/momentum.ts";
import { scaleByNadam } from "../transforms/nadam.ts";
import type { EpsilonPlace } from "../transforms/transform.ts";
import { ownField } from "./common.ts";
import { type BaseOptions, decayRange, optimizer } from "./entry.ts";

/** Options that Adam and its kin share. */
export interface MomentsOptions extends BaseOptions {
  /** Decay of the mean of gradients, in [0, 1). Default: 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients, in [0, 1). Default: 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default: 1e-7. */
  readonly epsilon?: number;
}

/** Options of `optimizers.adam` and `optimizers.adamW`. */
export interface AdamOptions extends MomentsOptions {
  /** Divides by the largest mean square so far. Default: false. */
  readonly amsgrad?: boolean;
  /**
   * "rate": the rate is corrected for the zeros at the start, and epsilon stands beside an
   * uncorrected root (Keras); "moments": both means are corrected first (PyTorch). Default: "rate".
   */
  readonly biasCorrection?: "rate" | "moments";
}

/** Options of `optimizers.nadam`. */
export interface NadamOptions extends MomentsOptions {
  /**
   * How fast the momentum grows to beta1: 0.004 is the paper's, PyTorch's and legacy tf.keras's
   * rule, 1 is Keras 3's. Default: 0.004.
   */
  readonly momentumDecay?: number;
}

/** Options of `optimizers.adamax`. */
export interface AdamaxOptions extends MomentsOptions {
  /**
   * "outside": added to the decaying maximum (Keras); "inside": to each gradient's size in it
   * (PyTorch). Default: "outside".
   */
  readonly epsilonPlace?: EpsilonPlace;
}

const moments = {
  beta1: keyed("beta_1", number(0.9, decayRange)),
  beta2: keyed("beta_2", number(0.999, decayRange)),
  epsilon: number(1e-7, { from: 0 }),
};

const adamFields = {
  ...moments,
  amsgrad: boolean(false),
  biasCorrection: ownField<"rate" | "moments">(choice(["rate", "moments"], "rate"), "rate"),
};

type AdamRule = Parameters<typeof scaleByAdam>[0];

const adamChain = (rule: AdamRule) => ({
  transforms: [scaleByAdam(rule), scaleByLearningRate()],
  slotGroups: [["momentum", "velocity"], ["velocity_hat"]],
});

/** Keras has no key for Nadam's decay where it has its own rule, 1, and ignores one that is there. */
const momentumDecay: Field<number> = {
  ...keyed("decay", ownField(number(0.004, { from: 0 }), 1)),
  isOwn: false,
};

export const adams = {
  /**
   * Adam (Kingma and Ba, 2014, https://arxiv.org/abs/1412.6980): steps by the mean gradient over
   * the root mean square; the rule stands at `transforms.scaleByAdam`.
   *
   * @throws ValueError where the rate is negative, a beta not in [0, 1), epsilon negative
   */
  adam: optimizer<AdamOptions>()("adam", 0.001, adamFields, adamChain),

  /**
   * Adam with weights that decay on their own (Loshchilov and Hutter, 2017,
   * https://arxiv.org/abs/1711.05101): w -= lr weightDecay w before each step, weightDecay 0.004 by
   * default.
   */
  adamW: optimizer<AdamOptions>()(
    "adamW",
    0.001,
    adamFields,
    adamChain,
    number(0.004, { from: 0 }),
  ),

  /**
   * Adam with Nesterov's momentum (Dozat, "Incorporating Nesterov Momentum into Adam", 2016,
   * https://cs229.stanford.edu/proj2015/054_report.pdf); the rule stands at
   * `transforms.scaleByNadam`.
   *
   * @throws ValueError where the rate is negative, a beta not in [0, 1), epsilon or the decay
   *   negative
   */
  nadam: optimizer<NadamOptions>()("nadam", 0.001, { ...moments, momentumDecay }, (rule) => ({
    transforms: [scaleByNadam(rule), scaleByLearningRate()],
  })),

  /**
   * Adam by the largest gradient instead of the mean square (Kingma and Ba, section 7.1); the rule
   * stands at `transforms.scaleByAdamax`.
   */
  adamax: optimizer<AdamaxOptions>()(
    "adamax",
    0.001,
    {
      ...moments,
      epsilonPlace: ownField<EpsilonPlace>(choice(["inside", "outside"], "outside"), "outside"),
    },
    (rule) => ({ transforms: [scaleByAdamax(rule), scaleByLearningRate()] }),
  ),
};
