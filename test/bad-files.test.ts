/**
 * Files of models that are broken, hostile, or of something else: each ends in an error that says what
 * and how to fix it, leaves a model as it was, and prints nothing.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type H5Dataset, type H5Group, readHdf5, writeHdf5 } from "../src/formats/hdf5.ts";
import { readSafetensors, writeSafetensors } from "../src/formats/safetensors.ts";
import { readZip, writeZip } from "../src/formats/zip.ts";
import { AntlerError, Engine, layers, loadModel, sequential } from "../src/index.ts";

const engine = new Engine({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "antler-bad-files-"));
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const make = () => {
  const model = sequential(
    [
      layers.dense({ units: 3, activation: "elu", inputShape: [2] }),
      layers.batchNormalization(),
      layers.dense({ units: 1 }),
    ],
    { engine, seed: 1 },
  );
  model.compile({ optimizer: "nadam", loss: "meanSquaredError" });
  return model;
};

const trained = make();
await trained.trainOnBatch(new Float32Array(8), new Float32Array(4)).catch(() => undefined);
await trained.trainOnBatch({ data: new Float32Array(8).fill(1), shape: [4, 2] }, [0, 1, 2, 3]);
const keras = await trained.toBytes("keras");
const h5 = await trained.toBytes("h5");
const weights = await trained.toBytes("weights.h5");
const tensors = await trained.toBytes("safetensors");

const text = (value: string) => new TextEncoder().encode(value);

let written: unknown[][] = [];
beforeEach(() => {
  written = [];
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((...parts: unknown[]) => written.push(parts) > 0);
  vi.spyOn(console, "error").mockImplementation((...parts) => void written.push(parts));
  vi.spyOn(console, "warn").mockImplementation((...parts) => void written.push(parts));
});
afterEach(() => vi.restoreAllMocks());

/** The error's text, as a sentence about the file; nothing is printed. */
async function refused(task: Promise<unknown>, start: string): Promise<string> {
  const error: unknown = await task.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AntlerError);
  const { message, expected, received } = error as AntlerError;
  expect(message.startsWith(start)).toBe(true);
  expect(expected).not.toBe("");
  expect(received).not.toBe("");
  expect(message).toMatch(/[.)]$|Example: .+$/);
  expect(written).toEqual([]);
  return message;
}

const unloadable = (bytes: Uint8Array) => refused(loadModel(bytes, { engine }), "loadModel");

/** The model that refuses weights is as before, and can be trained. */
async function unchanged(bytes: Uint8Array): Promise<string> {
  const model = make();
  await model.trainOnBatch({ data: new Float32Array(8).fill(2), shape: [4, 2] }, [0, 1, 2, 3]);
  const before = await model.toBytes("weights.h5");
  const message = await refused(model.loadWeights(bytes), "loadWeights");
  expect(await model.toBytes("weights.h5")).toEqual(before);
  return message;
}

/** A `.keras` with other entries. */
async function archive(change: (entries: Map<string, Uint8Array>) => unknown): Promise<Uint8Array> {
  const entries: Map<string, Uint8Array> = new Map(await readZip(keras));
  await change(entries);
  return writeZip(entries);
}

const withConfig = (from: string | RegExp, to: string) =>
  archive((entries) => {
    const config = new TextDecoder().decode(entries.get("config.json"));
    const changed = config.replace(from, to);
    expect(changed).not.toBe(config);
    entries.set("config.json", text(changed));
  });

type Tree = H5Group | H5Dataset;

/** An HDF5 file with something else at a path. */
async function tree(
  bytes: Uint8Array,
  path: string,
  change: (old: Tree | undefined) => Tree | undefined,
): Promise<Uint8Array> {
  const replaced = (group: H5Group, [name, ...rest]: readonly string[]): H5Group => {
    const { [name!]: old, ...others } = group.children;
    const fresh = rest.length === 0 ? change(old) : replaced(old as H5Group, rest);
    return { ...group, children: fresh ? { ...others, [name!]: fresh } : others };
  };
  return writeHdf5(replaced(await readHdf5(bytes), path.split("/")));
}

const kernel = (values: number[], shape: number[]): H5Dataset => ({
  kind: "dataset",
  shape,
  data: Float32Array.from(values),
  attributes: {},
});

