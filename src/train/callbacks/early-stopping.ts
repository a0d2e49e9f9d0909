import { ValueError } from "../../base/errors.ts";
import type { HostArray } from "../../base/host-array.ts";
import type { Logs } from "../../model/totals.ts";
import { boolean, list, number, optional, readOptions, whole } from "../../nn/fields.ts";
import type { TrainedModel } from "../callbacks.ts";
import { Monitor, type MonitorOptions, monitorFields } from "./monitor.ts";
import {
  array,
  type CallbackState,
  count,
  readState,
  type StatefulCallback,
  value,
  written,
} from "./state.ts";
import { say, verboseField } from "./verbose.ts";

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** After so many epochs without improvement training ends. Default: 0. */
  readonly patience?: number;
  /** A value that must be beaten for patience to begin anew. Default: none. */
  readonly baseline?: number | null;
  /** Whether the model gets back its weights of the best epoch at the end. Default: false. */
  readonly restoreBestWeights?: boolean;
  /** Epochs before this one, from 0, do not count. Default: 0. */
  readonly startFromEpoch?: number;
  /** 1: tells when it stops and what it restores. Default: 0. */
  readonly verbose?: 0 | 1;
}

const who = "EarlyStopping";
const fields = {
  ...monitorFields(0),
  patience: whole(0, 0),
  baseline: optional(number()),
  restoreBestWeights: boolean(false),
  startFromEpoch: whole(0, 0),
  verbose: verboseField,
};
const stateFields = {
  wait: count,
  stoppedEpoch: count,
  best: value,
  bestEpoch: count,
  bestWeights: optional(list(array)),
};

/**
 * Ends training when a value has not improved for `patience` epochs, never in epoch 0. As in Keras 3,
 * weights are restored at the end whatever ended training, without the optimizer's state; NaN in the
 * first epoch counts as the best one, and then nothing is better.
 *
 * @throws NameError for an unknown option, ValueError for an impossible value; at the start of a fit
 *   a ValueError where `mode` is `auto` and the direction of the monitor is not known. A monitor that
 *   is not in the logs is told once, and such epochs do not count
 * @example callbacks.earlyStopping({ patience: 20, restoreBestWeights: true })
 */
export class EarlyStopping implements StatefulCallback {
  model?: TrainedModel;
  /** Epochs since the last improvement. */
  wait = 0;
  /** The epoch, from 0, after which it ended training; 0: it did not. */
  stoppedEpoch = 0;
  /** The best value so far. */
  best: number | undefined;
  bestEpoch = 0;
  /** Weights of the best epoch, with `restoreBestWeights`. */
  bestWeights: readonly HostArray[] | undefined;
  readonly addsLogs = [];
  readonly #options;
  readonly #monitor: Monitor;
  #goesOn = false;

  constructor(options: EarlyStoppingOptions = {}) {
    this.#options = readOptions(fields, options, who);
    this.#monitor = new Monitor(who, this.#options);
  }

  get settings() {
    const { verbose, baseline = null, ...others } = this.#options;
    return { ...others, baseline };
  }

  onTrainBegin(): void {
    this.#monitor.begin(this.model!);
    if (!this.#goesOn) {
      this.wait = 0;
      this.stoppedEpoch = 0;
      this.best = undefined;
      this.bestEpoch = 0;
      this.bestWeights = undefined;
    }
    this.#goesOn = false;
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const { startFromEpoch, restoreBestWeights, baseline, patience } = this.#options;
    const current = this.#monitor.valueIn(logs);
    if (current === undefined || epoch < startFromEpoch) return;
    this.wait++;
    if (this.#monitor.isImprovement(current, this.best)) {
      this.best = current;
      this.bestEpoch = epoch;
      if (restoreBestWeights) this.bestWeights = await this.model!.getWeights();
      if (baseline === undefined || this.#monitor.isImprovement(current, baseline)) this.wait = 0;
    } else if (this.wait >= patience && epoch > 0) {
      this.stoppedEpoch = epoch;
      this.model!.stopTraining = true;
    }
  }

  async onTrainEnd(): Promise<void> {
    const isTold = this.#options.verbose === 1;
    if (this.stoppedEpoch > 0 && isTold) say(`Epoch ${this.stoppedEpoch + 1}: early stopping`);
    if (!this.bestWeights) return;
    if (isTold)
      say(`Restoring model weights from the end of the best epoch: ${this.bestEpoch + 1}.`);
    await this.model!.setWeights(this.bestWeights);
  }

  getState(): CallbackState {
    const { wait, stoppedEpoch, best, bestEpoch, bestWeights = null } = this;
    return { wait, stoppedEpoch, best: written(best), bestEpoch, bestWeights };
  }

  /** Throws a ValueError where best weights are needed and missing. */
  setState(state: CallbackState): void {
    const found = readState(stateFields, state, `${who} setState`);
    const needsWeights = this.#options.restoreBestWeights && found.best !== undefined;
    if (needsWeights && !found.bestWeights)
      throw new ValueError({
        who: `${who} setState`,
        expected: "bestWeights must be there with restoreBestWeights",
        received: "none",
      });
    Object.assign(this, found);
    this.#goesOn = true;
  }
}

/** See `EarlyStopping`. */
export const earlyStopping = (options: EarlyStoppingOptions = {}): EarlyStopping =>
  new EarlyStopping(options);
