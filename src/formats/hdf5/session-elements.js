// @ts-check
/** Elements of HDF5 arrays, as h5wasm has them in its memory, to typed arrays and strings. */
import { Problem } from "./session-problem.js";

/**
 * @import { H5Module, Metadata } from "./h5wasm.ts"
 * @import { TypedArray } from "../../base/dtype.ts"
 * @import { Half } from "./types.ts"
 */

/** HDF5's classes of types (H5T_class_t). */
export const typeClass = /** @type {const} */ ({
  integer: 0,
  float: 1,
  string: 3,
  bitfield: 4,
  opaque: 5,
  compound: 6,
  reference: 7,
  enumeration: 8,
  variableLength: 9,
  array: 10,
});

const classNames = Object.fromEntries(Object.entries(typeClass).map(([name, n]) => [n, name]));

/** Padding of strings (H5T_str_t). */
const strpad = { nullTerminated: 0, nullPadded: 1, spacePadded: 2 };

/**
 * The shape of a value, with the axes of its elements where those are arrays themselves.
 *
 * @param {Metadata} type
 * @returns {number[]}
 */
export function shapeOf(type) {
  const shape = type.shape ?? [0];
  return type.type === typeClass.array ? [...shape, ...(type.array_type?.shape ?? [])] : [...shape];
}

/**
 * True for numbers, truth values and strings, and for fixed arrays of numbers.
 *
 * @param {Metadata} type
 * @param {boolean} isBfloat16 a type of two bytes is that of the upper half of float32
 * @returns {boolean}
 */
export function isReadable(type, isBfloat16) {
  if (type.type === typeClass.array) {
    const element = /** @type {Metadata} */ (type.array_type);
    const isNumber = element.type === typeClass.integer || element.type === typeClass.float;
    return isNumber && isReadable(element, isBfloat16);
  }
  switch (type.type) {
    case typeClass.integer:
      return [1, 2, 4, 8].includes(type.size);
    case typeClass.float:
      return [2, 4, 8].includes(type.size);
    case typeClass.string:
      return true;
    case typeClass.enumeration:
      return type.enum_type?.type === typeClass.integer && [1, 2, 4, 8].includes(type.size);
    case typeClass.opaque:
      return isBfloat16 && type.size === 2;
    default:
      return false;
  }
}

/**
 * For messages: `float of 16 bytes`.
 *
 * @param {Metadata} type
 */
export function nameOf(type) {
  return `${classNames[type.type] ?? "unknown type"} of ${type.size} bytes`;
}

/**
 * True for the two-valued enumeration that h5py writes for bool.
 *
 * @param {Metadata} type
 */
export function isBoolean({ enum_type }) {
  const members = enum_type?.members ?? {};
  return Object.keys(members).length === 2 && members.FALSE === 0 && members.TRUE === 1;
}

/**
 * Which float of 16 bits the elements are, if any: for them `decode` gives the bits.
 *
 * @param {Metadata} type
 * @returns {Half | undefined}
 */
export function halfOf(type) {
  const element = type.type === typeClass.array ? /** @type {Metadata} */ (type.array_type) : type;
  if (element.size !== 2) return undefined;
  if (element.type === typeClass.opaque) return "bfloat16";
  return element.type === typeClass.float ? "float16" : undefined;
}

/**
 * @param {H5Module} h5
 * @param {Metadata} type a readable one
 * @param {Uint8Array<ArrayBuffer>} bytes the elements, little-endian, in a buffer of their own
 * @param {string} where the array or attribute, for messages
 * @returns {TypedArray | string[]}
 */
export function decode(h5, type, bytes, where) {
  if (type.type === typeClass.string)
    return type.vlen ? variableStrings(h5, bytes) : fixedStrings(type, bytes);
  const element = type.type === typeClass.array ? /** @type {Metadata} */ (type.array_type) : type;
  const { buffer } = bytes;
  if (element.type === typeClass.float || element.type === typeClass.opaque) {
    if (element.size === 8) return new Float64Array(buffer);
    if (element.size === 4) return new Float32Array(buffer);
    return new Uint16Array(buffer);
  }
  if (element.size === 8) return exactNumbers(buffer, element.signed, where);
  if (element.size === 4) return element.signed ? new Int32Array(buffer) : new Uint32Array(buffer);
  if (element.size === 2) return element.signed ? new Int16Array(buffer) : new Uint16Array(buffer);
  if (!element.signed || isBoolean(element)) return new Uint8Array(buffer);
  return new Int8Array(buffer);
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * @param {H5Module} h5
 * @param {Uint8Array<ArrayBuffer>} bytes pointers
 */
function variableStrings(h5, bytes) {
  const heap = h5.HEAPU8;
  return Array.from(new Uint32Array(bytes.buffer), (start) => {
    if (start === 0) return "";
    const end = heap.indexOf(0, start);
    // `slice`: TextDecoder takes no view of a buffer that can grow.
    return utf8.decode(heap.slice(start, end === -1 ? heap.length : end));
  });
}

/**
 * @param {Metadata} type
 * @param {Uint8Array} bytes
 */
function fixedStrings({ size, strpad: padding }, bytes) {
  const count = size === 0 ? 0 : Math.floor(bytes.length / size);
  return Array.from({ length: count }, (_, i) => {
    const cell = bytes.subarray(i * size, (i + 1) * size);
    let end = cell.length;
    if (padding === strpad.nullTerminated) {
      const zero = cell.indexOf(0);
      if (zero !== -1) end = zero;
    } else {
      const pad = padding === strpad.spacePadded ? 32 : 0;
      while (end > 0 && cell[end - 1] === pad) end--;
    }
    return utf8.decode(cell.subarray(0, end));
  });
}

/**
 * 64-bit integers as numbers; every one of them must be one that a number holds exactly.
 *
 * @param {ArrayBuffer} buffer
 * @param {boolean} signed
 * @param {string} where
 */
function exactNumbers(buffer, signed, where) {
  const integers = signed ? new BigInt64Array(buffer) : new BigUint64Array(buffer);
  return Float64Array.from(/** @type {Iterable<bigint>} */ (integers), (integer) => {
    const number = Number(integer);
    if (Number.isSafeInteger(number)) return number;
    throw new Problem(`${where} must hold integers of at most 2^53 - 1`, `${integer}`);
  });
}
