/** Activation functions. To add one, add an entry to its group in `activations/`. */
import { type Activation, type ActivationFunction, activationOf } from "./activation.ts";
import { along } from "./activations/along.ts";
import { piecewise } from "./activations/piecewise.ts";
import { smooth } from "./activations/smooth.ts";
import { functionName, isCallable, type Kind, resolve } from "./registry.ts";

export type { Activation, ActivationFunction } from "./activation.ts";

/** The activations of the library: each call makes one, with options where it has some. */
export const activations = { ...piecewise, ...smooth, ...along };

/** Names of the library's activations. */
export type ActivationName = keyof typeof activations;

/** Other names of theirs, as in Keras. */
const aliases = { swish: "silu", hardSwish: "hardSilu" } as const;

/** What options that take an activation accept. */
export type ActivationInput =
  | ActivationName
  | keyof typeof aliases
  | Activation
  | ActivationFunction;

export const activationKind: Kind<Activation> = {
  kind: "activation",
  plural: "activations",
  module: "keras.activations",
  areFunctions: true,
  entries: activations,
  aliases,
  is: isCallable(activations),
  fromFunction: (call) => ({
    name: functionName(call),
    ...activationOf(functionName(call), call as ActivationFunction),
  }),
};

/** The activation that a user named, made or wrote. */
export const resolveActivation = (value: ActivationInput, who: string): Activation =>
  resolve(value, activationKind, who);
