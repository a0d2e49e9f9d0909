/**
 * Records, as TFRecord and event files have them: a length of 8 bytes, its check, the data, its
 * check; little-endian. https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
 */
import { DataError } from "../../base/errors.ts";
import { maskedCrc32c } from "./crc32.ts";

const headerBytes = 12;
const checkBytes = 4;

/** A record of this data. */
export function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(headerBytes + data.length + checkBytes);
  const view = new DataView(record.buffer);
  view.setUint32(0, data.length, true);
  view.setUint32(4, 0, true); // The upper half of the length: nobody has so much memory.
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, headerBytes);
  view.setUint32(headerBytes + data.length, maskedCrc32c(data), true);
  return record;
}

/** A record of a file. */
export interface RecordFound {
  readonly data: Uint8Array;
  /** Where the next record begins. */
  readonly end: number;
}

/**
 * The data of each record, as parts of `bytes`. A record that breaks off ends them: whoever writes
 * the file has not got further, or was killed.
 *
 * @param who the file, for errors
 * @throws DataError where a check does not fit
 */
export function* readRecords(bytes: Uint8Array, who: string): Generator<RecordFound> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  while (start + headerBytes <= bytes.length) {
    checkSum(view.getUint32(start + 8, true), bytes.subarray(start, start + 8), start, who);
    // Exact up to 2^53, and beyond it far behind any end.
    const length = view.getUint32(start, true) + view.getUint32(start + 4, true) * 2 ** 32;
    const dataEnd = start + headerBytes + length;
    const end = dataEnd + checkBytes;
    if (end > bytes.length) return;
    const data = bytes.subarray(start + headerBytes, dataEnd);
    checkSum(view.getUint32(dataEnd, true), data, start, who);
    yield { data, end };
    start = end;
  }
}

function checkSum(given: number, bytes: Uint8Array, start: number, who: string): void {
  const found = maskedCrc32c(bytes);
  if (given === found) return;
  const hex = (check: number) => `0x${check.toString(16).padStart(8, "0")}`;
  throw new DataError({
    who: `${who}, record at byte ${start}`,
    expected: `must have the check ${hex(found)} of its bytes`,
    received: hex(given),
    fix: "The file is damaged, or no event file.",
  });
}
