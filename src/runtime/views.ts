/** Typed arrays of a dtype: views of bytes, and copies of host values. */
import { arrayFor, bytesOf, type DType, type TypedArray } from "../base/dtype.ts";

/** `length` numbers of a dtype in `bytes`, from byte `offset` on: a view. */
export function viewOf(dtype: DType, bytes: Uint8Array, offset: number, length: number) {
  const { buffer } = bytes;
  const start = bytes.byteOffset + offset;
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, start, length);
    case "int32":
    case "bool":
      return new Int32Array(buffer, start, length);
    case "uint32":
      return new Uint32Array(buffer, start, length);
    case "uint8":
      return new Uint8Array(buffer, start, length);
  }
}

/** All of `bytes` as numbers of a dtype: a view. */
export const viewAll = (dtype: DType, bytes: Uint8Array) =>
  viewOf(dtype, bytes, 0, bytes.length / bytesOf(dtype));

/** A copy of `values` in a dtype's own array; a bool is 0 or -1 whatever number stood for true. */
export function copyAs(dtype: DType, values: TypedArray): TypedArray {
  const copy = arrayFor(dtype, values.length);
  if (dtype === "bool") for (const [i, value] of values.entries()) copy[i] = value ? -1 : 0;
  else copy.set(values);
  return copy;
}

/** The dtype in which a device holds a typed array: its own, or the narrowest that has its numbers. */
export function dtypeOf(values: TypedArray): DType {
  if (values instanceof Uint8Array || values instanceof Uint8ClampedArray) return "uint8";
  if (values instanceof Uint32Array || values instanceof Uint16Array) return "uint32";
  if (values instanceof Float32Array || values instanceof Float64Array) return "float32";
  return "int32";
}
