import { fileSize, isDirectory, joinPath, makeFolder } from "#host";
import { DataError, ValueError } from "../../base/errors.ts";
import { formatNumber, readFormat } from "../../logs/python-format.ts";
import type { Logs } from "../../model/totals.ts";
import { boolean, number, optional, readOptions, text } from "../../nn/fields.ts";
import type { TrainedModel } from "../callbacks.ts";
import type { FitControl } from "../fit-control.ts";
import { saveModel, saveWeights } from "../saving/save.ts";
import { FilePattern } from "./file-pattern.ts";
import { Monitor, type MonitorOptions, monitorFields } from "./monitor.ts";
import { frequencyField, type SaveFrequency, StepCounter } from "./save-frequency.ts";
import {
  type CallbackState,
  count,
  readState,
  type StatefulCallback,
  value,
  written,
} from "./state.ts";
import { sayBelow, verboseField } from "./verbose.ts";

/** Options of `modelCheckpoint`. */
export interface ModelCheckpointOptions extends Omit<MonitorOptions, "minDelta"> {
  /** Whether only a model that is better than all before is saved. Default: false. */
  readonly saveBestOnly?: boolean;
  /** Whether only the weights are saved, as by `saveWeights`. Default: false. */
  readonly saveWeightsOnly?: boolean;
  /**
   * `"epoch"`: after each epoch, its validation included; a number: after every so many steps, counted
   * over epochs, with the logs of the epoch so far. Default: `"epoch"`.
   */
  readonly saveFreq?: SaveFrequency;
  /** A value that must be beaten for the first save, with `saveBestOnly`. Default: none. */
  readonly initialValueThreshold?: number | null;
  /** 1: tells what it saves, and why. Default: 0. */
  readonly verbose?: 0 | 1;
}

const who = "ModelCheckpoint";
const { minDelta: _, ...watchFields } = monitorFields(0);
const fields = {
  ...watchFields,
  saveBestOnly: boolean(false),
  saveWeightsOnly: boolean(false),
  saveFreq: frequencyField,
  initialValueThreshold: optional(number()),
  verbose: verboseField,
};
const stateFields = {
  best: value,
  hasSaved: boolean(),
  since: count,
  last: optional(count),
  epoch: count,
};

const endings = { model: [".keras", ".h5"], weights: [".weights.h5", ".safetensors"] };
const fiveDecimals = readFormat(".5f", false, who);

/**
 * Saves the model while it is trained, as Keras does. The path may have fields that are filled in:
 * `{epoch:02d}` and `{batch}`, from 1, and keys of the logs, `{val_loss:.2f}` or `{valLoss:.2f}`, with
 * Python's formats. Folders are made. Each file is written whole or not at all: where that fails (a
 * full disk, a folder that is read-only), the fit ends with the error, and an older file stays.
 *
 * With `saveBestOnly`, `best` lives on in the next fit with the same callback, as in Keras; a monitor
 * that is not in the logs is told once, and the model is saved. (In Keras, `saveBestOnly` with a
 * number as `saveFreq` fails at the second save of the first epoch.)
 *
 * @param filepath ends in `.keras` or `.h5`, but not in `.weights.h5` (which Keras takes for a whole
 *   model, too); with `saveWeightsOnly` in `.weights.h5`, or (not in Keras) `.safetensors`
 * @throws NameError, ValueError for options, another ending, a broken pattern. At the start of a fit a
 *   NameError for a key that its logs can't have, later where a callback could have added it; a
 *   ValueError where `mode` is `auto` and the direction of the monitor is not known. In a fit a
 *   DataError where a file cannot be written, or where a fit goes on whose best model was lost
 * @example callbacks.modelCheckpoint("best.keras", { saveBestOnly: true })
 * @example callbacks.modelCheckpoint("{epoch:02d}-{val_loss:.2f}.keras")
 */
export class ModelCheckpoint implements StatefulCallback {
  model?: TrainedModel;
  fit?: FitControl;
  /** The best value so far, with `saveBestOnly`. */
  best: number | undefined;
  /** It is asked at which steps it must see the model. */
  readonly onlyReadsLogs = true;
  readonly addsLogs = [];
  onEpochEnd?: (epoch: number, logs: Logs) => Promise<void>;
  onTrainBatchEnd?: (batch: number, logs: Logs) => Promise<void>;
  nextStop?: (step: number) => number;
  readonly #pattern: FilePattern;
  readonly #options;
  readonly #monitor: Monitor;
  readonly #steps: StepCounter | undefined;
  #epoch = 0;
  #hasSaved = false;
  #goesOn = false;

