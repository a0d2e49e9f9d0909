/** Optimizers that divide by what squared gradients were: RMSprop, Adagrad, Adadelta, FTRL. */
import { boolean, choice, number } from "../fields.ts";
import { scaleByAdadelta, scaleByAdagrad, scaleByRms } from "../transforms/adaptive.ts";
import { followRegularizedLeader } from "../transforms/ftrl.ts";
import { accumulateMomentum, negate, scaleByLearningRate } from "../transforms/momentum.ts";
import type { EpsilonPlace, Transform } from "../transforms/transform.ts";
import { ownField } from "./common.ts";
import { type MomentumOptions, momentumFields } from "./descent.ts";
import { type BaseOptions, decayRange, optimizer } from "./entry.ts";

/** Where epsilon stands in a root. */
export interface RootOptions {
  /** Keeps the division finite. Default: 1e-7. */
  readonly epsilon?: number;
  /**
   * "inside": sqrt(v + epsilon) (Keras); "outside": sqrt(v) + epsilon (PyTorch; legacy tf.keras,
   * but for RMSprop with momentum). Default: "inside".
   */
  readonly epsilonPlace?: EpsilonPlace;
}

/** Options of `optimizers.rmsprop`. */
export interface RmspropOptions extends BaseOptions, MomentumOptions, RootOptions {
  /** Decay of the means, in [0, 1). Default: 0.9. */
  readonly rho?: number;
  /** Divides by the deviation from the mean gradient. Default: false. */
  readonly centered?: boolean;
}

/** Options of `optimizers.adagrad`. */
export interface AdagradOptions extends BaseOptions, RootOptions {
  /** What the sums of squares begin with; at least 0. Default: 0.1. */
  readonly initialAccumulatorValue?: number;
}

/** Options of `optimizers.adadelta`. */
export interface AdadeltaOptions extends BaseOptions {
  /** Decay of the means, in [0, 1). Default: 0.95. */
  readonly rho?: number;
  /** Added within both roots. Default: 1e-7. */
  readonly epsilon?: number;
}

/** Options of `optimizers.ftrl`. */
export interface FtrlOptions extends BaseOptions {
  /** How fast the rate falls with the sum of squares; at most 0. Default: -0.5. */
  readonly learningRatePower?: number;
  /** What the sums of squares begin with; at least 0. Default: 0.1. */
  readonly initialAccumulatorValue?: number;
  /** Makes weights exactly 0 that matter less; at least 0. Default: 0. */
  readonly l1RegularizationStrength?: number;
  /** At least 0. Default: 0. */
  readonly l2RegularizationStrength?: number;
  /** An L2 penalty on the weights as they are; at least 0. Default: 0. */
  readonly l2ShrinkageRegularizationStrength?: number;
  /** The paper's beta; at least 0. Default: 0. */
  readonly beta?: number;
}

const epsilon = number(1e-7, { from: 0 });
const epsilonPlace = ownField<EpsilonPlace>(choice(["inside", "outside"], "inside"), "inside");
const strength = number(0, { from: 0 });

export const adaptives = {
  /**
   * Steps by the gradient over its root mean square (Tieleman and Hinton, 2012,
   * https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf); the rule stands at
   * `transforms.scaleByRms`. Momentum sums such steps.
   *
   * @throws ValueError where rho is not in [0, 1), the momentum not in [0, 1], epsilon negative
   */
  rmsprop: optimizer<RmspropOptions>()(
    "rmsprop",
    0.001,
    {
      rho: number(0.9, decayRange),
      ...momentumFields,
      epsilon,
      epsilonPlace,
      centered: boolean(false),
    },
    ({ momentum, momentumOf, ...rule }, isCycled) => {
      const transforms: Transform[] = [scaleByRms(rule)];
      if (momentum === 0 && !isCycled) transforms.push(scaleByLearningRate());
      else if (momentumOf === "gradients")
        transforms.push(accumulateMomentum(momentum), scaleByLearningRate());
      // Keras's momentum has the sign of the gradients here, unlike SGD's.
      else transforms.push(scaleByLearningRate(1), accumulateMomentum(momentum), negate());
      return { transforms, slotGroups: [["velocity"], ["momentum"], ["average_gradient"]] };
    },
  ),

  /**
   * Steps by the gradient over the root of the sum of all squares so far (Duchi et al., 2011,
   * https://jmlr.org/papers/v12/duchi11a.html); the rule stands at `transforms.scaleByAdagrad`.
   */
  adagrad: optimizer<AdagradOptions>()(
    "adagrad",
    0.001,
    { initialAccumulatorValue: number(0.1, { from: 0 }), epsilon, epsilonPlace },
    (rule) => ({ transforms: [scaleByAdagrad(rule), scaleByLearningRate()] }),
  ),

  /**
   * Steps in the unit of the weights (Zeiler, 2012, https://arxiv.org/abs/1212.5701); the rule
   * stands at `transforms.scaleByAdadelta`. The paper's rate is 1.
   */
  adadelta: optimizer<AdadeltaOptions>()(
    "adadelta",
    0.001,
    { rho: number(0.95, decayRange), epsilon },
    (rule) => ({ transforms: [scaleByAdadelta(rule), scaleByLearningRate()] }),
  ),

  /**
   * Follow the regularized leader (McMahan et al., "Ad Click Prediction", 2013,
   * https://research.google.com/pubs/archive/41159.pdf); the rule stands at
   * `transforms.followRegularizedLeader`. The rate must stay above 0, and should not change much:
   * weights are proportional to it.
   */
  ftrl: optimizer<FtrlOptions>()(
    "ftrl",
    0.001,
    {
      learningRatePower: number(-0.5, { to: 0 }),
      initialAccumulatorValue: number(0.1, { from: 0 }),
      l1RegularizationStrength: strength,
      l2RegularizationStrength: strength,
      l2ShrinkageRegularizationStrength: strength,
      beta: strength,
    },
    (rule) => ({ transforms: [followRegularizedLeader(rule)] }),
  ),
};
