import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DataError, ValueError } from "../base/errors.ts";
import { type H5Dataset, type H5Group, type H5Value, readHdf5, writeHdf5 } from "./hdf5.ts";

const golden = join(import.meta.dirname, "../../tools/golden");
const file = (name: string) => new Uint8Array(readFileSync(join(golden, "formats", name)));

/** What the script says of a group or an array, with numbers as JSON has them. */
interface Said {
  readonly attributes: Record<string, unknown>;
  readonly children?: Record<string, Said>;
  readonly shape?: number[];
  readonly data?: unknown[];
}
const said: Record<string, Said> = JSON.parse(
  readFileSync(join(golden, "formats.json"), "utf8"),
).hdf5;

const group = (children: H5Group["children"], attributes: H5Group["attributes"] = {}): H5Group => ({
  kind: "group",
  attributes,
  children,
});
const array = (data: H5Dataset["data"], shape: number[] = [data.length]): H5Dataset => ({
  kind: "dataset",
  shape,
  data,
  attributes: {},
});

/** A tree in the script's words. */
function inWords(thing: H5Group | H5Dataset): Said {
  const attributes = mapValues(thing.attributes, valueInWords);
  if (thing.kind === "group") return { attributes, children: mapValues(thing.children, inWords) };
  return { attributes, shape: [...thing.shape], data: Array.from<unknown>(thing.data) };
}

