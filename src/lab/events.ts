/** What a run tells while it goes: one stream for people, for JSON lines and for records. */
import type { Published } from "./published.ts";
import type { Summary } from "./statistics.ts";

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
  /** Where the run's files are. */
  readonly folder: string;
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

/**
 * At the end. Losses and accuracies are those of the weights of the best epoch; of `onecycle`, whose
 * rates belong together, of the last epoch.
 */
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
  /** Validation accuracy of Monte Carlo dropout with the same weights, where the net has noise. */
  readonly mcAccuracy?: number;
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
  /** Mean wall time of an epoch, validation in. */
  readonly secondsPerEpoch: number;
  /** Pictures that it was validated on. */
  readonly validation: number;
  /** Where the run's files are. */
  readonly folder: string;
}

/** After the start, where a run goes on after a whole epoch. */
export interface ResumeEvent {
  readonly event: "resume";
  readonly variant: string;
  readonly seed: number;
  /** The epoch that comes next, from 1. */
  readonly epoch: number;
  /** The best epoch so far, and its numbers. */
  readonly bestEpoch: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
}

/** Before the start, where a net is to normalize itself and something is in the way. */
export interface LintEvent {
  readonly event: "lint";
  readonly variant: string;
  readonly seed: number;
  readonly problems: readonly {
    readonly layer: string;
    readonly problem: string;
    readonly fix: string;
  }[];
}

/** Before each run, where there are several. */
export interface RunEvent {
  readonly event: "run";
  readonly variant: string;
  readonly seed: number;
  /** From 1. */
  readonly run: number;
  /** Of how many. */
  readonly runs: number;
}

/** A net over its seeds. */
export interface TableRow {
  /** The net; `mc`: Monte Carlo dropout with the weights of `alpha`. */
  readonly variant: string;
  /** In the order of the runs. */
  readonly seeds: readonly number[];
  /** What the document reports; null where it has no such net. */
  readonly document: Published | null;
  /** Validation accuracy of the weights that are judged, with its 95 % interval. */
  readonly accuracy: Summary;
  /** The standard error of one accuracy that the number of validation pictures alone makes. */
  readonly binomialError: number;
  /** The rest is null for `mc`. */
  readonly loss: Summary | null;
  readonly testAccuracy: Summary | null;
  readonly bestEpoch: Summary | null;
  readonly epochs: Summary | null;
  readonly secondsPerEpoch: Summary | null;
  readonly microsecondsPerSample: Summary | null;
}

/** After the last run. */
export interface TableEvent {
  readonly event: "table";
  readonly runs: number;
  /** What was trained on: the document's figures are of all of `cifar10`. */
  readonly dataset: string;
  /** Training pictures; null: all. */
  readonly limit: number | null;
  readonly rows: readonly TableRow[];
}

export type LabEvent =
  | RunEvent
  | LintEvent
  | StartEvent
  | ResumeEvent
  | EpochEvent
  | ResultEvent
  | TableEvent;
