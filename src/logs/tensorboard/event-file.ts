import {
  appendFile,
  fileSize,
  joinPath,
  makeFolder,
  now,
  processName,
  removePath,
  truncateFile,
} from "#host";
import { DataError } from "../../base/errors.ts";
import { cutBack } from "../cut-back.ts";
import { joined } from "./bytes.ts";
import { encodeEvent, fileVersion, type SummaryValue } from "./events.ts";
import { frameRecord } from "./records.ts";

/** Names that this process made: each is another. */
let filesNamed = 0;

/** So many bytes wait at most for a flush (see `isDue`). */
const mostPendingBytes = 1 << 20;
/** What is added waits at most so long, if more comes: TensorFlow's two minutes. */
const mostPendingMilliseconds = 120_000;

/**
 * An event file that values are added to. They lie in memory until a flush, and no file stays open:
 * whatever ends a process, what was flushed is whole, and TensorBoard can read it all the time.
 *
 * @example
 * const file = new EventFile("logs/train");
 * file.add(0, [scalarSummary("epoch_loss", 0.5)]);
 * await file.flush();
 */
export class EventFile {
  readonly #folder: string;
  #name: string;
  /** Bytes on the disk. */
  #bytes = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #lastFlush = now();

  /**
   * A file of a new name; on the disk it begins with the first flush.
   *
   * @param folder is made if need be
   */
  constructor(folder: string) {
    this.#folder = folder;
    this.#name = newName();
  }

  /**
   * Goes on in a file after its first `bytes` bytes; what comes behind them is cut off. Where that
   * is all, there is no file until the next flush.
   *
   * @returns undefined where there is no such file
   * @throws DataError where it is shorter, or cannot be written
   */
  static async reopen(folder: string, name: string, bytes: number): Promise<EventFile | undefined> {
    const file = new EventFile(folder);
    file.#name = name;
    if (bytes === 0) await removePath(file.path);
    else if ((await fileSize(file.path)) === undefined) return undefined;
    else await cutBack(file.path, bytes, "TensorBoard");
    file.#bytes = bytes;
    return file;
  }

  /** As TensorFlow names files: by time, machine, process, and a number. */
  get name(): string {
    return this.#name;
  }

  get path(): string {
    return joinPath(this.#folder, this.#name);
  }

  /** Bytes on the disk: to `reopen` it there. What waits for a flush does not count. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Whether much, or something old, waits for a flush. */
  get isDue(): boolean {
    if (this.#pendingBytes === 0) return false;
    return (
      this.#pendingBytes >= mostPendingBytes || now() - this.#lastFlush >= mostPendingMilliseconds
    );
  }

  /** Adds values of a step, each as an event of its own, as TensorFlow does. */
  add(step: number, values: readonly SummaryValue[]): void {
    for (const value of values) {
      const record = frameRecord(encodeEvent({ wallTime: seconds(), step, values: [value] }));
      this.#pending.push(record);
      this.#pendingBytes += record.length;
    }
  }

  /**
   * Makes the file, so that one that cannot be written is known at once.
   *
   * @throws DataError where that cannot be done
   */
  async begin(): Promise<void> {
    if (this.#bytes > 0) return;
    await makeFolder(this.#folder);
    while (!(await isFree(this.path))) this.#name = newName();
    const event = { wallTime: seconds(), step: 0, fileVersion, values: [] };
    this.#pending.unshift(frameRecord(encodeEvent(event)));
    await this.#write();
  }

  /**
   * Writes what was added; it is on the disk when it resolves. Where that fails, what was flushed
   * before stays as it is, and what was added since is lost.
   *
   * @throws DataError where it cannot be written
   */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    if (this.#bytes === 0) await this.begin();
    else await this.#write();
  }

  async #write(): Promise<void> {
    const bytes = joined(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    const file = await appendFile(this.path);
    try {
      await file.write(bytes);
      await file.flush();
    } catch (error) {
      // Half a record would hide what is added later. The cause is what counts.
      const undo = this.#bytes ? truncateFile(this.path, this.#bytes) : removePath(this.path);
      await undo.catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
    this.#bytes += bytes.length;
    this.#lastFlush = now();
  }
}

/** Takes the path, if there is nothing: others may have the same names, in containers. */
async function isFree(path: string): Promise<boolean> {
  try {
    await (await appendFile(path, true)).close();
    return true;
  } catch (error) {
    const cause = error instanceof DataError && error.cause;
    if ((cause as { readonly code?: unknown } | undefined)?.code === "EEXIST") return false;
    throw error;
  }
}

function newName(): string {
  const time = String(Math.floor(seconds())).padStart(10, "0");
  return `events.out.tfevents.${time}.${processName()}.${filesNamed++}.v2`;
}

const seconds = (): number => Date.now() / 1000;
