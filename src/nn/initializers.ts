/**
 * Initializers: functions of (shape, fans, stream) that draw a weight's first values on the host,
 * and compile nothing. To add one, add an entry to its group in `initializers/`.
 */
import type { Initializer, InitializerFunction } from "./initializer.ts";
import { constants } from "./initializers/constants.ts";
import { draws } from "./initializers/draws.ts";
import { scalings } from "./initializers/scaling.ts";
import { functionName, type Kind, resolve } from "./registry.ts";

export {
  drawInitial,
  fans,
  type Initializer,
  type InitializerContext,
  type InitializerFunction,
} from "./initializer.ts";

/** The initializers of the library. */
export const initializers = { ...constants, ...draws, ...scalings };

/** Names of the library's initializers. */
export type InitializerName = keyof typeof initializers;

/** Other names of theirs, as in Keras. */
const aliases = {
  zero: "zeros",
  one: "ones",
  normal: "randomNormal",
  uniform: "randomUniform",
  IdentityInitializer: "identity",
  OrthogonalInitializer: "orthogonal",
} as const;

/** What options that take an initializer accept. */
export type InitializerInput =
  | InitializerName
  | keyof typeof aliases
  | Initializer
  | InitializerFunction;

export const initializerKind: Kind<Initializer> = {
  kind: "initializer",
  plural: "initializers",
  module: "keras.initializers",
  entries: initializers,
  aliases,
  // In configs of tf_keras; all weights are float32 here.
  ignoredKeys: ["dtype"],
  is: (value) => "draw" in value && typeof value.draw === "function",
  fromFunction: (draw) => ({ name: functionName(draw), draw: draw as InitializerFunction }),
};

/** The initializer that a user named, made or wrote. */
export const resolveInitializer = (value: InitializerInput, who: string): Initializer =>
  resolve(value, initializerKind, who);
