// @ts-check
/** A tree as an HDF5 file. `write.ts` has checked it. */
import { typeClass } from "./session-elements.js";

/**
 * @import { H5Module, NewMetadata } from "./h5wasm.ts"
 * @import { TypedArray } from "../../base/dtype.ts"
 * @import { H5Dataset, H5Group, H5Value } from "./types.ts"
 */

/**
 * @param {H5Module} h5
 * @param {bigint} file
 * @param {H5Group} root
 */
export function writeTree(h5, file, root) {
  writeAttributes(h5, file, "/", root.attributes);
  writeChildren(h5, file, "", root);
}

/**
 * @param {H5Module} h5
 * @param {bigint} file
 * @param {string} path
 * @param {H5Group} group
 */
function writeChildren(h5, file, path, { children }) {
  for (const [name, child] of Object.entries(children)) {
    const inner = `${path}/${name}`;
    if (child.kind === "group") {
      h5.create_group(file, inner, false);
      writeAttributes(h5, file, inner, child.attributes);
      writeChildren(h5, file, inner, child);
    } else {
      writeDataset(h5, file, inner, child);
      writeAttributes(h5, file, inner, child.attributes);
    }
  }
}

/**
 * @param {H5Module} h5
 * @param {bigint} file
 * @param {string} path
 * @param {H5Dataset} dataset
 */
function writeDataset(h5, file, path, { data, shape }) {
  if (ArrayBuffer.isView(data)) {
    withCopy(h5, data, (pointer) => {
      h5.create_dataset(file, path, pointer, numberType(data, shape));
    });
  } else if (data.length === 0) {
    // A list of strings without any cannot be written: as Keras does, numbers without any.
    h5.create_dataset(file, path, 0n, numberType(new Float64Array(0), shape));
  } else {
    h5.create_vlen_str_dataset(file, path, data, stringType(shape));
  }
}

/**
 * @param {H5Module} h5
 * @param {bigint} file
 * @param {string} path
 * @param {Readonly<Record<string, H5Value>>} attributes
 */
function writeAttributes(h5, file, path, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const strings = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
    if (strings.length > 0) {
      const shape = typeof value === "string" ? [] : [strings.length];
      h5.create_vlen_str_attribute(file, path, name, strings, stringType(shape));
      continue;
    }
    const { data, shape } = numbersOf(value);
    withCopy(h5, data, (pointer) => {
      h5.create_attribute(file, path, name, pointer, numberType(data, shape));
    });
  }
}

/**
 * @param {H5Value} value
 * @returns {{ data: TypedArray | BigInt64Array, shape: readonly number[] }}
 */
function numbersOf(value) {
  if (typeof value === "boolean") return { data: Uint8Array.of(Number(value)), shape: [] };
  if (typeof value === "number") {
    const isInteger = Number.isSafeInteger(value) && !Object.is(value, -0);
    const data = isInteger ? BigInt64Array.of(BigInt(value)) : Float64Array.of(value);
    return { data, shape: [] };
  }
  if (typeof value === "object" && "shape" in value) return value;
  return { data: new Float64Array(0), shape: [0] };
}

/**
 * @param {H5Module} h5
 * @param {TypedArray | BigInt64Array} data
 * @param {(pointer: bigint) => void} use
 */
function withCopy(h5, data, use) {
  const pointer = h5._malloc(Math.max(1, data.byteLength));
  if (pointer === 0) throw new RangeError(`no memory for ${data.byteLength} bytes`);
  h5.HEAPU8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), pointer);
  use(BigInt(pointer));
  h5._free(pointer);
}

/**
 * @param {TypedArray | BigInt64Array} data
 * @param {readonly number[]} shape
 * @returns {NewMetadata}
 */
function numberType(data, shape) {
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  const signed = [Int8Array, Int16Array, Int32Array, BigInt64Array].some((c) => data instanceof c);
  const type = isFloat ? typeClass.float : typeClass.integer;
  return { type, size: data.BYTES_PER_ELEMENT, signed, vlen: false, ...extents(shape) };
}

/**
 * @param {readonly number[]} shape
 * @returns {NewMetadata}
 */
function stringType(shape) {
  const utf8 = 1;
  const type = typeClass.string;
  return { type, size: 4, signed: false, vlen: true, cset: utf8, ...extents(shape) };
}

/** @param {readonly number[]} shape */
function extents(shape) {
  const sizes = shape.map(BigInt);
  return { shape: sizes, maxshape: sizes, chunks: /** @type {null} */ (null) };
}
