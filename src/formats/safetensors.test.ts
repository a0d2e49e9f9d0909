import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DataError, ShapeError, ValueError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

const golden = join(import.meta.dirname, "../../tools/golden");
const file = (name: string) => new Uint8Array(readFileSync(join(golden, "formats", name)));
type Said = Record<string, { shape: number[]; data: (number | string | boolean)[] }>;
const said: Record<"numpy" | "torch", Said> = JSON.parse(
  readFileSync(join(golden, "formats.json"), "utf8"),
).tensors;

/** Numbers of the script in the type that was read. */
const inType = ({ data }: HostArray, numbers: Said[string]["data"]) => {
  const same = data.slice().fill(0);
  numbers.forEach((value, i) => {
    same[i] = Number(value);
  });
  return same;
};

/** A file with this header and so many bytes behind it. */
function fileOf(header: unknown, size: number, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + json.length + size);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const failure = (bytes: Uint8Array): string => {
  try {
    readSafetensors(bytes, "a.safetensors");
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    return (error as Error).message;
  }
  return "no error";
};

const one = (begin: number, end: number, shape: unknown = [1], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensors", () => {
  it.each(["numpy", "torch"] as const)("reads what Python writes, every type: %s", (name) => {
    const { tensors } = readSafetensors(file(`${name}.safetensors`));
    expect([...tensors.keys()].sort()).toEqual(Object.keys(said[name]).sort());
    for (const [key, { shape, data }] of Object.entries(said[name])) {
      const tensor = tensors.get(key)!;
      expect(tensor.shape).toEqual(shape);
      expect(tensor.data, key).toEqual(inType(tensor, data));
    }
  });

  it("gives every type its array", () => {
    const { tensors, metadata } = readSafetensors(file("numpy.safetensors"));
    const types = Object.fromEntries(
      [...tensors].map(([name, { data }]) => [name, data.constructor.name]),
    );
    expect(types).toEqual({
      bool: "Uint8Array",
      empty: "Float32Array",
      float16: "Float32Array",
      float32: "Float32Array",
      float64: "Float64Array",
      int16: "Int16Array",
      int32: "Int32Array",
      int64: "Float64Array",
      int8: "Int8Array",
      matrix: "Float32Array",
      scalar: "Float64Array",
      uint16: "Uint16Array",
      uint32: "Uint32Array",
      uint64: "Float64Array",
      uint8: "Uint8Array",
    });
    expect({ ...metadata }).toEqual({ format: "np", ü: "é" });
    expect(metadata.constructor).toBeUndefined();
  });

  it("reads from anywhere in a buffer, and copies", () => {
    const whole = file("numpy.safetensors");
    const inside = new Uint8Array(whole.length + 3);
    inside.set(whole, 3);
    const { tensors } = readSafetensors(inside.subarray(3));
    inside.fill(0);
    expect(tensors.get("float64")!.data[1]).toBe(-1e300);
  });

  it("takes a name for a name", () => {
    const bytes = fileOf('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1);
    expect([...readSafetensors(bytes).tensors.keys()]).toEqual(["__proto__"]);
  });

  const whole = "must be a whole safetensors file";
  it.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), `${whole}, got 0 bytes.`],
    [
      "a huge header",
      fileOf("{}", 0, 2n ** 63n),
      `${whole}, got a header of 9223372036854776000 bytes (at most 100000000).`,
    ],
    [
      "a header beyond the end",
      fileOf("{}", 0, 3n),
      `${whole}, got a header of 3 bytes in a file of 10 bytes.`,
    ],
    [
      "a header of something else",
      fileOf("[]", 0),
      `${whole}, got a header that does not begin with {.`,
    ],
    ["a broken header", fileOf('{"a":', 0), `${whole}, got a header that is no JSON.`],
    [
      "text that is no UTF-8",
      fileOf("{}", 1, 3n).fill(0xff, 9),
      `${whole}, got a header that is no JSON.`,
    ],
    [
      "no description",
      fileOf({ a: 1 }, 0),
      '"a" must have a dtype, a shape and data_offsets, got 1.',
    ],
    [
      "a type of its own",
      fileOf({ a: one(0, 4, [1], "F8_E4M3") }, 4),
      '"a" must have a dtype of BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, F64, U64, I64, ' +
        'got "F8_E4M3".',
    ],
    [
      "a type of the language's",
      fileOf({ a: one(0, 4, [1], "constructor") }, 4),
      '"a" must have a dtype of BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, F64, U64, I64, ' +
        'got "constructor".',
    ],
    [
      "half an extent",
      fileOf({ a: one(0, 4, [0.5]) }, 4),
      '"a" must have a shape of whole numbers, got [0.5].',
    ],
    [
      "an end before the start",
      fileOf({ a: one(4, 0) }, 4),
      '"a" must have two data_offsets, the start and the end, got [4, 0].',
    ],
    [
      "too few bytes",
      fileOf({ a: one(0, 4, [2]) }, 4),
      '"a" must have 8 bytes for its shape [2] of F32, got 4.',
    ],
    [
      "a product that overflows",
      fileOf({ a: one(0, 0, [2 ** 32, 2 ** 32]) }, 0),
      '"a" must have 73786976294838210000 bytes for its shape [4294967296, 4294967296] of F32, got 0.',
    ],
    [
      "arrays that overlap",
      fileOf({ a: one(0, 4), b: one(0, 4) }, 4),
      '"b" must begin where the array before it ends (4), got 0.',
    ],
    [
      "a hole",
      fileOf({ a: one(0, 4), b: one(8, 12) }, 12),
      '"b" must begin where the array before it ends (4), got 8.',
    ],
    [
      "bytes of nobody",
      fileOf({ a: one(0, 4) }, 5),
      "must have the 4 bytes that its header tells of, and no more, got 5.",
    ],
    [
      "a file that breaks off",
      fileOf({ a: one(0, 4) }, 3),
      "must have the 4 bytes that its header tells of, and no more, got 3.",
    ],
    [
      "metadata that is no text",
      fileOf({ __metadata__: { a: 1 } }, 0),
      "__metadata__ must be texts by name, got 1.",
    ],
    [
      "metadata that is none",
      fileOf({ __metadata__: ["a"] }, 0),
      '__metadata__ must be texts by name, got ["a"].',
    ],
    [
      "integers beyond doubles",
      fileOf({ a: one(0, 8, [1], "I64") }, 8).fill(0xff, -8, -1),
      '"a" must hold integers of at most 2^53 - 1, got 72057594037927935.',
    ],
  ])("refuses %s", (_, bytes, text) => {
    expect(failure(bytes)).toBe(`a.safetensors: ${text}`);
  });
});

