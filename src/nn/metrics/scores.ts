/** F scores and R2: numbers made of sums for each class or output. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape, sizeOf } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { choice, type Field, number, optional, whole } from "../fields.ts";
import { fitWeight } from "../loss.ts";
import type { MetricRule } from "../metric.ts";
import { type MetricOptions, metric } from "./entry.ts";

/** Options of `metrics.f1Score`. */
export interface F1ScoreOptions extends MetricOptions {
  /**
   * `none` (or null): a number for each class; `micro`: one of the counts of all classes; `macro`:
   * the mean over classes; `weighted`: the mean weighted by each class's share of the targets 1.
   * Default: `none`.
   */
  readonly average?: "none" | "micro" | "macro" | "weighted" | null;
  /**
   * Predictions above it count as positive, in (0, 1]. Default: none, each sample's largest
   * predictions do.
   */
  readonly threshold?: number | null;
}

/** Options of `metrics.fBetaScore`. */
export interface FBetaScoreOptions extends F1ScoreOptions {
  /** How many times more recall counts than precision; above 0. Default: 1. */
  readonly beta?: number;
}

/** Options of `metrics.r2Score`. */
export interface R2ScoreOptions extends MetricOptions {
  /**
   * `uniformAverage`: the mean over outputs; `varianceWeightedAverage`: weighted by the outputs'
   * variances; `none` (or null): a number for each output. Default: `uniformAverage`.
   */
  readonly classAggregation?: "uniformAverage" | "varianceWeightedAverage" | "none" | null;
  /**
   * The number of independent variables, for the adjusted score; 0: not adjusted. As in Keras each
   * number of the targets counts as a sample, and the adjustment is left out where there are not
   * more than `numRegressors` + 1 of them. Default: 0.
   */
  readonly numRegressors?: number;
}

/** A word or `none`, which Keras writes as null. */
const orNone = <T extends string>(field: Field<T>): Field<T> => ({
  ...field,
  read: (value, name, who) => field.read(value === null ? "none" : value, name, who),
  write: (value) => (value === "none" ? null : field.write!(value)),
  parse: (value, custom) => (value === null ? "none" : field.parse!(value, custom)),
});

/**
 * A number that Keras takes as a Python float only, and JSON has one kind of numbers: a whole one
 * is written a last bit lower, which is the same float32.
 */
const asFloat = (field: Field<number>): Field<number> => ({
  ...field,
  write: (value) => (Number.isInteger(value) ? value * (1 - Number.EPSILON / 2) : value),
  parse: (value) => {
    const single = Math.fround(Number(value));
    return typeof value === "number" && Number.isInteger(single) ? single : value;
  },
});

const fFields = {
  average: orNone(choice(["none", "micro", "macro", "weighted"], "none")),
  threshold: optional(asFloat(number(undefined, { above: 0, to: 1 }))),
};

/** Throws a ShapeError unless there are classes. */
function checkRank(yPred: Tensor, who: string): void {
  if (yPred.rank === 2) return;
  throw new ShapeError({
    who,
    expected: "predictions [n, outputs]",
    received: formatShape(yPred.shape),
  });
}

type Average = "none" | "micro" | "macro" | "weighted";

/** (1 + beta^2) precision recall / (beta^2 precision + recall). */
const fScore = (
  name: string,
  average: Average,
  beta: number,
  threshold: number | undefined,
): MetricRule => ({
  targets: "binary",
  update: (yTrue, yPred, { sampleWeight }) => {
    checkRank(yPred, name);
    const isPositive =
      threshold === undefined
        ? yPred.greaterEqual(yPred.max(-1, true)).and(yPred.absolute().greater(1e-9))
        : yPred.greater(threshold);
    const weight = sampleWeight && fitWeight(sampleWeight, yPred);
    const sum = (values: Tensor) => {
      const weighted = weight ? values.multiply(weight) : values;
      return average === "micro" ? weighted.sum() : weighted.sum(0);
    };
    const miss = yTrue.negate().add(1);
    return [
      sum(isPositive.where(yTrue, 0)),
      sum(isPositive.where(miss, 0)),
      sum(isPositive.where(0, yTrue)),
    ];
  },
  compute: ([tp, fp, fn]) => {
    const scores = Array.from(tp, (_, i) => fOf(tp[i], fp[i], fn[i], beta));
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    if (average === "none") return scores;
    if (average !== "weighted") return mean(scores);
    const targets = Array.from(tp, (_, i) => tp[i] + fn[i]);
    const all = targets.reduce((a, b) => a + b, 0) + 1e-7;
    return scores.reduce((sum, score, i) => sum + (score * targets[i]) / all, 0);
  },
});

