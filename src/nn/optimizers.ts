/** Optimizers: short compositions of transforms. To add one, add it to a file of `optimizers/`. */
import { describe, ValueError } from "../base/errors.ts";
import { Optimizer } from "./optimizer.ts";
import { adams } from "./optimizers/adam.ts";
import { adaptives } from "./optimizers/adaptive.ts";
import { descents } from "./optimizers/descent.ts";
import { type Kind, resolve } from "./registry.ts";
import { type Serialized, serializePart } from "./serialization.ts";

export type { AdamaxOptions, AdamOptions, NadamOptions } from "./optimizers/adam.ts";
export type {
  AdadeltaOptions,
  AdagradOptions,
  FtrlOptions,
  RmspropOptions,
} from "./optimizers/adaptive.ts";
export type { LionOptions, SgdOptions } from "./optimizers/descent.ts";

/** The optimizers of the library. */
export const optimizers = { ...descents, ...adams, ...adaptives };

/** Other spellings: Keras's names are in lower case. */
const aliases = { adamw: "adamW" } as const satisfies Record<string, keyof typeof optimizers>;

/** Names of the library's optimizers. */
export type OptimizerName = keyof typeof optimizers | keyof typeof aliases;

/** What `compile` takes as an optimizer. */
export type OptimizerInput = OptimizerName | Optimizer;

export const optimizerKind: Kind<Optimizer> = {
  kind: "optimizer",
  plural: "optimizers",
  module: "keras.optimizers",
  classNames: { sgd: "SGD", rmsprop: "RMSprop" },
  entries: optimizers,
  aliases,
  ignoredKeys: ["jit_compile", "is_legacy_optimizer"],
  adaptConfig,
  is: (value) => value instanceof Optimizer,
};

/** The optimizer that a user named or made. */
export const resolveOptimizer = (value: OptimizerInput, who: string): Optimizer =>
  resolve(value, optimizerKind, who);

/** An optimizer in Keras's form, with the rate as it is now. */
export function serializeOptimizer(optimizer: Optimizer): Serialized | string {
  const { entry, options } = optimizer;
  if (entry === undefined || options === undefined) return serializePart(optimizerKind, optimizer);
  return serializePart(optimizerKind, { name: entry, options } as unknown as Optimizer);
}

type Config = Readonly<Record<string, unknown>>;

/**
 * Configs of tf_keras's legacy optimizers, which have a `decay`: Nadam's is that of its momentum,
 * the others' divides the rate by 1 + decay step. RMSprop without momentum and Adagrad have epsilon
 * outside of the root there. Without it, Nadam is Keras 3's.
 */
function adaptConfig(name: string, config: Config): Record<string, unknown> {
  const { decay, ...rest } = config;
  if (name === "nadam") return { ...rest, decay: decay ?? 1 };
  if (decay === undefined || decay === null) return rest;
  const rate = decay === 0 ? {} : { learning_rate: decayed(name, config, decay) };
  const isOutside = name === "adagrad" || (name === "rmsprop" && !rest.momentum);
  const place = isOutside ? { epsilon_place: "outside" } : {};
  return { ...place, ...rest, ...rate };
}

/** Legacy tf.keras's rate: rate / (1 + decay step). */
function decayed(name: string, config: Config, decay: unknown) {
  const rate = config.learning_rate ?? config.lr;
  if (typeof rate !== "number")
    throw new ValueError({
      who: `optimizer ${name} config`,
      expected: "a number as learning_rate beside a decay",
      received: describe(rate),
      fix: "Set learning_rate to a schedule that decays as both, and decay to 0.",
    });
  const options = { initial_learning_rate: rate, decay_steps: 1, decay_rate: decay };
  return { class_name: "InverseTimeDecay", config: options };
}
