/** TensorProto: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/tensor.proto */
import { DataError } from "../../base/errors.ts";
import {
  BinaryReader,
  type BinaryWriter,
  readMessage,
  readWhole,
  WireType,
  writeMessage,
} from "./messages.ts";

/** A tensor of an event, row by row. */
export interface LogTensor {
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  /** Texts as bytes: some are images. */
  readonly data: ArrayLike<number> | readonly Uint8Array[];
}

/** Types that are read: TensorFlow's number of each, and the field of TensorProto with its values. */
const types = {
  float32: { number: 1, values: 5, bytes: 4, wire: WireType.Bit32 },
  float64: { number: 2, values: 6, bytes: 8, wire: WireType.Bit64 },
  int32: { number: 3, values: 7, bytes: 4, wire: WireType.Varint },
  uint8: { number: 4, values: 7, bytes: 1, wire: WireType.Varint },
  string: { number: 7, values: 8, bytes: 0, wire: WireType.LengthDelimited },
  int64: { number: 9, values: 10, bytes: 8, wire: WireType.Varint },
  bool: { number: 10, values: 11, bytes: 1, wire: WireType.Varint },
} as const;

export type TensorType = keyof typeof types;
type NumberType = Exclude<TensorType, "string">;

const valueFields: ReadonlySet<number> = new Set(Object.values(types).map(({ values }) => values));

/** A value that stands for many is written out up to this many. */
const mostRepeated = 1 << 20;

const encoder = new TextEncoder();

/** A tensor of texts; bytes stay as they are. */
export const textTensor = (
  texts: readonly (string | Uint8Array)[],
  shape: readonly number[],
): LogTensor => ({
  dtype: "string",
  shape,
  data: texts.map((text) => (typeof text === "string" ? encoder.encode(text) : text)),
});

/** Writes the fields of a TensorProto: float32 and float64 as bytes, texts one by one. */
export function writeTensor(writer: BinaryWriter, tensor: LogTensor): void {
  writer.tag(1, WireType.Varint).int32(types[tensor.dtype].number);
  writeMessage(writer, 2, () => {
    for (const size of tensor.shape)
      writeMessage(writer, 2, () => writer.tag(1, WireType.Varint).int64(size));
  });
  if (tensor.dtype === "string") {
    for (const text of tensor.data as readonly Uint8Array[])
      writer.tag(8, WireType.LengthDelimited).bytes(text);
  } else writer.tag(4, WireType.LengthDelimited).bytes(contentOf(tensor));
}

/** Numbers, little-endian. */
function contentOf({ dtype, data }: LogTensor): Uint8Array {
  const values = data as ArrayLike<number>;
  const { bytes } = types[dtype];
  const content = new DataView(new ArrayBuffer(values.length * bytes));
  for (let i = 0; i < values.length; i++) {
    if (dtype === "float64") content.setFloat64(8 * i, values[i], true);
    else content.setFloat32(4 * i, values[i], true);
  }
  return new Uint8Array(content.buffer);
}

/**
 * Reads a TensorProto. As everywhere in TensorFlow, the last of too few values stands for the rest.
 *
 * @throws DataError for another type, and where values and shape do not go together
 */
export function readTensor(bytes: Uint8Array, who: string): LogTensor {
  let number = 0;
  let shape: readonly number[] = [];
  let content: Uint8Array | undefined;
  // Their type may come after them.
  const parts: Part[] = [];
  readMessage(bytes, who, (field, type, reader) => {
    if (field === 1 && type === WireType.Varint) number = reader.int32();
    else if (field === 2 && type === WireType.LengthDelimited)
      shape = readShape(reader.bytes(), who);
    else if (field === 4 && type === WireType.LengthDelimited) content = reader.bytes();
    else if (valueFields.has(field)) parts.push(readPart(field, type, reader));
    else return false;
    return true;
  });
  const dtype = typeOf(number, who);
  const own = parts.filter(({ field }) => field === types[dtype].values);
  const count = shape.reduce((product, size) => product * size, 1);
  if (dtype === "string") {
    const texts = own.map((part) => part.bytes);
    return { dtype, shape, data: filled(texts, count, new Uint8Array(), who) };
  }
  const values = content?.length ? fromContent(content, dtype, who) : fromParts(own, dtype, who);
  return { dtype, shape, data: filled(values, count, 0, who) };
}

/** Values of a field: one, or several in a row, which are encoded alike. */
interface Part {
  readonly field: number;
  readonly type: WireType;
  readonly bytes: Uint8Array;
}

const readPart = (field: number, type: WireType, reader: BinaryReader): Part => ({
  field,
  type,
  bytes: type === WireType.LengthDelimited ? reader.bytes() : reader.skip(type, field),
});

function typeOf(number: number, who: string): TensorType {
  for (const [name, type] of Object.entries(types))
    if (type.number === number) return name as TensorType;
  throw new DataError({
    who,
    expected: `the type of a tensor must be one of ${Object.keys(types).join(", ")}`,
    received: `TensorFlow's type ${number}`,
  });
}

function readShape(bytes: Uint8Array, who: string): number[] {
  const shape: number[] = [];
  readMessage(bytes, who, (field, type, reader) => {
    if (field !== 2 || type !== WireType.LengthDelimited) return false;
    let size = 0;
    readMessage(reader.bytes(), who, (inner, innerType, sizes) => {
      if (inner !== 1 || innerType !== WireType.Varint) return false;
      size = readWhole(sizes, "a size", who);
      return true;
    });
    if (size < 0)
      throw new DataError({ who, expected: "sizes must be at least 0", received: `${size}` });
    shape.push(size);
    return true;
  });
  return shape;
}

function fromContent(content: Uint8Array, dtype: NumberType, who: string): number[] {
  const { bytes } = types[dtype];
  if (content.length % bytes !== 0)
    throw new DataError({
      who,
      expected: `the content of a tensor of ${dtype} must be a multiple of ${bytes} bytes`,
      received: `${content.length}`,
    });
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  return Array.from({ length: content.length / bytes }, (_, i) => {
    if (dtype === "float32") return view.getFloat32(4 * i, true);
    if (dtype === "float64") return view.getFloat64(8 * i, true);
    if (dtype === "int32") return view.getInt32(4 * i, true);
    if (dtype === "int64") return Number(view.getBigInt64(8 * i, true));
    return view.getUint8(i);
  });
}

function fromParts(parts: readonly Part[], dtype: NumberType, who: string): number[] {
  const values: number[] = [];
  const { wire } = types[dtype];
  for (const { bytes, type } of parts) {
    if (type !== wire && type !== WireType.LengthDelimited) continue; // As an unknown field.
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) values.push(readNumber(reader, dtype, who));
  }
  return values;
}

function readNumber(reader: BinaryReader, dtype: NumberType, who: string): number {
  try {
    if (dtype === "float32") return reader.float();
    if (dtype === "float64") return reader.double();
    return Number(reader.int64());
  } catch (cause) {
    throw new DataError({
      who,
      expected: `must have whole values of ${dtype}`,
      received: "some that break off",
      cause,
    });
  }
}

/** As many values as the shape says. */
function filled<T>(values: readonly T[], count: number, none: T, who: string): readonly T[] {
  if (values.length === count) return values;
  if (values.length > count || count > mostRepeated)
    throw new DataError({
      who,
      expected: `a tensor must have ${count} values, as its shape says`,
      received: `${values.length}`,
    });
  const last = values.length > 0 ? values[values.length - 1] : none;
  return [...values, ...new Array<T>(count - values.length).fill(last)];
}
