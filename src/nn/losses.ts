/** Losses: functions of targets and predictions. To add one, add it to a file of `losses/`. */
import type { Loss, LossFunction } from "./loss.ts";
import { crossentropies } from "./losses/crossentropy.ts";
import { divergences } from "./losses/divergence.ts";
import { focalLosses } from "./losses/focal.ts";
import { hingeLosses } from "./losses/hinge.ts";
import { regressionLosses } from "./losses/regression.ts";
import { functionName, type Kind, resolve } from "./registry.ts";
import { type Serialized, serializePart } from "./serialization.ts";

/** The losses of the library. */
export const losses = {
  ...crossentropies,
  ...regressionLosses,
  ...focalLosses,
  ...hingeLosses,
  ...divergences,
};

/** Short names, as Keras takes them. */
const aliases = {
  mse: "meanSquaredError",
  MSE: "meanSquaredError",
  mae: "meanAbsoluteError",
  MAE: "meanAbsoluteError",
  mape: "meanAbsolutePercentageError",
  MAPE: "meanAbsolutePercentageError",
  msle: "meanSquaredLogarithmicError",
  MSLE: "meanSquaredLogarithmicError",
  bce: "binaryCrossentropy",
  BCE: "binaryCrossentropy",
  ce: "crossentropy",
  kld: "klDivergence",
  KLD: "klDivergence",
  // tf_keras has these beside the others.
  kullbackLeiblerDivergence: "klDivergence",
  logcosh: "logCosh",
  huberLoss: "huber",
} as const satisfies Record<string, keyof typeof losses>;

/** Names of the library's losses, the short ones among them. */
export type LossName = keyof typeof losses | keyof typeof aliases;

/** What `compile` takes as a loss. */
export type LossInput = LossName | Loss | LossFunction;

export const lossKind: Kind<Loss> = {
  kind: "loss",
  plural: "losses",
  module: "keras.losses",
  entries: losses,
  aliases,
  classNames: { klDivergence: "KLDivergence" },
  ignoredKeys: ["name", "dtype", "fn"],
  is: (value) => "call" in value && typeof value.call === "function" && "name" in value,
  fromFunction: (call) => ({ name: functionName(call), call: call as LossFunction }),
};

/** The loss that a user named, made or wrote. */
export const resolveLoss = (value: LossInput, who: string): Loss => resolve(value, lossKind, who);

/** A loss in Keras's form; the one that the shapes choose is a text there. */
export const serializeLoss = (loss: Loss): Serialized | string =>
  loss.name === "crossentropy" ? loss.name : serializePart(lossKind, loss);
