import { joinPath, now } from "#host";
import { describe, NameError, ValueError } from "../../base/errors.ts";
import {
  EventFile,
  modelSummary,
  type SummaryValue,
  scalarSummary,
} from "../../logs/tensorboard/index.ts";
import { modelConfig } from "../../model/config.ts";
import type { Logs } from "../../model/totals.ts";
import { configText } from "../../nn/config-text.ts";
import { boolean, type Field, optional, readOptions, text, whole } from "../../nn/fields.ts";
import { toSnakeKey } from "../../nn/serialization.ts";
import { readVariables } from "../../tensor/variable.ts";
import type { TrainedModel } from "../callbacks.ts";
import { type CallbackState, count, readState, type StatefulCallback } from "./state.ts";
import { weightSummaries } from "./tensor-board-weights.ts";

/** Options of `tensorBoard`. */
export interface TensorBoardOptions {
  /**
   * Histograms of all weights after epochs 0, `histogramFreq`, twice it, and so on; 0: never. The
   * weights are read for it. Default: 0.
   */
  readonly histogramFreq?: number;
  /** Whether the model, as the graph of its layers, is written when a fit begins. Default: true. */
  readonly writeGraph?: boolean;
  /**
   * Whether weights are written as pictures, too, whenever histograms are: 0 is black, 1 white.
   * Default: false.
   */
  readonly writeImages?: boolean;
  /**
   * Whether the steps in a second are written, of an epoch (its validation included), and with
   * batches, of a batch: then the fit stops after each step, for its time. Default: false.
   */
  readonly writeStepsPerSecond?: boolean;
  /**
   * Besides epochs, every so many batches are written, counted from 1 over the fit: their logs, which
   * are means of the epoch so far. `batch` is 1; `epoch` writes no batches. Default: `epoch`.
   */
  readonly updateFreq?: "batch" | "epoch" | number;
}

const who = "TensorBoard";

const updateFreq: Field<number | undefined> = {
  initial: "epoch",
  read: (value, name) => {
    if (value === "epoch") return undefined;
    if (value === "batch") return 1;
    if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number;
    throw new ValueError({
      who,
      expected: `${name} must be "batch", "epoch" or a whole number of at least 1`,
      received: describe(value),
    });
  },
};

const fields = {
  histogramFreq: whole(0, 0),
  writeGraph: boolean(true),
  writeImages: boolean(false),
  writeStepsPerSecond: boolean(false),
  updateFreq,
};

/** Keras's options that are not here, and what there is instead. */
const missing: Readonly<Record<string, string>> = {
  profileBatch: "`antler explain` and `writeStepsPerSecond` tell where time goes.",
  embeddingsFreq: "histogramFreq writes the weights of embeddings as those of other layers.",
  embeddingsMetadata: "histogramFreq writes the weights of embeddings as those of other layers.",
};

/** Names in a state come from a file: none may lead out of the folder. */
const fileName: Field<string> = {
  read: (value, name, reader) => {
    if (typeof value === "string" && /^events\.out\.tfevents\.[^/\\]+$/.test(value)) return value;
    throw new ValueError({
      who: reader,
      expected: `${name} must be the name of an event file`,
      received: describe(value),
    });
  },
};

const stateFields = {
  batch: count,
  trainFile: optional(fileName),
  trainBytes: count,
  validationFile: optional(fileName),
  validationBytes: count,
};
type State = ReturnType<typeof readState<typeof stateFields>>;

/** The files of a fit, in Keras's two runs. */
interface Runs {
  readonly train: EventFile;
  readonly validation: EventFile;
}

