/**
 * What event files hold: the messages Event and Summary.
 * https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
 */
import { BinaryWriter, readMessage, readWhole, WireType, writeMessage } from "./messages.ts";
import { readRecords } from "./records.ts";
import { type LogTensor, readTensor, writeTensor } from "./tensors.ts";

/** A value under a tag. */
export interface SummaryValue {
  readonly tag: string;
  /** The part of TensorBoard that shows it: `scalars`, `histograms`, `images`. */
  readonly plugin: string;
  /** What that part wants to know besides. */
  readonly pluginContent: string;
  /** Absent: a kind of value that is not read. */
  readonly tensor?: LogTensor | undefined;
}

/** One entry of an event file. */
export interface LogEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** Only in a file's first event: `brain.Event:2`. */
  readonly fileVersion?: string | undefined;
  readonly values: readonly SummaryValue[];
}

/** The version of the format, of which the first event of a file tells. */
export const fileVersion = "brain.Event:2";

/** An event as the data of a record. */
export function encodeEvent(event: LogEvent): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Bit64).double(event.wallTime);
  if (event.step !== 0) writer.tag(2, WireType.Varint).int64(event.step);
  if (event.fileVersion !== undefined) {
    writer.tag(3, WireType.LengthDelimited).string(event.fileVersion);
    // The source: TensorBoard counts the events of each writer.
    writeMessage(writer, 10, () => writer.tag(1, WireType.LengthDelimited).string("antler"));
  }
  if (event.values.length > 0)
    writeMessage(writer, 5, () => {
      for (const value of event.values) writeMessage(writer, 1, () => writeValue(writer, value));
    });
  return writer.finish();
}

function writeValue(writer: BinaryWriter, value: SummaryValue): void {
  writer.tag(1, WireType.LengthDelimited).string(value.tag);
  const { tensor, plugin, pluginContent } = value;
  if (tensor) writeMessage(writer, 8, () => writeTensor(writer, tensor));
  writeMessage(writer, 9, () => {
    writeMessage(writer, 1, () => {
      writer.tag(1, WireType.LengthDelimited).string(plugin);
      if (pluginContent !== "") writer.tag(2, WireType.LengthDelimited).string(pluginContent);
    });
  });
}

/** An event that was found in a file. */
export interface EventFound extends LogEvent {
  /** Where the next one begins. */
  readonly end: number;
}

/**
 * The events of a file, one by one, up to where it breaks off: the writer may be about to go on.
 * Scalars of old writers (`simple_value`) come as tensors, as TensorBoard itself reads them.
 *
 * @param who the file, for errors
 * @throws DataError where it is damaged or no event file
 */
export function* readEvents(bytes: Uint8Array, who: string): Generator<EventFound> {
  let start = 0;
  for (const { data, end } of readRecords(bytes, who)) {
    yield { ...decodeEvent(data, `${who}, record at byte ${start}`), end };
    start = end;
  }
}

/** The event that a record's data is. Throws a DataError where it is none. */
function decodeEvent(data: Uint8Array, who: string): LogEvent {
  let wallTime = 0;
  let step = 0;
  let version: string | undefined;
  const values: SummaryValue[] = [];
  readMessage(data, who, (field, type, reader) => {
    if (field === 1 && type === WireType.Bit64) wallTime = reader.double();
    else if (field === 2 && type === WireType.Varint) step = readWhole(reader, "the step", who);
    else if (field === 3 && type === WireType.LengthDelimited) version = reader.string();
    else if (field === 5 && type === WireType.LengthDelimited)
      readMessage(reader.bytes(), who, (inner, innerType, summary) => {
        if (inner !== 1 || innerType !== WireType.LengthDelimited) return false;
        values.push(readValue(summary.bytes(), who));
        return true;
      });
    else return false;
    return true;
  });
  return { wallTime, step, ...(version !== undefined && { fileVersion: version }), values };
}

function readValue(bytes: Uint8Array, who: string): SummaryValue {
  let tag = "";
  let tensor: LogTensor | undefined;
  let plugin = { plugin: "", pluginContent: "" };
  readMessage(bytes, who, (field, type, reader) => {
    if (field === 1 && type === WireType.LengthDelimited) tag = reader.string();
    else if (field === 2 && type === WireType.Bit32)
      tensor = { dtype: "float32", shape: [], data: [reader.float()] };
    else if (field === 8 && type === WireType.LengthDelimited)
      tensor = readTensor(reader.bytes(), who);
    else if (field === 9 && type === WireType.LengthDelimited)
      plugin = readMetadata(reader.bytes(), who);
    else return false;
    return true;
  });
  return { tag, ...plugin, tensor };
}

function readMetadata(bytes: Uint8Array, who: string): { plugin: string; pluginContent: string } {
  const found = { plugin: "", pluginContent: "" };
  readMessage(bytes, who, (field, type, reader) => {
    if (field !== 1 || type !== WireType.LengthDelimited) return false;
    readMessage(reader.bytes(), who, (inner, innerType, plugin) => {
      if (innerType !== WireType.LengthDelimited) return false;
      if (inner === 1) found.plugin = plugin.string();
      else if (inner === 2) found.pluginContent = plugin.string();
      else return false;
      return true;
    });
    return true;
  });
  return found;
}
