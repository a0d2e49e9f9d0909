/** Folders of runs: found by what is asked for, made anew, and locked while a run works in them. */
import {
  fileSize,
  type HostLock,
  joinPath,
  listFolder,
  makeFolder,
  readFile,
  removePath,
} from "#host";
import { DataError, StateError, ValueError } from "../base/errors.ts";
import { lockAtOnce } from "../train/resume/lock.ts";
import { differencesOf, partsOfName, type RunIdentity, stemOf } from "./run-identity.ts";
import { type RunRecord, readRecord, recordFile, writeRecord } from "./run-record.ts";

/** Names in a run's folder. */
export const runFiles = {
  /** The model of the epoch with the lowest validation loss. */
  best: "best.keras",
  /** The last whole epoch: the model, and all that it takes to go on bit for bit. */
  last: "last.keras",
  history: "history.csv",
  /** TensorBoard's: `train` and `validation`. */
  logs: "logs",
  lock: "run.lock",
} as const;

/** A run's folder, locked while the run is not finished. */
export class RunFolder {
  readonly path: string;
  #record: RunRecord | undefined;
  readonly #lock: HostLock | undefined;

  constructor(path: string, record: RunRecord | undefined, lock: HostLock | undefined) {
    this.path = path;
    this.#record = record;
    this.#lock = lock;
  }

  /** What `run.json` says; undefined before it is written for the first time. */
  get record(): RunRecord | undefined {
    return this.#record;
  }

  /** Aborted where another process took the folder, because this one gave no sign of life. */
  get lost(): AbortSignal | undefined {
    return this.#lock?.lost;
  }

  file(name: keyof typeof runFiles): string {
    return joinPath(this.path, runFiles[name]);
  }

  /** Whether an epoch was finished here: there is something to go on from. */
  async hasEpoch(): Promise<boolean> {
    return (await fileSize(this.file("last"))) !== undefined;
  }

  /** Removes what a process has left that was killed while it wrote a file. */
  async tidy(): Promise<void> {
    for (const name of await listFolder(this.path))
      if (/^\..*\.tmp$/.test(name)) await removePath(joinPath(this.path, name));
  }

  /** Removes what a run without a whole epoch has left. */
  async clear(): Promise<void> {
    for (const name of ["best", "history", "logs"] as const) await removePath(this.file(name));
  }

  /** Throws a StateError where another process took the folder. */
  checkOwn(): void {
    if (!this.lost?.aborted) return;
    throw new StateError({
      who: this.path,
      expected: "no other process may work in the folder",
      received: "one that took it over, because this one gave no sign of life",
    });
  }

  async write(record: RunRecord): Promise<void> {
    await writeRecord(this.path, record);
    this.#record = record;
  }

