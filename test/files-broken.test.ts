/** Files that are broken or do not fit: errors name the file, the entry and what came; nothing changes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type H5Group, readHdf5, writeHdf5 } from "../src/formats/hdf5.ts";
import { readZip, writeZip } from "../src/formats/zip.ts";
import { endFaults, faults } from "../src/host/faults.case.ts";
import type * as host from "../src/host/node.ts";
import { DataError, Engine, layers, loadModel, type Model, sequential } from "../src/index.ts";

vi.mock("#host", async (original) => {
  const { withFaults } = await import("../src/host/faults.case.ts");
  return withFaults(await original<typeof host>());
});

const engine = new Engine({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "antler-broken-"));
const path = join(folder, "model.keras");
const weightsPath = join(folder, "model.weights.h5");
afterEach(endFaults);
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const make = (units = 3) =>
  sequential(
    [
      layers.dense({ units, inputShape: [2] }),
      layers.batchNormalization(),
      layers.dense({ units: 2 }),
    ],
    { engine, seed: 5 },
  );

const x = { data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)), shape: [6, 2] };
let net: Model;
let content: Uint8Array;

beforeAll(async () => {
  net = make();
  net.compile({ optimizer: "adam", loss: "meanSquaredError" });
  await net.fit(x, x);
  await net.save(path);
  await net.saveWeights(weightsPath);
  content = new Uint8Array(readFileSync(path));
});

/** Groups and arrays, to be changed. */
interface Tree {
  children: Record<string, Tree>;
  data: Float32Array;
}

/** The file with other weights. */
async function withWeights(change: (root: Tree) => void, into = path): Promise<string> {
  const files = await readZip(content);
  const root = (await readHdf5(files.get("model.weights.h5")!)) as unknown as Tree;
  change(root);
  const changed = await writeHdf5(root as unknown as H5Group);
  files.set("model.weights.h5", changed);
  writeFileSync(into, into === path ? await writeZip(files) : changed);
  return into;
}

async function withEntry(name: string, change: (text: string) => string | undefined) {
  const files = await readZip(content);
  const text = change(new TextDecoder().decode(files.get(name)));
  if (text === undefined) files.delete(name);
  else files.set(name, new TextEncoder().encode(text));
  writeFileSync(path, await writeZip(files));
}

const message = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error) => `${error.name} ${error.message}`,
  );

const vars = (root: Tree, ...at: string[]) =>
  at.reduce((group, name) => group.children[name]!, root).children.vars!.children;

const fix = "Make the model with the same layers as the one that was saved";

/** What can be wrong with the weights in a file, and what is said of it. */
const wrong: readonly [string, (root: Tree) => void, string][] = [
  [
    "a missing entry",
    (root) => delete vars(root, "layers", "dense_1")[1],
    `must hold layers/dense_1/vars/1 (dense_1/bias) of shape [2], got nothing there. ${fix}.`,
  ],
  [
    "a missing layer",
    (root) => delete root.children.layers!.children.batch_normalization,
    "must hold layers/batch_normalization/vars/0 (batch_normalization/gamma) of shape [3], " +
      `got nothing there. ${fix}.`,
  ],
  [
    "an entry too many",
    (root) => Object.assign(vars(root, "layers", "dense"), { 2: vars(root, "layers", "dense")[1] }),
    "must hold the weights of this model and no others, got layers/dense/vars/2. " +
      `${fix}: Dense "dense" has 2.`,
  ],
  [
    "a layer too many",
    (root) =>
      Object.assign(root.children.layers!.children, {
        dense_2: root.children.layers!.children.dense,
      }),
    "must hold the weights of this model and no others, got layers/dense_2. " +
      `${fix}: the model has dense, batch_normalization, dense_1.`,
  ],
  [
    "another shape",
    (root) =>
      Object.assign(vars(root, "layers", "dense"), {
        0: { ...vars(root, "layers", "dense")[0], shape: [3, 2] },
      }),
    `layers/dense/vars/0 (dense/kernel) must have shape [2, 3], got [3, 2]. ${fix}.`,
  ],
  [
    "a NaN",
    (root) => {
      vars(root, "layers", "dense_1")[0]!.data[4] = Number.NaN;
    },
    "layers/dense_1/vars/0 (dense_1/kernel) must hold finite numbers, got NaN at 4. " +
      "Load an earlier file, or pass { allowNonFinite: true }.",
  ],
  [
    "texts",
    (root) =>
      Object.assign(vars(root, "layers", "dense"), {
        1: { kind: "dataset", shape: [3], data: ["a", "b", "c"], attributes: {} },
      }),
    "layers/dense/vars/1 (dense/bias) must hold numbers, got texts.",
  ],
  [
    "no weights at all",
    (root) => {
      for (const name of Object.keys(root.children)) delete root.children[name];
    },
    "must hold weights as Keras 3 saves them, in a group layers, got groups of none.",
  ],
];

