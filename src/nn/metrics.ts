/** Metrics: what is reported beside the loss. To add one, add an entry to `metrics`. */
import { argmax } from "../tensor/composites.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { LossContext } from "./losses.ts";
import { functionName, type Kind, resolve } from "./registry.ts";
import type { TargetKind, TargetShapes } from "./targets.ts";

/**
 * A user's own metric: a value for each sample, `[batch]` or `[batch, ...]`; the mean is reported.
 */
export type MetricFunction = (yTrue: Tensor, yPred: Tensor, context: LossContext) => Tensor;

/** A metric: numbers for each sample, summed over all samples, and what is reported of the sums. */
export interface Metric {
  /** The key in histories, e.g. `accuracy`. */
  readonly name: string;
  /** How its targets must look. Default: `any`. */
  readonly targets?: TargetKind;
  /** Numbers for each sample, `[batch]` or `[batch, ...]`. */
  readonly call: MetricFunction;
  /**
   * The reported number, from the sums over all samples (one for each of the numbers of a sample)
   * and the count of samples. Default: the mean over samples and their numbers.
   */
  result?(sums: Float64Array, count: number): number;
  /** A metric that hangs on shapes chooses the one to use, which keeps this one's name. */
  choose?(shapes: TargetShapes): Metric;
}

const matches = (a: Tensor, b: Tensor): Tensor => a.equal(b).cast("float32");

/** The metrics of the library. */
export const metrics = {
  /**
   * The share of right predictions. As in Keras it is `binaryAccuracy` for outputs [n, 1],
   * `sparseCategoricalAccuracy` for labels [n] or [n, 1], and else `categoricalAccuracy`.
   */
  accuracy: (): Metric => ({
    name: "accuracy",
    call: () => {
      throw new Error("accuracy is one of three metrics: choose first");
    },
    choose: ({ target, output }) => {
      if (output.at(-1) === 1) return metrics.binaryAccuracy();
      const isSparse = target.length < output.length || target.at(-1) === 1;
      return isSparse ? metrics.sparseCategoricalAccuracy() : metrics.categoricalAccuracy();
    },
  }),

  /** 1 where the largest prediction (the first of equal ones) is the label's, else 0. */
  sparseCategoricalAccuracy: (): Metric => ({
    name: "sparseCategoricalAccuracy",
    targets: "classes",
    call: (yTrue, yPred, { trace }) => matches(argmax(trace, yPred), yTrue.cast("uint32")),
  }),

  /** 1 where the largest prediction stands where the largest target does, else 0. */
  categoricalAccuracy: (): Metric => ({
    name: "categoricalAccuracy",
    targets: "output",
    call: (yTrue, yPred, { trace }) => matches(argmax(trace, yPred), argmax(trace, yTrue)),
  }),

  /** 1 where a prediction above 0.5 meets a target of 1, or one below a target of 0. */
  binaryAccuracy: (): Metric => ({
    name: "binaryAccuracy",
    targets: "output",
    call: (yTrue, yPred) => matches(yPred.greater(0.5).cast("float32"), yTrue),
  }),
};

/** Names of the library's metrics. */
export type MetricName = keyof typeof metrics;

/** What `compile` takes as a metric. A function is reported under its own name. */
export type MetricInput = MetricName | Metric | MetricFunction;

const kind: Kind<Metric> = {
  kind: "metric",
  entries: metrics,
  is: (value) => "call" in value && typeof value.call === "function" && "name" in value,
  fromFunction: (call) => ({
    name: call.name || functionName(call),
    call: call as MetricFunction,
  }),
};

/** The metric that a user named, made or wrote. */
export const resolveMetric = (value: MetricInput, who: string): Metric => resolve(value, kind, who);

/** The metric to use for these shapes, under the name of the given one. */
export function chooseMetric(metric: Metric, shapes: TargetShapes): Metric {
  const chosen = metric.choose?.(shapes);
  return chosen ? { ...chosen, name: metric.name } : metric;
}
