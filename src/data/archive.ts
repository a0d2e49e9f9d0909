/** A data set that comes as one .tar.gz: fetched once, checked, and kept in the user's cache. */
import {
  appendFile,
  cacheFolder,
  fileSize,
  gunzip,
  type HostFile,
  joinPath,
  listFolder,
  lockFile,
  makeFolder,
  readChunks,
  readFile,
  removePath,
  renamePath,
  sha256OfChunks,
  writeFileAtomic,
} from "#host";
import { DataError } from "../base/errors.ts";
import { type DownloadSource, download, forget } from "./download.ts";
import { readTar, type TarEntry } from "./tar.ts";

/** What an archive is, and what is taken out of it. */
export interface Archive extends DownloadSource {
  /** For people: `CIFAR-10`. */
  readonly title: string;
  /** Of the archive itself, 64 hexadecimal digits in lower case. */
  readonly sha256: string;
  /** The folder in the archive that has the files. */
  readonly folder: string;
  /** The files that must be there, with their sizes. */
  readonly files: ReadonlyMap<string, number>;
  /** Small files that are taken along if they are there. */
  readonly extras: readonly string[];
}

/** What is being done about an archive. */
export interface ArchiveProgress {
  /**
   * `wait`: another process is at it; `download`; `check`: its hash is computed; `unpack`; `done`:
   * the files are in the cache.
   */
  readonly step: "wait" | "download" | "check" | "unpack" | "done";
  /** For people: `CIFAR-10`. */
  readonly title: string;
  readonly url: string;
  /** Bytes of the archive that are here. */
  readonly received: number;
  /** Bytes of the archive. */
  readonly total: number;
  /** Where the files are or will be. */
  readonly folder: string;
}

