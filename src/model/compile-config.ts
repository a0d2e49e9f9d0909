/** What a model is trained with, as Keras's config and back. */
import type { CustomObjects, Json } from "../nn/fields.ts";
import type { Loss } from "../nn/loss.ts";
import { lossKind, serializeLoss } from "../nn/losses.ts";
import { Metric } from "../nn/metric.ts";
import { metricKind, serializeMetric } from "../nn/metrics.ts";
import { optimizerKind, serializeOptimizer } from "../nn/optimizers.ts";
import { type Kind, nameIn, type Part, resolve } from "../nn/registry.ts";
import { deserializePart, type Serialized, toCamelKey, toSnakeKey } from "../nn/serialization.ts";
import type { Compiled, CompileOptions } from "./compiled.ts";

type Config = { readonly [key: string]: Json };

/**
 * As Keras 3 writes it: texts stay texts, in Keras's spelling.
 *
 * @param written the optimizer's config, where it is to be another
 */
export function compileConfig(
  { optimizer, options }: Compiled,
  written = serializeOptimizer(optimizer),
): Config {
  const { loss, metrics, weightedMetrics, lossWeights } = options;
  return {
    optimizer: written as Json,
    loss: nested(loss, (one) => partConfig(lossKind, serializeLoss, one)),
    loss_weights: (lossWeights ?? null) as Json,
    metrics: nested(metrics, (one) => partConfig(metricKind, serializeMetric, one)),
    weighted_metrics: nested(weightedMetrics, (one) =>
      partConfig(metricKind, serializeMetric, one),
    ),
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
}

const isPart = (value: object): boolean => "call" in value || value instanceof Metric;

/** Lists and objects by output, each entry written. */
function nested(value: unknown, write: (one: unknown) => Json): Json {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map((one) => nested(one, write));
  if (typeof value === "object" && !isPart(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, nested(one, write)] as const),
    );
  return write(value);
}

function partConfig<T extends Part>(
  of: Kind<T>,
  serialize: (part: T) => Serialized | string,
  value: unknown,
): Json {
  const name = typeof value === "string" ? nameIn(of, value) : undefined;
  const classOf = name && of.classNames?.[name];
  // Texts stay texts, for a metric is reported under its text; but one that Keras calls otherwise.
  if (name && (!classOf || classOf.toLowerCase() === name.toLowerCase())) {
    const isShort = /^([a-z]+|[A-Z]+)$/.test(value as string);
    return isShort ? (value as string) : toSnakeKey(name);
  }
  return serialize(resolve<T>(value, of, "toJson")) as Json;
}

/** The options of `compile` that a config stands for; undefined where there is none. */
export function compileOptions(config: unknown, custom: CustomObjects): CompileOptions | undefined {
  if (typeof config !== "object" || config === null) return undefined;
  const given = config as Readonly<Record<string, unknown>>;
  if (given.optimizer === undefined || given.optimizer === null) return undefined;
  const loss = readNested(given.loss, (one) => readOne<Loss>(lossKind, one, custom));
  const metric = (one: unknown) => readOne<Metric>(metricKind, one, custom);
  const metrics = readNested(given.metrics, metric);
  const weighted = readNested(given.weighted_metrics, metric);
  const weights = given.loss_weights;
  return {
    optimizer: deserializePart(optimizerKind, given.optimizer, custom),
    ...(loss !== undefined && { loss: loss as NonNullable<CompileOptions["loss"]> }),
    ...(metrics !== undefined && { metrics: metrics as NonNullable<CompileOptions["metrics"]> }),
    ...(weighted !== undefined && {
      weightedMetrics: weighted as NonNullable<CompileOptions["weightedMetrics"]>,
    }),
    ...(weights !== undefined &&
      weights !== null && { lossWeights: weights as NonNullable<CompileOptions["lossWeights"]> }),
  };
}

/** A text of the library's stays one: for a metric it is the key in logs too, such as `mse`. */
function readOne<T extends Part>(of: Kind<T>, value: unknown, custom: CustomObjects): T | string {
  if (typeof value === "string" && !Object.hasOwn(custom, value)) {
    const text = [value, toCamelKey(value)].find((one) => nameIn(of, one) !== undefined);
    if (text !== undefined) return text;
  }
  return deserializePart<T>(of, value, custom);
}

function readNested(value: unknown, one: (value: unknown) => Part | string): unknown {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((entry) => readNested(entry, one) ?? null);
  if (typeof value === "object" && !("class_name" in value))
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, readNested(entry, one)] as const),
    );
  return one(value);
}
