/** Metrics: what is reported beside the loss. To add one, add it to a file of `metrics/`. */
import { describe, ValueError } from "../base/errors.ts";
import { formatShape } from "../base/shape.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Metric, type MetricFunction, meanRule } from "./metric.ts";
import { accuracies } from "./metrics/accuracy.ts";
import { confusionMetrics } from "./metrics/confusion.ts";
import { curveMetrics } from "./metrics/curves.ts";
import { means } from "./metrics/means.ts";
import { scoreMetrics } from "./metrics/scores.ts";
import { valueMetrics } from "./metrics/values.ts";
import { functionName, type Kind, nameIn, resolve } from "./registry.ts";
import { type Serialized, serializePart } from "./serialization.ts";

/** The metrics of the library. */
export const metrics = {
  ...accuracies,
  ...means,
  ...confusionMetrics,
  ...curveMetrics,
  ...scoreMetrics,
  ...valueMetrics,
};

/** Short names, as Keras takes them. */
const aliases = {
  acc: "accuracy",
  bce: "binaryCrossentropy",
  BCE: "binaryCrossentropy",
  mse: "meanSquaredError",
  MSE: "meanSquaredError",
  mae: "meanAbsoluteError",
  MAE: "meanAbsoluteError",
  mape: "meanAbsolutePercentageError",
  MAPE: "meanAbsolutePercentageError",
  msle: "meanSquaredLogarithmicError",
  MSLE: "meanSquaredLogarithmicError",
  fbetaScore: "fBetaScore",
} as const satisfies Record<string, keyof typeof metrics>;

/** Names of the library's metrics, the short ones among them. */
export type MetricName = keyof typeof metrics | keyof typeof aliases;

/** What `compile` takes as a metric. A function is reported under its own name. */
export type MetricInput = MetricName | Metric | MetricFunction;

export const metricKind: Kind<Metric> = {
  kind: "metric",
  plural: "metrics",
  module: "keras.metrics",
  entries: metrics,
  aliases,
  classNames: {
    // Keras's class compares exactly; "accuracy" is a text there, which chooses by the shapes.
    accuracy: "accuracy",
    exactAccuracy: "Accuracy",
    auc: "AUC",
    klDivergence: "KLDivergence",
  },
  ignoredKeys: ["dtype", "fn"],
  adaptConfig: (name, config) => {
    // The last dimension is the only one that sparse cross-entropies have in Keras's backends.
    if (name !== "sparseCategoricalCrossentropy" || config.axis !== -1) return { ...config };
    const { axis: _, ...rest } = config;
    return rest;
  },
  is: (value) => value instanceof Metric,
  fromFunction: (call) => {
    const name = call.name || functionName(call);
    return new Metric(name, meanRule(checked(name, call as MetricFunction)));
  },
};

/** A user's function, which may return anything. */
const checked =
  (name: string, call: MetricFunction): MetricFunction =>
  (yTrue, yPred, context) => {
    const values: unknown = call(yTrue, yPred, context);
    const isGood = values instanceof Tensor && values.dtype === "float32";
    if (isGood && values.shape[0] === yPred.shape[0]) return values;
    throw new ValueError({
      who: `metric ${name}`,
      expected: isGood
        ? `it must return a value for each of the ${yPred.shape[0]} samples`
        : "it must return a float32 Tensor",
      received:
        values instanceof Tensor
          ? `${values.dtype} ${formatShape(values.shape)}`
          : describe(values),
    });
  };

/** The metric that a user named, made or wrote; one named is reported under that very name. */
export function resolveMetric(value: MetricInput, who: string): Metric {
  const known = typeof value === "string" ? nameIn(metricKind, value) : undefined;
  if (known === undefined || known === value) return resolve(value, metricKind, who);
  return (metricKind.entries[known] as unknown as (options: object) => Metric)({ name: value });
}

/** A metric in Keras's form; the accuracy that the shapes choose is a text there. */
export function serializeMetric(metric: Metric): Serialized | string {
  const { entry, options } = metric;
  if (entry === undefined || options === undefined) return serializePart(metricKind, metric);
  if (entry === "accuracy") return entry;
  return serializePart(metricKind, { name: entry, options } as Metric);
}