describe("writeSafetensors", () => {
  const tensors = new Map<string, HostArray>([
    ["b", { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] }],
    ["a", { data: Int8Array.of(-1), shape: [] }],
    ["10", { data: new Float64Array(0), shape: [0, 4] }],
    ["c", { data: new Float32Array(8).fill(9).subarray(3, 4), shape: [1] }],
    ["__proto__", { data: Uint8ClampedArray.of(255), shape: [1] }],
  ]);

  it("writes what readSafetensors reads, aligned, the larger elements first", () => {
    const bytes = writeSafetensors({ tensors, metadata: { format: "pt" } });
    const read = readSafetensors(bytes);
    expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { data, shape }] of tensors) {
      expect(read.tensors.get(name)!.shape).toEqual(shape);
      expect(Array.from(read.tensors.get(name)!.data)).toEqual(Array.from(data));
    }
    expect({ ...read.metadata }).toEqual({ format: "pt" });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd();
    expect(header).toBe(
      '{"__metadata__":{"format":"pt"},' +
        '"10":{"dtype":"F64","shape":[0,4],"data_offsets":[0,0]},' +
        '"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},' +
        '"c":{"dtype":"F32","shape":[1],"data_offsets":[24,28]},' +
        '"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[28,29]},' +
        '"a":{"dtype":"I8","shape":[],"data_offsets":[29,30]}}',
    );
    // The order of the map does not matter.
    const others = new Map([...tensors].reverse());
    expect(writeSafetensors({ tensors: others, metadata: { format: "pt" } })).toEqual(bytes);
  });

  it("writes nothing, too", () => {
    const { tensors, metadata } = readSafetensors(writeSafetensors({ tensors: new Map() }));
    expect([tensors.size, Object.keys(metadata)]).toEqual([0, []]);
  });

  it("refuses what readers would not read", () => {
    const write = (name: string, metadata = {}) =>
      writeSafetensors({
        tensors: new Map([[name, { data: new Float32Array(1), shape: [1] }]]),
        metadata,
      });
    const text = "names and texts must be well-formed strings, and no array's name __metadata__";
    const who = "writeSafetensors";
    expect(() => write("__metadata__")).toThrow(`${who}: ${text}, got "__metadata__".`);
    expect(() => write("a\ud800")).toThrow(ValueError);
    expect(() => write("a", { step: 3 })).toThrow(`${who}: ${text}, got 3.`);
    const wrong = new Map([["a", { data: new Float32Array(1), shape: [2] }]]);
    expect(() => writeSafetensors({ tensors: wrong })).toThrow(ShapeError);
  });
});
