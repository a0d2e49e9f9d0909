/** Zip archives of files that are stored as they are, in one pass over their bytes. */
import { crc32 } from "#host";

/** Of the headers, APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16. */
const sizes = { local: 30, central: 46, end: 22 };
const most = { bytes: 2 ** 32 - 1, files: 2 ** 16 - 1 };
/** MS-DOS's first day, 1 January 1980, in the upper 16 bits; midnight below. */
const firstDay = 0x0021_0000;
const versionNeeded = 20;
/** Made on Unix. */
const versionMade = 0x0314;
const utf8Names = 0x0800;
/** A file that its owner may write. */
const mode = 0o100644;

/** A file and its place. */
interface Stored {
  readonly name: Uint8Array;
  readonly bytes: Uint8Array;
  readonly check: number;
  readonly offset: number;
}

/**
 * The archive, in the order of its entries, or undefined where it needs the longer numbers of ZIP64.
 * https://pkware.cachefly.net/webdocs/APPNOTE/APPNOTE-6.3.10.TXT
 */
export function storedZip(
  entries: ReadonlyMap<string, Uint8Array>,
): Uint8Array<ArrayBuffer> | undefined {
  const files: Stored[] = [];
  let offset = 0;
  let directory = 0;
  for (const [path, bytes] of entries) {
    const name = new TextEncoder().encode(path);
    files.push({ name, bytes, check: crc32(bytes), offset });
    offset += sizes.local + name.length + bytes.length;
    directory += sizes.central + name.length;
  }
  const length = offset + directory + sizes.end;
  if (length > most.bytes || files.length > most.files) return undefined;
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  let at = offset;
  for (const file of files) {
    writeLocal(out, view, file);
    writeCentral(out, view, at, file);
    at += sizes.central + file.name.length;
  }
  view.setUint32(at, 0x06054b50, true);
  view.setUint16(at + 8, files.length, true);
  view.setUint16(at + 10, files.length, true);
  view.setUint32(at + 12, directory, true);
  view.setUint32(at + 16, offset, true);
  return out;
}

/** From the version that is needed on, both headers have the same. */
function writeFacts(view: DataView, at: number, { name, bytes, check }: Stored): void {
  view.setUint16(at, versionNeeded, true);
  view.setUint16(at + 2, utf8Names, true);
  view.setUint32(at + 6, firstDay, true);
  view.setUint32(at + 10, check, true);
  view.setUint32(at + 14, bytes.length, true);
  view.setUint32(at + 18, bytes.length, true);
  view.setUint16(at + 22, name.length, true);
}

function writeLocal(out: Uint8Array, view: DataView, file: Stored): void {
  const { name, bytes, offset } = file;
  view.setUint32(offset, 0x04034b50, true);
  writeFacts(view, offset + 4, file);
  out.set(name, offset + sizes.local);
  out.set(bytes, offset + sizes.local + name.length);
}

function writeCentral(out: Uint8Array, view: DataView, at: number, file: Stored): void {
  view.setUint32(at, 0x02014b50, true);
  view.setUint16(at + 4, versionMade, true);
  writeFacts(view, at + 6, file);
  view.setUint16(at + 40, mode, true);
  view.setUint32(at + 42, file.offset, true);
  out.set(file.name, at + sizes.central);
}
