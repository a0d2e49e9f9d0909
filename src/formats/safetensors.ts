/**
 * Weights as `safetensors` files: a JSON header with names, types, shapes and places, then the bytes.
 * Format and checks as in the reference implementation (Hugging Face, 2022,
 * https://github.com/huggingface/safetensors).
 */
import type { TypedArray } from "../base/dtype.ts";
import { DataError, describe, ValueError } from "../base/errors.ts";
import { type HostArray, toHostArray } from "../base/host-array.ts";
import { fromBfloat16, fromFloat16 } from "./half-floats.ts";

/** What a safetensors file holds. */
export interface SafeTensors {
  /** The arrays by name, in the order of the file's header. */
  readonly tensors: ReadonlyMap<string, HostArray>;
  /** Texts about them: `{ format: "pt" }` in PyTorch's files. Without a prototype. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What to write to a safetensors file. */
export interface SafeTensorsContent {
  readonly tensors: ReadonlyMap<string, HostArray>;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const metadataKey = "__metadata__";
const lengthBytes = 8;
const mostHeaderBytes = 100_000_000;

interface ElementType {
  readonly bytes: number;
  /** Elements from bytes in a buffer of their own. */
  readonly decode: (buffer: ArrayBuffer, where: Where) => TypedArray;
}

/** Makes the error for elements that have no place in an array of numbers. */
type Where = (expected: string, received: string) => DataError;

const elementTypes: Readonly<Record<string, ElementType>> = {
  BOOL: { bytes: 1, decode: (b) => new Uint8Array(b).map((byte) => (byte === 0 ? 0 : 1)) },
  U8: { bytes: 1, decode: (b) => new Uint8Array(b) },
  I8: { bytes: 1, decode: (b) => new Int8Array(b) },
  U16: { bytes: 2, decode: (b) => new Uint16Array(b) },
  I16: { bytes: 2, decode: (b) => new Int16Array(b) },
  F16: { bytes: 2, decode: (b) => fromFloat16(new Uint16Array(b)) },
  BF16: { bytes: 2, decode: (b) => fromBfloat16(new Uint16Array(b)) },
  U32: { bytes: 4, decode: (b) => new Uint32Array(b) },
  I32: { bytes: 4, decode: (b) => new Int32Array(b) },
  F32: { bytes: 4, decode: (b) => new Float32Array(b) },
  F64: { bytes: 8, decode: (b) => new Float64Array(b) },
  U64: { bytes: 8, decode: (b, where) => exact(new BigUint64Array(b), where) },
  I64: { bytes: 8, decode: (b, where) => exact(new BigInt64Array(b), where) },
};

function exact(integers: BigInt64Array | BigUint64Array, where: Where): Float64Array {
  const numbers = new Float64Array(integers.length);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = Number(integers[i]);
    if (!Number.isSafeInteger(numbers[i]))
      throw where("must hold integers of at most 2^53 - 1", `${integers[i]}`);
  }
  return numbers;
}

/**
 * Reads a safetensors file. Types F32, F64, I8 to I32, U8 to U32 come as they are; F16 and BF16 as
 * float32, I64 and U64 as float64, BOOL as uint8 (0 and 1). Every array is a copy.
 *
 * @param bytes the file
 * @param who names it in errors: `model.safetensors`
 * @throws DataError if a length, type, shape or place in it is wrong; if arrays overlap, or leave
 *   bytes of the file to nobody; for other types (F8, F4, C64), and integers beyond 2^53
 * @example
 * const { tensors, metadata } = readSafetensors(bytes, "model.safetensors");
 * tensors.get("0.weight")?.shape; // [100, 3072]: PyTorch's Linear is (out, in)
 */
export function readSafetensors(bytes: Uint8Array, who = "readSafetensors"): SafeTensors {
  const { header, start } = readHeader(bytes, who);
  const entries = Object.entries(header).filter(([name]) => name !== metadataKey);
  const places = entries.map(([name, info]) => readPlace(name, info, who));
  checkPlaces(places, bytes.length - start, who);
  const tensors = new Map(
    places.map(({ name, type, shape, begin, end }): [string, HostArray] => {
      // A copy: it is aligned, and does not keep the whole file.
      const { buffer } = Uint8Array.from(bytes.subarray(start + begin, start + end));
      const where: Where = (expected, received) =>
        new DataError({ who, expected: `"${name}" ${expected}`, received });
      return [name, { data: type.decode(buffer, where), shape }];
    }),
  );
  return { tensors, metadata: readMetadata(header, who) };
}

/** The header, and where the arrays' bytes start. */
function readHeader(bytes: Uint8Array, who: string) {
  const fail = (received: string, cause?: unknown) =>
    new DataError({ who, expected: "must be a whole safetensors file", received, cause });
  if (bytes.length < lengthBytes) throw fail(`${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes);
  const length = Number(view.getBigUint64(0, true));
  if (length > mostHeaderBytes)
    throw fail(`a header of ${length} bytes (at most ${mostHeaderBytes})`);
  const start = lengthBytes + length;
  if (start > bytes.length)
    throw fail(`a header of ${length} bytes in a file of ${bytes.length} bytes`);
  if (bytes[lengthBytes] !== 0x7b) throw fail("a header that does not begin with {");
  let header: unknown;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    // A copy, because the decoder takes no view of shared memory.
    header = JSON.parse(decoder.decode(bytes.slice(lengthBytes, start)));
  } catch (error) {
    throw fail("a header that is no JSON", error);
  }
  return { header: header as Record<string, unknown>, start };
}

function readMetadata(header: Record<string, unknown>, who: string): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null);
  if (!Object.hasOwn(header, metadataKey)) return metadata;
  const given = header[metadataKey];
  const entries: [string, unknown][] = isRecord(given) ? Object.entries(given) : [["", given]];
  for (const [name, value] of entries) {
    if (typeof value !== "string" || !isRecord(given)) {
      const expected = `${metadataKey} must be texts by name`;
      throw new DataError({ who, expected, received: describe(value) });
    }
    metadata[name] = value;
  }
  return metadata;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Place {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readPlace(name: string, info: unknown, who: string): Place {
  const fail = (expected: string, received: unknown) =>
    new DataError({ who, expected: `"${name}" ${expected}`, received: describe(received) });
  if (!isRecord(info)) throw fail("must have a dtype, a shape and data_offsets", info);
  const { dtype, shape, data_offsets: offsets } = info;
  if (typeof dtype !== "string" || !Object.hasOwn(elementTypes, dtype))
    throw fail(`must have a dtype of ${Object.keys(elementTypes).join(", ")}`, dtype);
  if (!isSizes(shape)) throw fail("must have a shape of whole numbers", shape);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1])
    throw fail("must have two data_offsets, the start and the end", offsets);
  const type = elementTypes[dtype];
  const [begin, end] = offsets;
  // Beyond 2^53 the product is no longer exact, but it is larger than any file, too.
  const size = shape.reduce((product, extent) => product * extent, type.bytes);
  if (size !== end - begin) {
    const expected = `must have ${size} bytes for its shape ${describe(shape)} of ${dtype}`;
    throw new DataError({ who, expected: `"${name}" ${expected}`, received: `${end - begin}` });
  }
  return { name, type, shape, begin, end };
}

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

/** The arrays must lie one behind the other and fill the file. */
function checkPlaces(places: readonly Place[], size: number, who: string): void {
  const inOrder = [...places].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const place of inOrder) {
    if (place.begin !== end) {
      const expected = `"${place.name}" must begin where the array before it ends (${end})`;
      throw new DataError({ who, expected, received: `${place.begin}` });
    }
    end = place.end;
  }
  if (end === size) return;
  const expected = `must have the ${end} bytes that its header tells of, and no more`;
  throw new DataError({ who, expected, received: `${size}` });
}

/** Names of the types that typed arrays have. `Uint8ClampedArray` is U8 for everybody else. */
const typeNames = {
  Float32Array: "F32",
  Float64Array: "F64",
  Int8Array: "I8",
  Int16Array: "I16",
  Int32Array: "I32",
  Uint8Array: "U8",
  Uint8ClampedArray: "U8",
  Uint16Array: "U16",
  Uint32Array: "U32",
} as const;

/**
 * Writes a safetensors file: arrays in their own types, larger elements first and then by name, as
 * the reference implementation orders them, so that every array is aligned. Same content, same
 * bytes.
 *
 * @throws ValueError if a name is `__metadata__`, or a name or text is no well-formed Unicode;
 *   ShapeError if an array does not fit its shape
 * @example
 * const weight = { data: new Float32Array(6), shape: [2, 3] };
 * const bytes = writeSafetensors({ tensors: new Map([["weight", weight]]) });
 */
export function writeSafetensors(content: SafeTensorsContent): Uint8Array<ArrayBuffer> {
  const who = "writeSafetensors";
  const arrays = [...content.tensors].map(([name, array]) => {
    checkText(name, who);
    if (name === metadataKey) throw textError(who, name);
    return { name, ...toHostArray(array, `${who} "${name}"`) };
  });
  arrays.sort(
    (a, b) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT || (a.name < b.name ? -1 : 1),
  );
  const { metadata = {} } = content;
  for (const [name, text] of Object.entries(metadata)) {
    checkText(name, who);
    checkText(text, who);
  }
  let end = 0;
  const infos = arrays.map(({ name, data, shape }) => {
    const begin = end;
    end += data.byteLength;
    const dtype = typeNames[data[Symbol.toStringTag]];
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const about = Object.keys(metadata).length === 0 ? [] : [[metadataKey, metadata] as const];
  const header = encodeHeader([...about, ...infos], who);
  const bytes = new Uint8Array(lengthBytes + header.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, lengthBytes);
  let offset = lengthBytes + header.length;
  for (const { data } of arrays) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/** JSON, with spaces up to a multiple of 8, so that the arrays behind it are aligned. */
function encodeHeader(entries: readonly (readonly [string, unknown])[], who: string): Uint8Array {
  // Not as an object: it would put names that are numbers first.
  const fields = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const header = new Uint8Array(Math.ceil(json.length / 8) * 8).fill(0x20);
  header.set(json);
  if (header.length <= mostHeaderBytes) return header;
  const expected = `names and texts must take at most ${mostHeaderBytes} bytes`;
  throw new ValueError({ who, expected, received: `${header.length}` });
}

function checkText(text: unknown, who: string): void {
  if (typeof text !== "string" || /\p{Surrogate}/u.test(text)) throw textError(who, text);
}

const textError = (who: string, text: unknown) =>
  new ValueError({
    who,
    expected: `names and texts must be well-formed strings, and no array's name ${metadataKey}`,
    received: describe(text),
  });
