import {
  fileSize,
  type HostLock,
  joinPath,
  listFolder,
  makeFolder,
  readFile,
  removePath,
  renamePath,
  writeFileAtomic,
} from "#host";
import { DataError, describe, StateError, ValueError } from "../../base/errors.ts";
import { boolean, type Field, readOptions, text } from "../../nn/fields.ts";
import type { Callback, TrainedModel } from "../callbacks.ts";
import type { FitControl } from "../fit-control.ts";
import { checkSame } from "../resume/identity.ts";
import { lockAtOnce } from "../resume/lock.ts";
import { fitEntries, fitOf } from "../resume/state-file.ts";
import { kerasBytes, readKerasArchive, restoreNet } from "../saving/keras-archive.ts";
import { frequencyField, type SaveFrequency, StepCounter } from "./save-frequency.ts";

/** Facts that a fit which goes on must have, too. */
export type FitIdentity = Readonly<Record<string, string | number | boolean | null>>;

/** Options of `backupAndRestore`. */
export interface BackupAndRestoreOptions {
  /**
   * `"epoch"`: the state is saved after each epoch; a number: after every so many steps, counted over
   * epochs, in the middle of epochs too. Default: `"epoch"`.
   */
  readonly saveFreq?: SaveFrequency;
  /**
   * Whether the state before the last one is kept, as `latest.keras.bkp`, for the case that the last
   * one can't be read. Default: false.
   */
  readonly doubleCheckpoint?: boolean;
  /**
   * Whether the state is removed once the fit has finished; it stays where the fit was aborted or
   * failed. A state that stays makes the next fit return at once, with history and weights as they
   * were, unless `epochs` is larger. Default: true.
   */
  readonly deleteCheckpoint?: boolean;
  /** The file in `backupDir`. Default: `latest.keras`. */
  readonly fileName?: string;
  /**
   * Facts about the caller's program that must be the same when a fit goes on, such as its version or
   * how it prepares data. Default: none.
   */
  readonly identity?: FitIdentity;
}

const who = "BackupAndRestore";

const identityField: Field<FitIdentity> = {
  initial: {},
  read: (value, name) => {
    const isFact = (one: unknown) =>
      one === null || typeof one === "string" || typeof one === "boolean" || Number.isFinite(one);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const entries = isObject ? Object.entries(value) : [];
    const wrong = entries.find(([, one]) => !isFact(one));
    if (isObject && !wrong) return { ...value } as FitIdentity;
    throw new ValueError({
      who,
      expected: `${name} must be an object of texts, finite numbers, booleans and nulls`,
      received: wrong ? `${wrong[0]}: ${describe(wrong[1])}` : describe(value),
    });
  },
};

const fileNameField: Field<string> = {
  initial: "latest.keras",
  read: (value, name) => {
    if (typeof value === "string" && /^[^/\\\0]+\.keras$/.test(value)) return value;
    throw new ValueError({
      who,
      expected: `${name} must be a file's name that ends in .keras`,
      received: describe(value),
    });
  },
};

const fields = {
  saveFreq: frequencyField,
  doubleCheckpoint: boolean(false),
  deleteCheckpoint: boolean(true),
  fileName: fileNameField,
  identity: identityField,
};

/**
 * Saves the state of the fit while it runs, so that the same fit, started again after a crash, goes on
 * where it was, and ends as if it had never been interrupted: the same weights, history and epoch, bit
 * for bit. (Keras's loses the counts of other callbacks, best weights and the order of samples.)
 *
 * The file is a model that Keras can load, with what a fit must know beside it: history, the states of
 * all callbacks that have one, learning rate, position in the data. It is written last of all at the
 * end of an epoch, wherever the callback stands in the list, and whole or not at all; what a resume
 * repeats is at most the epoch that was cut off. Files of other callbacks (CSV, TensorBoard) are cut
 * back to what they were when the state was saved.
 *
 * A fit that goes on must be the same one: data, options of `fit` and of callbacks with a state, model,
 * compile options, device and its fused multiply-add. Only `epochs` may grow, and threads may differ.
 * Contents of a `Dataset` and functions are not compared; a `Dataset` must give the same rows again.
 *
 * @throws NameError, ValueError for options. At the start of a fit a ValueError that names what
 *   differs from the interrupted one; a StateError where another fit uses the folder; a DataError
 *   where the state is broken, or a file of a callback is lost. In a fit a DataError where the state
 *   cannot be written: the one before stays
 * @example callbacks.backupAndRestore("backup")
 */
