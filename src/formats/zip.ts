/** Zip archives: read with every check there is, written so that same content gives same bytes. */
import { DataError, describe, ValueError } from "../base/errors.ts";
import { storedZip } from "./stored-zip.ts";

/** How to read an archive of unknown origin. */
export interface ReadZipOptions {
  /** Names the file in errors: `model.keras`. Default `readZip`. */
  readonly who?: string | undefined;
  /**
   * Most bytes that all files in it may have together when they are unpacked. Default: 4 GiB, and
   * never more than the larger of 64 MiB and 100 times the archive's own size.
   */
  readonly maxBytes?: number | undefined;
}

const mostBytes = 2 ** 32;
const smallArchive = 2 ** 26;
/** Keras refuses members of more than 4 GiB that expand more than this. */
const mostExpansion = 100;
const mostFiles = 10_000;

/** Loaded with the first archive: most pages read and write none. */
const library = () => import("@zip.js/zip.js");

/**
 * The files in a zip archive by name, unpacked, in the archive's order. Folders are left out. The
 * checksum of every file is checked.
 *
 * @throws DataError if it is no zip archive; is broken, or two programs could understand it
 *   differently (headers that contradict each other, files that overlap, two of one name, bytes
 *   before or after the archive); is encrypted; has names that lead out of a folder (`..`, absolute,
 *   with a backslash) or links; or is larger unpacked than it may be (see `maxBytes`)
 * @example
 * const files = await readZip(bytes, { who: "model.keras" });
 * const config = new TextDecoder().decode(files.get("config.json"));
 */
export async function readZip(
  bytes: Uint8Array,
  options: ReadZipOptions = {},
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { who = "readZip", maxBytes = mostBytes } = options;
  const limit = Math.min(maxBytes, Math.max(smallArchive, mostExpansion * bytes.length));
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } = await library();
  const reader = new ZipReader(new Uint8ArrayReader(bytes), {
    strictness: "strict",
    checkSignature: true,
    useWebWorkers: false,
  });
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let total = 0;
  let place = "";
  try {
    // All sizes are known before the first file is unpacked.
    const entries = [];
    for await (const entry of reader.getEntriesGenerator()) {
      checkEntry(entry, who);
      total += entry.uncompressedSize;
      if (total > limit) throw tooLarge(who, limit);
      if (entries.push(entry) > mostFiles)
        throw new DataError({
          who,
          expected: `must hold at most ${mostFiles} files`,
          received: "more",
        });
    }
    for (const entry of entries) {
      if (entry.directory) continue;
      place = ` at "${entry.filename}"`;
      // The library stops where there is more than was declared.
      files.set(entry.filename, await entry.getData(new Uint8ArrayWriter()));
    }
    return files;
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { message } = error as Error;
    const expected = "must be a whole zip archive";
    throw new DataError({ who, expected, received: `"${message}"${place}`, cause: error });
  } finally {
    await reader.close();
  }
}

function checkEntry(
  entry: { readonly filename: string; readonly encrypted: boolean; readonly symlink?: boolean },
  who: string,
): void {
  const { filename, encrypted, symlink } = entry;
  // The library has looked at the rest of the name.
  if (filename.includes("\\"))
    throw new DataError({
      who,
      expected: "must hold names of files in folders, with /",
      received: describe(filename),
    });
  const received = `"${filename}"`;
  if (encrypted) throw new DataError({ who, expected: "must not be encrypted", received });
  if (symlink) throw new DataError({ who, expected: "must hold files, no links", received });
}

const tooLarge = (who: string, limit: number) =>
  new DataError({ who, expected: `must unpack to at most ${limit} bytes`, received: "more" });

/**
 * A zip archive of these files, uncompressed, in their order. Its bytes depend on nothing else: all
 * files are of 1 January 1980.
 *
 * @param entries bytes by name; a name has `/` between folders, and does not lead out of them
 * @throws ValueError if a name is empty, absolute, or has `..`, `.`, an empty part, a backslash or a
 *   null character
 * @example
 * const bytes = await writeZip(new Map([["config.json", new TextEncoder().encode("{}")]]));
 */
export async function writeZip(
  entries: ReadonlyMap<string, Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  for (const name of entries.keys()) checkName(name);
  const stored = storedZip(entries);
  if (stored) return stored;
  // More than four gigabytes.
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await library();
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    level: 0,
    dataDescriptor: false,
    extendedTimestamp: false,
    // Its fields in local time are what a zip archive has.
    lastModDate: new Date(1980, 0, 1),
    useWebWorkers: false,
  });
  for (const [name, bytes] of entries) await writer.add(name, new Uint8ArrayReader(bytes));
  return writer.close();
}

function checkName(name: string): void {
  const parts = name.split("/");
  const isGood = !/[\\\0]|^[A-Za-z]:/.test(name) && parts.every((part) => !/^\.{0,2}$/.test(part));
  if (isGood) return;
  throw new ValueError({
    who: "writeZip",
    expected: "a name must be a relative path with / that leads to a file",
    received: describe(name),
  });
}
