/** Writes a run's `run.json` while it goes, and compares a run that goes on with it. */
import { fileSize, machine, readFile } from "#host";
import { AntlerError, DataError, StateError } from "../base/errors.ts";
import type { Callback, FitParams } from "../train/callbacks.ts";
import type { FitControl } from "../train/fit-control.ts";
import { readKerasArchive } from "../train/saving/keras-archive.ts";
import type { ResultEvent } from "./events.ts";
import type { Pictures } from "./pictures.ts";
import type { RunFolder } from "./run-folder.ts";
import type { RunIdentity } from "./run-identity.ts";
import type { RunRecord, RunStatus } from "./run-record.ts";
import { version } from "./version.ts";

/**
 * Makes a folder ready for its run: what a run without a whole epoch left is removed.
 *
 * @throws StateError, DataError where the run was begun by another version or with other pictures, and
 *   where its models are gone or broken
 */
export async function checkGround(folder: RunFolder, pictures: Pictures): Promise<void> {
  const { record } = folder;
  if (!record) return;
  if (!record.results && !(await folder.hasEpoch())) return folder.clear();
  const fix = "Begin another run without --resume.";
  const now = await version();
  if (record.versions.antler !== now)
    throw new StateError({
      who: folder.path,
      expected: `antler ${record.versions.antler}, which began the run`,
      received: `antler ${now}`,
      fix,
    });
  if (record.data.sha256 !== pictures.sha256)
    throw new DataError({
      who: folder.path,
      expected: `the pictures that the run began with (SHA-256 ${record.data.sha256})`,
      received: `others (SHA-256 ${pictures.sha256})`,
      fix,
    });
  if (record.results) return;
  await checkModel(folder.file("last"), "the state after the last whole epoch", fix);
  // Else the end of the run would miss it.
  await checkModel(folder.file("best"), "the model of the best epoch so far", fix);
}

/** Throws a DataError for a model's file that is gone or broken. */
async function checkModel(path: string, what: string, fix: string): Promise<void> {
  const refuse = (received: string, cause?: unknown) =>
    new DataError({ who: path, expected: `must be ${what}`, received, fix, cause });
  if ((await fileSize(path)) === undefined) throw refuse("no such file");
  const bytes = await readFile(path);
  await readKerasArchive(bytes, path).catch((error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    throw refuse(`a broken file (${error.received})`, error);
  });
}

/** Writes the record when the first step comes next, and at the end. */
export class RecordKeeper implements Callback {
  params?: FitParams;
  fit?: FitControl;
  readonly addsLogs = [];
  readonly #folder: RunFolder;
  readonly #identity: RunIdentity;
  readonly #pictures: Pictures;
  #hasBegun = false;

  constructor(folder: RunFolder, identity: RunIdentity, pictures: Pictures) {
    this.#folder = folder;
    this.#identity = identity;
    this.#pictures = pictures;
  }

  async onTrainBegin(): Promise<void> {
    const { record } = this.#folder;
    const { device: name, threads, fma } = this.params!;
    const { runtime, platform, cpu } = machine();
    const { train, validation, test, sha256 } = this.#pictures;
    const started = new Date().toISOString();
    const { isResumed, history } = this.fit!;
    const before = isResumed && record ? record.times : { started, sessions: [] };
    const session = { started, ended: null, fromEpoch: history.epoch.length + 1 };
    this.#hasBegun = true;
    await this.#folder.write({
      format: "antler-run",
      formatVersion: 1,
      experiment: "cifar10",
      status: "running",
      options: this.#identity.options,
      seed: this.#identity.seed,
      versions: { antler: await version(), node: runtime, platform },
      device: { name, threads, fma, cpu },
      data: {
        sha256,
        train: train.y.data.length,
        validation: validation.y.data.length,
        test: test.y.data.length,
      },
      times: { started: before.started, ended: null, sessions: [...before.sessions, session] },
      results: null,
      weightsHash: null,
      error: null,
    });
  }

  /** The run is over, or pauses. */
  async end(status: RunStatus, results?: ResultEvent, error?: string): Promise<void> {
    const { record } = this.#folder;
    if (!record || !this.#hasBegun) return;
    const ended = new Date().toISOString();
    const { started, sessions } = record.times;
    const closed = sessions.with(-1, { ...sessions[sessions.length - 1], ended });
    await this.#folder.write({
      ...record,
      status,
      times: { started, ended, sessions: closed },
      results: results ?? null,
      weightsHash: results?.weightsHash ?? null,
      error: error ?? null,
    } satisfies RunRecord);
  }

  /** The run failed: its record says why, if it can be written. */
  async fail(error: unknown): Promise<void> {
    if (this.#folder.lost?.aborted) return; // The record is another process's.
    const text = error instanceof AntlerError ? error.message : String(error);
    await this.end("failed", undefined, text).catch(() => {}); // The error itself is reported.
  }
}
