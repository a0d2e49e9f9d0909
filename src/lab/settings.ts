/** What a run may be asked for: names and defaults, without the library behind them. */

/** The nets of the exercise, by name. */
export const variantNames = ["elu", "bn", "selu", "alpha", "onecycle"] as const;
export type VariantName = (typeof variantNames)[number];

/** How the exercise trains a net. */
export interface Training {
  readonly epochs: number;
  readonly batchSize: number;
  /** The largest one, where it follows a schedule. */
  readonly learningRate: number;
}

/** How the exercise trains each net, unless told otherwise. */
export const trainings: Readonly<Record<VariantName, Training>> = {
  elu: { epochs: 100, batchSize: 32, learningRate: 5e-5 },
  bn: { epochs: 100, batchSize: 32, learningRate: 5e-4 },
  selu: { epochs: 100, batchSize: 32, learningRate: 7e-4 },
  alpha: { epochs: 100, batchSize: 32, learningRate: 5e-4 },
  onecycle: { epochs: 15, batchSize: 128, learningRate: 0.05 },
};

/**
 * Where pictures come from: real ones from files, or generated ones; `auto`: real ones where a
 * folder is given or the cache has them, else generated ones.
 */
export const datasetNames = ["cifar10", "embedded", "auto"] as const;
export type DatasetName = (typeof datasetNames)[number];

export const defaults = {
  variant: "elu",
  seed: 1,
  dataset: "auto",
} as const;

/** What is measured as `microsecondsPerSample` evaluates in batches of this size. */
export const evaluationBatchSize = 32;
