import { describe, expect, it } from "vitest";
import type { DataChunk, Dataset } from "../base/dataset.ts";
import { chunksOf, type WalkOptions } from "./chunks.ts";
import type { StepData } from "./data.ts";
import { rowsOf } from "./rows.ts";

/** A set of one column with these numbers, cut like this; events say what is asked of it. */
function makeSet(parts: readonly (readonly number[])[], size?: number) {
  const events: string[] = [];
  const set: Dataset = {
    size,
    async *[Symbol.asyncIterator]() {
      try {
        for (const [i, part] of parts.entries()) {
          events.push(`load ${i}`);
          const x = { data: Float32Array.from(part), shape: [part.length, 1] };
          yield { x, y: x };
        }
        events.push("end");
      } finally {
        events.push("closed");
      }
    },
  };
  return { set, events };
}

const read = (chunk: DataChunk, who: string): StepData => {
  const x = rowsOf(chunk.x as never, `${who} x`);
  return { x: [x], count: x.count };
};

async function numbersOf(set: Dataset, options: Partial<WalkOptions> = {}): Promise<number[][]> {
  const found: number[][] = [];
  for await (const { x } of chunksOf(set, { batchSize: 2, read, who: "fit", ...options }))
    found.push([...x[0].array.data]);
  return found;
}

describe("a walk through a set", () => {
  it("gives whole batches, and at the end what is left", async () => {
    expect(await numbersOf(makeSet([[1], [2, 3, 4, 5], [6], [7]]).set)).toEqual([
      [1, 2, 3, 4],
      [5, 6],
      [7],
    ]);
  });

  it("tells the number of rows, and loads one chunk ahead", async () => {
    const { set, events } = makeSet([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const walk = chunksOf(set, { batchSize: 2, read, who: "fit" });
    expect(events).toEqual([]);
    await walk.next();
    expect(events).toEqual(["load 0", "load 1"]);
    await walk.next();
    expect(events).toEqual(["load 0", "load 1", "load 2"]);
    await walk.next();
    expect(await walk.next()).toEqual({ done: true, value: 6 });
    expect(events.slice(-2)).toEqual(["end", "closed"]);
  });

  it("that is ended early ends the set's", async () => {
    const { set, events } = makeSet([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const walk = chunksOf(set, { batchSize: 2, read, who: "fit" });
    await walk.next();
    await walk.return(undefined);
    expect(events).toEqual(["load 0", "load 1", "closed"]);
    const bad = makeSet([[1, Number.NaN], [2]]);
    await expect(numbersOf(bad.set)).rejects.toThrow("fit chunk 0 x: all numbers must be finite");
    expect(bad.events).toEqual(["load 0", "load 1", "closed"]);
  });

  it("does not ask an iterator to end that has ended or failed", async () => {
    let asked = 0;
    const make = (next: () => Promise<IteratorResult<DataChunk>>): Dataset => ({
      size: undefined,
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          asked++;
          return { done: true, value: undefined };
        },
      }),
    });
    let left = 2;
    const x = { data: Float32Array.of(1, 2), shape: [2, 1] };
    const two = async () =>
      left-- > 0
        ? ({ done: false, value: { x, y: x } } as const)
        : ({ done: true, value: undefined } as const);
    expect(await numbersOf(make(two))).toHaveLength(2);
    const failing = async () => {
      throw new Error("no disk");
    };
    await expect(numbersOf(make(failing))).rejects.toThrow("no disk");
    expect(asked).toBe(0);
  });

  it("can be aborted while a chunk loads that never comes", async () => {
    const never: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        const x = { data: Float32Array.of(1, 2), shape: [2, 1] };
        yield { x, y: x };
        await new Promise(() => undefined);
      },
    };
    const controller = new AbortController();
    const walk = chunksOf(never, { batchSize: 2, read, who: "fit", signal: controller.signal });
    expect((await walk.next()).done).toBe(false);
    setTimeout(() => controller.abort(), 5);
    expect(await walk.next()).toEqual({ done: true, value: undefined });
  });

  it("stops at once where there are more rows than there should be", async () => {
    const endless: Dataset = {
      size: 4,
      async *[Symbol.asyncIterator]() {
        const x = { data: Float32Array.of(1, 2), shape: [2, 1] };
        for (;;) yield { x, y: x };
      },
    };
    await expect(numbersOf(endless)).rejects.toThrow(
      "fit: 4 rows, as its size says, got more. Each iteration must start anew and give all rows.",
    );
    await expect(numbersOf(makeSet([[1, 2, 3]]).set, { known: 2 })).rejects.toThrow(
      "fit: 2 rows, as in the first epoch, got more.",
    );
    await expect(numbersOf(makeSet([[1]]).set, { known: 2 })).rejects.toThrow(
      "fit: 2 rows, as in the first epoch, got 1.",
    );
  });

  it("refuses what is no set", async () => {
    await expect(numbersOf(makeSet([]).set)).rejects.toThrow(
      "fit: there must be data, got no chunk. A generator can be walked through once; a Dataset " +
        "makes a new one for each epoch.",
    );
    for (const size of ["2", Number.NaN, -1, 2.5])
      await expect(numbersOf(makeSet([[1, 2]], size as number).set)).rejects.toThrow(
        "fit: size of a Dataset must be its number of rows, or undefined where it is not known, got",
      );
    const none = { size: 1, [Symbol.asyncIterator]: () => undefined as never };
    await expect(numbersOf(none)).rejects.toThrow(
      "fit: [Symbol.asyncIterator]() of a Dataset must return an iterator, got undefined. " +
        "Write it as a generator: async *[Symbol.asyncIterator]() { yield { x, y }; }",
    );
    const nulls: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        yield null as never;
      },
    };
    await expect(numbersOf(nulls)).rejects.toThrow(
      "fit chunk 0: an object { x, y } of arrays, got null.",
    );
  });

  it("keeps to the types of the first chunk, also where batches end with chunks", async () => {
    const set: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        const x = { data: Float32Array.of(1, 2), shape: [2, 1] };
        yield { x, y: x };
        yield { x: { data: Uint8Array.of(1, 2), shape: [2, 1] }, y: x };
      },
    };
    await expect(numbersOf(set)).rejects.toThrow(
      "fit chunk 1: x as in the first chunk, float32 [n, 1], got uint8 [n, 1].",
    );
  });
});
