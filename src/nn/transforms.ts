/**
 * The links of an optimizer's chain: each turns gradients (or what the link before made of them)
 * into updates, with state of its own for each weight. The optimizer adds the last link's result to
 * the weights. The split of an optimizer into such links is that of optax.
 *
 * Numbers that hang on the step (rates, bias corrections) are pure functions of the iteration and
 * the learning rate, reckoned on the host in doubles and handed to each step: nothing recompiles
 * when they change, and no power of a float32 loses its digits.
 */
import { log } from "../base/elementary.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";

/** What a link's numbers may hang on. */
export interface StepInfo {
  /** Counts the updates, from 1. */
  readonly iteration: number;
  readonly learningRate: number;
}

/** State of one weight, of the weight's shape; zeros at first. */
export interface Slot {
  /** Before this step. */
  readonly value: Tensor;
  /** Sets the value after this step, and returns it. */
  set(value: Tensor): Tensor;
}

/** What a link finds in its `update`. */
export interface UpdateContext {
  readonly trace: Trace;
  /** The weights before this step, in the order of the gradients. */
  readonly weights: readonly Tensor[];
  /** One of the link's `numbers`, as a scalar. */
  number(name: string): Tensor;
  /** One of the link's `slots`, for the weight at `index`. */
  slot(name: string, index: number): Slot;
}

/** A link of an optimizer's chain. */
export interface Transform {
  readonly name: string;
  /** Names of the state that it keeps for each weight; those of Keras where it has the same. */
  readonly slots?: readonly string[];
  /** The numbers that a step needs; must always have the same names. */
  numbers?(step: StepInfo): Readonly<Record<string, number>>;
  /**
   * Numbers that Keras keeps as variables of the optimizer and that here follow from the count of
   * updates done, under Keras's names: for files.
   */
  scalars?(iterations: number): Readonly<Record<string, number>>;
  /** The updates, one for each gradient. */
  update(gradients: readonly Tensor[], context: UpdateContext): readonly Tensor[];
}

/** Multiplies by minus the learning rate: the step downhill. */
export const scaleByLearningRate = (): Transform => ({
  name: "scaleByLearningRate",
  numbers: ({ learningRate }) => ({ downhill: -learningRate }),
  update: (gradients, { number }) => gradients.map((g) => g.multiply(number("downhill"))),
});

/**
 * Keeps m = momentum m + u of its inputs u and returns m, or with Nesterov's rule momentum m + u.
 * After `scaleByLearningRate` it is Keras's rule, where an update keeps the rate it was made with;
 * before it, PyTorch's, where a new rate holds for all of the past.
 */
export const accumulateMomentum = (momentum: number, nesterov = false): Transform => ({
  name: "accumulateMomentum",
  slots: ["momentum"],
  numbers: () => ({ momentum }),
  update: (updates, { number, slot }) =>
    updates.map((update, i) => {
      const m = slot("momentum", i);
      const next = m.set(m.value.multiply(number("momentum")).add(update));
      return nesterov ? next.multiply(number("momentum")).add(update) : next;
    }),
});

/** Options of `scaleByNadam`. */
export interface NadamRule {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly momentumDecay: number;
}

/**
 * The direction of Nadam. With u_t = beta1 (1 - 0.5 * 0.96^(momentumDecay t)) and U_t = u_1 ...
 * u_t:
 *
 *   m += (1 - beta1) (g - m),  v += (1 - beta2) (g^2 - v)
 *   (u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 */
export function scaleByNadam({ beta1, beta2, epsilon, momentumDecay }: NadamRule): Transform {
  const decay = smallPower(0.96, momentumDecay);
  const schedule = () => {
    const decays = runningProduct(() => decay);
    return (t: number) => beta1 * (1 - 0.5 * decays(t));
  };
  const scheduled = schedule();
  // Each place that goes through the steps has a memory of its own, so that none starts anew.
  const products = runningProduct(schedule());
  const savedProducts = runningProduct(schedule());
  const beta2Powers = runningProduct(() => beta2);

  return {
    name: "scaleByNadam",
    slots: ["momentum", "velocity"],
    numbers: ({ iteration: t }) => {
      const now = scheduled(t);
      const next = scheduled(t + 1);
      const product = products(t);
      return {
        newShare: 1 - beta1,
        newSquareShare: 1 - beta2,
        momentumScale: next / (1 - product * next),
        gradientScale: (1 - now) / (1 - product),
        velocityScale: 1 / (1 - beta2Powers(t)),
      };
    },
    scalars: (iterations) => ({ u_product: savedProducts(iterations) }),
    update: (gradients, { number, slot }) =>
      gradients.map((g, i) => {
        const [momentum, velocity] = [slot("momentum", i), slot("velocity", i)];
        const m = momentum.set(towards(momentum.value, g, number("newShare")));
        const v = velocity.set(towards(velocity.value, g.square(), number("newSquareShare")));
        const ahead = m.multiply(number("momentumScale")).add(g.multiply(number("gradientScale")));
        const deviation = v.multiply(number("velocityScale")).squareRoot();
        return ahead.divide(deviation.add(epsilon));
      }),
  };
}

/** a + (b - a) share. */
const towards = (a: Tensor, b: Tensor, share: Tensor): Tensor =>
  b.subtract(a).multiply(share).add(a);

/**
 * factor(1) factor(2) ... factor(t): always multiplied in this order, so that it is a pure function
 * of t (`**` is not: JavaScript leaves its last digit to the engine), and fast where t only grows.
 */
function runningProduct(factor: (t: number) => number): (t: number) => number {
  let at = 0;
  let product = 1;
  return (t) => {
    if (t < at) {
      at = 0;
      product = 1;
    }
    while (at < t) {
      at++;
      product *= factor(at);
    }
    return product;
  };
}

/**
 * base^exponent for exponents near 0, by the series of e^x: only additions, multiplications and
 * divisions, whose bits every engine agrees on.
 */
function smallPower(base: number, exponent: number): number {
  const x = exponent * log(base);
  // Halved until the series of 18 terms is exact to the last place, then squared as often.
  let halvings = 0;
  while (Math.abs(x) > 2 ** halvings) halvings++;
  const small = x / 2 ** halvings;
  let power = 1;
  for (let n = 18; n >= 1; n--) power = 1 + (power * small) / n;
  for (let i = 0; i < halvings; i++) power *= power;
  return power;
}