describe("files of other kinds", () => {
  it("a missing path, a folder, an empty file, a text", async () => {
    const path = (name: string) => join(folder, name);
    mkdirSync(path("folder.keras"));
    writeFileSync(path("empty.keras"), "");
    writeFileSync(path("text.h5"), "This is not a model.\n");
    for (const name of ["missing.keras", "folder.keras", "empty.keras", "text.h5"]) {
      const message = await refused(loadModel(path(name), { engine }), path(name));
      expect(message).not.toContain("undefined");
      const model = make();
      const before = await model.getWeights();
      expect(await refused(model.loadWeights(path(name)), path(name))).toBe(message);
      expect(await model.getWeights()).toEqual(before);
    }
    expect(await refused(loadModel(path("missing.keras"), { engine }), path(""))).toMatch(
      /no such file|not there|does not exist|exist/i,
    );
    expect(await refused(loadModel(path("text.h5"), { engine }), path(""))).toBe(
      `${path("text.h5")}: must be a .keras, .h5 or .safetensors file, got 21 bytes of something else. A file that was cut off or changed cannot be read: save it again.`,
    );
  });

  it("no path and no bytes", async () => {
    for (const nothing of [undefined, null, 3, "", {}, []])
      await refused(loadModel(nothing as never, { engine }), "loadModel");
  });

  it("weights in place of a model", async () => {
    for (const bytes of [weights, tensors])
      expect(await unloadable(bytes)).toBe(
        "loadModel: must hold a whole model, got weights alone. Make the model first, then: await model.loadWeights(file).",
      );
  });
});

describe("cut short", () => {
  it.each([
    ["keras", keras],
    ["h5", h5],
    ["weights.h5", weights],
    ["safetensors", tensors],
  ] as const)("a %s at any length", async (kind, bytes) => {
    for (const part of [0, 1, 3, 7, 8, 9, 100, 0.25, 0.5, 0.75, 0.99]) {
      const length = part < 1 ? Math.floor(part * bytes.length) : part;
      const cut = bytes.slice(0, length);
      if (kind === "keras" || kind === "h5") await unloadable(cut);
      await unchanged(cut);
    }
    await unchanged(bytes.slice(0, -1));
  });
});

describe("zip archives", () => {
  it("with a missing, a wrong, or an unknown entry", async () => {
    for (const name of ["config.json", "model.weights.h5"]) {
      const without = await archive((entries) => entries.delete(name));
      expect(await unloadable(without)).toContain(`must hold ${name}, got `);
      await unchanged(without);
    }
    const swapped = await archive((entries) => {
      entries.set("model.weights.h5", entries.get("config.json")!);
    });
    expect(await unloadable(swapped)).toContain("loadModel model.weights.h5: must be an HDF5 file");
    const more = await archive((entries) => entries.set("virus.exe", text("MZ")));
    await expect(loadModel(more, { engine })).resolves.toBeDefined();
    const broken = await archive((entries) => {
      const inner = entries.get("model.weights.h5")!.slice();
      inner.fill(0xff, 600, 1400);
      entries.set("model.weights.h5", inner);
    });
    await unloadable(broken);
    await unchanged(broken);
  });

  it("with a path that climbs out of its folder", async () => {
    for (const path of ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\b", "C:/b"]) {
      const bytes = new Uint8Array(keras);
      // Under the name of an entry of the same length, in both headers.
      const [old, fresh] = ["antler/model.json", path.padEnd(17, "x")].map(text);
      for (let i = 0; i < bytes.length - old!.length; i++)
        if (old!.every((byte, k) => bytes[i + k] === byte)) bytes.set(fresh!, i);
      await unloadable(bytes);
      await unchanged(bytes);
    }
  });

  it("that are bombs", async () => {
    const start = performance.now();
    const before = process.memoryUsage().rss;
    // 200 MB of zeros, and one that says it has fewer.
    const zeros = new Uint8Array(2e8);
    const packed = deflateRawSync(zeros, { level: 9 });
    for (const declared of [zeros.length, 1000]) {
      const bytes = deflated("config.json", packed, declared);
      const message = await unloadable(bytes);
      expect(message).toMatch(/unpack to at most|must be a whole zip archive/);
      await unchanged(bytes);
    }
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(4.5e8);
  });
});

