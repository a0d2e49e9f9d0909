/** The checksum of zip archives. */

/**
 * Remainders of a byte that is followed by 0 to 7 zero bytes: eight bytes are taken in one go.
 * M. Kounavis, F. Berry, "A systematic approach to building high performance, software-based, CRC
 * generators", 2005, https://doi.org/10.1109/ISCC.2005.18
 */
const tables = tablesOf(0xedb88320);

function tablesOf(polynomial: number): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    first[byte] = rest;
  }
  const all = [first];
  while (all.length < 8) {
    const last = all.at(-1)!;
    all.push(Int32Array.from(last, (rest) => first[rest & 0xff] ^ (rest >>> 8)));
  }
  return all;
}

/**
 * CRC-32 as in zip, gzip and PNG (ISO/IEC 15948, appendix D, https://www.w3.org/TR/png-3/), as an
 * unsigned number. About a gigabyte a second.
 */
export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  const whole = bytes.length - (bytes.length % 8);
  let rest = -1;
  let i = 0;
  for (; i < whole; i += 8) {
    const low =
      rest ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    rest =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[bytes[i + 4]] ^
      t2[bytes[i + 5]] ^
      t1[bytes[i + 6]] ^
      t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) rest = t0[(rest ^ bytes[i]) & 0xff] ^ (rest >>> 8);
  return ~rest >>> 0;
}