export class BackupAndRestore implements Callback {
  model?: TrainedModel;
  fit?: FitControl;
  readonly enclosesOthers = true;
  /** It is asked at which steps it must see the model. */
  readonly onlyReadsLogs = true;
  readonly addsLogs = [];
  onEpochEnd?: () => Promise<void>;
  onTrainBatchEnd?: (batch: number) => Promise<void>;
  nextStop?: (step: number) => number;
  readonly #folder: string;
  readonly #path: string;
  readonly #options;
  readonly #steps: StepCounter | undefined;
  #lock: HostLock | undefined;

  constructor(backupDir: string, options: BackupAndRestoreOptions = {}) {
    this.#folder = text().read(backupDir, "backupDir", who);
    this.#options = readOptions(fields, options, who);
    const { saveFreq, fileName } = this.#options;
    this.#path = joinPath(this.#folder, fileName);
    if (saveFreq === "epoch") {
      this.onEpochEnd = () => this.#save();
      return;
    }
    const steps = new StepCounter(saveFreq);
    this.#steps = steps;
    this.nextStop = (step) => steps.next(step);
    this.onTrainBatchEnd = async (batch) => {
      if (steps.isDue(batch)) await this.#save();
    };
  }

  async onTrainBegin(): Promise<void> {
    await makeFolder(this.#folder);
    this.#lock = await lockOrRefuse(`${this.#path}.lock`);
    if (this.#steps) Object.assign(this.#steps, { since: 0, last: undefined });
    await this.fit!.identify();
    const before = `${this.#path}.bkp`;
    const hasBefore = (await fileSize(before)) !== undefined;
    if ((await fileSize(this.#path)) !== undefined)
      try {
        return await this.#resume(this.#path);
      } catch (error) {
        // Only what can't be read: a fit that differs is refused whatever lies beside.
        if (!hasBefore || !(error instanceof DataError) || this.fit!.isResumed) throw error;
      }
    if (hasBefore) await this.#resume(before);
  }

  async #resume(path: string): Promise<void> {
    const name = `${who} ${path}`;
    const archive = await readKerasArchive(await readFile(path), name);
    const { state, identity } = fitOf(archive.extra, name);
    checkSame({ identity }, { identity: this.#options.identity }, name);
    const { net } = this.model!;
    await this.fit!.resume(state, () => restoreNet(net, archive, name), name);
    // Steps are counted from the last save on.
    if (this.#steps && state.step > 0) this.#steps.last = state.step - 1;
  }

  async #save(): Promise<void> {
    if (this.#lock?.lost.aborted)
      throw new StateError({
        who: `${who} ${this.#folder}`,
        expected: "no other fit may use the folder",
        received: "a lock that another process took, because this one gave no sign of life",
      });
    const state = await this.fit!.capture();
    const { identity, doubleCheckpoint } = this.#options;
    const bytes = await kerasBytes(this.model!.net, fitEntries({ state, identity }));
    if (doubleCheckpoint && (await fileSize(this.#path)) !== undefined)
      await renamePath(this.#path, `${this.#path}.bkp`);
    await writeFileAtomic(this.#path, bytes);
  }

  async onTrainEnd(): Promise<void> {
    if (!this.#options.deleteCheckpoint || !this.fit!.isFinished) return;
    await removePath(this.#path);
    await removePath(`${this.#path}.bkp`);
  }

  async close(): Promise<void> {
    if (!this.#lock) return;
    await this.#lock.release();
    this.#lock = undefined;
    // The folder was ours alone, if nothing is left in it.
    if (!this.#options.deleteCheckpoint || !this.fit!.isFinished) return;
    if ((await listFolder(this.#folder)).length === 0) await removePath(this.#folder);
  }
}

/** Takes the lock, or fails where a process that lives has it. */
async function lockOrRefuse(path: string): Promise<HostLock> {
  const lock = await lockAtOnce(path);
  if (lock) return lock;
  throw new StateError({
    who: `${who} ${path}`,
    expected: "no other fit may use the folder",
    received: "one that runs",
    fix: "Wait for it to end, or choose another folder.",
  });
}

/** See `BackupAndRestore`. */
export const backupAndRestore = (
  backupDir: string,
  options: BackupAndRestoreOptions = {},
): BackupAndRestore => new BackupAndRestore(backupDir, options);
