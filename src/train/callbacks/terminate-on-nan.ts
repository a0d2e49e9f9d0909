import { ValueError } from "../../base/errors.ts";
import type { Logs } from "../../model/totals.ts";
import { boolean, readOptions } from "../../nn/fields.ts";
import type { TrainedModel } from "../callbacks.ts";
import { type StatefulCallback, Stateless } from "./state.ts";
import { sayBelow } from "./verbose.ts";

/** Options of `terminateOnNaN`. */
export interface TerminateOnNaNOptions {
  /**
   * Whether the fit fails with a ValueError, without `onTrainEnd` of any callback, instead of ending.
   * Default: false.
   */
  readonly raiseError?: boolean;
}

const who = "TerminateOnNaN";

/**
 * Ends training at the very step whose loss is NaN or infinite. No step runs before it has seen the
 * loss of the one before: a fit with it stops after each.
 *
 * @throws NameError, ValueError for options
 * @example callbacks.terminateOnNaN()
 */
export class TerminateOnNaN extends Stateless implements StatefulCallback {
  model?: TrainedModel;
  readonly #raisesError: boolean;

  constructor(options: TerminateOnNaNOptions = {}) {
    super();
    this.#raisesError = readOptions({ raiseError: boolean(false) }, options, who).raiseError;
  }

  onTrainBatchEnd(batch: number, { loss }: Logs): void {
    // The mean of the epoch so far: one such loss makes it such.
    if (loss === undefined || Number.isFinite(loss)) return;
    if (this.#raisesError)
      throw new ValueError({
        who,
        expected: "the loss must be finite",
        received: `${loss} at batch ${batch}`,
        fix: "A lower learning rate or smaller inputs may help.",
      });
    sayBelow(`Batch ${batch}: Invalid loss, terminating training`);
    this.model!.stopTraining = true;
  }
}

/** See `TerminateOnNaN`. */
export const terminateOnNaN = (options: TerminateOnNaNOptions = {}): TerminateOnNaN =>
  new TerminateOnNaN(options);