/** A zip archive of one file that is packed. */
function deflated(name: string, packed: Uint8Array, size: number): Uint8Array {
  const header = (signature: number, extra: number[]) => {
    const view = new DataView(new ArrayBuffer(signature === 0x04034b50 ? 30 : 46));
    const central = signature === 0x02014b50 ? 2 : 0;
    view.setUint32(0, signature, true);
    view.setUint16(4, 20, true);
    view.setUint16(4 + central, 20, true);
    view.setUint16(8 + central, 8, true);
    view.setUint32(18 + central, packed.length, true);
    view.setUint32(22 + central, size, true);
    view.setUint16(26 + central, name.length, true);
    for (const [i, value] of extra.entries()) view.setUint32(42 + 4 * i, value, true);
    return new Uint8Array(view.buffer);
  };
  const local = [header(0x04034b50, []), text(name), packed];
  const central = [header(0x02014b50, [0]), text(name)];
  const sizeOf = (parts: Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, 1, true);
  end.setUint16(10, 1, true);
  end.setUint32(12, sizeOf(central), true);
  end.setUint32(16, sizeOf(local), true);
  return new Uint8Array(Buffer.concat([...local, ...central, new Uint8Array(end.buffer)]));
}

describe("configs", () => {
  it("of an unknown layer say what to register", async () => {
    expect(await unloadable(await withConfig('"Dense"', '"Dance"'))).toContain(
      'class_name must be a layer of the library or a registered one, got "Dance". Pass customObjects: { Dance } or call registerSerializable(Dance) first.',
    );
    const old = await readHdf5(h5);
    const config = (old.attributes.model_config as string).replace('"Dense"', '"Dance"');
    const attributes = { ...old.attributes, model_config: config };
    expect(await unloadable(await writeHdf5({ ...old, attributes }))).toContain('got "Dance"');
  });

  it("of an unknown loss say that it may be left out", async () => {
    const bytes = await withConfig(/"mean_?squared_?error"/i, '"dice"');
    expect(await unloadable(bytes)).toContain(
      "Or load the model without what it was trained with: { compile: false }.",
    );
    await expect(loadModel(bytes, { engine, compile: false })).resolves.toBeDefined();
  });

  it("that are no JSON, deep, huge, or of wrong types", async () => {
    const deep = 200_000;
    const configs = [
      "",
      "{",
      "null",
      "[]",
      "3",
      '"Sequential"',
      "\u0000",
      `${"[".repeat(deep)}${"]".repeat(deep)}`,
      `${'{"config":'.repeat(deep)}1${"}".repeat(deep)}`,
      '{"class_name": "Sequential"}',
      '{"class_name": "Sequential", "config": null}',
      '{"class_name": "Sequential", "config": {"layers": {}}}',
      '{"class_name": "Sequential", "config": {"layers": [null]}}',
      '{"class_name": "Sequential", "config": {"layers": [[]]}}',
      '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": 3}]}}',
      '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": "many"}}]}}',
      '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 1e300, "batch_input_shape": [null, 4]}}]}}',
      '{"class_name": "Sequential", "config": {"layers": [{"class_name": "__proto__", "config": {}}]}}',
      '{"class_name": "constructor", "config": {}}',
      '{"class_name": "Functional", "config": {"layers": [], "input_layers": [], "output_layers": []}}',
      '{"class_name": "Functional", "config": {"layers": 3, "input_layers": [["x", 0, 0]], "output_layers": 1}}',
    ];
    for (const config of configs) {
      await unloadable(await archive((entries) => entries.set("config.json", text(config))));
    }
    const old = await readHdf5(h5);
    for (const config of configs.filter((one, i) => i % 4 === 1 || one.length > 1000)) {
      const attributes = { ...old.attributes, model_config: config };
      await unloadable(await writeHdf5({ ...old, attributes }));
    }
  }, 60_000);

  it("of our own entry", async () => {
    const values = [
      "",
      "[]",
      '{"format": 2}',
      '{"format": 1}',
      '{"format": 1, "seed": -1, "counters": [1, 2, 3]}',
      '{"format": 1, "seed": 1, "counters": [1, -2, 3]}',
      '{"format": 1, "seed": 1, "counters": ["1"]}',
      '{"format": 1, "seed": 1, "counters": [1], "optimizer": {"class_name": "Nope", "config": {}}}',
      '{"format": 1, "seed": 1, "counters": [1], "optimizer": 3}',
      '{"format": 1, "seed": 1, "counters": [1], "undecayed": "all"}',
    ];
    for (const value of values)
      await unloadable(await archive((entries) => entries.set("antler/model.json", text(value))));
  });
});

