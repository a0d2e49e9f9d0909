/** What a run tells while it goes: one stream for people, for JSON lines and for records. */

/** Once, when everything is ready and the first step comes next. */
export interface StartEvent {
  readonly event: "start";
  readonly variant: string;
  readonly seed: number;
  /** `cifar10` or `embedded`. */
  readonly dataset: string;
  /** Pictures to train on. */
  readonly train: number;
  /** Pictures to validate on. */
  readonly validation: number;
  /** Numbers that training changes. */
  readonly parameters: number;
  readonly device: string;
  /** Threads that a train step runs on. */
  readonly threads: number;
  /** Whether a train step uses fused multiply-add. */
  readonly fma: boolean;
}

/** After each epoch. */
export interface EpochEvent {
  readonly event: "epoch";
  readonly variant: string;
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** Means over the epoch while it trained. */
  readonly loss: number;
  readonly accuracy: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  readonly learningRate: number;
  /** Wall time of the epoch, validation in. */
  readonly seconds: number;
  /** Wall time of the epoch's training by its steps: gather and callbacks in, validation out. */
  readonly msPerStep: number;
}

/** At the end. Losses and accuracies are those of the weights of the best epoch. */
export interface ResultEvent {
  readonly event: "result";
  readonly variant: string;
  readonly seed: number;
  /** Epochs trained. */
  readonly epochs: number;
  /** The one with the lowest validation loss, from 1. */
  readonly bestEpoch: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Of evaluating the validation pictures in batches of 32, when everything is warm. */
  readonly microsecondsPerSample: number;
  /** From the start of the process to the end of the first train step, less loading the data. */
  readonly secondsToFirstStep: number;
  /** Wall time of the run, loading the data in. */
  readonly seconds: number;
  /** SHA-256 of the bytes of all weights after the last epoch, one weight after the other. */
  readonly weightsHash: string;
}

export type LabEvent = StartEvent | EpochEvent | ResultEvent;
