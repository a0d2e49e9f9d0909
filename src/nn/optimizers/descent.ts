/** Optimizers whose step has the size of the rate (or of the gradient): SGD and Lion. */
import { ValueError } from "../../base/errors.ts";
import { boolean, choice, keyed, number } from "../fields.ts";
import { accumulateMomentum, scaleByLearningRate, scaleByLion } from "../transforms/momentum.ts";
import { ownField } from "./common.ts";
import { type BaseOptions, decayRange, optimizer } from "./entry.ts";

/** What momentum is the mean of. */
export interface MomentumOptions {
  /** In [0, 1]; 0 keeps no state, unless a schedule cycles it. Default: 0. */
  readonly momentum?: number;
  /**
   * "updates": past steps, each with the rate of its time (Keras); "gradients": all of them get the
   * rate of today (PyTorch). Default: "updates".
   */
  readonly momentumOf?: "updates" | "gradients";
}

export const momentumFields = {
  momentum: number(0, { from: 0, to: 1 }),
  momentumOf: ownField<"updates" | "gradients">(
    choice(["updates", "gradients"], "updates"),
    "updates",
  ),
};

/** Options of `optimizers.sgd`. */
export interface SgdOptions extends BaseOptions, MomentumOptions {
  /** Nesterov's form of momentum. Default: false. */
  readonly nesterov?: boolean;
  /**
   * What of a new gradient does not enter the momentum, in [0, 1], but for the first one; PyTorch's.
   * Default: 0.
   */
  readonly dampening?: number;
}

/** Options of `optimizers.lion`. */
export interface LionOptions extends BaseOptions {
  /** The momentum's share in the step's sign, in (0, 1]. Default: 0.9. */
  readonly beta1?: number;
  /** What the momentum keeps, in [0, 1). Default: 0.99. */
  readonly beta2?: number;
}

export const descents = {
  /**
   * Gradient descent: w -= lr g. With momentum, Keras's rule m = momentum m - lr g, w += m (with
   * Nesterov's w += momentum m - lr g), which differs from PyTorch's where the rate changes:
   * `momentumOf: "gradients"` is m = momentum m + g, w -= lr m.
   *
   * @throws ValueError where the rate is negative or the momentum not in [0, 1]
   */
  sgd: optimizer<SgdOptions>()(
    "sgd",
    0.01,
    {
      ...momentumFields,
      nesterov: boolean(false),
      dampening: ownField(number(0, { from: 0, to: 1 }), 0),
    },
    ({ momentum, momentumOf, nesterov, dampening }, isCycled) => {
      if (nesterov && dampening > 0)
        throw new ValueError({
          who: "sgd",
          expected: "dampening must be 0 with nesterov",
          received: `${dampening}`,
        });
      if (momentum === 0 && !isCycled) return { transforms: [scaleByLearningRate()] };
      const past = accumulateMomentum(momentum, nesterov, dampening);
      const transforms =
        momentumOf === "updates" ? [scaleByLearningRate(), past] : [past, scaleByLearningRate()];
      return { transforms };
    },
  ),

  /**
   * Steps of one size, by the sign of a momentum (Chen et al., "Symbolic Discovery of Optimization
   * Algorithms", 2023, https://arxiv.org/abs/2302.06675): w -= lr sign(beta1 m + (1 - beta1) g), then
   * m = beta2 m + (1 - beta2) g. Its rate should be a third to a tenth of AdamW's.
   */
  lion: optimizer<LionOptions>()(
    "lion",
    0.001,
    {
      beta1: keyed("beta_1", number(0.9, { above: 0, to: 1 })),
      beta2: keyed("beta_2", number(0.99, decayRange)),
    },
    (rule) => ({ transforms: [scaleByLion(rule), scaleByLearningRate()] }),
  ),
};
