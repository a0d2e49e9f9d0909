/** Confusion tables over thresholds, their counts, precision and recall. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import { optional, whole } from "../fields.ts";
import { fitWeight } from "../loss.ts";
import { type MetricContext, type MetricRule, ratio } from "../metric.ts";
import { type MetricOptions, metric } from "./entry.ts";
import { above, constants, listed, type Thresholds, thresholdsField } from "./thresholds.ts";

/** Options of the confusion counts. */
export interface ConfusionOptions extends MetricOptions {
  /**
   * Predictions above it count as positive; in [0, 1]. With a list the result is one number for
   * each. Default: 0.5.
   */
  readonly thresholds?: number | readonly number[];
}

/** Options of `metrics.precision` and `metrics.recall`. */
export interface PrecisionOptions extends ConfusionOptions {
  /**
   * Only a sample's k largest predictions can be positive (of equal ones the first); without
   * `thresholds` all of them are. Default: all can.
   */
  readonly topK?: number;
  /** Only this class counts: a position along the last dimension. Default: all classes together. */
  readonly classId?: number;
}

/** What of a batch is counted. */
export interface Counting {
  readonly thresholds: Thresholds;
  readonly topK?: number | undefined;
  readonly classId?: number | undefined;
  /** Whether each label (position along the last dimension) has a table of its own. */
  readonly multiLabel?: boolean;
  /** What each label counts in a common table. */
  readonly labelWeights?: readonly number[] | undefined;
}

/** Sums over all samples: of each threshold, and with `multiLabel` of each label within it. */
export interface Table {
  readonly truePositives: Float64Array;
  readonly falsePositives: Float64Array;
  readonly falseNegatives: Float64Array;
  readonly trueNegatives: Float64Array;
}

/** So low that no prediction is below: the threshold where `topK` decides alone. */
const lowest = -1e10;

/** What a batch adds to a table: both sorts of positives, and the totals of both labels. */
export function tableParts(
  yTrue: Tensor,
  yPred: Tensor,
  { trace, sampleWeight }: MetricContext,
  { thresholds, topK, classId, multiLabel = false, labelWeights }: Counting,
  who: string,
): Tensor[] {
  let [labels, scores] = [yTrue, yPred];
  if (topK !== undefined) scores = amongTop(trace, scores, topK);
  if (classId !== undefined)
    [labels, scores] = [labels, scores].map((y) => column(trace, y, classId, who));
  let weight = sampleWeight && fitWeight(sampleWeight, scores);
  if (labelWeights) {
    const ofLabels = constants(trace.indexAlong(scores, -1), labelWeights);
    weight = weight ? weight.multiply(ofLabels) : ofLabels;
  }
  const counts = weight ?? trace.constant(1);
  const isNegative = labels.equal(0);
  const positive = isNegative.where(0, counts);
  const negative = isNegative.where(counts, 0);
  const over = scores.shape.map((_, i) => i).slice(0, multiLabel ? -1 : undefined);
  const isAbove = above(trace, scores, thresholds);
  const overAbove = over.map((i) => i + 1);
  return [
    isAbove.where(positive, 0).sum(overAbove),
    isAbove.where(negative, 0).sum(overAbove),
    positive.sum(over),
    negative.sum(over),
  ];
}

/** The table of a state of `tableParts`. */
export function tableOf([
  truePositives,
  falsePositives,
  positives,
  negatives,
]: readonly Float64Array[]): Table {
  const labels = positives.length;
  const rest = (totals: Float64Array, counted: Float64Array) =>
    counted.map((count, i) => totals[i % labels] - count);
  return {
    truePositives,
    falsePositives,
    falseNegatives: rest(positives, truePositives),
    trueNegatives: rest(negatives, falsePositives),
  };
}

/** Scores with all but each row's k largest moved below every threshold. */
function amongTop(trace: Trace, scores: Tensor, k: number): Tensor {
  if (scores.rank < 2 || k >= scores.shape.at(-1)!) return scores;
  // How many come before each one: the larger ones, and of equal ones those to the left.
  const [one, other] = [scores.expandDimension(-1), scores.expandDimension(-2)];
  const [at, otherAt] = [trace.indexAlong(one, -2), trace.indexAlong(other, -1)];
  const isBefore = other.greater(one).or(other.equal(one).and(otherAt.less(at)));
  const rank = isBefore.cast("float32").sum(-1);
  return rank.less(k).where(scores, lowest);
}

/** One position of the last dimension, `[..., 1]`. */
function column(trace: Trace, y: Tensor, position: number, who: string): Tensor {
  if (y.rank < 2 || position >= y.shape.at(-1)!)
    throw new ShapeError({
      who,
      expected: `classId ${position} must be a position along the last of several dimensions`,
      received: `predictions ${formatShape(y.shape)}`,
    });
  return trace.indexAlong(y, -1).equal(position).where(y, 0).sum(-1, true);
}

/** One number where there is one threshold, else a list. */
const shaped = (values: ArrayLike<number>): number | number[] =>
  values.length === 1 ? values[0] : Array.from(values);

/** The thresholds that `thresholds` and `topK` stand for. */
function thresholdsOf(given: number | readonly number[] | undefined, topK?: number): Thresholds {
  if (given === undefined) return listed([topK === undefined ? 0.5 : lowest]);
  return listed(typeof given === "number" ? [given] : given);
}

/** The metric that is one of a table's counts. */
const count = (name: string, field: keyof Table) =>
  metric<ConfusionOptions>()(name, { thresholds: thresholdsField }, ({ thresholds }) => {
    const counting = { thresholds: thresholdsOf(thresholds) };
    return {
      targets: "binary",
      update: (yTrue, yPred, context) => tableParts(yTrue, yPred, context, counting, name),
      compute: (state) => shaped(tableOf(state)[field]),
    };
  });

/** The metric that is tp / (tp + others), 0 where there are none. */
const share = (name: string, others: keyof Table) =>
  metric<PrecisionOptions>()(
    name,
    {
      thresholds: thresholdsField,
      topK: optional(whole()),
      classId: optional(whole(undefined, 0)),
    },
    ({ thresholds, topK, classId }): MetricRule => {
      const counting = { thresholds: thresholdsOf(thresholds, topK), topK, classId };
      return {
        targets: "binary",
        update: (yTrue, yPred, context) => tableParts(yTrue, yPred, context, counting, name),
        compute: (state) => {
          const table = tableOf(state);
          const values = table.truePositives.map((tp, i) => ratio(tp, tp + table[others][i]));
          return shaped(values);
        },
      };
    },
  );

export const confusionMetrics = {
  /** How many targets of 1 have predictions above the threshold; weighted, their weights. */
  truePositives: count("truePositives", "truePositives"),

  /** How many targets of 0 have predictions not above the threshold; weighted, their weights. */
  trueNegatives: count("trueNegatives", "trueNegatives"),

  /** How many targets of 0 have predictions above the threshold; weighted, their weights. */
  falsePositives: count("falsePositives", "falsePositives"),

  /** How many targets of 1 have predictions not above the threshold; weighted, their weights. */
  falseNegatives: count("falseNegatives", "falseNegatives"),

  /** The share of targets 1 among the predictions above the threshold; 0 where there are none. */
  precision: share("precision", "falsePositives"),

  /** The share of the targets 1 whose predictions are above the threshold; 0 without targets 1. */
  recall: share("recall", "falseNegatives"),
};
