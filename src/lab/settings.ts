/** What a run may be asked for: names and defaults, without the library behind them. */

/** The nets of the exercise, by name. */
export const variantNames = ["elu"] as const;
export type VariantName = (typeof variantNames)[number];

/**
 * Where pictures come from: real ones from files, or generated ones; `auto`: real ones where a
 * folder is given, else generated ones.
 */
export const datasetNames = ["cifar10", "embedded", "auto"] as const;
export type DatasetName = (typeof datasetNames)[number];

export const defaults = {
  variant: "elu",
  epochs: 100,
  batchSize: 32,
  seed: 1,
  dataset: "auto",
} as const;

/** What is measured as `microsecondsPerSample` evaluates in batches of this size. */
export const evaluationBatchSize = 32;
