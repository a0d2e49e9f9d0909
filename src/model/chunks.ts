/**
 * Data in pieces: arrays are one piece that stays on the device, a `Dataset` comes in chunks, one
 * computing while the next loads. Batches run across the borders of chunks: rows that do not fill a
 * batch wait for the next chunk, so steps do not hang on how the data is cut.
 */
import type { DataChunk, Dataset } from "../base/dataset.ts";
import type { TypedArray } from "../base/dtype.ts";
import { DataError, describe, ShapeError, ValueError } from "../base/errors.ts";
import { type StepData, sliceData } from "./data.ts";
import type { Rows } from "./rows.ts";

/** Checks a chunk of a data set and makes rows of it. */
export type ReadChunk = (chunk: DataChunk, who: string) => StepData;

/** What a walk through a set needs to know. */
export interface WalkOptions {
  readonly batchSize: number;
  readonly read: ReadChunk;
  /** Rows of earlier walks; undefined in the first. */
  readonly known?: number | undefined;
  /** Ends the walk, also while a chunk loads. */
  readonly signal?: AbortSignal | undefined;
  readonly who: string;
}

/**
 * The rows of one walk through the set, cut at whole batches. Returns their count; undefined where
 * it was aborted. Ended early (by `return`), it ends the set's iterator too.
 *
 * @throws DataError where the set ends early, has more rows than it should or changes its types;
 *   what the set throws
 */
export async function* chunksOf(
  dataset: Dataset,
  options: WalkOptions,
): AsyncGenerator<StepData, number | undefined> {
  const { batchSize, read, signal, who } = options;
  checkSize(dataset, who);
  const walk = new Walk(dataset, who);
  let first: StepData | undefined;
  let left: StepData | undefined;
  let count = 0;
  try {
    for (let position = 0; ; position++) {
      const next = await unlessAborted(walk.next(), signal);
      if (!next) return undefined;
      if (next.done) break;
      const name = `${who} chunk ${position}`;
      const rows = read(checkedChunk(next.value, name), name);
      first ??= rows;
      checkTypes(first, rows, name);
      count += rows.count;
      checkNotMore(dataset, count, options);
      const all = left ? joined(left, rows) : rows;
      const whole = all.count - (all.count % batchSize);
      left = whole < all.count ? sliceData(all, whole, all.count) : undefined;
      if (whole > 0) yield sliceData(all, 0, whole);
    }
    checkEnd(dataset, count, options);
    if (left) yield left;
    return count;
  } finally {
    await walk.end();
  }
}

/** A set's iterator, one chunk ahead. */
class Walk {
  readonly #iterator: AsyncIterator<DataChunk>;
  #ahead: Promise<IteratorResult<DataChunk>>;
  #isLoading = false;
  #isOver = false;

  constructor(dataset: Dataset, who: string) {
    const iterator: unknown = dataset[Symbol.asyncIterator]();
    if (typeof (iterator as { next?: unknown } | undefined)?.next !== "function")
      throw new ValueError({
        who,
        expected: "[Symbol.asyncIterator]() of a Dataset must return an iterator",
        received: describe(iterator),
        fix: "Write it as a generator: async *[Symbol.asyncIterator]() { yield { x, y }; }",
      });
    this.#iterator = iterator as AsyncIterator<DataChunk>;
    this.#ahead = this.#load();
  }

  /** The next chunk; the one after it loads from now on. */
  async next(): Promise<IteratorResult<DataChunk>> {
    const found = await this.#ahead;
    if (!found.done) this.#ahead = this.#load();
    return found;
  }

  #load(): Promise<IteratorResult<DataChunk>> {
    const load = async () => {
      this.#isLoading = true;
      try {
        const found = await this.#iterator.next();
        if (found.done) this.#isOver = true;
        return found;
      } catch (error) {
        this.#isOver = true;
        throw error;
      } finally {
        this.#isLoading = false;
      }
    };
    const ahead = load();
    // Its error comes when its turn comes.
    ahead.catch(() => undefined);
    return ahead;
  }

  /** Tells an iterator that is not at its end that no more is asked of it. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    const ended = Promise.resolve(this.#iterator.return?.());
    // A generator ends once its chunk is there, and that may take forever.
    if (this.#isLoading) ended.catch(() => undefined);
    else await ended;
  }
}

/** The value, or undefined where the signal comes first. */
async function unlessAborted<T>(
  value: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  if (!signal) return value;
  value.catch(() => undefined);
  if (signal.aborted) return undefined;
  let stop: (() => void) | undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener("abort", stop!);
  }
}