describe("weights", () => {
  const square = kernel([1, 2, 3, 4], [2, 2]);
  const nan = kernel([1, 2, Number.NaN, 4, 5, 6], [2, 3]);
  const texts: H5Dataset = { kind: "dataset", shape: [6], data: [..."abcdef"], attributes: {} };
  const empty: H5Group = { kind: "group", attributes: {}, children: {} };
  const inner = "model_weights/dense/sequential/dense/kernel";

  it.each([
    ["another shape", square, "must have shape [2, 3], got [2, 2]."],
    [
      "NaN",
      nan,
      "must hold finite numbers, got NaN at 2. Load an earlier file, or pass { allowNonFinite: true }.",
    ],
    ["texts", texts, "got "],
    ["a group", empty, "of shape [2, 3], got nothing there."],
    ["nothing", undefined, "of shape [2, 3], got nothing there."],
  ] as const)("of %s", async (_, value, end) => {
    const inWeights = await tree(weights, "layers/dense/vars/0", () => value);
    const inModel = await tree(h5, inner, () => value);
    const inZip = await archive(async (entries) => {
      const old = entries.get("model.weights.h5")!;
      entries.set("model.weights.h5", await tree(old, "layers/dense/vars/0", () => value));
    });
    for (const bytes of [inWeights, inModel, inZip]) expect(await unchanged(bytes)).toContain(end);
    for (const bytes of [inModel, inZip]) expect(await unloadable(bytes)).toContain(end);
  });

  it("of safetensors", async () => {
    const changed = (
      change: (all: Map<string, { data: Float32Array; shape: number[] }>) => unknown,
    ) => {
      const all = new Map(readSafetensors(tensors).tensors) as Map<string, never>;
      change(all);
      return writeSafetensors({ tensors: all });
    };
    const bad = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
    await unchanged(changed((all) => all.set("dense.weight", bad)));
    await unchanged(changed((all) => all.delete("dense.weight")));
    await unchanged(changed((all) => all.set("other.weight", bad)));
    await unchanged(changed((all) => all.get("dense.bias")!.data.fill(Number.POSITIVE_INFINITY)));
    await unchanged(writeSafetensors({ tensors: new Map() }));
  });

  it("whose lists do not fit", async () => {
    const change = (path: string, name: string, value: string[] | undefined) =>
      tree(h5, path, (old) => {
        const { [name]: _, ...others } = old!.attributes;
        const attributes = value ? { ...others, [name]: value } : others;
        return { ...old!, attributes } as H5Group;
      });
    for (const bytes of await Promise.all([
      change("model_weights", "layer_names", undefined),
      change("model_weights", "layer_names", []),
      change("model_weights", "layer_names", ["dense", "dense", "dense_1"]),
      change("model_weights", "layer_names", ["dense", "nothing", "dense_1"]),
      change("model_weights", "layer_names", ["dense", "../dense", "dense_1"]),
      change("model_weights/dense", "weight_names", undefined),
      change("model_weights/dense", "weight_names", ["sequential/dense/kernel"]),
      change("model_weights/dense", "weight_names", ["sequential/dense/kernel", "sequential"]),
      tree(h5, "model_weights", () => undefined),
      tree(h5, "model_weights", () => square),
    ])) {
      await unloadable(bytes);
      await unchanged(bytes);
    }
  });

  it("of a model that is larger or smaller", async () => {
    const other = sequential([layers.dense({ units: 3, inputShape: [2] })], { engine });
    for (const format of ["keras", "h5", "weights.h5", "safetensors"] as const)
      expect(await unchanged(await other.toBytes(format))).toContain("must hold");
  });

  it("with the state of another optimizer", async () => {
    const state = await tree(h5, "antler/optimizer/vars/2", () => square);
    expect(await unloadable(state)).toContain("shape");
    const fewer = await tree(h5, "antler/optimizer/vars/2", () => undefined);
    expect(await unloadable(fewer)).toMatch(/optimizer|vars/);
    await expect(loadModel(state, { engine, compile: false })).resolves.toBeDefined();
  });
});
