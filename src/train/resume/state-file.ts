/** The state of a fit as entries of a `.keras` file, beside those of the model. */
import { AntlerError, DataError, describe, ValueError } from "../../base/errors.ts";
import { type HostArray, isHostArray } from "../../base/host-array.ts";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.ts";
import { boolean, type Field, list, optional, whole } from "../../nn/fields.ts";
import type { FitState } from "../fit-control.ts";
import { array, count, readState, type StateValue } from "../state.ts";

const names = { json: "antler/fit.json", arrays: "antler/fit.safetensors" };
const version = 1;

/** What a file of a fit holds, beside the model. */
export interface SavedFit {
  readonly state: FitState;
  /** Facts that the caller of the fit added. */
  readonly identity: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * Arrays go into one entry, all else into another, with their names where they were.
 *
 * @throws ValueError where a callback's state is not plain data
 */
export function fitEntries({ state, identity }: SavedFit): Map<string, Uint8Array> {
  const tensors = new Map<string, HostArray>();
  const json = { version, identity, state: plain(state as unknown as StateValue, "fit", tensors) };
  const entries = new Map<string, Uint8Array>([
    [names.json, new TextEncoder().encode(JSON.stringify(json))],
  ]);
  if (tensors.size > 0) entries.set(names.arrays, writeSafetensors({ tensors }));
  return entries;
}

const mostDepth = 20;

/** As JSON has it; arrays, and numbers that JSON lacks, as objects with one name of ours. */
function plain(
  value: StateValue,
  path: string,
  tensors: Map<string, HostArray>,
  depth = 0,
): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return isJson(value) ? value : { $number: numberText(value) };
  if (isHostArray(value)) {
    tensors.set(path, value);
    return { $array: path };
  }
  const inner = (one: StateValue, key: string | number) =>
    plain(one, `${path}.${key}`, tensors, depth + 1);
  if (depth < mostDepth && Array.isArray(value)) return value.map(inner);
  if (depth < mostDepth && isPlainObject(value)) {
    // A property that is undefined is one that is missing.
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    if (entries.every(([key]) => !key.startsWith("$")))
      return Object.fromEntries(entries.map(([key, one]) => [key, inner(one, key)]));
  }
  throw new ValueError({
    who: "getState of a callback",
    expected: `${path} must be null, a boolean, number, text, { data, shape }, or a list or object of these`,
    received: describe(value),
    fix: "Names must not begin with $, and nothing may hold itself.",
  });
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, StateValue>> =>
  typeof value === "object" &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value));

const numberText = (value: number): string => (value === 0 ? "-0" : String(value));
const isJson = (value: number): boolean => Number.isFinite(value) && !Object.is(value, -0);

/**
 * The state in these entries of a file.
 *
 * @throws DataError where there is none, or it is broken
 */
export function fitOf(entries: ReadonlyMap<string, Uint8Array>, who: string): SavedFit {
  const bytes = entries.get(names.json);
  if (!bytes)
    throw new DataError({
      who,
      expected: `must hold the state of a fit, ${names.json}`,
      received: "a model without one",
      fix: "Choose another folder or fileName.",
    });
  const arrays = entries.get(names.arrays);
  const { tensors } = arrays ? readSafetensors(arrays, who) : { tensors: new Map() };
  const broken = (received: string, cause?: unknown): DataError =>
    new DataError({ who, expected: `${names.json} must be whole`, received, cause });
  const revive = (_: string, value: unknown): unknown => {
    const { $array: path, $number: number } = (value ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof number === "string") return Number(number);
    if (path === undefined) return value;
    const found = tensors.get(path as string);
    if (found) return found;
    throw broken(`an array that is missing: ${describe(path)}`);
  };
  try {
    const { version: found, state, identity } = JSON.parse(new TextDecoder().decode(bytes), revive);
    if (found !== version)
      throw new DataError({
        who,
        expected: `a state of version ${version}`,
        received: describe(found),
        fix: "Go on with the version of Antler that wrote it, or remove it to begin anew.",
      });
    return { state: checkedState(state, who), identity: checked(tree, identity, "identity", who) };
  } catch (error) {
    if (error instanceof DataError) throw error;
    if (!(error instanceof AntlerError)) throw broken(`this: ${(error as Error).message}`, error);
    const { expected, received, fix } = error;
    throw new DataError({ who, expected, received, fix, cause: error });
  }
}

/** Whatever a file says, it is of the form that a fit goes on from. */
function checkedState(state: unknown, who: string): FitState {
  const { position, totals, ...rest } = checked(tree, state, "state", who) as unknown as FitState;
  const read = {
    ...readState(stateFields, rest, who),
    totals: totals === null ? null : readState(totalsFields, totals, who),
    position: readState(positionFields, checked(tree, position, "position", who), who),
  };
  const names: unknown = read.identity.callbacks;
  const count = Array.isArray(names) ? names.length : 0;
  if (read.callbacks.length === count) return read as unknown as FitState;
  throw new DataError({
    who,
    expected: `states of ${count} callbacks`,
    received: `${read.callbacks.length}`,
  });
}

const checked = <T>(field: Field<T>, value: unknown, name: string, who: string): T =>
  field.read(value, name, who);

/** An object; arrays of numbers in it are as they were read. */
const tree: Field<Readonly<Record<string, never>>> = {
  read: (value, name, who) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, never>>;
    throw new DataError({
      who,
      expected: `${name} must be an object`,
      received: describe(value),
    });
  },
};

const trees: Field<readonly object[]> = {
  read: (value, name, who) => {
    if (!Array.isArray(value))
      throw new DataError({
        who,
        expected: `${name} must be a list`,
        received: describe(value),
      });
    return value.map((one, i) => tree.read(one, `${name}[${i}]`, who));
  },
};

const nullable = <T>(field: Field<T>): Field<T | null> => ({
  ...field,
  read: (value, name, who) => optional(field).read(value, name, who) ?? null,
});

const rate: Field<number> = {
  read: (value, name, who) => {
    if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
    throw new DataError({ who, expected: `${name} must be a rate`, received: describe(value) });
  },
};

const positionFields = {
  step: count,
  order: nullable(count),
  chunks: count,
  rows: nullable(whole(undefined, 1)),
};

const totalsFields = { sums: array, metrics: list(nullable(list(array))) };

const stateFields = {
  identity: tree,
  epoch: count,
  step: count,
  last: tree,
  stopped: boolean(),
  learningRate: nullable(rate),
  rateFactor: rate,
  history: tree,
  callbacks: trees,
};
