/** CIFAR-10's files: what they are, and where they are found. */
import { environment, fileSize, isDirectory, joinPath, standardError } from "#host";
import { DataError, describe, ValueError } from "../base/errors.ts";
import { type Archive, type ArchiveProgress, cachedArchive, fetchArchive } from "./archive.ts";
import { DownloadLine } from "./download-line.ts";
import { IMAGE_BYTES } from "./images.ts";
import { checkCount } from "./options.ts";

export const TRAINING_FILES: readonly string[] = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`);
export const cifar10Files: readonly string[] = [...TRAINING_FILES, "test_batch.bin"];
export const IMAGES_PER_FILE = 10_000;
/** A label, then the red, the green and the blue plane, row by row. */
export const RECORD_BYTES = 1 + IMAGE_BYTES;
export const FILE_BYTES = IMAGES_PER_FILE * RECORD_BYTES;
/** The folder that the official archive unpacks to. */
const ARCHIVE_FOLDER = "cifar-10-batches-bin";

/** Where an archive with CIFAR-10's binary version comes from, and what it is. */
export interface Cifar10Source {
  /** An http or https URL. */
  readonly url: string;
  /** Size of the archive. */
  readonly bytes: number;
  /** Of the archive, 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The archive that its authors publish. */
export const officialSource: Cifar10Source = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  bytes: 170_052_171,
  sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
};

/** Where CIFAR-10's files come from. */
export interface Cifar10FilesOptions {
  /**
   * The folder that holds the six files, or `cifar-10-batches-bin` with them. Default: what the
   * environment variable ANTLER_DATA names; without it, the cache.
   */
  readonly folder?: string | undefined;
  /** Whether they may be downloaded where neither a folder nor the cache has them; default true. */
  readonly download?: boolean | undefined;
  /**
   * The folder that holds downloaded data sets. Default: `antler` in the user's cache folder
   * (XDG_CACHE_HOME; ~/.cache, on macOS ~/Library/Caches, on Windows %LOCALAPPDATA%).
   */
  readonly cacheFolder?: string | undefined;
  /**
   * Another archive than the official one: a mirror of it, or one in its layout. Default: what the
   * environment variables ANTLER_CIFAR10_URL, ANTLER_CIFAR10_BYTES and ANTLER_CIFAR10_SHA256 say,
   * each one, and the official archive.
   */
  readonly source?: Partial<Cifar10Source> | undefined;
  /** Milliseconds without a byte that count as no network; default 10,000. */
  readonly timeout?: number | undefined;
  /**
   * Told of a download as it goes on. Default true: a line on standard error, drawn again where it is
   * a terminal; false: nothing is told.
   */
  readonly progress?: boolean | ((progress: ArchiveProgress) => void) | undefined;
  /** Ends a download; the call rejects with the signal's reason. What came is kept and resumed. */
  readonly signal?: AbortSignal | undefined;
}

/** What else there is for those who call the library. */
export const libraryAdvice =
  "Give { folder } or set ANTLER_DATA to the folder with its six files, or take " +
  "datasets.embedded().";

/** The folder with CIFAR-10's files: the one that is named, else the cache's, else downloaded. */
export async function findCifar10(options: Cifar10FilesOptions, advice: string): Promise<string> {
  const { download = true, cacheFolder: cache, timeout = 10_000, progress = true } = options;
  const folder = options.folder ?? environment("ANTLER_DATA");
  if (folder) return checkedFolder(folder);
  checkTimeout(timeout);
  const archive = archiveOf(options.source);
  if (!download) {
    const found = await cachedArchive(archive, cache);
    if (found !== undefined) return found;
    throw new DataError({
      who: "CIFAR-10",
      expected: "a folder or the cache must have its files",
      received: "neither, and download: false",
      fix: advice,
    });
  }
  const line = progress === true ? new DownloadLine(standardError()) : undefined;
  const onProgress = (state: ArchiveProgress) => {
    if (typeof progress === "function") progress(state);
    line?.onProgress(state);
  };
  try {
    const { signal } = options;
    const how = { cache, patienceMilliseconds: timeout, advice, onProgress, signal };
    return await fetchArchive(archive, how);
  } catch (error) {
    if (options.signal?.aborted) line?.interrupted();
    throw error;
  } finally {
    line?.leave();
  }
}

/** Whether the cache has CIFAR-10, so that nothing need be downloaded. */
export async function isCifar10Cached(options: Cifar10FilesOptions = {}): Promise<boolean> {
  return (await cachedArchive(archiveOf(options.source), options.cacheFolder)) !== undefined;
}

async function checkedFolder(folder: string): Promise<string> {
  if (!(await isDirectory(folder))) {
    throw new DataError({
      who: `CIFAR-10 in ${folder}`,
      expected: "must be a folder",
      received: "none",
      fix: `Give the folder that holds ${cifar10Files[0]} or ${ARCHIVE_FOLDER}.`,
    });
  }
  for (const name of cifar10Files) {
    if ((await fileSize(joinPath(folder, name))) !== undefined) return folder;
  }
  const inner = joinPath(folder, ARCHIVE_FOLDER);
  return (await isDirectory(inner)) ? inner : folder;
}

function checkTimeout(timeout: number): void {
  if (typeof timeout === "number" && timeout > 0 && timeout <= 2 ** 31 - 1) return;
  throw new ValueError({
    who: "loadCifar10",
    expected: "timeout must be a number of milliseconds above 0",
    received: describe(timeout),
  });
}

/** The archive of a source, of the environment, or the official one. */
function archiveOf(source: Partial<Cifar10Source> = {}): Archive {
  const said = (name: string) => environment(`ANTLER_CIFAR10_${name}`) || undefined;
  const url = source.url ?? said("URL") ?? officialSource.url;
  const sha256 = source.sha256 ?? said("SHA256") ?? officialSource.sha256;
  const bytes = source.bytes ?? Number(said("BYTES") ?? officialSource.bytes);
  const who = "loadCifar10";
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    const expected = "the source's url must be one that begins with http: or https:";
    throw new ValueError({ who, expected, received: describe(url) });
  }
  if (!/^[0-9a-f]{64}$/i.test(sha256)) {
    const expected = "the source's sha256 must be 64 hexadecimal digits";
    throw new ValueError({ who, expected, received: describe(sha256) });
  }
  checkCount(who, "the source's bytes", bytes, 1, Number.MAX_SAFE_INTEGER);
  return {
    title: "CIFAR-10",
    url,
    bytes,
    sha256: sha256.toLowerCase(),
    folder: ARCHIVE_FOLDER,
    files: new Map(cifar10Files.map((name) => [name, FILE_BYTES])),
    extras: ["batches.meta.txt"],
  };
}
