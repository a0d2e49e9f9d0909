import type { HostArray } from "./host-array.ts";

/**
 * A piece of a data set: arrays of the same number of rows (the first axis of each), at least one.
 * All chunks have arrays of the same types and shapes but for the number of rows. `predict` asks for
 * x alone.
 */
export interface DataChunk {
  /** Inputs; for a model with several, a list in their order. */
  readonly x: HostArray | readonly HostArray[];
  /** Targets; for a model with several outputs, a list in their order. */
  readonly y: HostArray | readonly HostArray[];
  /** What each row counts; in all chunks or in none. */
  readonly sampleWeight?: HostArray | readonly HostArray[];
}

/**
 * Data that comes in chunks, for sets larger than memory: an async iterable of host arrays. Each
 * new iteration starts from the first row again. A set that fits into memory is one chunk. The next
 * chunk is asked for while one is computed with; an iteration that ends early calls the iterator's
 * `return`, so a generator may close its files in `finally`.
 *
 * @example
 * const rows = {
 *   size: 1000,
 *   async *[Symbol.asyncIterator]() {
 *     for (const name of files) yield readChunk(name); // { x: { data, shape }, y: ... }
 *   },
 * };
 * await model.fit(rows, undefined, { epochs: 3 });
 */
export interface Dataset extends AsyncIterable<DataChunk> {
  /**
   * Number of rows of all chunks together, or undefined if it is not known before the end. Other
   * numbers of rows, or in a later epoch than in the first, are an error.
   */
  readonly size: number | undefined;
}
