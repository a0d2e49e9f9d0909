/** Activations that bend: exponentials, sigmoids and their kin. */
import { logSigmoid } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activation } from "../activation.ts";
import { boolean, number } from "../fields.ts";

/** Options of `activations.elu`. */
export interface EluOptions {
  /** Minus the value that the function approaches far below 0. Default: 1. */
  readonly alpha?: number;
}

/** Options of `activations.celu`. */
export interface CeluOptions {
  /** Minus the value that the function approaches far below 0; above 0. Default: 1. */
  readonly alpha?: number;
}

/** Options of `activations.gelu`. */
export interface GeluOptions {
  /** Whether the normal's distribution function is approximated by a tanh. Default: false. */
  readonly approximate?: boolean;
}

/** Options of `activations.squareplus`. */
export interface SquareplusOptions {
  /** How far the function is from relu: at 0 it is sqrt(b) / 2. At least 0. Default: 4. */
  readonly b?: number;
}

/** Constants of the fixed point (Klambauer et al., equation 14), as Keras has them. */
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

export const smooth = {
  /**
   * Exponential linear unit: x where x > 0, else alpha (exp(x) - 1); its slope at 0 is alpha.
   * Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
   * Linear Units (ELUs)", 2015, https://arxiv.org/abs/1511.07289.
   *
   * @throws ValueError where alpha is not a finite number
   */
  elu: activation<EluOptions>()(
    "elu",
    { alpha: number(1) },
    ({ alpha }) =>
      (x) =>
        elu(x, alpha),
  ),

  /**
   * Scaled exponential linear unit: scale x where x > 0, else scale alpha (exp(x) - 1) with scale
   * 1.0507 and alpha 1.6733. With `lecunNormal` kernels, standardized inputs and nothing but dense
   * layers, activations keep mean 0 and variance 1. Klambauer et al., "Self-Normalizing Neural
   * Networks", 2017, https://arxiv.org/abs/1706.02515.
   */
  selu: activation()("selu", {}, () => (x) => {
    const below = x.trace.constant(0).minimum(x).expm1();
    return x
      .maximum(0)
      .multiply(seluScale)
      .add(below.multiply(seluScale * seluAlpha));
  }),

  /**
   * Continuously differentiable ELU: max(x, 0) + min(0, alpha (exp(x / alpha) - 1)). Barron, 2017,
   * https://arxiv.org/abs/1704.07483.
   *
   * @throws ValueError where alpha is not above 0
   */
  celu: activation<CeluOptions>()(
    "celu",
    { alpha: number(1, { above: 0 }) },
    ({ alpha }) =>
      (x) => {
        if (alpha === 1) return elu(x, 1);
        const below = x.trace
          .constant(0)
          .minimum(x)
          .multiply(1 / alpha);
        return x.maximum(0).add(below.expm1().multiply(alpha));
      },
  ),

  /** (exp(x) - exp(-x)) / (exp(x) + exp(-x)). */
  tanh: activation()("tanh", {}, () => (x) => x.tanh()),

  /** x - tanh(x). */
  tanhShrink: activation()("tanhShrink", {}, () => (x) => x.subtract(x.tanh())),

  /** 1 / (1 + exp(-x)). */
  sigmoid: activation()("sigmoid", {}, () => (x) => x.sigmoid()),

  /** log(1 / (1 + exp(-x))), without its overflow. */
  logSigmoid: activation()("logSigmoid", {}, () => logSigmoid),

  /** log(1 + exp(x)), without its overflow. */
  softplus: activation()("softplus", {}, () => (x) => x.softplus()),

  /**
   * (x + sqrt(x^2 + b)) / 2: softplus without an exponential. Barron, 2021,
   * https://arxiv.org/abs/2112.11687.
   *
   * @throws ValueError where b is negative
   */
  squareplus: activation<SquareplusOptions>()(
    "squareplus",
    { b: number(4, { from: 0 }) },
    ({ b }) =>
      (x) =>
        squareplus(x, b),
  ),

  /** x / (|x| + 1). */
  softsign: activation()("softsign", {}, () => (x) => x.divide(x.absolute().add(1))),

  /**
   * x sigmoid(x), also called swish. Ramachandran, Zoph and Le, 2017,
   * https://arxiv.org/abs/1710.05941.
   */
  silu: activation()("silu", {}, () => (x) => x.multiply(x.sigmoid())),

  /**
   * Gaussian error linear unit: x P(N <= x) for a standard normal N; approximately x (1 +
   * tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. Hendrycks and Gimpel, 2016,
   * https://arxiv.org/abs/1606.08415.
   */
  gelu: activation<GeluOptions>()(
    "gelu",
    { approximate: boolean(false) },
    ({ approximate }) =>
      (x) => {
        if (!approximate) return x.multiply(0.5).multiply(x.multiply(Math.SQRT1_2).erf().add(1));
        // (1 + tanh(u)) / 2 is sigmoid(2 u), without its cancellation far below 0.
        const cubic = x.square().multiply(0.044715).add(1).multiply(x);
        return x.multiply(cubic.multiply(2 * Math.sqrt(2 / Math.PI)).sigmoid());
      },
  ),

  /** x tanh(softplus(x)). Misra, 2019, https://arxiv.org/abs/1908.08681. */
  mish: activation()("mish", {}, () => (x) => x.multiply(x.softplus().tanh())),

  /** exp(x). */
  exponential: activation()("exponential", {}, () => (x) => x.exponential()),
};

/**
 * max(x, 0) + alpha expm1(min(x, 0)): the two parts meet without a branch, and expm1 never sees a
 * positive number, so no gradient is 0 times infinity. A tie goes to the second operand of minimum,
 * here x, so the slope at 0 is alpha, as in Keras and PyTorch; a NaN stays through the maximum.
 */
function elu(x: Tensor, alpha: number): Tensor {
  const below = x.trace.constant(0).minimum(x).expm1();
  return x.maximum(0).add(alpha === 1 ? below : below.multiply(alpha));
}

/** (x + r) / 2 with r = sqrt(x^2 + b); below 0 as b / 2 / (r - x), where nothing cancels. */
function squareplus(x: Tensor, b: number): Tensor {
  if (b === 0) return x.maximum(0);
  const root = x.square().add(b).squareRoot();
  const below = root
    .add(x.absolute())
    .reciprocal()
    .multiply(b / 2);
  return x.less(0).where(below, x.add(root).multiply(0.5));
}
