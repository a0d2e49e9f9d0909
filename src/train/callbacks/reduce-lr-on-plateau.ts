import type { Logs } from "../../model/totals.ts";
import { number, readOptions, whole } from "../../nn/fields.ts";
import type { TrainedModel } from "../callbacks.ts";
import { Monitor, type MonitorOptions, monitorFields } from "./monitor.ts";
import {
  type CallbackState,
  count,
  readState,
  type StatefulCallback,
  value,
  written,
} from "./state.ts";
import { sayBelow, verboseField } from "./verbose.ts";

/** Options of `reduceLROnPlateau`. */
export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** By how much a value must be better to count; its sign does not matter. Default: 1e-4. */
  readonly minDelta?: number;
  /** What the rate is multiplied by, in [0, 1). Default: 0.1. */
  readonly factor?: number;
  /** After so many epochs without improvement the rate is lowered. Default: 10. */
  readonly patience?: number;
  /** For so many epochs after that, none counts. Default: 0. */
  readonly cooldown?: number;
  /** The rate is not lowered below this. Default: 0. */
  readonly minLr?: number;
  /** 1: tells of each new rate. Default: 0. */
  readonly verbose?: 0 | 1;
}

const who = "ReduceLROnPlateau";
const fields = {
  ...monitorFields(1e-4),
  factor: number(0.1, { from: 0, below: 1 }),
  patience: whole(10, 0),
  cooldown: whole(0, 0),
  minLr: number(0, { from: 0 }),
  verbose: verboseField,
};
const stateFields = { best: value, wait: count, cooldownCounter: count };

/**
 * Lowers the learning rate when a value has not improved for `patience` epochs, and adds the epoch's
 * `learningRate` to the logs. Where the rate follows a schedule, its `rateFactor` is lowered (Keras
 * refuses that).
 *
 * @throws NameError for an unknown option, ValueError for an impossible value; at the start of a fit
 *   a ValueError where `mode` is `auto` and the direction of the monitor is not known. A monitor that
 *   is not in the logs is told once, and such epochs do not count
 * @example callbacks.reduceLROnPlateau({ factor: 0.5, patience: 5 })
 */
export class ReduceLROnPlateau implements StatefulCallback {
  model?: TrainedModel;
  /** The best value so far. */
  best: number | undefined;
  /** Epochs since the last improvement or reduction. */
  wait = 0;
  /** Epochs that are left of the cooldown. */
  cooldownCounter = 0;
  readonly addsLogs = ["learningRate"];
  readonly #options;
  readonly #monitor: Monitor;
  #goesOn = false;

  constructor(options: ReduceLROnPlateauOptions = {}) {
    this.#options = readOptions(fields, options, who);
    this.#monitor = new Monitor(who, this.#options);
  }

  get settings() {
    const { verbose, ...others } = this.#options;
    return others;
  }

  onTrainBegin(): void {
    this.#monitor.begin(this.model!);
    if (!this.#goesOn) {
      this.best = undefined;
      this.wait = 0;
      this.cooldownCounter = 0;
    }
    this.#goesOn = false;
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    logs.learningRate = this.model!.optimizer.learningRate;
    const current = this.#monitor.valueIn(logs);
    if (current === undefined) return;
    if (this.cooldownCounter > 0) {
      this.cooldownCounter--;
      this.wait = 0;
    }
    if (this.#monitor.isImprovement(current, this.best)) {
      this.best = current;
      this.wait = 0;
    } else if (this.cooldownCounter === 0) {
      this.wait++;
      if (this.wait >= this.#options.patience && this.#reduce(epoch)) {
        this.cooldownCounter = this.#options.cooldown;
        this.wait = 0;
      }
    }
  }

  /** Lowers the rate; false where it is as low as it may be. */
  #reduce(epoch: number): boolean {
    const { factor, minLr, verbose } = this.#options;
    const { optimizer } = this.model!;
    const rate = optimizer.learningRate;
    if (Math.fround(rate) <= Math.fround(minLr)) return false;
    const lower = Math.max(rate * factor, minLr);
    if (optimizer.schedule) optimizer.rateFactor *= lower / rate;
    else optimizer.learningRate = lower;
    if (verbose === 1) sayBelow(`Epoch ${epoch + 1}: ${who} reducing learning rate to ${lower}.`);
    return true;
  }

  getState(): CallbackState {
    const { best, wait, cooldownCounter } = this;
    return { best: written(best), wait, cooldownCounter };
  }

  /** The rate itself belongs to the optimizer. */
  setState(state: CallbackState): void {
    Object.assign(this, readState(stateFields, state, `${who} setState`));
    this.#goesOn = true;
  }
}

/** See `ReduceLROnPlateau`. */
export const reduceLROnPlateau = (options: ReduceLROnPlateauOptions = {}): ReduceLROnPlateau =>
  new ReduceLROnPlateau(options);
