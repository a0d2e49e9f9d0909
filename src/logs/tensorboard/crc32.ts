/** Cyclic redundancy checks of 32 bits: that of event files, and that of PNG. */

/** A check's table: the remainders of all bytes by the reversed polynomial. */
function tableOf(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    table[byte] = rest;
  }
  return table;
}

/** A check of a few bytes or megabytes, as an unsigned number. */
function checkBy(polynomial: number): (bytes: Uint8Array) => number {
  const table = tableOf(polynomial);
  return (bytes) => {
    let rest = 0xffffffff;
    for (const byte of bytes) rest = table[(rest ^ byte) & 0xff] ^ (rest >>> 8);
    return ~rest >>> 0;
  };
}

/** CRC-32C (Castagnoli), of iSCSI, RFC 3720 appendix B.4: https://www.rfc-editor.org/rfc/rfc3720 */
export const crc32c = checkBy(0x82f63b78);

/** CRC-32 of zip, gzip and PNG, ISO/IEC 15948 appendix D: https://www.w3.org/TR/png-3/#D-CRCAppendix */
export const crc32 = checkBy(0xedb88320);

/**
 * CRC-32C turned and shifted, because a check of bytes that hold checks finds less. Event files have
 * it so: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/hash/crc32c.h
 */
export function maskedCrc32c(bytes: Uint8Array): number {
  const check = crc32c(bytes);
  return (((check >>> 15) | (check << 17)) + 0xa282ead8) >>> 0;
}
