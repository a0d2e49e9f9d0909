/** Rows of data that stays in host arrays: each call brings those that it takes to the device. */
import { arrayFor, type TypedArray } from "../base/dtype.ts";
import type { Engine, Table } from "../runtime/engine.ts";
import type { StepData } from "./data.ts";
import type { Rows } from "./rows.ts";
import { stepNames } from "./step.ts";

/** Bytes of a window where a step takes fewer: more would leave the processor's cache. */
const windowBytes = 4 * 2 ** 20;

/** All arrays of the data, by the names of their tables. */
export function tableRows({ x, y = [], weights = [] }: StepData): Map<string, Rows> {
  const named = new Map<string, Rows>();
  for (const [i, rows] of x.entries()) named.set(stepNames.x(i), rows);
  for (const [i, rows] of y.entries()) if (rows) named.set(stepNames.y(i), rows);
  for (const [i, rows] of weights.entries()) if (rows) named.set(stepNames.weights(i), rows);
  return named;
}

/** Bytes of all arrays of the data. */
export const bytesOfData = (data: StepData): number =>
  [...tableRows(data).values()].reduce((sum, { array }) => sum + array.data.byteLength, 0);

/** One array, and the part of it that is on the device. */
interface Column {
  readonly data: TypedArray;
  /** Numbers in a row. */
  readonly size: number;
  /** The rows of a call, in its order. */
  readonly part: TypedArray;
  readonly table: Table;
}

/** Places on the device for the rows of one call. */
export class Window {
  /** Steps that it has room for. */
  readonly steps: number;
  readonly #engine: Engine;
  readonly #columns = new Map<string, Column>();
  /** 0, 1, 2, ...: the rows of a call lie in its order. */
  readonly #places: Uint32Array;

  private constructor(engine: Engine, data: StepData, batch: number) {
    this.#engine = engine;
    const stepBytes = (bytesOfData(data) / data.count) * batch;
    const all = Math.floor(data.count / batch);
    this.steps = Math.max(1, Math.min(all, Math.floor(windowBytes / stepBytes)));
    this.#places = Uint32Array.from({ length: this.steps * batch }, (_, i) => i);
  }

  /** A window of steps with batches of this size. */
  static async open(engine: Engine, data: StepData, batch: number): Promise<Window> {
    const window = new Window(engine, data, batch);
    try {
      for (const [name, rows] of tableRows(data)) await window.#add(name, rows);
      return window;
    } catch (error) {
      window.close();
      throw error;
    }
  }

  async #add(name: string, { array: { data }, count, type }: Rows): Promise<void> {
    const size = data.length / count;
    const places = this.#places.length;
    const part = arrayFor(type.dtype, places * size);
    const table = await this.#engine.upload({ data: part, shape: [places, ...type.shape] });
    this.#columns.set(name, { data, size, part, table });
  }

  /** The tables of a step over this window. */
  get tables(): Record<string, Table> {
    return Object.fromEntries([...this.#columns].map(([name, { table }]) => [name, table]));
  }

  /** Brings these rows of the data to the device; returns the numbers that they have there. */
  async bring(rows: TypedArray): Promise<Uint32Array> {
    for (const { data, size, part, table } of this.#columns.values()) {
      for (let i = 0; i < rows.length; i++)
        part.set(data.subarray(rows[i] * size, (rows[i] + 1) * size), i * size);
      await this.#engine.rewrite(table, part);
    }
    return this.#places.subarray(0, rows.length);
  }

  close(): void {
    for (const { table } of this.#columns.values()) table.release();
  }
}