/**
 * Writes what TensorBoard shows, into the runs `train` and `validation` of a folder, with Keras's
 * tags (`epoch_loss`, `batch_accuracy`, `evaluation_loss_vs_iterations`), steps and values: epochs count
 * from 0, batches from 1. Losses, metrics and the learning rate of each epoch; options add more.
 * Open it with `tensorboard --logdir FOLDER`, also while training goes on: the files are flushed at the
 * end of each epoch, and within one when two minutes or a megabyte have gathered.
 *
 * A fit begins new files, as in Keras; one that goes on from a state (see `BackupAndRestore`) goes on in
 * its old files, without what was written after the state. With `updateFreq` as a number Keras 3 loses
 * the epochs whose end is not a multiple of it; here, as in Keras 2, all are written.
 *
 * @param logDir the folder, made if need be. Default: `logs`
 * @throws NameError, ValueError for options; in a fit a DataError where a file cannot be written
 * @example callbacks.tensorBoard("my_logs/run_001", { histogramFreq: 1 })
 */
export class TensorBoard implements StatefulCallback {
  model?: TrainedModel;
  readonly addsLogs = [];
  readonly onlyReadsLogs: boolean;
  // Only where batches are written: a fit makes logs of batches for whoever has these hooks.
  readonly onTrainBatchBegin?: () => void;
  readonly onTrainBatchEnd?: (batch: number, logs: Logs) => Promise<void>;

  readonly #logDir: string;
  readonly #options: ReturnType<typeof readOptions<typeof fields>>;
  #runs: Runs | undefined;
  /** Batches of the fit so far. */
  #batch = 0;
  #batchStart = 0;
  #epochStart = 0;
  #epochIterations = 0;
  #resumed: State | undefined;

