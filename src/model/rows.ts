/** Arrays that users pass, as rows for the device. */
import type { DType, TypedArray } from "../base/dtype.ts";
import { DataError, describe, NameError, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, isHostArray, toHostArray } from "../base/host-array.ts";
import type { Shape } from "../base/shape.ts";
import type { RowType } from "./step.ts";
import type { Port } from "./topology.ts";

/**
 * Arrays for a model: one, or for several inputs or outputs a list, or an object by their names. Null
 * stands for what is not needed: targets of an output without loss and metrics, weights of one whose
 * samples all count the same.
 */
export type DataInput =
  | ArrayInput
  | readonly (ArrayInput | null)[]
  | { readonly [port: string]: ArrayInput | null };

/** Rows as they go to the device: bytes stay bytes, all else is float32. */
export interface Rows {
  readonly array: HostArray;
  readonly count: number;
  readonly type: RowType;
}

/**
 * The array for each port, of what a user passed.
 *
 * @throws ValueError where there is not one for each, NameError for a name that is none of them
 */
export function perPort(value: DataInput, ports: readonly Port[], who: string): ArrayInput[] {
  return somePerPort(value, ports, who).map((array, i) => {
    if (array !== undefined) return array;
    throw new ValueError({ who, expected: `data for "${ports[i].name}"`, received: "none" });
  });
}

/** As `perPort`, with undefined where there is none for a port. */
export function somePerPort(
  value: DataInput,
  ports: readonly Port[],
  who: string,
): (ArrayInput | undefined)[] {
  const names = ports.map(({ name }) => name);
  if (isByName(value, names)) {
    const given = value as Readonly<Record<string, ArrayInput | null>>;
    for (const name of Object.keys(given))
      if (!names.includes(name))
        throw new NameError({
          who,
          expected: "names must be those of the model's ports",
          received: describe(name),
          known: names,
        });
    return names.map((name) => given[name] ?? undefined);
  }
  if (ports.length === 1) {
    const isList = Array.isArray(value) && value.length === 1 && isHostArray(value[0]);
    return [isList ? (value[0] as ArrayInput) : (value as ArrayInput)];
  }
  if (Array.isArray(value) && value.length === ports.length)
    return (value as (ArrayInput | null)[]).map((array) => array ?? undefined);
  throw new ValueError({
    who,
    expected: `a list of ${ports.length} arrays, or an object by name`,
    received: describe(value),
    fix: `In this order: ${names.join(", ")}.`,
  });
}

/** An object by names: a plain one, that is no array itself. */
function isByName(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return !("data" in value) || (names.includes("data") && !("shape" in value));
}

/** Rows `from` to `to`: a view where the rows lie. */
export function sliceRows(rows: Rows, from: number, to: number): Rows {
  const size = rows.array.data.length / rows.count;
  const data = rows.array.data.subarray(from * size, to * size);
  const shape = [to - from, ...rows.array.shape.slice(1)];
  return { array: { data, shape }, count: to - from, type: rows.type };
}

/** Any array as rows: not empty, finite. */
export function rowsOf(value: ArrayInput, who: string): Rows {
  if (value === undefined || value === null)
    throw new ValueError({ who, expected: "it must be given", received: describe(value) });
  const { data, shape } = toHostArray(value, who);
  if (shape.length === 0)
    throw new ShapeError({ who, expected: "at least one dimension, the rows", received: "[]" });
  if (shape.some((size) => size === 0))
    throw new DataError({
      who,
      expected: "there must be data",
      received: `shape [${shape.join(", ")}]`,
    });
  checkFinite(data, shape, who);
  const ready = residentData(data);
  const dtype: DType = ready instanceof Uint8Array ? "uint8" : "float32";
  return {
    array: { data: ready, shape },
    count: shape[0],
    type: { dtype, shape: shape.slice(1) },
  };
}

/** Bytes as they are, without a copy; every other type as float32. */
function residentData(data: TypedArray): Uint8Array | Float32Array {
  if (data instanceof Float32Array || data instanceof Uint8Array) return data;
  if (data instanceof Uint8ClampedArray)
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  return new Float32Array(data);
}

/** Numbers beyond float32 count as infinite. */
function checkFinite(data: TypedArray, shape: Shape, who: string): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  const limit = 3.4028235677973366e38;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    // One comparison for all three: it does not hold for NaN.
    if (Math.abs(value) < limit) continue;
    const row = Math.floor((i / data.length) * shape[0]);
    throw new DataError({
      who,
      expected: "all numbers must be finite",
      received: `${value} in row ${row}`,
      fix: "Clean the data first: a single NaN or infinity would make every weight NaN.",
    });
  }
}
