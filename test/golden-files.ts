/** Files of the real libraries, with what is known of the models in them: see tools/golden/files*.py. */
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import type { HostArray, Model } from "../src/index.ts";

export type Nested = number | readonly Nested[];

/** What is known of the model in a file. */
export interface FileFact {
  readonly file: string;
  /** How many bytes it has. */
  readonly bytes: number;
  readonly layers: readonly string[];
  /** Shapes of the weights. */
  readonly weights: readonly (readonly number[])[];
  readonly inputs: readonly Nested[];
  readonly outputs: readonly Nested[];
  /** Data of one more step, and the weights after it. */
  readonly step?: {
    readonly x: readonly Nested[];
    readonly y: readonly Nested[];
    readonly weights: readonly Nested[];
  };
}

/** A file, and what is known of it. */
export interface GoldenFile {
  readonly fact: FileFact;
  readonly content: Uint8Array;
}

const place = (name: string): URL => new URL(`../tools/golden/${name}`, import.meta.url);

/** The files of `tools/golden/NAME.br`, which lie one behind the other. */
export function goldenFiles(name: string): GoldenFile[] {
  const all = brotliDecompressSync(readFileSync(place(`${name}.br`)));
  const { files } = JSON.parse(readFileSync(place(`${name}.json`), "utf8")) as {
    files: FileFact[];
  };
  let start = 0;
  return files.map((fact) => {
    const content = new Uint8Array(all.subarray(start, start + fact.bytes));
    start += fact.bytes;
    return { fact, content };
  });
}

export const numbers = (nested: Nested): number[] => [nested].flat(9) as number[];

export function arrayOf(nested: Nested): HostArray {
  const shape: number[] = [];
  for (let one = nested; typeof one !== "number"; one = one[0]!) shape.push(one.length);
  return { data: Float32Array.from(numbers(nested)), shape };
}

/** One alone, several as a list. */
export const one = (values: readonly Nested[]): HostArray | HostArray[] => {
  const arrays = values.map(arrayOf);
  return arrays.length === 1 ? arrays[0]! : arrays;
};

/** The largest difference; infinite where one is no number. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  const all = Array.from(a, (value, i) => Math.abs(value - b[i]!));
  return all.reduce(
    (x, y) => (x >= y ? x : y <= Number.MAX_VALUE ? y : Number.POSITIVE_INFINITY),
    0,
  );
}

/** A model of a file, with however many outputs. */
export type Loaded = Model<HostArray | HostArray[]>;

/** How far its predictions are from those that the file's own library makes. */
export async function distanceOf(model: Loaded, { inputs, outputs }: FileFact): Promise<number> {
  const found = [await model.predict(one(inputs))].flat();
  return Math.max(...found.map(({ data }, i) => farthest(data, numbers(outputs[i]!))));
}

/** All its weights, one behind the other. */
export const weightsOf = async (model: Loaded): Promise<number[]> =>
  (await model.getWeights()).flatMap(({ data }) => [...data]);

/** How far a step leads from the weights that the file's own library has after it. */
export async function stepDistance(model: Loaded, { step }: FileFact): Promise<number> {
  await model.trainOnBatch(one(step!.x), one(step!.y));
  return farthest(await weightsOf(model), step!.weights.flatMap(numbers));
}
