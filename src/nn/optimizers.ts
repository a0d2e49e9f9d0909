/** Optimizers: short compositions of transforms. To add one, add an entry to `optimizers`. */
import { Optimizer } from "./optimizer.ts";
import { checkBoolean, checkNumber, settings } from "./options.ts";
import { type Kind, resolve } from "./registry.ts";
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
  sgd: (options: SgdOptions = {}): Optimizer => {
    const defaults = { learningRate: 0.01, momentum: 0, nesterov: false };
    const { learningRate, momentum, nesterov } = settings(options, defaults, "sgd");
    checkNumber(momentum, "momentum", "sgd", { from: 0, to: 1 });
    checkBoolean(nesterov, "nesterov", "sgd");
    const past = momentum > 0 ? [accumulateMomentum(momentum, nesterov)] : [];
    return chain("sgd", learningRate, scaleByLearningRate(), ...past);
  },

  /**
   * Adam with Nesterov's momentum (Dozat, "Incorporating Nesterov Momentum into Adam", 2016,
   * https://cs229.stanford.edu/proj2015/054_report.pdf); the rule stands at `scaleByNadam`.
   *
   * @throws ValueError where the rate is negative, a beta not in [0, 1), epsilon or the decay
   *   negative
   */
  nadam: (options: NadamOptions = {}): Optimizer => {
    const defaults = {
      learningRate: 0.001,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-7,
      momentumDecay: 0.004,
    };
    const { learningRate, ...rule } = settings(options, defaults, "nadam");
    checkNumber(rule.beta1, "beta1", "nadam", { from: 0, below: 1 });
    checkNumber(rule.beta2, "beta2", "nadam", { from: 0, below: 1 });
    checkNumber(rule.epsilon, "epsilon", "nadam", { from: 0 });
    checkNumber(rule.momentumDecay, "momentumDecay", "nadam", { from: 0 });
    return chain("nadam", learningRate, scaleByNadam(rule), scaleByLearningRate());
  },
};

/** Names of the library's optimizers. */
export type OptimizerName = keyof typeof optimizers;

/** What `compile` takes as an optimizer. */
export type OptimizerInput = OptimizerName | Optimizer;

const kind: Kind<Optimizer> = {
  kind: "optimizer",
  entries: optimizers,
  is: (value) => value instanceof Optimizer,
};

/** The optimizer that a user named or made. */
export const resolveOptimizer = (value: OptimizerInput, who: string): Optimizer =>
  resolve(value, kind, who);

const chain = (name: string, learningRate: number, ...transforms: Transform[]): Optimizer =>
  new Optimizer({ name, learningRate, transforms });
