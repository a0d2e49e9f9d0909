/** What a fit lets callbacks know of itself, and do with it. */
import type { Json } from "../nn/fields.ts";
import type { History } from "./history.ts";
import type { CallbackState } from "./state.ts";

/** Where a fit is in its data; what is missing begins anew. */
export interface DataPosition {
  /** Steps done in the order of samples that was begun. */
  readonly step: number;
  /** Which order that is: the count of orders before it; null: the next one. */
  readonly order: number | null;
  /** Of a `Dataset`: chunks of the walk that are done. */
  readonly chunks: number;
  /** Of a `Dataset`: rows of a walk, once one was walked to its end. */
  readonly rows: number | null;
}

/** What a fit must know, beside the model itself, to go on as if it had never ended. */
export interface FitState {
  /** What the fit is made of: one that goes on must be made of the same. */
  readonly identity: Readonly<Record<string, Json>>;
  /** The epoch that comes next, or that is in the middle. */
  readonly epoch: number;
  /** Steps done in that epoch, and what they reported; 0 and null between two epochs. */
  readonly step: number;
  readonly totals: CallbackState | null;
  /** Logs of the last whole epoch. */
  readonly last: CallbackState;
  /** Whether training was ended by a callback. */
  readonly stopped: boolean;
  /** The learning rate as it is; null where the optimizer has a schedule. */
  readonly learningRate: number | null;
  readonly rateFactor: number;
  readonly position: DataPosition;
  readonly history: CallbackState;
  /** States of the callbacks that have one, in their order. */
  readonly callbacks: readonly CallbackState[];
}

/** Keys of logs, as far as they are known before the first epoch. */
export interface LogKeys {
  readonly batch: readonly string[];
  /** Those of validation and of callbacks that say what they add among them. */
  readonly epoch: readonly string[];
  /** False where callbacks may add others to the logs of an epoch. */
  readonly isComplete: boolean;
}

/** A running fit as its callbacks see it. */
export interface FitControl {
  /** What the fit has reported so far. */
  readonly history: History;
  /** A metric of several numbers (`f1Score_0`, ...) stands there without their position. */
  readonly logKeys: LogKeys;
  /** Whether it goes on from a state. Known from the callbacks' `onTrainBegin` on. */
  readonly isResumed: boolean;
  /** In `onTrainEnd`: false where the fit was aborted by its signal. */
  readonly isFinished: boolean;
  /**
   * What the fit is made of: options, data (by SHA-256), model, device. To be called in `onTrainBegin`
   * of a callback that encloses the others, before anything changes.
   *
   * @throws ValueError where a user's own function or class is not registered
   */
  identify(): Promise<void>;
  /**
   * The state of the fit as it is now, after `identify`. To be called in `onEpochEnd` or `onTrainBatchEnd` of a callback
   * that encloses the others; for a batch at its `nextStop` only. Weights, the optimizer's variables
   * and counters are the model's, and not part of it.
   */
  capture(): Promise<FitState>;
  /**
   * Goes on from a state. To be called in `onTrainBegin` of a callback that encloses the others.
   *
   * @param restore brings back the model's variables; called after all checks
   * @param who the file that the state comes from, for messages
   * @throws ValueError where the fit is another one; nothing has changed then
   */
  resume(state: FitState, restore: () => Promise<void>, who: string): Promise<void>;
}