function valueInWords(value: H5Value): unknown {
  if (typeof value !== "object" || !("shape" in value)) return value;
  const { data, shape } = value;
  if (shape.length < 2) return Array.from(data);
  const [rows, columns] = shape;
  return Array.from({ length: rows! }, (_, i) =>
    Array.from(data.subarray(i * columns!, (i + 1) * columns!)),
  );
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** The script's numbers (float32 as the shortest decimal, NaN as text, bool) in the read type. */
function asRead(words: Said, thing: H5Group | H5Dataset): Said {
  const { attributes } = words;
  if (thing.kind === "group") {
    const children = Object.entries(words.children ?? {}).map(([name, child]) => [
      name,
      asRead(child, thing.children[name]!),
    ]);
    return { attributes, children: Object.fromEntries(children) };
  }
  if (!ArrayBuffer.isView(thing.data)) return words;
  const numbers = thing.data.slice().fill(0);
  words.data!.forEach((value, i) => {
    numbers[i] = Number(value);
  });
  return { attributes, shape: words.shape!, data: Array.from<unknown>(numbers) };
}

/** How the reading of a file fails. */
const failure = async (bytes: Uint8Array, options = {}): Promise<string> => {
  const error = await readHdf5(bytes, { who: "model.h5", ...options }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  return (error as DataError).message;
};

describe("readHdf5", () => {
  it.each(Object.keys(said))("reads what h5py writes, old and new formats: %s", async (name) => {
    for (const ending of ["", "-latest"]) {
      const root = await readHdf5(file(`${name}${ending}.h5`));
      const words = asRead(said[name]!, root);
      // An array of bool is one of numbers here.
      if (name === "attributes") words.attributes.flags = [1, 0];
      expect(inWords(root)).toEqual(words);
    }
  });

  it("would not pass another number, shape or text", async () => {
    const root = await readHdf5(file("texts.h5"));
    const { children } = inWords(root);
    const { variable } = said.texts!.children!;
    expect(children!.variable).toEqual(variable);
    expect(children!.variable).not.toEqual({ ...variable, shape: [4] });
    expect(children!.variable).not.toEqual({ ...variable, data: ["", "zwolf"] });
  });

  it("gives every type its array", async () => {
    const { children } = await readHdf5(file("numbers.h5"));
    const typeOf = (name: string) => {
      const thing = name
        .split("/")
        .reduce<H5Group | H5Dataset>((at, part) => (at as H5Group).children[part]!, {
          ...group(children),
        });
      return (thing as H5Dataset).data.constructor;
    };
    expect(typeOf("little/float64")).toBe(Float64Array);
    expect(typeOf("little/float32")).toBe(Float32Array);
    expect(typeOf("big/float16")).toBe(Float32Array);
    expect(typeOf("bfloat16")).toBe(Float32Array);
    expect(typeOf("little/int8")).toBe(Int8Array);
    expect(typeOf("little/uint16")).toBe(Uint16Array);
    expect(typeOf("little/uint32")).toBe(Uint32Array);
    expect(typeOf("big/int64")).toBe(Float64Array);
    expect(typeOf("bool")).toBe(Uint8Array);
    expect(typeOf("rows")).toBe(Int16Array);
  });

  it("knows no name that is not in the file", async () => {
    const { attributes, children } = await readHdf5(file("links.h5"));
    expect(children.constructor).toBeUndefined();
    expect(attributes.toString).toBeUndefined();
    expect((children.soft as H5Dataset).attributes.constructor).toBeUndefined();
  });

  it.each([
    ["beyond-doubles", '"/large" must hold integers of at most 2^53 - 1, got 9007199254740992.'],
    [
      "beyond",
      'must unpack to at most 67108864 bytes, got "/zeros" of 4.835703278458517e+24 bytes.',
    ],
    ["large", 'must unpack to at most 67108864 bytes, got "/zeros" of 4398046511104 bytes.'],
    [
      "chunk",
      'must unpack to at most 67108864 bytes, got a piece of "/piece" of 2147483648 bytes.',
    ],
    ["broken-link", '"/gone" must be a group or an array, got a link to nothing.'],
    ["external-link", '"/other" must be in the file itself, got a link to "/etc/passwd".'],
    ["through-external-link", '"/other" must be in the file itself, got a link to "other.h5".'],
    ["virtual", '"/virtual" must be in the file itself, got a virtual dataset.'],
    [
      "external-storage",
      "must be a whole HDF5 file, " +
        "got a file of which HDF5 says: unable to open external raw data file.",
    ],
    ["circle", "must nest at most 64 groups, got more."],
    ["compound", '"/rows" must hold numbers or strings, got compound of 8 bytes.'],
    ["complex-numbers", '"/complex" must hold numbers or strings, got compound of 8 bytes.'],
    ["long-double", '"/wide" must hold numbers or strings, got float of 16 bytes.'],
    ["lzf", '"/lzf" must be compressed with gzip, if at all, got filter 32000 lzf.'],
  ])("refuses %s", async (name, text) => {
    expect(await failure(file(`bad-${name}.h5`))).toBe(`model.h5: ${text}`);
  });

  it("refuses what is no HDF5 file, or not all of one", async () => {
    const whole = file("attributes.h5");
    expect(await failure(new Uint8Array(0))).toBe("model.h5: must be an HDF5 file, got 0 bytes.");
    expect(await failure(file("stored.zip"))).toBe(
      "model.h5: must be an HDF5 file, got 1910 bytes without its signature.",
    );
    const cut = await failure(whole.subarray(0, whole.length / 2));
    expect(cut).toMatch(
      /^model.h5: must be a whole HDF5 file, got a file of which HDF5 says: trunc/,
    );
    // Where HDF5 was built is nobody's business.
    expect(cut).not.toContain("/");
  });

  it("refuses more than maxBytes", async () => {
    expect(await failure(file("texts.h5"), { maxBytes: 100 })).toBe(
      'model.h5: must unpack to at most 100 bytes, got "/fixed" of 15 bytes after 96 others.',
    );
  });
});

describe("what a broken file does to its reader", () => {
  /** Files with one byte changed. */
  const changed = (name: string, at: number, value: number) => {
    const bytes = file(name);
    bytes[at] = value;
    return bytes;
  };

  it("ends a reading that takes too long", async () => {
    // Number 0 in a heap of strings is the free space, of 1 byte here: HDF5 never gets to its end.
    const endless = changed("attributes.h5", 2496, 0);
    const start = performance.now();
    expect(await failure(endless, { milliseconds: 700 })).toBe(
      "model.h5: must be a whole HDF5 file, got one that takes more than 700 ms to read.",
    );
    expect(performance.now() - start).toBeLessThan(10_000);
    // The next one is none the worse for it.
    expect((await readHdf5(file("attributes.h5"))).attributes.integer).toBe(3);
  });

  it("ends a reading that takes too much memory", async () => {
    // 20,000 times the same string of 200,000 letters, which is in the file once.
    const strings = ["x".repeat(200_000), ...new Array<string>(19_999).fill("")];
    const bytes = await writeHdf5(group({ strings: array(strings) }));
    const view = new DataView(bytes.buffer);
    const isReference = (at: number) =>
      view.getUint32(at, true) === 200_000 && view.getUint32(at + 8, true) === 0;
    let first = 0;
    while (!isReference(first)) first++;
    for (let i = 1; i < 20_000; i++) bytes.copyWithin(first + 16 * i, first, first + 16);
    const before = process.memoryUsage.rss();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 5);
    expect(await failure(bytes)).toBe(
      "model.h5: must be a whole HDF5 file, " +
        "got a file of which HDF5 says: memory allocation failed for VL data.",
    );
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    expect((most - before) / 2 ** 20).toBeLessThan(450);
  });
});

const everything = (): H5Group =>
  group(
    {
      layers: group({
        dense: group({
          kernel: {
            ...array(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
            attributes: { axes: { data: Int32Array.of(1, 2), shape: [2] } },
          },
        }),
        nothing: group({}),
      }),
      zwölf: array(["", "zwei", "日本"]),
      matrix: array(["a", "b"], [1, 2]),
      none: array([]),
      scalar: array(Int32Array.of(7), []),
      empty: array(new Float32Array(0), [0, 3]),
      doubles: array(Float64Array.of(0.1, -0, Number.NaN)),
      small: array(Int8Array.of(-1)),
      bytes: array(Uint8ClampedArray.of(255)),
      words: array(Uint16Array.of(65535)),
      signed: array(Int16Array.of(-32768)),
      long: array(Uint32Array.of(2 ** 32 - 1)),
    },
    {
      keras_version: "3.15.1",
      layer_names: ["dense", "zwölf"],
      none: [],
      epoch: 3,
      rate: 0.5,
      zero: -0,
      flag: true,
      config: "é".repeat(200_000),
      matrix: { data: Float64Array.of(1, 2), shape: [2, 1] },
    },
  );

describe("writeHdf5", () => {
  it("writes what readHdf5 reads", async () => {
    const root = inWords(await readHdf5(await writeHdf5(everything())));
    const wanted = inWords(everything());
    // As in Keras's files: a list without strings is one without numbers; bool is a number.
    expect(root).toEqual({ ...wanted, attributes: { ...wanted.attributes, flag: 1 } });
  });

  it("writes the same bytes for the same content, whatever came before, and whenever", async () => {
    const first = await writeHdf5(everything());
    await writeHdf5(group({ other: array(new Float32Array(1000).fill(7)) }, { text: "x" }));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await writeHdf5(everything())).toEqual(first);
  });

  it("copies the arrays before it returns, and leaves them alone", async () => {
    const memory = new Float32Array(new SharedArrayBuffer(4000));
    const data = memory.subarray(10, 12).fill(1);
    const bytes = writeHdf5(group({ data: array(data) }));
    data.fill(2);
    const { children } = await readHdf5(await bytes);
    expect(children.data).toEqual(array(Float32Array.of(1, 1)));
    expect(memory[10]).toBe(2);
  });

  it("writes several files at a time, each with its own content", async () => {
    const files = [1, 2, 3].map((n) => writeHdf5(group({}, { n })));
    const roots = await Promise.all((await Promise.all(files)).map((bytes) => readHdf5(bytes)));
    expect(roots.map(({ attributes }) => attributes.n)).toEqual([1, 2, 3]);
  });

  it("writes 6 MB in a few milliseconds once it has written before", async () => {
    const root = group({ kernel: array(new Float32Array(1.5e6).fill(1.5)) });
    await writeHdf5(root);
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = process.cpuUsage();
      await writeHdf5(root);
      const { user, system } = process.cpuUsage(before);
      times.push((user + system) / 1000);
    }
    expect(Math.min(...times), `${times}`).toBeLessThan(60);
  });

  it.each<[H5Group, string]>([
    [group({ "": group({}) }), 'the name in "/" must not be empty, "." or have a "/", got "".'],
    [
      group({ a: group({ "b/c": group({}) }) }),
      'the name in "/a" must not be empty, "." or have a "/", got "b/c".',
    ],
    [
      group({ a: array(new Float32Array(3), [2, 2]) }),
      '"/a" of shape [2, 2] must have 4 elements, got 3.',
    ],
    [
      group({}, { a: { data: new Float32Array(3), shape: [] } }),
      'attribute "a" of "/" of shape [] must have 1 elements, got 3.',
    ],
    [
      group({ a: array(["x\0y"]) }),
      '"/a" must hold strings without null characters, got "x\\u0000y".',
    ],
  ])("refuses what HDF5 would lose: %#", async (root, text) => {
    const error = await writeHdf5(root).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toBe(`writeHdf5: ${text}`);
  });

  it("tells what HDF5 cannot store, and goes on with the next file", async () => {
    const deep = array(new Float32Array(1), new Array(33).fill(1));
    const error = await writeHdf5(group({ deep })).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ValueError);
    expect((error as Error).message).toMatch(/^writeHdf5: must be what HDF5 can store, got .+/);
    expect((await writeHdf5(group({}))).length).toBeGreaterThan(0);
  });
});