  constructor(filepath: string, options: ModelCheckpointOptions = {}) {
    const path = text().read(filepath, "filepath", who);
    this.#options = readOptions(fields, options, who);
    const { saveWeightsOnly, saveFreq, initialValueThreshold } = this.#options;
    checkEnding(path, saveWeightsOnly);
    this.#pattern = new FilePattern(path, who);
    const missing = "Saved without comparing.";
    this.#monitor = new Monitor(who, { ...this.#options, minDelta: 0 }, missing);
    this.best = initialValueThreshold;
    // Only hooks that are needed are there: others would cost something for each batch.
    if (saveFreq === "epoch") {
      this.onEpochEnd = (epoch, logs) => this.#save(epoch, undefined, logs);
      return;
    }
    const steps = new StepCounter(saveFreq);
    this.#steps = steps;
    this.nextStop = (step) => steps.next(step);
    this.onTrainBatchEnd = async (batch, logs) => {
      if (steps.isDue(batch)) await this.#save(this.#epoch, batch, logs);
    };
  }

  get settings() {
    const { verbose, initialValueThreshold = null, ...others } = this.#options;
    return { ...others, initialValueThreshold };
  }

  async onTrainBegin(): Promise<void> {
    const { saveBestOnly } = this.#options;
    if (saveBestOnly) this.#monitor.begin(this.model!);
    if (this.#goesOn && saveBestOnly && this.#hasSaved) await this.#checkThere();
    this.#goesOn = false;
    if (!this.fit) return;
    const { epoch, batch, isComplete } = this.fit.logKeys;
    if (this.#steps) this.#pattern.check(["epoch", "batch"], batch);
    else if (isComplete) this.#pattern.check(["epoch"], epoch);
  }

  /** The best model so far must still be there: a worse one would not be saved in its place. */
  async #checkThere(): Promise<void> {
    const path = this.#pattern.plain;
    if (path === undefined || (await fileSize(path)) !== undefined) return;
    throw new DataError({
      who: `${who} ${path}`,
      expected: "the best model must be there, as when the state of the fit was saved",
      received: "no file",
      fix: "It was lost meanwhile: bring it back, or begin the fit anew.",
    });
  }

  onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
  }

  async #save(epoch: number, batch: number | undefined, logs: Logs): Promise<void> {
    const counts = { epoch: epoch + 1, batch: batch === undefined ? undefined : batch + 1 };
    const path = this.#pattern.with(counts, logs);
    const tell = (what: string) => {
      if (this.#options.verbose === 1) sayBelow(`Epoch ${epoch + 1}: ${what}`);
    };
    if (!this.#isWanted(logs, path, tell)) return;
    const folder = joinPath(path, "..");
    if (!(await isDirectory(folder))) await makeFolder(folder);
    const { net } = this.model!;
    await (this.#options.saveWeightsOnly ? saveWeights(net, path) : saveModel(net, path));
    this.#hasSaved = true;
    tell(`finished saving model to ${path}`);
  }

  #isWanted(logs: Logs, path: string, tell: (what: string) => void): boolean {
    const { saveBestOnly, monitor } = this.#options;
    if (!saveBestOnly) {
      tell(`saving model to ${path}`);
      return true;
    }
    const current = this.#monitor.valueIn(logs);
    if (current === undefined) return true;
    const number = (one: number) => formatNumber(one, fiveDecimals, false);
    const best = this.best === undefined ? "None" : number(this.best);
    if (!this.#monitor.isImprovement(current, this.best)) {
      tell(`${monitor} did not improve from ${best}`);
      return false;
    }
    tell(`${monitor} improved from ${best} to ${number(current)}, saving model to ${path}`);
    this.best = current;
    return true;
  }

  getState(): CallbackState {
    const { since = 0, last = null } = this.#steps ?? {};
    const hasSaved = this.#hasSaved;
    return { best: written(this.best), hasSaved, since, last, epoch: this.#epoch };
  }

  setState(state: CallbackState): void {
    const found = readState(stateFields, state, `${who} setState`);
    this.best = found.best;
    this.#hasSaved = found.hasSaved;
    this.#epoch = found.epoch;
    this.#goesOn = true;
    if (this.#steps) Object.assign(this.#steps, { since: found.since, last: found.last });
  }
}

function checkEnding(path: string, isWeights: boolean): void {
  const fitting = isWeights ? endings.weights : endings.model;
  const hasOneOf = (all: readonly string[]) => all.some((ending) => path.endsWith(ending));
  const isOfWeights = hasOneOf(endings.weights);
  if (isWeights ? isOfWeights : hasOneOf(fitting) && !isOfWeights) return;
  throw new ValueError({
    who,
    expected: `filepath must end in ${fitting.join(" or ")}${isWeights ? " with saveWeightsOnly" : ""}`,
    received: `"${path}"`,
    fix: isWeights
      ? 'Example: callbacks.modelCheckpoint("best.weights.h5", { saveWeightsOnly: true })'
      : isOfWeights
        ? "Set saveWeightsOnly: true, or choose .keras for the whole model."
        : 'Example: callbacks.modelCheckpoint("best.keras", { saveBestOnly: true })',
  });
}

/** See `ModelCheckpoint`. */
export const modelCheckpoint = (
  filepath: string,
  options: ModelCheckpointOptions = {},
): ModelCheckpoint => new ModelCheckpoint(filepath, options);
