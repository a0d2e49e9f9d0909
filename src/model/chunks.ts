/**
 * Data in pieces: arrays are one piece that stays on the device, a `Dataset` comes in chunks, one
 * computing while the next loads. Batches run across the borders of chunks: rows that do not fill a
 * batch wait for the next chunk, so steps do not hang on how the data is cut.
 */
import type { DataChunk, Dataset } from "../base/dataset.ts";
import type { TypedArray } from "../base/dtype.ts";
import { DataError, describe, ShapeError } from "../base/errors.ts";
import { type StepData, sliceData } from "./data.ts";
import type { Rows } from "./rows.ts";

/** Checks a chunk of a data set and makes rows of it. */
export type ReadChunk = (chunk: DataChunk, who: string) => StepData;

/**
 * The rows of one walk through the set, cut at whole batches.
 *
 * @param known rows of earlier walks; undefined in the first
 * @throws DataError where the set ends early, or changes its types; what the set throws
 */
export async function* chunksOf(
  dataset: Dataset,
  batchSize: number,
  read: ReadChunk,
  known: number | undefined,
  who: string,
): AsyncGenerator<StepData, number> {
  const iterator = dataset[Symbol.asyncIterator]();
  let next = iterator.next();
  // The next chunk loads while this one is computed; its error comes when its turn comes.
  next.catch(() => undefined);
  let left: StepData | undefined;
  let count = 0;
  try {
    for (let position = 0; ; position++) {
      const { done, value } = await next;
      if (done) break;
      next = iterator.next();
      next.catch(() => undefined);
      const name = `${who} chunk ${position}`;
      if (typeof value !== "object" || value === null || !("x" in value))
        throw new DataError({
          who: name,
          expected: "an object { x, y } of arrays",
          received: describe(value),
        });
      const rows = read(value, name);
      count += rows.count;
      const all = left ? joined(left, rows, name) : rows;
      const whole = all.count - (all.count % batchSize);
      left = whole < all.count ? sliceData(all, whole, all.count) : undefined;
      if (whole > 0) yield sliceData(all, 0, whole);
    }
  } finally {
    await iterator.return?.();
  }
  checkEnd(dataset, count, known, who);
  if (left) yield left;
  return count;
}

function checkEnd({ size }: Dataset, count: number, known: number | undefined, who: string): void {
  const wanted = size ?? known;
  if (count === 0)
    throw new DataError({ who, expected: "there must be data", received: "no chunk" });
  if (wanted === undefined || wanted === count) return;
  throw new DataError({
    who,
    expected: `${wanted} rows, as ${size === undefined ? "in the first epoch" : "its size says"}`,
    received: `${count}`,
    fix: "Each iteration must start anew and give all rows.",
  });
}

/** The rows of both, one after the other. */
function joined(a: StepData, b: StepData, who: string): StepData {
  const join = (left: readonly (Rows | undefined)[], right: readonly (Rows | undefined)[] = []) =>
    left.map((rows, i) => {
      const next = right[i];
      if (rows && next) return joinRows(rows, next, who);
      if (!rows && !next) return undefined;
      throw new DataError({
        who,
        expected: "all chunks with sample weights, or none",
        received: next ? "weights after a chunk without" : "no weights after a chunk with",
      });
    });
  return {
    x: join(a.x, b.x) as Rows[],
    ...(a.y && { y: join(a.y, b.y) as Rows[] }),
    ...(a.weights && { weights: join(a.weights, b.weights) }),
    count: a.count + b.count,
  };
}

function joinRows(a: Rows, b: Rows, who: string): Rows {
  if (a.type.dtype !== b.type.dtype || a.type.shape.join() !== b.type.shape.join())
    throw new ShapeError({
      who,
      expected: `rows as before, ${a.type.dtype} [${a.type.shape.join(", ")}]`,
      received: `${b.type.dtype} [${b.type.shape.join(", ")}]`,
    });
  const Type = a.array.data.constructor as new (length: number) => TypedArray;
  const data = new Type(a.array.data.length + b.array.data.length);
  data.set(a.array.data);
  data.set(b.array.data, a.array.data.length);
  const count = a.count + b.count;
  return { array: { data, shape: [count, ...a.type.shape] }, count, type: a.type };
}
