/** Metrics of curves: what a table over many thresholds says at the best or over all of them. */
import { ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, choice, type Field, list, number, optional, whole } from "../fields.ts";
import { type MetricRule, ratio } from "../metric.ts";
import { areaUnder, type Curve, type SummationMethod } from "./area.ts";
import { type Counting, type Table, tableOf, tableParts } from "./confusion.ts";
import { type MetricOptions, metric } from "./entry.ts";
import { evenly, openEnded } from "./thresholds.ts";

/** Options of `metrics.auc`. */
export interface AucOptions extends MetricOptions {
  /** How many thresholds the curve is drawn through, its ends included; at least 2. Default: 200. */
  readonly numThresholds?: number;
  /**
   * `ROC`: true positive rate over false positive rate; `PR`: precision over recall; `PRGAIN`: the
   * gains of both. Default: `ROC`.
   */
  readonly curve?: Curve;
  /**
   * Between two thresholds: `interpolation` the mean of both heights (for `PR` the true curve
   * between them), `minoring` the lower one, `majoring` the higher one. Default: `interpolation`.
   */
  readonly summationMethod?: SummationMethod;
  /** Thresholds in [0, 1] in place of `numThresholds` even ones; the ends are added. */
  readonly thresholds?: readonly number[];
  /** Whether each label has a curve of its own, whose areas are averaged. Default: false. */
  readonly multiLabel?: boolean;
  /** With `multiLabel`, how many labels there must be. Default: any number. */
  readonly numLabels?: number;
  /** What each label counts, at least 0: in the mean of the areas, or in the common table. */
  readonly labelWeights?: readonly number[];
  /** Whether predictions are logits, of which the sigmoid is taken. Default: false. */
  readonly fromLogits?: boolean;
}

/** Options of all metrics that look for the best threshold. */
interface SearchOptions extends MetricOptions {
  /** How many even thresholds are tried; at least 1. Default: 200. */
  readonly numThresholds?: number;
  /** Only this class counts: a position along the last dimension. Default: all classes together. */
  readonly classId?: number;
}

/** Options of `metrics.precisionAtRecall`. */
export interface PrecisionAtRecallOptions extends SearchOptions {
  /** The least recall, in [0, 1]. */
  readonly recall: number;
}

/** Options of `metrics.recallAtPrecision`. */
export interface RecallAtPrecisionOptions extends SearchOptions {
  /** The least precision, in [0, 1]. */
  readonly precision: number;
}

/** Options of `metrics.sensitivityAtSpecificity`. */
export interface SensitivityAtSpecificityOptions extends SearchOptions {
  /** The least specificity, in [0, 1]. */
  readonly specificity: number;
}

/** Options of `metrics.specificityAtSensitivity`. */
export interface SpecificityAtSensitivityOptions extends SearchOptions {
  /** The least sensitivity, in [0, 1]. */
  readonly sensitivity: number;
}

type Rate = (table: Table, i: number) => number;

const recall: Rate = ({ truePositives: tp, falseNegatives: fn }, i) => ratio(tp[i], tp[i] + fn[i]);
const precision: Rate = ({ truePositives: tp, falsePositives: fp }, i) =>
  ratio(tp[i], tp[i] + fp[i]);
const specificity: Rate = ({ trueNegatives: tn, falsePositives: fp }, i) =>
  ratio(tn[i], tn[i] + fp[i]);

const searchFields = { numThresholds: whole(200), classId: optional(whole(undefined, 0)) };

/** The largest `wanted` of the thresholds where `constrained` is `least` or more; 0 without any. */
function best(
  name: string,
  least: number,
  given: { readonly numThresholds: number; readonly classId: number | undefined },
  constrained: Rate,
  wanted: Rate,
): MetricRule {
  const counting: Counting = {
    thresholds: evenly(given.numThresholds),
    classId: given.classId,
  };
  return {
    targets: "binary",
    update: (yTrue, yPred, context) => tableParts(yTrue, yPred, context, counting, name),
    compute: (state) => {
      const table = tableOf(state);
      const values = Array.from(table.truePositives, (_, i) =>
        constrained(table, i) >= least ? wanted(table, i) : 0,
      );
      return Math.max(0, ...values);
    },
  };
}

/** Curves are also spelt in small letters in files. */
const curveField: Field<Curve> = {
  ...choice(["ROC", "PR", "PRGAIN"], "ROC"),
  parse: (value) => (typeof value === "string" ? value.toUpperCase() : value),
};

