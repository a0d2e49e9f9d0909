/** One large file over an unreliable network, to a file that grows and is resumed. */
import {
  appendFile,
  fileSize,
  type HostResponse,
  httpGet,
  now,
  readFile,
  removePath,
  writeFileAtomic,
} from "#host";
import { DataError } from "../base/errors.ts";
import { delay, Watch } from "./patience.ts";

/** What is to be fetched. */
export interface DownloadSource {
  readonly url: string;
  /** Its size. */
  readonly bytes: number;
}

/** How to fetch it. */
export interface DownloadOptions {
  /** Whose file it is, for messages: `CIFAR-10`. */
  readonly who: string;
  /** What else a user can do, a sentence for messages. */
  readonly advice: string;
  readonly signal: AbortSignal;
  /** So long without a byte counts as no network. */
  readonly patienceMilliseconds: number;
  /** Told how many bytes there are, those of earlier runs in. */
  readonly onBytes: (received: number) => void;
}

/** So many breaks within a thousandth of the file are no accident. */
const mostBreaks = 10;
/** The pause after a break is so much of the patience: half a second of ten. */
const pausesInPatience = 20;

/** The connection broke, or the server cannot answer now: what came is kept, and asked on. */
class Break extends Error {}

/** What came so far is not of the file that the server has: it begins anew. */
class Restart extends Error {}

/**
 * Fetches a file to `path`, from where an earlier run ended. Resolves when it has all its bytes;
 * returns whether some of them came over another connection, so that a wrong whole is no proof that
 * the server's file is wrong. Nothing but a piece of the transfer is ever in memory.
 *
 * While bytes come, breaks are resumed in this run, too. A run that ends early (for lack of network,
 * by the signal, by being killed) leaves the file for the next one. Beside it, `path.json` keeps
 * what the server said to tell one version of its file from another.
 *
 * @throws DataError naming the URL, and the signal's reason
 */
export async function download(
  source: DownloadSource,
  path: string,
  options: DownloadOptions,
): Promise<{ isResumed: boolean }> {
  const { signal, patienceMilliseconds: patience } = options;
  const transfer = new Transfer(source, path, options);
  let isResumed = false;
  let breaks = 0;
  let best = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      const start = await transfer.attempt();
      return { isResumed: isResumed || start > 0 };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Break || error instanceof Restart)) throw error;
      if (transfer.received > best + source.bytes / 1000) {
        best = transfer.received;
        breaks = 0;
      }
      if (breaks++ >= mostBreaks) throw noNetwork(source.url, error.message, options);
      if (error instanceof Restart) {
        await forget(path);
        continue;
      }
      const pause = patience / pausesInPatience;
      if (!transfer.hasBegun || transfer.quietMilliseconds + pause >= patience)
        throw noNetwork(source.url, error.message, options);
      isResumed = true;
      await delay(pause, signal);
    }
  }
}

/** Removes a file that was being fetched, and what was kept about it. */
export async function forget(path: string): Promise<void> {
  await removePath(path);
  await removePath(recordOf(path));
}

const recordOf = (path: string): string => `${path}.json`;

class Transfer {
  /** Whether a server has begun to send in this run. */
  hasBegun = false;
  /** Bytes of the file after the last one that came; 0 if none came in this run. */
  received = 0;
  readonly #source: DownloadSource;
  readonly #path: string;
  readonly #options: DownloadOptions;
  #lastByte = now();

  constructor(source: DownloadSource, path: string, options: DownloadOptions) {
    this.#source = source;
    this.#path = path;
    this.#options = options;
  }

  /** Since the last byte, or since the start. */
  get quietMilliseconds(): number {
    return now() - this.#lastByte;
  }