/** How to get an archive. */
export interface ArchiveOptions {
  /** Default: that of `cacheFolder()`. */
  readonly cache?: string | undefined;
  /** So long without a byte counts as no network. */
  readonly patienceMilliseconds: number;
  /** What else a user can do, a sentence for messages. */
  readonly advice: string;
  readonly onProgress: (progress: ArchiveProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

const largestExtra = 1 << 16;
/** Beside the files, in their folder: that they are of an archive with the right hash. */
const recordName = "antler.json";
const partName = "archive.tar.gz.part";
const unpackingPrefix = "unpacking-";

/** The folder of an archive in the cache. Another hash is another archive. */
const homeOf = ({ title, sha256 }: Archive, cache: string | undefined): string =>
  joinPath(cache || cacheFolder(), `${title.toLowerCase()}-${sha256.slice(0, 16)}`);

/** The folder with the files of an archive, if they are in the cache, whole and of the right hash. */
export async function cachedArchive(archive: Archive, cache?: string): Promise<string | undefined> {
  try {
    const folder = joinPath(homeOf(archive, cache), archive.folder);
    const record = joinPath(folder, recordName);
    if ((await fileSize(record)) === undefined) return undefined;
    const text = new TextDecoder().decode(await readFile(record));
    if (text !== recordOf(archive)) return undefined;
    for (const [name, bytes] of archive.files) {
      if ((await fileSize(joinPath(folder, name))) !== bytes) return undefined;
    }
    return folder;
  } catch {
    return undefined; // A cache that cannot be read is none.
  }
}

const recordOf = ({ sha256, files }: Archive): string =>
  `${JSON.stringify({ sha256, files: Object.fromEntries(files) })}\n`;

/**
 * The folder with the files of an archive: from the cache, else downloaded. Of several processes,
 * one downloads and the others wait for it; one that is killed leaves a part that the next goes on
 * from. The cache never has files of an archive that was not checked: they are unpacked to a folder
 * of another name, which is renamed when it is complete.
 *
 * @throws DataError if the archive cannot be had, is not what it should be, or has no room; the
 * signal's reason
 */
export async function fetchArchive(archive: Archive, options: ArchiveOptions): Promise<string> {
  const { cache, signal } = options;
  signal?.throwIfAborted();
  const home = homeOf(archive, cache);
  const folder = joinPath(home, archive.folder);
  const tell: Tell = (step, received = archive.bytes) => {
    const { title, url, bytes: total } = archive;
    options.onProgress({ step, title, url, received, total, folder });
  };
  try {
    for (;;) {
      const found = await cachedArchive(archive, cache);
      if (found !== undefined) return found;
      await makeFolder(home);
      if (await fillAlone(archive, home, tell, options)) return folder;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw withAdvice(error, archive, home, options.advice);
  }
}

type Tell = (step: ArchiveProgress["step"], received?: number) => void;

/**
 * Fills the cache while no other process does. Returns whether it is filled; it may not be where
 * another process took over.
 */
async function fillAlone(
  archive: Archive,
  home: string,
  tell: Tell,
  options: ArchiveOptions,
): Promise<boolean> {
  const { signal, cache } = options;
  const onWait = () => tell("wait", 0);
  const lock = await lockFile(joinPath(home, "lock"), { signal, onWait });
  const ended = new AbortController();
  const end = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", end);
  lock.lost.addEventListener("abort", end);
  if (signal?.aborted) end(); // While the lock was made.
  try {
    if ((await cachedArchive(archive, cache)) !== undefined) return true;
    await fill(archive, home, tell, { ...options, signal: ended.signal });
    tell("done");
    return true;
  } catch (error) {
    if (lock.lost.aborted && !signal?.aborted) return false;
    throw error;
  } finally {
    signal?.removeEventListener("abort", end);
    lock.lost.removeEventListener("abort", end);
    await lock.release();
  }
}

type FillOptions = ArchiveOptions & { readonly signal: AbortSignal };

async function fill(archive: Archive, home: string, tell: Tell, options: FillOptions) {
  // What processes left that were killed while they unpacked.
  for (const name of await listFolder(home))
    if (name.startsWith(unpackingPrefix)) await removePath(joinPath(home, name));
  const part = joinPath(home, partName);
  await fetchChecked(archive, part, tell, options);
  tell("unpack");
  const unpacking = joinPath(home, unpackingPrefix + globalThis.crypto.randomUUID());
  const folder = joinPath(home, archive.folder);
  try {
    await unpack(archive, part, unpacking, options.signal);
    const record = new TextEncoder().encode(recordOf(archive));
    await writeFileAtomic(joinPath(unpacking, recordName), record);
    options.signal.throwIfAborted();
    await removePath(folder); // It is not whole, or was no answer before.
    await renamePath(unpacking, folder);
  } finally {
    await removePath(unpacking);
  }
  await forget(part);
}

/** Downloads the archive and checks its hash; a wrong one is gone afterwards. */
async function fetchChecked(archive: Archive, part: string, tell: Tell, options: FillOptions) {
  const { title, url, sha256 } = archive;
  const { signal, patienceMilliseconds, advice } = options;
  const onBytes = (received: number) => tell("download", received);
  for (let isSecond = false; ; isSecond = true) {
    onBytes((await fileSize(part)) ?? 0);
    let isResumed = false;
    try {
      const how = { who: title, advice, signal, patienceMilliseconds, onBytes };
      ({ isResumed } = await download(archive, part, how));
    } catch (error) {
      // A full disk stops everything else on the machine, too.
      if (isFullDisk(error)) await forget(part);
      throw error;
    }
    tell("check");
    const hash = await sha256OfChunks(untilAborted(readChunks(part), signal));
    if (hash === sha256) return;
    await forget(part);
    // Pieces of several connections may be of several files; a whole of one tells of its file.
    if (isResumed && !isSecond) continue;
    throw new DataError({
      who: title,
      expected: `the archive from ${url} must have the SHA-256 ${sha256}`,
      received: hash,
      fix: `Nothing of it was kept. ${advice}`,
    });
  }
}

/** Unpacks the files that are wanted, and only those. */
async function unpack(archive: Archive, part: string, into: string, signal: AbortSignal) {
  await makeFolder(into);
  const missing = new Set(archive.files.keys());
  const taken = new Set<string>();
  let file: HostFile | undefined;
  const open = async (entry: TarEntry) => {
    const name = wantedName(archive, entry);
    if (name === undefined) return undefined;
    if (taken.has(name)) throw wrongContent(archive, `must have one ${name}`, "two");
    taken.add(name);
    const opened = await appendFile(joinPath(into, name), true);
    file = opened;
    const end = async () => {
      await opened.flush();
      file = undefined;
      await opened.close();
      missing.delete(name);
    };
    return { write: opened.write, end };
  };
  try {
    await readTar(archive.title, gunzip(untilAborted(readChunks(part), signal)), open);
  } finally {
    await file?.close();
  }
  const [first] = missing;
  if (first !== undefined) throw wrongContent(archive, `must have ${first}`, "none");
}

function wantedName(archive: Archive, { path, bytes }: TarEntry): string | undefined {
  const prefix = `${archive.folder}/`;
  const inside = path.replace(/^(\.\/)+/, "");
  const name = inside.startsWith(prefix) ? inside.slice(prefix.length) : "";
  const size = archive.files.get(name);
  if (size === undefined)
    return archive.extras.includes(name) && bytes <= largestExtra ? name : undefined;
  if (bytes !== size)
    throw wrongContent(archive, `must have ${size} bytes in ${name}`, String(bytes));
  return name;
}

const wrongContent = ({ title, url }: Archive, expected: string, received: string): DataError =>
  new DataError({ who: title, expected: `the archive from ${url} ${expected}`, received });

async function* untilAborted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** Whether an error comes of a disk, or of a user's share of it, that has no room left. */
function isFullDisk(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT")) return true;
  }
  return false;
}

/** What else there is, for errors of the cache, too: they come from below, where it is not known. */
function withAdvice(error: unknown, archive: Archive, home: string, advice: string): unknown {
  if (!isFullDisk(error)) {
    if (!(error instanceof DataError) || error.fix !== undefined) return error;
    const { who, expected, received, cause = error } = error;
    return new DataError({ who, expected, received, fix: advice, cause });
  }
  const unpacked = [...archive.files.values()].reduce((sum, bytes) => sum + bytes, 0);
  const megabytes = Math.ceil((archive.bytes + unpacked) / 1e6);
  return new DataError({
    who: archive.title,
    expected: `the cache folder ${home} must have room for ${megabytes} MB`,
    received: "a full disk",
    fix: `Make room, or name another folder by XDG_CACHE_HOME. ${advice}`,
    cause: error,
  });
}