/** What can be wrong with the optimizer's state. */
const wrongState: readonly [string, (root: Tree) => void, string][] = [
  [
    "a missing entry",
    (root) => delete vars(root, "optimizer")[3],
    "must hold optimizer/vars/3 (adam/dense/kernel/velocity) of shape [2, 3], got nothing there",
  ],
  [
    "a count that is none",
    (root) => Object.assign(vars(root, "optimizer")[0]!, { data: Int32Array.of(-1) }),
    "optimizer/vars/0 must be a count, got -1.",
  ],
  [
    "another number of entries",
    (root) => {
      for (let i = 9; i < 14; i++) delete vars(root, "optimizer")[i];
    },
    "optimizer/vars must hold 13 or 14 entries for adam, got 9. " +
      "Load it with { compile: false } and compile it anew, or compile with the same optimizer.",
  ],
];

describe("loadModel", () => {
  it.each([...wrong, ...wrongState])("tells of %s", async (_, change, expected) => {
    await withWeights(change);
    const told = await message(loadModel(path, { engine }));
    expect(told).toMatch(/^(Data|Shape)Error /);
    expect(told).toContain(`Error ${path}: ${expected}`);
  });

  it("takes NaN where that is asked for", async () => {
    await withWeights(wrong[5]![1]);
    const model = await loadModel(path, { engine, allowNonFinite: true });
    expect((await model.weights.at(-2)!.read()).data[4]).toBeNaN();
  });

  it("does without a broken optimizer's state with compile: false", async () => {
    await withWeights(wrongState[0]![1]);
    expect(await message(loadModel(path, { engine, compile: false }))).toBe("no error");
  });

  it("tells of a file that is cut off or changed, wherever that is", async () => {
    for (const length of [0, 1, 3, 100, 5000, content.length - 30, content.length - 1]) {
      writeFileSync(path, content.subarray(0, length));
      expect(await message(loadModel(path, { engine }))).toContain(`DataError ${path}`);
    }
    for (let at = 40; at < content.length; at += 1501) {
      const changed = content.slice();
      changed[at]! ^= 0x55;
      writeFileSync(path, changed);
      expect(await message(loadModel(path, { engine }))).toMatch(/^\w+Error .*model\.keras/);
    }
  });

  it("tells what it is instead", async () => {
    const about = async (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      return message(loadModel(path, { engine }));
    };
    const alone = `DataError ${path}: must hold a whole model, got weights alone. Make the model first, then: await model.loadWeights(file).`;
    expect(await about(readFileSync(weightsPath))).toBe(alone);
    expect(await about(await net.toBytes("safetensors"))).toBe(alone);
    expect(await about(new TextEncoder().encode("hello, this is no model"))).toContain(
      `${path}: must be a .keras, .h5 or .safetensors file, got 23 bytes of something else.`,
    );
    expect(await about(await writeZip(new Map([["a.txt", new Uint8Array(2)]])))).toBe(
      `DataError ${path}: must hold config.json, got a.txt. A .keras file is what model.save writes, here or in Keras 3.`,
    );
  });

  it("tells of a config that is broken or unknown", async () => {
    await withEntry("config.json", () => undefined);
    expect(await message(loadModel(path, { engine }))).toContain("must hold config.json");
    await withEntry("config.json", (text) => text.slice(0, 90));
    expect(await message(loadModel(path, { engine }))).toContain(
      `DataError ${path}: config.json must be JSON, got `,
    );
    await withEntry("config.json", () => "[]");
    expect(await message(loadModel(path, { engine }))).toContain("config.json must be an object");
    await withEntry("config.json", (text) => text.replace('"Dense"', '"Conv2D"'));
    expect(await message(loadModel(path, { engine }))).toContain(
      `NameError ${path}: deserialize layer: class_name must be a layer of the library or a registered one, got "Conv2D". Pass customObjects: { Conv2D }`,
    );
    await withEntry("config.json", (text) => text.replace('"units":3', '"units":-3'));
    expect(await message(loadModel(path, { engine }))).toMatch(
      new RegExp(`^ValueError ${path}: Dense "dense": units must be`),
    );
    await withEntry("config.json", (text) => text.replace('"units":3', '"units":4'));
    expect(await message(loadModel(path, { engine }))).toContain("must have shape [2, 4]");
    await withEntry("config.json", (text) => text.replace(/"layers":\[.*?\]/, '"layers":[null]'));
    expect(await message(loadModel(path, { engine }))).toMatch(new RegExp(`^\\w+Error ${path}: `));
    // Nothing is drawn that the file cannot fill.
    await withEntry("config.json", (text) => text.replace('"units":3', '"units":300000000'));
    expect(await message(loadModel(path, { engine }))).toBe(
      `MemoryError ${path}: Dense "dense" weight "kernel": a model's layers must have about as many weights ` +
        "as its file holds, got one of shape [2, 300000000]. The file is broken: save it again.",
    );
  });

  it("tells of our own entry where it is broken", async () => {
    await withEntry("antler/model.json", (text) => text.replace('"format":1', '"format":9'));
    expect(await message(loadModel(path, { engine }))).toContain(
      `DataError ${path}: antler/model.json must have format 1, got 9.`,
    );
    await withEntry("antler/model.json", (text) =>
      text.replace(/"counters":\[1/, '"counters":[-1'),
    );
    expect(await message(loadModel(path, { engine }))).toContain("whole numbers as counters");
    await withEntry("antler/model.json", (text) => text.replace(/"seed":5/, '"seed":0.5'));
    expect(await message(loadModel(path, { engine }))).toContain("seed");
    await withEntry("antler/model.json", () => undefined);
    expect(await message(loadModel(path, { engine }))).toBe("no error");
  });
});

describe("loadWeights", () => {
  it.each([...wrong, ...wrongState.slice(0, 2)])(
    "changes nothing where there is %s",
    async (_, change, expected) => {
      await withWeights(change, weightsPath);
      const model = make();
      model.compile({ optimizer: "adam", loss: "meanSquaredError" });
      await model.fit(x, x);
      const variables = [...model.weights, ...model.optimizer.variables];
      const before = await Promise.all(variables.map((variable) => variable.read()));
      expect(await message(model.loadWeights(weightsPath))).toContain(
        `Error ${weightsPath}: ${expected}`,
      );
      expect(await Promise.all(variables.map((variable) => variable.read()))).toEqual(before);
    },
  );

  it("tells of another model's weights", async () => {
    await withWeights(() => {}, weightsPath);
    expect(await message(make(4).loadWeights(weightsPath))).toBe(
      `ShapeError ${weightsPath}: layers/dense/vars/0 (dense/kernel) must have shape [2, 4], got [2, 3]. ${fix}.`,
    );
  });
});

describe("a disk that is full", () => {
  it("leaves the old file, and nothing beside it", async () => {
    writeFileSync(path, content);
    const before = readdirSync(folder);
    faults.room = 1000;
    const error = await net.save(path).catch((one) => one);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(`${path}: must be a writable file, got ENOSPC`);
    faults.room = 0;
    await expect(net.saveWeights(join(folder, "new.weights.h5"))).rejects.toThrow(DataError);
    expect(new Uint8Array(readFileSync(path))).toEqual(content);
    expect(readdirSync(folder)).toEqual(before);
    endFaults();
    await net.save(path);
    expect(await message(loadModel(path, { engine }))).toBe("no error");
  });

  it("is told of a folder that is not there, and of one in the file's place", async () => {
    const nowhere = join(folder, "none", "model.keras");
    expect(await message(net.save(nowhere))).toContain(`DataError ${nowhere}: must be a writable`);
    expect(await message(loadModel(folder, { engine }))).toContain(`DataError ${folder}`);
  });
});