  constructor(logDir = "logs", options: TensorBoardOptions = {}) {
    this.#logDir = text().read(logDir, "logDir", who);
    checkMissing(options);
    this.#options = readOptions(fields, options, who);
    const isTimed = this.#options.updateFreq !== undefined && this.#options.writeStepsPerSecond;
    this.onlyReadsLogs = !isTimed;
    if (this.#options.updateFreq !== undefined)
      this.onTrainBatchEnd = (_, logs) => this.#logBatch(this.#options.updateFreq!, logs);
    if (isTimed)
      this.onTrainBatchBegin = () => {
        this.#batchStart = now();
      };
  }

  async onTrainBegin(): Promise<void> {
    const resumed = this.#resumed;
    this.#resumed = undefined;
    this.#batch = resumed?.batch ?? 0;
    this.#runs = {
      train: await this.#open("train", resumed?.trainFile, resumed?.trainBytes),
      validation: await this.#open("validation", resumed?.validationFile, resumed?.validationBytes),
    };
    // A fit that goes on in the middle of an epoch counts its steps from here.
    await this.#startClock();
    const { train } = this.#runs;
    if (train.byteLength > 0) return;
    if (this.#options.writeGraph) train.add(0, graphOf(this.model!));
    await train.begin();
  }

  /** A new file of a run, or the one that a state tells of, as it was then. */
  async #open(run: keyof Runs, name: string | undefined, bytes: number | undefined) {
    const folder = joinPath(this.#logDir, run);
    if (name === undefined) return new EventFile(folder);
    const file = await EventFile.reopen(folder, name, bytes!);
    if (file) return file;
    console.warn(`${who}: ${joinPath(folder, name)} is not there any more; a new file is begun.`);
    return new EventFile(folder);
  }

  async #logBatch(frequency: number, logs: Logs): Promise<void> {
    this.#batch++;
    if (this.#batch % frequency !== 0) return;
    const { train } = this.#runs!;
    if (this.#options.writeStepsPerSecond)
      train.add(this.#batch, [
        scalarSummary("batch_steps_per_second", 1000 / (now() - this.#batchStart)),
      ]);
    train.add(this.#batch, scalars("batch_", logs));
    if (train.isDue) await train.flush();
  }

  async onEpochBegin(): Promise<void> {
    await this.#startClock();
  }

  async #startClock(): Promise<void> {
    if (!this.#options.writeStepsPerSecond) return;
    this.#epochIterations = await this.#iterations();
    this.#epochStart = now();
  }

  async onTestEnd(logs: Logs): Promise<void> {
    const values = scalars("evaluation_", logs, "_vs_iterations");
    this.#runs!.validation.add(await this.#iterations(), values);
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const { train, validation } = this.#runs!;
    const { histogramFreq, writeImages, writeStepsPerSecond } = this.#options;
    const own: Record<string, number> = {};
    const held: Record<string, number> = {};
    for (const [name, value] of Object.entries(logs)) {
      const key = heldKey(name, logs);
      if (key === undefined) own[name] = value;
      else held[key] = value;
    }
    if (Object.keys(logs).length > 0) {
      own.learningRate = this.model!.optimizer.learningRate;
      if (writeStepsPerSecond) own.stepsPerSecond = await this.#stepsPerSecond();
    }
    train.add(epoch, scalars("epoch_", own));
    validation.add(epoch, scalars("epoch_", held));
    if (histogramFreq > 0 && epoch % histogramFreq === 0)
      train.add(epoch, await weightSummaries(this.model!, writeImages));
    await this.#flush();
  }

  async onTrainEnd(): Promise<void> {
    await this.#flush();
  }

  /** After a fit that failed: what was added since its last epoch. */
  async close(): Promise<void> {
    await this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#runs) await Promise.all([this.#runs.train.flush(), this.#runs.validation.flush()]);
  }

  async #iterations(): Promise<number> {
    const [{ data }] = await readVariables([this.model!.optimizer.iterations]);
    return data[0];
  }

  async #stepsPerSecond(): Promise<number> {
    const steps = (await this.#iterations()) - this.#epochIterations;
    return (1000 * steps) / (now() - this.#epochStart);
  }

  /** What files there are, and how much of them is of the fit until now. Flushes them. */
  async getState(): Promise<CallbackState> {
    await this.#flush();
    const { train, validation } = this.#runs ?? {};
    return {
      batch: this.#batch,
      trainFile: train?.name ?? null,
      trainBytes: train?.byteLength ?? 0,
      validationFile: validation?.name ?? null,
      validationBytes: validation?.byteLength ?? 0,
    };
  }

  setState(state: CallbackState): void {
    this.#resumed = readState(stateFields, state, `${who} setState`);
  }
}

function checkMissing(options: object): void {
  for (const [name, fix] of Object.entries(missing))
    if (Object.hasOwn(options ?? {}, name))
      throw new NameError({
        who,
        expected: "must be given options that it has",
        received: `Keras's "${name}"`,
        known: Object.keys(fields),
        fix: `Leave it out: ${fix}`,
      });
}

/** The model as the graph of its layers; none, with a warning, where a layer cannot be written. */
function graphOf({ net }: TrainedModel): SummaryValue[] {
  try {
    return [modelSummary("keras", configText(modelConfig(net)))];
  } catch (error) {
    console.warn(
      `${who}: the graph is left out. ${error instanceof Error ? error.message : error}`,
    );
    return [];
  }
}

/** The logs under Keras's names. */
const scalars = (before: string, logs: Logs, after = ""): SummaryValue[] =>
  Object.entries(logs).map(([name, value]) =>
    scalarSummary(`${before}${tagOf(name)}${after}`, value),
  );

/** Keras's name of a key; a name of the user's own, as `F1`, stays as it is. */
const tagOf = (key: string): string => (/^[A-Z]/.test(key) ? key : toSnakeKey(key));

/** `loss` of `valLoss`; undefined for what is not of a validation. */
function heldKey(name: string, logs: Logs): string | undefined {
  const rest = /^val([^a-z].*)$/.exec(name)?.[1];
  if (rest === undefined || Object.hasOwn(logs, rest)) return rest;
  return rest[0].toLowerCase() + rest.slice(1);
}

/** See `TensorBoard`. */
export const tensorBoard = (logDir = "logs", options: TensorBoardOptions = {}): TensorBoard =>
  new TensorBoard(logDir, options);