function checkSize({ size }: Dataset, who: string): void {
  if (size === undefined || (Number.isSafeInteger(size) && size >= 0)) return;
  throw new ValueError({
    who,
    expected: "size of a Dataset must be its number of rows, or undefined where it is not known",
    received: describe(size),
  });
}

function checkedChunk(chunk: unknown, who: string): DataChunk {
  if (typeof chunk === "object" && chunk !== null && "x" in chunk) return chunk as DataChunk;
  throw new DataError({
    who,
    expected: "an object { x, y } of arrays",
    received: describe(chunk),
  });
}

/** At once, because a set that never ends would never come to `checkEnd`. */
function checkNotMore({ size }: Dataset, count: number, { known, who }: WalkOptions): void {
  const wanted = size ?? known;
  if (wanted !== undefined && count > wanted) throw wrongCount(size, wanted, "more", who);
}

function checkEnd({ size }: Dataset, count: number, { known, who }: WalkOptions): void {
  const wanted = size ?? known;
  if (wanted !== undefined && wanted !== count) throw wrongCount(size, wanted, `${count}`, who);
  if (count > 0) return;
  throw new DataError({
    who,
    expected: "there must be data",
    received: "no chunk",
    fix: "A generator can be walked through once; a Dataset makes a new one for each epoch.",
  });
}

const wrongCount = (size: number | undefined, wanted: number, received: string, who: string) =>
  new DataError({
    who,
    expected: `${wanted} rows, as ${size === undefined ? "in the first epoch" : "its size says"}`,
    received,
    fix: "Each iteration must start anew and give all rows.",
  });

/** Throws unless the rows are of the types of the first chunk. */
function checkTypes(first: StepData, rows: StepData, who: string): void {
  const compare = (
    name: string,
    a: readonly (Rows | undefined)[] = [],
    b: readonly (Rows | undefined)[] = [],
  ) => {
    for (const [i, { type } = {} as Partial<Rows>] of a.entries()) {
      const other = b[i]?.type;
      if (!type && !other) continue;
      if (!type || !other)
        throw new DataError({
          who,
          expected: `all chunks with ${name}, or none`,
          received: other ? "some after a chunk without" : "none after a chunk with some",
        });
      if (type.dtype !== other.dtype || type.shape.join() !== other.shape.join())
        throw new ShapeError({
          who,
          expected: `${name} as in the first chunk, ${type.dtype} [${["n", ...type.shape].join(", ")}]`,
          received: `${other.dtype} [${["n", ...other.shape].join(", ")}]`,
        });
    }
  };
  compare("x", first.x, rows.x);
  compare("y", first.y, rows.y);
  compare("sampleWeight", first.weights, rows.weights);
}

/** The rows of both, of the same types, one after the other. */
function joined(a: StepData, b: StepData): StepData {
  const join = (left: readonly (Rows | undefined)[], right: readonly (Rows | undefined)[] = []) =>
    left.map((rows, i) => rows && joinRows(rows, right[i]!));
  return {
    x: join(a.x, b.x) as Rows[],
    ...(a.y && { y: join(a.y, b.y) }),
    ...(a.weights && { weights: join(a.weights, b.weights) }),
    count: a.count + b.count,
  };
}

function joinRows(a: Rows, b: Rows): Rows {
  const Type = a.array.data.constructor as new (length: number) => TypedArray;
  const data = new Type(a.array.data.length + b.array.data.length);
  data.set(a.array.data);
  data.set(b.array.data, a.array.data.length);
  const count = a.count + b.count;
  return { array: { data, shape: [count, ...a.type.shape] }, count, type: a.type };
}
