import { describe, expect, it } from "vitest";
import { type EventFound, encodeEvent, readEvents, type SummaryValue } from "./events.ts";
import { BinaryWriter, WireType, writeMessage } from "./messages.ts";
import { frameRecord, readRecords } from "./records.ts";
import { histogramSummary, modelSummary, scalarSummary } from "./summaries.ts";
import { golden, tensorflowFile } from "./tensorboard.case.ts";

const all = (bytes: Uint8Array): EventFound[] => [...readEvents(bytes, "a.v2")];

/** A file of one event with this value, whose message `write` makes. */
const fileWith = (write: (writer: BinaryWriter) => unknown): Uint8Array => {
  const writer = new BinaryWriter();
  writeMessage(writer, 5, () => writeMessage(writer, 1, () => write(writer)));
  return frameRecord(writer.finish());
};

/** A file with this TensorProto. */
const tensorFile = (write: (writer: BinaryWriter) => unknown): Uint8Array =>
  fileWith((writer) => writeMessage(writer, 8, write));

const tensorIn = (bytes: Uint8Array) => all(bytes)[0].values[0].tensor!;

const shapeOf = (writer: BinaryWriter, ...sizes: number[]) =>
  writeMessage(writer, 2, () => {
    for (const size of sizes)
      writeMessage(writer, 2, () => writer.tag(1, WireType.Varint).int64(size));
  });

describe("a file of TensorFlow", () => {
  const events = all(tensorflowFile);

  it("is read", () => {
    expect(events[0].fileVersion).toBe("brain.Event:2");
    expect(events[0].wallTime).toBeGreaterThan(1.7e9);
    const found = events.slice(1).flatMap(({ step, values }) =>
      values.map(({ tag, plugin, tensor }) => {
        const data = [...(tensor!.data as ArrayLike<number | Uint8Array>[number][])];
        return [step, tag, plugin, tensor!.dtype, tensor!.shape, data.slice(0, 3)];
      }),
    );
    expect(found).toEqual([
      [0, "epoch_loss", "scalars", "float32", [], [Math.fround(0.1)]],
      [1, "epoch_loss", "scalars", "float32", [], [Number.NaN]],
      [2 ** 40, "ä/b c", "scalars", "float32", [], [-2.5]],
      [3, "w/histogram", "histograms", "float64", [30, 3], [0, 0.2, 1]],
      [4, "note", "text", "string", [], [new TextEncoder().encode("two words")]],
    ]);
    expect(events.at(-1)!.end).toBe(tensorflowFile.length);
  });

  it("is what we write, byte by byte", () => {
    const records = [...readRecords(tensorflowFile, "a")];
    // The first one names its writer, the last one is a plugin that we do not write.
    for (const [i, event] of events.entries()) {
      if (i === 0 || event.values[0].plugin === "text") continue;
      expect(encodeEvent(event)).toEqual(new Uint8Array(records[i].data));
    }
    const start = records[0].end;
    const frames = records.slice(1).map(({ data }) => frameRecord(data));
    expect(Buffer.concat(frames)).toEqual(Buffer.from(tensorflowFile.subarray(start)));
    // A near miss: the step's sign.
    const wrong = encodeEvent({ ...events[3], step: -events[3].step });
    expect(wrong).not.toEqual(new Uint8Array(records[3].data));
  });

  it("is as long as its name's file", () => {
    expect(golden.file.name).toMatch(/^events\.out\.tfevents\.\d{10}\.[^/]+\.\d+\.\d+\.v2$/);
  });
});

describe("events", () => {
  const written = (step: number, value: SummaryValue) =>
    frameRecord(encodeEvent({ wallTime: 1.5, step, values: [value] }));

  it("come back as they were", () => {
    const histogram = histogramSummary("w", [1, 2, 3]);
    const [first] = all(written(7, histogram));
    expect(first).toMatchObject({ wallTime: 1.5, step: 7 });
    expect([...(first.values[0].tensor!.data as number[])]).toEqual([
      ...(histogram.tensor!.data as Float64Array),
    ]);
    const [second] = all(written(0, modelSummary("keras", "{}")));
    expect(second.values[0]).toMatchObject({ plugin: "graph_keras_model", pluginContent: "1" });
    expect(all(new Uint8Array())).toEqual([]);
    const steps = [0, 127, 128, 2 ** 31, 2 ** 53 - 1];
    for (const step of steps) expect(all(written(step, histogram))[0].step).toBe(step);
  });

  it("end where the file breaks off, wherever that is", () => {
    const parts = [1, 2, 3].map((step) => written(step, scalarSummary("loss", step)));
    const file = Buffer.concat(parts);
    const ends = [parts[0].length, parts[0].length + parts[1].length, file.length];
    for (let length = 0; length <= file.length; length++) {
      const whole = ends.filter((end) => end <= length);
      expect(all(file.subarray(0, length)).map(({ end }) => end)).toEqual(whole);
    }
  });

  it("are refused with any bit changed, where they are whole", () => {
    const file = written(3, scalarSummary("loss", 0.25));
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const changed = file.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect(() => all(changed)).toThrow("a.v2, record at byte 0: must have the check 0x");
    }
    expect(() => all(new TextEncoder().encode("epoch,loss\r\n0,0.5\r\n"))).toThrow(
      "The file is damaged, or no event file.",
    );
  });

  it("of old writers have scalars of their own", () => {
    const file = fileWith((writer) => {
      writer.tag(1, WireType.LengthDelimited).string("loss");
      writer.tag(2, WireType.Bit32).float(0.5);
    });
    expect(all(file)[0].values).toEqual([
      {
        tag: "loss",
        plugin: "",
        pluginContent: "",
        tensor: { dtype: "float32", shape: [], data: [0.5] },
      },
    ]);
  });

  it("may have fields that nobody knows, in any order", () => {
    const file = fileWith((writer) => {
      writer.tag(100, WireType.Varint).int64(5);
      writer.tag(101, WireType.LengthDelimited).string("later");
      writer.tag(102, WireType.Bit64).double(1);
      writer.tag(1, WireType.LengthDelimited).string("loss");
    });
    expect(all(file)[0].values[0].tag).toBe("loss");
  });
});

