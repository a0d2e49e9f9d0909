/** Optimizers: short compositions of transforms. To add one, add an entry to `optimizers`. */

import { boolean, keyed, number } from "./fields.ts";
import { Optimizer } from "./optimizer.ts";
import { entry, type Kind, resolve } from "./registry.ts";
import {
  accumulateMomentum,
  scaleByLearningRate,
  scaleByNadam,
  type Transform,
} from "./transforms.ts";

/** Options of `optimizers.sgd`. */
export interface SgdOptions {
  /** Default: 0.01. */
  readonly learningRate?: number;
  /** In [0, 1]; 0 keeps no state. Default: 0. */
  readonly momentum?: number;
  /** Nesterov's form of momentum. Default: false. */
  readonly nesterov?: boolean;
}

/** Options of `optimizers.nadam`. */
export interface NadamOptions {
  /** Default: 0.001. */
  readonly learningRate?: number;
  /** Decay of the mean of gradients, in [0, 1). Default: 0.9. */
  readonly beta1?: number;
  /** Decay of the mean of squared gradients, in [0, 1). Default: 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default: 1e-7. */
  readonly epsilon?: number;
  /**
   * How fast the momentum grows to beta1: 0.004 is the paper's, PyTorch's and legacy tf.keras's
   * rule, 1 is Keras 3's. Default: 0.004.
   */
  readonly momentumDecay?: number;
}

/** The optimizers of the library. */
export const optimizers = {
  /**
   * Gradient descent: w -= lr g. With momentum, Keras's rule m = momentum m - lr g, w += m (with
   * Nesterov's w += momentum m - lr g), which differs from PyTorch's where the rate changes.
   *
   * @throws ValueError where the rate is negative or the momentum not in [0, 1]
   */
  sgd: entry<SgdOptions, Optimizer>()(
    "sgd",
    {
      learningRate: number(0.01, { from: 0 }),
      momentum: number(0, { from: 0, to: 1 }),
      nesterov: boolean(false),
    },
    ({ learningRate, momentum, nesterov }) => {
      const past = momentum > 0 ? [accumulateMomentum(momentum, nesterov)] : [];
      return chain("sgd", learningRate, scaleByLearningRate(), ...past);
    },
  ),

  /**
   * Adam with Nesterov's momentum (Dozat, "Incorporating Nesterov Momentum into Adam", 2016,
   * https://cs229.stanford.edu/proj2015/054_report.pdf); the rule stands at `scaleByNadam`.
   *
   * @throws ValueError where the rate is negative, a beta not in [0, 1), epsilon or the decay
   *   negative
   */
  nadam: entry<NadamOptions, Optimizer>()(
    "nadam",
    {
      learningRate: number(0.001, { from: 0 }),
      beta1: keyed("beta_1", number(0.9, { from: 0, below: 1 })),
      beta2: keyed("beta_2", number(0.999, { from: 0, below: 1 })),
      epsilon: number(1e-7, { from: 0 }),
      momentumDecay: number(0.004, { from: 0 }),
    },
    ({ learningRate, ...rule }) =>
      chain("nadam", learningRate, scaleByNadam(rule), scaleByLearningRate()),
  ),
};

/** Names of the library's optimizers. */
export type OptimizerName = keyof typeof optimizers;

/** What `compile` takes as an optimizer. */
export type OptimizerInput = OptimizerName | Optimizer;

export const optimizerKind: Kind<Optimizer> = {
  plural: "optimizers",
  module: "keras.optimizers",
  classNames: { sgd: "SGD" },
  kind: "optimizer",
  entries: optimizers,
  is: (value) => value instanceof Optimizer,
};

/** The optimizer that a user named or made. */
export const resolveOptimizer = (value: OptimizerInput, who: string): Optimizer =>
  resolve(value, optimizerKind, who);

const chain = (name: string, learningRate: number, ...transforms: Transform[]): Optimizer =>
  new Optimizer({ name, learningRate, transforms });
