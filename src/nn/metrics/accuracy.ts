/** Accuracies: shares of right predictions. */
import { argmax, isClass } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, number, whole } from "../fields.ts";
import { type Metric, type MetricFunction, meanRule } from "../metric.ts";
import { predictionKind } from "../targets.ts";
import { type MetricOptions, metric } from "./entry.ts";

/** Options of `metrics.binaryAccuracy`. */
export interface BinaryAccuracyOptions extends MetricOptions {
  /** Predictions above it count as 1, all others as 0. Default: 0.5. */
  readonly threshold?: number;
}

/** Options of `metrics.topKCategoricalAccuracy`. */
export interface TopKOptions extends MetricOptions {
  /** Among how many of the largest predictions the right one must be, at least 1. Default: 5. */
  readonly k?: number;
}

/** Options of `metrics.sparseTopKCategoricalAccuracy`. */
export interface SparseTopKOptions extends TopKOptions {
  /**
   * Whether predictions are the numbers of classes themselves, the best first, rather than a score
   * for each class. Default: false.
   */
  readonly fromSortedIds?: boolean;
}

const matches = (a: Tensor, b: Tensor): Tensor => a.equal(b).cast("float32");

/** 1 where fewer than k predictions are larger than that of the label `[...]`, else 0. */
const inTopK =
  (k: number): MetricFunction =>
  (labels, yPred, { trace }) => {
    const hit = isClass(trace, labels.cast("uint32"), yPred);
    const right = hit.where(yPred, 0).sum(-1, true);
    // Counted from below, so that a NaN is in no top.
    const notAhead = yPred.lessEqual(right).cast("float32").sum(-1);
    return notAhead.greater(yPred.shape.at(-1)! - k).cast("float32");
  };

/** 1 where the label `[...]` is one of the first k numbers. */
const inFirst =
  (k: number): MetricFunction =>
  (yTrue, yPred, { trace }) => {
    const hasOne = yTrue.rank === yPred.rank && yTrue.shape.at(-1) === 1;
    const labels = hasOne ? yTrue : yTrue.expandDimension(-1);
    const isFirst = trace.indexAlong(yPred, -1).less(k);
    return yPred.equal(labels).and(isFirst).cast("float32").max(-1);
  };

export const accuracies = {
  /**
   * The share of right predictions. As Keras's string "accuracy" it is `binaryAccuracy` for outputs
   * [n, 1], `sparseCategoricalAccuracy` for labels [n] or [n, 1], and else `categoricalAccuracy`.
   * (Keras's class Accuracy is `exactAccuracy`.)
   */
  accuracy: metric()("accuracy", {}, () => ({
    ...meanRule(() => {
      throw new Error("accuracy is one of three metrics: choose first");
    }),
    choose: (shapes): Metric =>
      ({
        binary: accuracies.binaryAccuracy,
        sparse: accuracies.sparseCategoricalAccuracy,
        oneHot: accuracies.categoricalAccuracy,
      })[predictionKind(shapes)](),
  })),

  /** 1 where a prediction equals its target, else 0: Keras's class Accuracy. */
  exactAccuracy: metric()("exactAccuracy", {}, () =>
    meanRule((yTrue, yPred) => matches(yPred, yTrue), "output"),
  ),

  /** 1 where the largest prediction (the first of equal ones) is the label's, else 0. */
  sparseCategoricalAccuracy: metric()("sparseCategoricalAccuracy", {}, () =>
    meanRule(
      (yTrue, yPred, { trace }) => matches(argmax(trace, yPred), yTrue.cast("uint32")),
      "classes",
    ),
  ),

  /** 1 where the largest prediction stands where the largest target does, else 0. */
  categoricalAccuracy: metric()("categoricalAccuracy", {}, () =>
    meanRule(
      (yTrue, yPred, { trace }) => matches(argmax(trace, yPred), argmax(trace, yTrue)),
      "output",
    ),
  ),

  /** 1 where a prediction above `threshold` meets a target of 1, or another one a target of 0. */
  binaryAccuracy: metric<BinaryAccuracyOptions>()(
    "binaryAccuracy",
    { threshold: number(0.5) },
    ({ threshold }) =>
      meanRule(
        (yTrue, yPred) => matches(yPred.greater(threshold).cast("float32"), yTrue),
        "output",
      ),
  ),

  /**
   * 1 where fewer than k predictions are larger than that of the right class (where the target is
   * largest), else 0: predictions as large as that one do not push it out.
   */
  topKCategoricalAccuracy: metric<TopKOptions>()(
    "topKCategoricalAccuracy",
    { k: whole(5) },
    ({ k }) =>
      meanRule(
        (yTrue, yPred, context) => inTopK(k)(argmax(context.trace, yTrue), yPred, context),
        "output",
      ),
  ),

  /** `topKCategoricalAccuracy` with numbers of classes as labels. */
  sparseTopKCategoricalAccuracy: metric<SparseTopKOptions>()(
    "sparseTopKCategoricalAccuracy",
    { k: whole(5), fromSortedIds: boolean(false) },
    ({ k, fromSortedIds }) =>
      fromSortedIds ? meanRule(inFirst(k)) : meanRule(inTopK(k), "classes"),
  ),
};
