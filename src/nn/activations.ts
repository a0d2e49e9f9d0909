/** Activation functions. To add one, add an entry to `activations`. */
import { softmax } from "../tensor/composites.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkNumber, settings } from "./options.ts";
import { functionName, type Kind, resolve } from "./registry.ts";

/** A function of a tensor, and its name. */
export interface Activation {
  /** The name in `activations`; `function NAME` for a user's function. */
  readonly name: string;
  call(x: Tensor): Tensor;
}

/** A user's own activation. */
export type ActivationFunction = (x: Tensor) => Tensor;

/** Options of `activations.elu`. */
export interface EluOptions {
  /** Minus the value that the function approaches far below 0. Default: 1. */
  readonly alpha?: number;
}

/** The activations of the library: each call makes one, with options where it has some. */
export const activations = {
  /** f(x) = x. */
  linear: (): Activation => ({ name: "linear", call: (x) => x }),

  /** f(x) = max(x, 0); its slope at 0 is 0, and a NaN stays. */
  relu: (): Activation => ({ name: "relu", call: (x) => x.maximum(0) }),

  /**
   * Exponential linear unit: x where x > 0, else alpha (exp(x) - 1); its slope at 0 is alpha.
   * Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
   * Linear Units (ELUs)", 2015, https://arxiv.org/abs/1511.07289.
   *
   * @throws ValueError where alpha is not a finite number
   */
  elu: (options: EluOptions = {}): Activation => {
    const { alpha } = settings(options, { alpha: 1 }, "elu");
    checkNumber(alpha, "alpha", "elu");
    return { name: "elu", call: (x) => elu(x, alpha) };
  },

  /** exp(x_i) / sum_j exp(x_j) over the last dimension, shifted so that it never overflows. */
  softmax: (): Activation => ({ name: "softmax", call: softmax }),
};

/** Names of the library's activations. */
export type ActivationName = keyof typeof activations;

/** What options that take an activation accept. */
export type ActivationInput = ActivationName | Activation | ActivationFunction;

const kind: Kind<Activation> = {
  kind: "activation",
  entries: activations,
  is: (value) => "call" in value && typeof value.call === "function" && "name" in value,
  fromFunction: (call) => ({ name: functionName(call), call: call as ActivationFunction }),
};

/** The activation that a user named, made or wrote. */
export const resolveActivation = (value: ActivationInput, who: string): Activation =>
  resolve(value, kind, who);

/**
 * max(x, 0) + alpha expm1(min(x, 0)): the two parts meet without a branch, and expm1 never sees a
 * positive number, so no gradient is 0 times infinity. A tie goes to the second operand of minimum,
 * here x, so the slope at 0 is alpha, as in Keras and PyTorch; a NaN stays through the maximum.
 */
function elu(x: Tensor, alpha: number): Tensor {
  const below = x.trace.constant(0).minimum(x).expm1();
  return x.maximum(0).add(alpha === 1 ? below : below.multiply(alpha));
}
