/** Makes the checksums of damaged HDF5 files right again, so that HDF5 looks at the damage. */

/** Structures of HDF5's newer format that end with a checksum of themselves. */
const signatures = [
  "\x89HDF",
  "OHDR",
  "OCHK",
  "FRHP",
  "FHDB",
  "FHIB",
  "BTHD",
  "BTIN",
  "BTLF",
  "GCHK",
];
/** Longer ones are not in small files. */
const longest = 4096;

/** From its signature to its checksum. */
type Span = readonly [start: number, end: number];

/**
 * A function that writes the checksums anew in damaged copies of this file. Those that have grown or
 * shrunk are left alone.
 */
export function checksumRepair(good: Uint8Array): (bytes: Uint8Array) => void {
  const spans = findSpans(good);
  return (bytes) => {
    if (bytes.length !== good.length) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (const [start, end] of spans)
      view.setUint32(end, lookup3(bytes.subarray(start, end)), true);
  };
}

/** All spans of a file: where the number behind some bytes is their checksum. */
export function findSpans(bytes: Uint8Array): Span[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const spans: Span[] = [];
  for (let start = 0; start + 8 <= bytes.length; start++) {
    const name = String.fromCharCode(...bytes.subarray(start, start + 4));
    if (!signatures.includes(name)) continue;
    const last = Math.min(start + longest, bytes.length - 4);
    for (let end = start + 8; end <= last; end++) {
      if (lookup3(bytes.subarray(start, end)) !== view.getUint32(end, true)) continue;
      spans.push([start, end]);
      break;
    }
  }
  return spans;
}

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

/** Bob Jenkins's lookup3 (2006, https://burtleburtle.net/bob/c/lookup3.c), from 0. */
export function lookup3(bytes: Uint8Array): number {
  let a = (0xdeadbeef + bytes.length) | 0;
  let [b, c] = [a, a];
  const word = (at: number) =>
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24);
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = ((a - c) ^ rotate(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotate(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (at < bytes.length) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    c = ((c ^ b) - rotate(b, 14)) | 0;
    a = ((a ^ c) - rotate(c, 11)) | 0;
    b = ((b ^ a) - rotate(a, 25)) | 0;
    c = ((c ^ b) - rotate(b, 16)) | 0;
    a = ((a ^ c) - rotate(c, 4)) | 0;
    b = ((b ^ a) - rotate(a, 14)) | 0;
    c = ((c ^ b) - rotate(b, 24)) | 0;
  }
  return c >>> 0;
}