describe("tensors", () => {
  it("have values of all types, packed or one by one", () => {
    const values = (number: number, field: number, write: (writer: BinaryWriter) => unknown) =>
      tensorFile((writer) => {
        write(writer);
        shapeOf(writer, 2);
        writer.tag(1, WireType.Varint).int32(number);
        expect(field).toBeGreaterThan(0);
      });
    const int64 = values(9, 10, (w) => {
      for (const value of [-1, 2]) w.tag(10, WireType.Varint).int64(value);
    });
    expect(tensorIn(int64)).toEqual({ dtype: "int64", shape: [2], data: [-1, 2] });
    const packed = values(1, 5, (w) =>
      w.tag(5, WireType.LengthDelimited).fork().float(1).float(2).join(),
    );
    expect(tensorIn(packed).data).toEqual([1, 2]);
    const bytes = values(4, 4, (w) =>
      w.tag(4, WireType.LengthDelimited).bytes(Uint8Array.of(3, 255)),
    );
    expect(tensorIn(bytes)).toEqual({ dtype: "uint8", shape: [2], data: [3, 255] });
    const whole = values(3, 7, (w) => w.tag(7, WireType.Varint).int32(-5));
    // One value stands for all.
    expect(tensorIn(whole).data).toEqual([-5, -5]);
    const none = values(2, 6, () => undefined);
    expect(tensorIn(none).data).toEqual([0, 0]);
  });

  it.each<[string, (writer: BinaryWriter) => unknown, string]>([
    [
      "another type",
      (w) => w.tag(1, WireType.Varint).int32(14),
      "the type of a tensor must be one of float32, float64, int32, uint8, string, int64, bool, " +
        "got TensorFlow's type 14.",
    ],
    [
      "too many values",
      (w) => {
        w.tag(1, WireType.Varint).int32(1);
        w.tag(4, WireType.LengthDelimited).bytes(new Uint8Array(8));
      },
      "a tensor must have 1 values, as its shape says, got 2.",
    ],
    [
      "half a value",
      (w) => {
        w.tag(1, WireType.Varint).int32(2);
        w.tag(4, WireType.LengthDelimited).bytes(new Uint8Array(12));
      },
      "the content of a tensor of float64 must be a multiple of 8 bytes, got 12.",
    ],
    [
      "half a value of its own",
      (w) => {
        w.tag(1, WireType.Varint).int32(1);
        w.tag(5, WireType.LengthDelimited).bytes(new Uint8Array(3));
      },
      "must have whole values of float32, got some that break off.",
    ],
    [
      "a shape of nobody's memory",
      (w) => {
        w.tag(1, WireType.Varint).int32(1);
        shapeOf(w, 2 ** 40, 2 ** 40);
        w.tag(5, WireType.Bit32).float(1);
      },
      "a tensor must have 1.2089258196146292e+24 values, as its shape says, got 1.",
    ],
    [
      "a negative size",
      (w) => {
        w.tag(1, WireType.Varint).int32(1);
        shapeOf(w, -1);
      },
      "sizes must be at least 0, got -1.",
    ],
  ])("with %s are refused", (_, write, message) => {
    expect(() => all(tensorFile(write))).toThrow(`a.v2, record at byte 0: ${message}`);
  });
});

describe("broken messages", () => {
  it.each([
    ["a length behind the end", [0x2a, 0x7f, 1]],
    ["a number without an end", [0x10, 0xff, 0xff]],
    ["a field 0", [0x00, 1]],
    ["a wire type that is none", [0x0f, 1]],
    ["an end without a beginning", [0x1c]],
    ["groups in groups", new Array(100_000).fill(0x0b)],
  ])("with %s are refused", (_, bytes) => {
    expect(() => all(frameRecord(Uint8Array.from(bytes)))).toThrow(
      "a.v2, record at byte 0: must be a protobuf message, got one that is not (",
    );
  });

  it("with a step beyond 2^53 are refused", () => {
    const writer = new BinaryWriter().tag(2, WireType.Varint).int64(2n ** 60n);
    expect(() => all(frameRecord(writer.finish()))).toThrow(
      "the step must be within 2^53, got 1152921504606846976.",
    );
  });
});
