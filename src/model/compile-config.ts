/** What a model is trained with, as Keras's config and back. */
import type { CustomObjects, Json } from "../nn/fields.ts";
import type { Loss } from "../nn/loss.ts";
import { lossKind, serializeLoss } from "../nn/losses.ts";
import { Metric } from "../nn/metric.ts";
import { type MetricInput, metricKind, resolveMetric, serializeMetric } from "../nn/metrics.ts";
import { optimizerKind, serializeOptimizer } from "../nn/optimizers.ts";
import { type Kind, nameIn, type Part, resolve } from "../nn/registry.ts";
import { deserializePart, type Serialized, toCamelKey, toSnakeKey } from "../nn/serialization.ts";
import type { Compiled, CompileOptions } from "./compiled.ts";

type Config = { readonly [key: string]: Json };

/** As Keras 3 writes it: texts stay texts, in Keras's spelling. */
export function compileConfig({ optimizer, options }: Compiled): Config {
  const { loss, metrics, weightedMetrics, lossWeights } = options;
  return {
    optimizer: serializeOptimizer(optimizer) as Json,
    loss: nested(loss, (one) => written(lossKind, serializeLoss, one)),
    loss_weights: (lossWeights ?? null) as Json,
    metrics: nested(metrics, (one) => written(metricKind, serializeMetric, one)),
    weighted_metrics: nested(weightedMetrics, (one) => written(metricKind, serializeMetric, one)),
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

function written<T extends Part>(
  of: Kind<T>,
  serialize: (part: T) => Serialized | string,
  value: unknown,
): Json {
  if (typeof value === "string") return toSnakeKey(value);
  return serialize(resolve<T>(value, of, "toJson")) as Json;
}

/** The options of `compile` that a config stands for; undefined where there is none. */
export function compileOptions(config: unknown, custom: CustomObjects): CompileOptions | undefined {
  if (typeof config !== "object" || config === null) return undefined;
  const given = config as Readonly<Record<string, unknown>>;
  if (given.optimizer === undefined || given.optimizer === null) return undefined;
  const read = (value: unknown, one: (value: unknown) => Part) => readNested(value, one);
  const loss = read(given.loss, (one) => deserializePart<Loss>(lossKind, one, custom));
  const metric = (one: unknown) => {
    // A text is the key in logs too: `mse` is reported as such.
    const name = typeof one === "string" ? toCamelKey(one) : undefined;
    if (name !== undefined && nameIn(metricKind, name) !== undefined && !(name in custom))
      return resolveMetric(name as MetricInput, "compile config");
    return deserializePart<Metric>(metricKind, one, custom);
  };
  const metrics = read(given.metrics, metric);
  const weighted = read(given.weighted_metrics, metric);
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

function readNested(value: unknown, one: (value: unknown) => Part): unknown {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.map((entry) => readNested(entry, one) ?? null);
  if (typeof value === "object" && !("class_name" in value))
    return Object.fromEntries(
      Object.entries(value).map(([name, entry]) => [name, readNested(entry, one)] as const),
    );
  return one(value);
}