  /** Gives the folder back; one that nothing was written in is removed. */
  async release(): Promise<void> {
    if (this.#lock && !this.lost?.aborted && (await isUnused(this.path).catch(() => false)))
      await removePath(this.path).catch(() => {}); // What went wrong before is reported.
    await this.#lock?.release();
  }
}

/**
 * Whether a run may begin or go on in the folder `out`; nothing is written.
 *
 * @throws DataError where `out` is a file, and for a `run.json` that cannot be read or is none
 * @throws ValueError where it is to go on, but an unfinished run has other options
 */
export async function checkRun(out: string, run: RunIdentity, resume: boolean): Promise<void> {
  if ((await fileSize(out)) !== undefined)
    throw new DataError({ who: out, expected: "must be a folder", received: "a file" });
  if (resume) await findRun(out, run);
}

/**
 * The folder in `out` to go on in, or, without `resume` or such a folder, a new one.
 *
 * @throws as `checkRun`; StateError where a process that lives works in the folder to go on in
 */
export async function openRun(out: string, run: RunIdentity, resume: boolean): Promise<RunFolder> {
  const path = resume ? await findRun(out, run) : undefined;
  if (path === undefined) return makeRun(out, run);
  // Nothing is written in the folder of a finished run: it may be read-only, or used by others.
  const finished = await recordIn(path);
  if (finished?.results) return new RunFolder(path, finished, undefined);
  const lock = await lockOf(path);
  if (!lock) throw await inUse(path);
  try {
    const folder = new RunFolder(path, await recordIn(path), lock);
    await folder.tidy();
    return folder;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The latest folder of such a run; undefined where there is none. */
async function findRun(out: string, run: RunIdentity): Promise<string | undefined> {
  const folders = (await listFolder(out)).filter((name) => name.startsWith(stemOf(run)));
  const numbered = folders.flatMap((folder) => {
    const parts = partsOfName(folder);
    return parts ? [{ folder, ...parts }] : [];
  });
  const latest = numbered
    .filter(({ name }) => name === run.name)
    .reduce(
      (a, b) => (a && a.number > b.number ? a : b),
      undefined as (typeof numbered)[0] | undefined,
    );
  if (latest) {
    const path = joinPath(out, latest.folder);
    const record = await recordIn(path);
    if (record) checkSameRun(path, record, run);
    return path;
  }
  for (const { folder } of numbered) await refuseUnfinished(joinPath(out, folder), run);
  return undefined;
}

/** The name holds a hash of the options: only a record that was moved or changed has others. */
function checkSameRun(path: string, { options, seed }: RunRecord, run: RunIdentity): void {
  const [first] = differencesOf(options, run.options);
  if (!first && seed === run.seed) return;
  throw new DataError({
    who: joinPath(path, recordFile),
    expected: `must be the record of ${run.name}`,
    received: first ? `one with ${first.flag} ${first.saved}` : `one with --seed ${seed}`,
    fix: "Move its folder away, or choose another one by --out.",
  });
}

async function refuseUnfinished(path: string, run: RunIdentity): Promise<void> {
  const record = await recordIn(path);
  if (!record || record.results || !(await new RunFolder(path, record, undefined).hasEpoch()))
    return;
  const differences = differencesOf(record.options, run.options);
  const listed = (key: "saved" | "given") =>
    differences.map(({ flag, [key]: value }) => `${flag} ${value}`).join(", ");
  throw new ValueError({
    who: path,
    expected: `an unfinished run with ${listed("saved")} goes on with the same options`,
    received: listed("given"),
    fix: "Give it the same ones, or begin another run without --resume.",
  });
}

/** The record in a folder; undefined in one where nothing was written but locks. */
async function recordIn(path: string): Promise<RunRecord | undefined> {
  if ((await fileSize(joinPath(path, recordFile))) !== undefined) return readRecord(path);
  if (await isUnused(path)) return undefined;
  throw new DataError({
    who: joinPath(path, recordFile),
    expected: "must be a run's record",
    received: "no such file",
    fix: "Move its folder away, or choose another one by --out.",
  });
}

/** Locks, and files that were being written, are not a run yet. */
async function isUnused(path: string): Promise<boolean> {
  const names = await listFolder(path);
  return names.every((name) => name.startsWith(".") || name.includes(".lock"));
}

/** Makes a folder with a number that no run has. */
async function makeRun(out: string, run: RunIdentity): Promise<RunFolder> {
  await makeFolder(out);
  const taken = (await listFolder(out)).flatMap((folder) => {
    const parts = partsOfName(folder);
    return parts?.name === run.name ? [parts.number] : [];
  });
  for (let number = Math.max(0, ...taken); ; number++) {
    if (number === 0) continue;
    const path = joinPath(out, number === 1 ? run.name : `${run.name}-${number}`);
    await makeFolder(path);
    if (!(await isUnused(path))) continue;
    // Another process may have been faster: its folder is in use, or no longer unused.
    const lock = await lockOf(path);
    if (lock && (await isUnused(path))) return new RunFolder(path, undefined, lock);
    await lock?.release();
  }
}

const lockOf = (path: string) => lockAtOnce(joinPath(path, runFiles.lock));

async function inUse(path: string): Promise<StateError> {
  const file = joinPath(path, runFiles.lock);
  const text = await readFile(file).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => "",
  );
  const [, pid] = /"pid":(\d+)/.exec(text) ?? [];
  return new StateError({
    who: path,
    expected: "no other process may work in the folder",
    received: pid ? `process ${pid}` : "another one",
    fix: `Wait for it to end, or begin another run without --resume. If there is none, remove ${file}.`,
  });
}
