/** Protobuf messages by hand: their fields, one after the other, and errors that say where. */
import { BinaryReader, type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AntlerError, DataError, describe } from "../../base/errors.ts";

export { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Reads the value of a known field; returns false, with nothing read, to have it skipped. */
export type FieldReader = (field: number, type: WireType, reader: BinaryReader) => boolean;

/**
 * Reads a message. Fields that `read` does not know are skipped, as by every protobuf reader.
 *
 * @param who what is read, for errors
 * @throws DataError where the bytes are no message
 */
export function readMessage(bytes: Uint8Array, who: string, read: FieldReader): void {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (!read(field, type, reader)) reader.skip(type, field);
    }
  } catch (error) {
    if (error instanceof AntlerError) throw error;
    throw new DataError({
      who,
      expected: "must be a protobuf message",
      received: error instanceof Error ? `one that is not (${error.message})` : describe(error),
      cause: error,
    });
  }
}

/** A whole number of 64 bits. Throws a DataError where a double cannot hold it. */
export function readWhole(reader: BinaryReader, name: string, who: string): number {
  const read = reader.int64();
  const value = Number(read);
  if (Number.isSafeInteger(value)) return value;
  throw new DataError({ who, expected: `${name} must be within 2^53`, received: String(read) });
}

/** A message as a field of another one. */
export function writeMessage(
  writer: BinaryWriter,
  field: number,
  write: (writer: BinaryWriter) => unknown,
): BinaryWriter {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  return writer.join();
}
