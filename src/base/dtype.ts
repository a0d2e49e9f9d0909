/**
 * Element types of values in a graph. `bool` is a lane mask: 4 bytes, 0 or -1 (all bits set), so
 * that a comparison's result can select lanes without a conversion.
 */
export type DType = "float32" | "int32" | "uint32" | "uint8" | "bool";

/**
 * The typed arrays that hold numbers on the host (the 64-bit integer ones hold bigints and are not
 * among them).
 */
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

const BYTES: Readonly<Record<DType, number>> = {
  float32: 4,
  int32: 4,
  uint32: 4,
  uint8: 1,
  bool: 4,
};

/** All element types, in a fixed order. */
export const dtypes: readonly DType[] = ["float32", "int32", "uint32", "uint8", "bool"];

/**
 * Bytes one element of `dtype` takes in memory: 1 for `uint8`, 4 for all others (`bool` too: it is
 * a lane mask).
 */
export function bytesOf(dtype: DType): number {
  return BYTES[dtype];
}

/**
 * A new, zeroed typed array of `size` elements of `dtype`; `bool` comes as an `Int32Array` of 0 and
 * -1.
 */
export function arrayFor(
  dtype: DType,
  size: number,
): Float32Array | Int32Array | Uint32Array | Uint8Array {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "int32":
    case "bool":
      return new Int32Array(size);
    case "uint32":
      return new Uint32Array(size);
    case "uint8":
      return new Uint8Array(size);
  }
}
