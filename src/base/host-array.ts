import type { TypedArray } from "./dtype.ts";
import { describe, ShapeError, ValueError } from "./errors.ts";
import { formatShape, type Shape, sizeOf } from "./shape.ts";

/**
 * Numbers in host memory with a shape, row by row (the last axis is contiguous): what goes in and
 * out of the engine.
 */
export interface HostArray {
  readonly data: TypedArray;
  readonly shape: Shape;
}

/**
 * Nested arrays of numbers, all rows of a level equally long. The innermost rows may be typed
 * arrays.
 */
export type NestedNumbers = readonly (number | TypedArray | NestedNumbers)[];

/**
 * What users may pass as an array: with a shape, a typed array (one axis), or nested arrays of
 * numbers.
 */
export type ArrayInput = HostArray | TypedArray | NestedNumbers;

/** True for typed arrays of numbers; false for `DataView` and the bigint arrays. */
export function isTypedArray(value: unknown): value is TypedArray {
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  );
}

/**
 * True for an object with a typed array as `data` and an array as `shape` (whether they fit is not
 * checked here).
 */
export function isHostArray(value: unknown): value is HostArray {
  if (typeof value !== "object" || value === null) return false;
  return (
    "data" in value && "shape" in value && isTypedArray(value.data) && Array.isArray(value.shape)
  );
}

/**
 * Makes a host array of what a user passed. Typed arrays are taken as they are, without a copy,
 * in their own type; nested arrays are copied into a `Float32Array` (whatever their values, so
 * that the element type never hangs on the data).
 *
 * @param value what came
 * @param who names the argument in errors, for example `fit x`
 * @throws ShapeError if nested rows differ in length or depth, or the length of `data` is not the
 *   size of `shape`
 * @throws ValueError if something in it is not a number, or it is no array at all
 */
export function toHostArray(value: ArrayInput, who: string): HostArray {
  if (isTypedArray(value)) return { data: value, shape: [value.length] };
  if (Array.isArray(value)) return fromNested(value as NestedNumbers, who);
  if (!isHostArray(value)) {
    throw new ValueError({
      who,
      expected: "must be { data: typed array, shape: number[] }, a typed array or nested arrays",
      received: describe(value),
      fix: "Example: { data: new Float32Array(6), shape: [2, 3] }",
    });
  }
  checkShape(value, who);
  return value;
}

function checkShape({ data, shape }: HostArray, who: string): void {
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new ShapeError({
      who,
      expected: "shape must hold whole numbers of at least 0",
      received: describe(shape),
    });
  }
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError({
      who,
      expected: `data of shape ${formatShape(shape)} must have ${sizeOf(shape)} elements`,
      received: `${data.length}`,
    });
  }
}

function fromNested(value: NestedNumbers, who: string): HostArray {
  // The first element of each level gives the shape; every other one must agree.
  const shape: number[] = [];
  let first: number | TypedArray | NestedNumbers = value;
  while (isRow(first)) {
    shape.push(first.length);
    if (first.length === 0) break;
    first = first[0];
  }
  const data = new Float32Array(sizeOf(shape));
  const end = fill(value, 0, { shape, data, who, index: [] }, 0);
  if (end !== data.length) throw new Error(`nested array: wrote ${end} of ${data.length}`);
  return { data, shape };
}

interface FillState {
  readonly shape: Shape;
  readonly data: Float32Array;
  readonly who: string;
  /** Where we are, for errors: one index per level. */
  readonly index: number[];
}

function isRow(value: unknown): value is TypedArray | NestedNumbers {
  return Array.isArray(value) || isTypedArray(value);
}

/**
 * Copies `row`, an array at nesting level `axis`, to `data` from `offset` on and returns the offset
 * after it.
 */
function fill(
  row: TypedArray | NestedNumbers,
  axis: number,
  state: FillState,
  offset: number,
): number {
  const { shape, data, index } = state;
  if (row.length !== shape[axis]) throw ragged(state, `${row.length} elements`, shape[axis]);
  const isInnermost = axis === shape.length - 1;
  if (isInnermost && isTypedArray(row)) {
    data.set(row, offset);
    return offset + row.length;
  }
  let next = offset;
  for (let i = 0; i < row.length; i++) {
    const item: unknown = row[i];
    index.push(i);
    if (isRow(item)) {
      if (isInnermost) throw ragged(state, "an array", undefined);
      next = fill(item, axis + 1, state, next);
    } else if (typeof item !== "number") {
      throw new ValueError({
        who: state.who,
        expected: `element [${index.join(", ")}] must be a number`,
        received: describe(item),
      });
    } else if (!isInnermost) {
      throw ragged(state, `the number ${item}`, shape[axis + 1]);
    } else {
      data[next++] = item;
    }
    index.pop();
  }
  return next;
}

function ragged(state: FillState, received: string, length: number | undefined): ShapeError {
  const place = state.index.length === 0 ? "the array" : `element [${state.index.join(", ")}]`;
  const expected = length === undefined ? "a number" : `an array of ${length} elements`;
  return new ShapeError({
    who: state.who,
    expected: `rows of a nested array must be equally long and deep: ${place} must be ${expected}`,
    received,
  });
}
