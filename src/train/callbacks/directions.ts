/** Whether more or less of a metric is better. */
import type { metrics } from "../../nn/metrics.ts";

/** Less is better, or more. */
export type Direction = "min" | "max";

/**
 * Where `mode: "auto"` goes, for each metric of the library: what Keras says of it (its metrics'
 * `_direction`); undefined where it doesn't. A new metric without its line here is a type error.
 */
export const directions: Readonly<Record<keyof typeof metrics, Direction | undefined>> = {
  accuracy: "max",
  exactAccuracy: "max",
  sparseCategoricalAccuracy: "max",
  categoricalAccuracy: "max",
  binaryAccuracy: "max",
  topKCategoricalAccuracy: "max",
  sparseTopKCategoricalAccuracy: "max",
  meanSquaredError: "min",
  rootMeanSquaredError: "min",
  meanAbsoluteError: "min",
  meanAbsolutePercentageError: "min",
  meanSquaredLogarithmicError: "min",
  logCoshError: "min",
  cosineSimilarity: "max",
  hinge: "min",
  squaredHinge: "min",
  categoricalHinge: "min",
  klDivergence: "min",
  poisson: "min",
  binaryCrossentropy: "min",
  categoricalCrossentropy: "min",
  sparseCategoricalCrossentropy: "min",
  pearsonCorrelation: "max",
  concordanceCorrelation: "max",
  truePositives: undefined,
  trueNegatives: undefined,
  falsePositives: undefined,
  falseNegatives: undefined,
  precision: "max",
  recall: "max",
  auc: "max",
  precisionAtRecall: "max",
  recallAtPrecision: "max",
  sensitivityAtSpecificity: "max",
  specificityAtSensitivity: "max",
  f1Score: "max",
  fBetaScore: "max",
  r2Score: "max",
  mean: undefined,
  sum: undefined,
};