/**
 * In float32 as Keras reckons: its 1e-7 in each divisor vanishes beside counts above 1, so that a
 * perfect score is about 1, but shows in small ones.
 */
function fOf(tp: number, fp: number, fn: number, beta: number): number {
  const f = Math.fround;
  const divide = (a: number, b: number) => f(a / f(b + 1e-7));
  const precision = divide(f(tp), f(tp + fp));
  const recall = divide(f(tp), f(tp + fn));
  const sum = f(f(f(beta ** 2) * precision) + recall);
  return f(divide(f(precision * recall), sum) * f(1 + beta ** 2));
}

export const scoreMetrics = {
  /**
   * 2 precision recall / (precision + recall) for predictions [n, classes], of counts over all
   * samples. With the default `average` the result is a list.
   *
   * @throws ValueError unless threshold is in (0, 1]
   */
  f1Score: metric<F1ScoreOptions>()("f1Score", fFields, ({ average, threshold }) =>
    fScore("f1Score", average, 1, threshold),
  ),

  /**
   * (1 + beta^2) precision recall / (beta^2 precision + recall) for predictions [n, classes], of
   * counts over all samples. With the default `average` the result is a list.
   *
   * @throws ValueError unless beta is above 0 and threshold in (0, 1]
   */
  fBetaScore: metric<FBetaScoreOptions>()(
    "fBetaScore",
    { ...fFields, beta: asFloat(number(1, { above: 0 })) },
    ({ average, beta, threshold }) => fScore("fBetaScore", average, beta, threshold),
  ),

  /**
   * The share of the targets' variance that predictions [n, outputs] explain:
   * 1 - sum((target - prediction)^2) / sum((target - mean target)^2). 0 where targets are constant
   * and predictions are not. Sums are kept in doubles; Keras's float32 sums lose digits where the
   * mean is large beside the variance.
   */
  r2Score: metric<R2ScoreOptions>()(
    "r2Score",
    {
      classAggregation: orNone(
        choice(["uniformAverage", "varianceWeightedAverage", "none"], "uniformAverage", {
          uniformAverage: "uniform_average",
          varianceWeightedAverage: "variance_weighted_average",
        }),
      ),
      numRegressors: whole(0, 0),
    },
    ({ classAggregation, numRegressors }) => ({
      targets: "output",
      update: (yTrue, yPred, { sampleWeight }) => {
        checkRank(yPred, "r2Score");
        const weight = sampleWeight && fitWeight(sampleWeight, yTrue);
        const sum = (values: Tensor) => (weight ? values.multiply(weight) : values).sum(0);
        return [
          sum(yTrue),
          sum(yTrue.square()),
          sum(yTrue.subtract(yPred).square()),
          weight ? weight.sum(0) : yTrue.shape[0],
          sizeOf(yTrue.shape),
        ];
      },
      compute: (state) => {
        const [sums, squares, residuals, counts, [numbers]] = state;
        const spreads = squares.map(
          (square, i) => square - sums[i] ** 2 / counts[i % counts.length],
        );
        const scores = Array.from(residuals, (residual, i) => {
          const score = 1 - residual / spreads[i];
          return Math.abs(score) === Number.POSITIVE_INFINITY ? 0 : score;
        });
        const adjust = (score: number) => {
          const freedom = numbers - numRegressors - 1;
          if (numRegressors === 0 || freedom <= 0) return score;
          return 1 - ((1 - score) * (numbers - 1)) / freedom;
        };
        if (classAggregation === "none") return scores.map(adjust);
        const weights = scores.map((_, i) =>
          classAggregation === "uniformAverage" ? 1 : spreads[i],
        );
        const total = scores.reduce((sum, score, i) => sum + score * weights[i], 0);
        return adjust(total / weights.reduce((a, b) => a + b, 0));
      },
    }),
  ),
};