  /** Asks for what is missing and writes it. Returns how many bytes were there before. */
  async attempt(): Promise<number> {
    const { bytes, url } = this.#source;
    const { who, advice, onBytes } = this.#options;
    const have = (await fileSize(this.#path)) ?? 0;
    if (have === bytes) return have;
    if (have > bytes) throw new Restart(`${have} bytes in ${this.#path}`);
    const watch = new Watch(this.#options.signal);
    try {
      const answer = await this.#ask(have, watch);
      try {
        this.hasBegun = true;
        const start = answer.status === 206 ? have : 0;
        if (start === 0) await this.#begin(answer);
        onBytes(start);
        const received = await this.#write(answer, start, watch);
        if (received === bytes) return start;
        const isShort = received < bytes;
        // A chunked answer tells its end; one without a length just ends where it breaks off.
        if (isShort && answer.header("transfer-encoding") === undefined)
          throw new Break(`the end after ${received} of ${bytes} bytes`);
        await forget(this.#path);
        const size = isShort ? `${received} bytes` : "more";
        throw wrongSize(who, url, bytes, size, advice);
      } finally {
        answer.close();
      }
    } finally {
      watch.end();
    }
  }

  /** The answer with the bytes from `have` on (206) or with all of them (200). */
  async #ask(have: number, watch: Watch): Promise<HostResponse> {
    const { url, bytes } = this.#source;
    const headers: Record<string, string> = { "user-agent": "antler", accept: "*/*" };
    if (have > 0) {
      headers.range = `bytes=${have}-`;
      const validator = await validatorOf(this.#path, url);
      if (validator !== undefined) headers["if-range"] = validator;
    }
    const answer = await this.#wait(httpGet(url, headers, watch.signal), watch);
    const reason = refusalOf(answer, have, bytes);
    if (reason === undefined) return answer;
    answer.close();
    if (reason instanceof Error) throw reason;
    const { who, advice } = this.#options;
    if (reason.size !== undefined) throw wrongSize(who, url, bytes, reason.size, advice);
    const received = `the answer ${reason.answer}`;
    throw new DataError({ who, expected: mustCome(url), received, fix: advice });
  }

  /** Makes room for a file from its first byte on. */
  async #begin(answer: HostResponse): Promise<void> {
    await forget(this.#path);
    const tag = answer.header("etag");
    // A weak tag (W/"...") says nothing of bytes.
    const validator = tag?.startsWith('"') ? tag : answer.header("last-modified");
    if (validator === undefined) return;
    const text = JSON.stringify({ url: this.#source.url, validator });
    await writeFileAtomic(recordOf(this.#path), new TextEncoder().encode(text));
  }

  /** Writes what comes, at most one piece too many, and returns the bytes of the whole file. */
  async #write(answer: HostResponse, start: number, watch: Watch): Promise<number> {
    const file = await appendFile(this.#path);
    let received = start;
    try {
      const body = answer.body[Symbol.asyncIterator]();
      while (received < this.#source.bytes) {
        const next = await this.#wait(body.next(), watch);
        if (next.done) break;
        await file.write(next.value);
        received += next.value.length;
        this.received = Math.max(this.received, received);
        this.#options.onBytes(received);
        this.#lastByte = now();
      }
      await file.flush();
    } finally {
      await file.close();
    }
    return received;
  }

  /** Waits for the network, but not for longer than patience allows. */
  async #wait<T>(step: Promise<T>, watch: Watch): Promise<T> {
    const { patienceMilliseconds, signal } = this.#options;
    watch.start(patienceMilliseconds - this.quietMilliseconds);
    try {
      return await step;
    } catch (error) {
      signal.throwIfAborted();
      if (watch.isOver) {
        const seconds = Number((patienceMilliseconds / 1000).toPrecision(3));
        throw noNetwork(this.#source.url, `no byte in ${seconds} s`, this.#options);
      }
      throw new Break(reasonOf(error));
    } finally {
      watch.stop();
    }
  }
}

/** What is wrong with an answer: undefined for one to go on with. */
function refusalOf(answer: HostResponse, have: number, bytes: number) {
  const { status, statusText } = answer;
  if (status === 206) {
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(contentRange(answer)) ?? [];
    const fits = have > 0 && Number(first) === have && (total === "*" || Number(total) === bytes);
    return fits ? undefined : new Restart(`the range ${contentRange(answer) || "of nothing"}`);
  }
  // The part here is longer than the server's file.
  if (status === 416 && have > 0) return new Restart("no such range");
  if (status === 200) {
    const length = answer.header("content-length");
    if (length === undefined || Number(length) === bytes) return undefined;
    return { size: `${length} bytes` };
  }
  const text = `${status} ${statusText}`.trim();
  if (status >= 500 || status === 429) return new Break(`the answer ${text}`);
  return { answer: text };
}

/** Where several addresses were tried in vain, Node's error has no text but a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message || ("code" in error ? String(error.code) : error.name);
}

const contentRange = (answer: HostResponse): string => answer.header("content-range") ?? "";

/** What the server said of the version that the part is of, if that was this server. */
async function validatorOf(path: string, url: string): Promise<string | undefined> {
  if ((await fileSize(recordOf(path))) === undefined) return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(await readFile(recordOf(path))));
    const isUsable = record?.url === url && typeof record.validator === "string";
    return isUsable ? record.validator : undefined;
  } catch {
    return undefined; // Without it, the check of the whole file has to find a wrong part.
  }
}

const mustCome = (url: string): string => `the archive must come from ${url}`;

function noNetwork(url: string, reason: string, { who, advice }: DownloadOptions): DataError {
  // A server that answers is a network.
  const received = /^the answer /.test(reason) ? reason : `no network (${reason})`;
  return new DataError({ who, expected: mustCome(url), received, fix: advice });
}

function wrongSize(who: string, url: string, bytes: number, received: string, fix: string) {
  const expected = `the archive from ${url} must have ${bytes} bytes`;
  return new DataError({ who, expected, received, fix });
}