/** Keras writes weights as a tensor: `{ class_name: "__tensor__", config: { value } }`. */
const weightsField: Field<readonly number[] | undefined> = {
  ...optional(list(number(undefined, { from: 0 }))),
  parse: (value) => {
    const tensor = value as { readonly config?: { readonly value?: unknown } } | null;
    return tensor?.config?.value ?? value;
  },
};

const share = () => number(undefined, { from: 0, to: 1 });

export const curveMetrics = {
  /**
   * The area under a curve over thresholds: for `ROC` about the probability that a positive sample
   * is ranked above a negative one. `numThresholds` points stand for the curve, so it is an
   * approximation; predictions should be spread over [0, 1].
   *
   * @throws ValueError for thresholds outside [0, 1], or `numLabels` without `multiLabel`
   */
  auc: metric<AucOptions>()(
    "auc",
    {
      numThresholds: whole(200, 2),
      curve: curveField,
      summationMethod: choice(["interpolation", "minoring", "majoring"], "interpolation"),
      thresholds: optional(list(share())),
      multiLabel: boolean(false),
      numLabels: optional(whole()),
      labelWeights: weightsField,
      fromLogits: boolean(false),
    },
    ({ numThresholds, thresholds, labelWeights, ...options }) => {
      const { curve, summationMethod, multiLabel, numLabels, fromLogits } = options;
      if (numLabels !== undefined && !multiLabel)
        throw new ValueError({
          who: "auc",
          expected: "numLabels needs multiLabel",
          received: `numLabels ${numLabels} without it`,
        });
      const inner = thresholds ?? evenly(numThresholds).values.slice(1, -1);
      const counting: Counting = {
        thresholds: openEnded(inner),
        multiLabel,
        labelWeights: multiLabel ? undefined : labelWeights,
      };
      return {
        targets: "binary",
        update: (yTrue, yPred, context) => {
          checkLabelCount(yPred, multiLabel, numLabels ?? labelWeights?.length);
          const scores = fromLogits ? yPred.sigmoid() : yPred;
          return tableParts(yTrue, scores, context, counting, "auc");
        },
        compute: (state) => {
          const labels = state[2].length;
          const areas = areaUnder(tableOf(state), labels, curve, summationMethod);
          const weights = (multiLabel ? labelWeights : undefined) ?? areas.map(() => 1);
          const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
          return ratio(sum(areas.map((area, i) => area * weights[i])), sum(weights));
        },
      };
    },
  ),

  /** The best precision of the thresholds where recall is at least `recall`; 0 without any. */
  precisionAtRecall: metric<PrecisionAtRecallOptions>()(
    "precisionAtRecall",
    { recall: share(), ...searchFields },
    (given) => best("precisionAtRecall", given.recall, given, recall, precision),
  ),

  /** The best recall of the thresholds where precision is at least `precision`; 0 without any. */
  recallAtPrecision: metric<RecallAtPrecisionOptions>()(
    "recallAtPrecision",
    { precision: share(), ...searchFields },
    (given) => best("recallAtPrecision", given.precision, given, precision, recall),
  ),

  /**
   * The best sensitivity (recall) of the thresholds where specificity, the share of the targets 0
   * whose predictions are not above them, is at least `specificity`; 0 without any.
   */
  sensitivityAtSpecificity: metric<SensitivityAtSpecificityOptions>()(
    "sensitivityAtSpecificity",
    { specificity: share(), ...searchFields },
    (given) => best("sensitivityAtSpecificity", given.specificity, given, specificity, recall),
  ),

  /** The best specificity of the thresholds where sensitivity is at least `sensitivity`. */
  specificityAtSensitivity: metric<SpecificityAtSensitivityOptions>()(
    "specificityAtSensitivity",
    { sensitivity: share(), ...searchFields },
    (given) => best("specificityAtSensitivity", given.sensitivity, given, recall, specificity),
  ),
};

/** Throws a ShapeError unless predictions have as many labels as options say. */
function checkLabelCount(yPred: Tensor, multiLabel: boolean, count: number | undefined): void {
  const isRight = count === undefined || (yPred.rank > 1 && yPred.shape.at(-1) === count);
  if (isRight && (!multiLabel || yPred.rank === 2)) return;
  throw new ShapeError({
    who: "auc",
    expected:
      `predictions [n, ${count ?? "labels"}] ` + "where labels have curves or weights of their own",
    received: formatShape(yPred.shape),
  });
}
