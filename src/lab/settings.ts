/** What a run may be asked for: names and defaults, without the library behind them. */

/** The nets of the exercise, by name. */
export const variantNames = ["elu", "bn", "selu", "alpha", "onecycle"] as const;
export type VariantName = (typeof variantNames)[number];

/** How the exercise trains a net. */
export interface Training {
  /** At most so many. */
  readonly epochs: number;
  readonly batchSize: number;
  /** The largest one, where it follows a schedule. */
  readonly learningRate: number;
  /** After so many epochs without a lower validation loss it ends; null: it never ends early. */
  readonly patience: number | null;
  /**
   * The epoch whose weights are judged: the one with the lowest validation loss, or, where the rates
   * of the whole run belong together, the last one.
   */
  readonly judged: "best" | "last";
  /** Whether the net is built to normalize itself: see `model.checkSelfNormalizing`. */
  readonly normalizesItself: boolean;
}

const untilBest = { epochs: 100, batchSize: 32, patience: 20, judged: "best" } as const;
const toTheEnd = { epochs: 15, batchSize: 128, patience: null, judged: "last" } as const;

/** How the exercise trains each net, unless told otherwise. */
export const trainings: Readonly<Record<VariantName, Training>> = {
  elu: { ...untilBest, learningRate: 5e-5, normalizesItself: false },
  bn: { ...untilBest, learningRate: 5e-4, normalizesItself: false },
  selu: { ...untilBest, learningRate: 7e-4, normalizesItself: true },
  alpha: { ...untilBest, learningRate: 5e-4, normalizesItself: true },
  onecycle: { ...toTheEnd, learningRate: 0.05, normalizesItself: true },
};

/** Nets with noise before the output: theirs is averaged over so many passes of Monte Carlo dropout. */
export const monteCarloSamples: Readonly<Partial<Record<VariantName, number>>> = { alpha: 10 };

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
  out: "antler-lab/cifar10",
} as const;

/** What is measured as `microsecondsPerSample` evaluates in batches of this size. */
export const evaluationBatchSize = 32;
