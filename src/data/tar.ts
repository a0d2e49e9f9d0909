/** Reading tar archives as they come. */
import { DataError } from "../base/errors.ts";

const BLOCK = 512;

/** A file in an archive. */
export interface TarEntry {
  /** As the archive has it, with `/` between folders. */
  readonly path: string;
  readonly bytes: number;
}

/** Where the content of a file goes. */
export interface TarSink {
  write(bytes: Uint8Array): Promise<void>;
  /** All has come. */
  end(): Promise<void>;
}

/**
 * Reads a tar archive (POSIX.1-1988 `ustar`, or GNU's), and gives the content of each regular file
 * that `open` wants to what it returns. Folders, links, devices and the headers of extended formats
 * are passed over; a name that an extended header would lengthen comes as the short one.
 *
 * Format: IEEE Std 1003.1, `pax`, "ustar Interchange Format".
 *
 * @throws DataError for a header that is broken, a path that leads out of the archive, and an
 * archive that ends early
 */
export async function readTar(
  who: string,
  chunks: AsyncIterable<Uint8Array>,
  open: (entry: TarEntry) => Promise<TarSink | undefined>,
): Promise<void> {
  const header = new Uint8Array(BLOCK);
  let filled = 0; // Of the header.
  let rest = 0; // Bytes of content that are still to come.
  let padding = 0; // Bytes after the content, to the end of its last block.
  let sink: TarSink | undefined;
  let hasEnded = false;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !hasEnded; ) {
      if (rest > 0) {
        const part = chunk.subarray(at, at + rest);
        await sink?.write(part);
        rest -= part.length;
        at += part.length;
        if (rest === 0) await sink?.end();
      } else if (padding > 0) {
        const skipped = Math.min(padding, chunk.length - at);
        padding -= skipped;
        at += skipped;
      } else {
        const part = chunk.subarray(at, at + BLOCK - filled);
        header.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < BLOCK) continue;
        filled = 0;
        if (header.every((byte) => byte === 0)) hasEnded = true;
        else {
          const { type, ...entry } = parseHeader(who, header);
          rest = entry.bytes;
          padding = (BLOCK - (rest % BLOCK)) % BLOCK;
          sink = type === "file" ? await open(entry) : undefined;
          if (rest === 0) await sink?.end();
        }
      }
    }
  }
  if (rest > 0 || filled > 0) throw broken(who, "must be whole", "one that ends within a file");
  if (!hasEnded) throw broken(who, "must be whole", "one without its end");
}

function parseHeader(who: string, header: Uint8Array): TarEntry & { type: "file" | "other" } {
  const name = textOf(header, 0, 100);
  const expected = "must have whole headers";
  if (numberOf(header, 148, 8) !== checksumOf(header))
    throw broken(who, expected, "one with a wrong checksum");
  const isPosix = textOf(header, 257, 6) === "ustar" && header[263] === 0x30;
  const prefix = isPosix ? textOf(header, 345, 155) : "";
  const path = prefix ? `${prefix}/${name}` : name;
  const bytes = numberOf(header, 124, 12);
  if (bytes === undefined) throw broken(who, expected, `no size of ${JSON.stringify(path)}`);
  // The oldest archives have a NUL, or a name that ends with a slash, where a type is.
  const kind = header[156] === 0 ? "0" : String.fromCharCode(header[156]);
  const isFile = (kind === "0" || kind === "7") && !path.endsWith("/");
  if ((isFile || kind === "5") && leadsOut(path))
    throw broken(who, "must keep its files in folders of its own", JSON.stringify(path));
  // Links, devices and folders have no content, whatever their size says.
  return { path, bytes: /[1-6]/.test(kind) ? 0 : bytes, type: isFile ? "file" : "other" };
}

const leadsOut = (path: string): boolean =>
  /^[/\\]|^[a-z]:/i.test(path) || path.split(/[/\\]/).includes("..");

/** Text to its first NUL. */
function textOf(header: Uint8Array, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

/** An octal number; undefined where there is none. (Only sizes from 8 GiB on are written otherwise.) */
function numberOf(header: Uint8Array, start: number, length: number): number | undefined {
  const text = textOf(header, start, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/** The sum of all bytes, with blanks where the sum itself is. */
function checksumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

const broken = (who: string, expected: string, received: string): DataError =>
  new DataError({ who, expected: `the tar archive ${expected}`, received });
