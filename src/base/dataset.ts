import type { HostArray } from "./host-array.ts";

/**
 * A piece of a data set: inputs and targets of the same number of rows (the first axis of both).
 */
export interface DataChunk {
  readonly x: HostArray;
  readonly y: HostArray;
}

/**
 * Data that comes in chunks, for sets larger than memory: an async iterable of host arrays. Each
 * new iteration starts from the first row again. A set that fits into memory is one chunk.
 */
export interface Dataset extends AsyncIterable<DataChunk> {
  /** Number of rows of all chunks together, or undefined if it is not known before the end. */
  readonly size: number | undefined;
}
