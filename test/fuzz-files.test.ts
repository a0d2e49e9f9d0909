/** Damaged models and data sets: an error every time or a whole model, in bounded time and memory. */
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { gunzip } from "#host";
import { makeTar, noise } from "../src/data/archive.case.ts";
import { cifar10Files, FILE_BYTES, RECORD_BYTES } from "../src/data/cifar10-files.ts";
import { readTar } from "../src/data/tar.ts";
import { limitsFor, readWith } from "../src/formats/hdf5/read.ts";
import { type SessionWorker, startSession } from "../src/formats/hdf5/worker.ts";
import { type H5Dataset, type H5Group, type H5Value, readHdf5 } from "../src/formats/hdf5.ts";
import {
  mutantCount,
  type Sample,
  type SurviveOptions,
  survive,
} from "../src/formats/mutants.case.ts";
import { readZip } from "../src/formats/zip.ts";
import {
  AntlerError,
  DataError,
  datasets,
  Engine,
  layers,
  loadModel,
  Model,
  modelFromJson,
  sequential,
} from "../src/index.ts";
import { readVariables } from "../src/tensor/variable.ts";
import { restoreNet } from "../src/train/saving/keras-archive.ts";
import { netOfConfig } from "../src/train/saving/keras-net.ts";
import { legacyNet } from "../src/train/saving/legacy-net.ts";
import { goldenFiles } from "./golden-files.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

/** The long form takes hours. */
const patience = { timeout: 6 * 3_600_000 };

const model = sequential(
  [
    layers.dense({ units: 3, activation: "elu", inputShape: [2], kernelRegularizer: "l2" }),
    layers.batchNormalization(),
    layers.alphaDropout({ rate: 0.1 }),
    layers.dense({ units: 1 }),
  ],
  { engine, seed: 1 },
);
model.compile({ optimizer: "nadam", loss: "meanSquaredError", metrics: ["mae"] });
await model.trainOnBatch({ data: new Float32Array(8).fill(1), shape: [4, 2] }, [0, 1, 2, 3]);
const keras = await model.toBytes("keras");
const entries = await readZip(keras);
const golden = (name: string) =>
  goldenFiles("files-legacy").find(({ fact }) => fact.file === name)!.content;

/** Every error is one of ours and says something; `survive` counts those of one class. */
const oneClass =
  (read: (bytes: Uint8Array) => unknown) =>
  async (bytes: Uint8Array): Promise<unknown> => {
    try {
      return await read(bytes);
    } catch (error) {
      if (!(error instanceof AntlerError)) throw error;
      const { who, expected, received } = error;
      throw new DataError({ who, expected, received, cause: error });
    }
  };

/** What was read is a whole model: its weights are there, finite, and as many as their shapes say. */
async function whole(task: Model | Promise<Model>): Promise<Model> {
  const read = await task;
  for (const { data, shape } of await read.getWeights()) {
    expect(data.length).toBe(shape.reduce((size, extent) => size * extent, 1));
    expect(data.every(Number.isFinite)).toBe(true);
  }
  return read;
}

async function fuzz(
  samples: readonly Sample[],
  read: (bytes: Uint8Array) => unknown,
  short: number,
  options: Partial<SurviveOptions> = {},
): Promise<void> {
  const count = mutantCount(short);
  const told = await survive(samples, oneClass(read), { count, ...options });
  expect(told.values + told.errors).toBe(count);
  expect(told.pastHeader).toBeGreaterThan(count / 2);
  expect(told.errors).toBeGreaterThan(count / 4);
}

describe("configs", () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const samples = [
    { name: "sequential", bytes: text(model.toJson()), header: 0 },
    { name: "keras", bytes: entries.get("config.json")!, header: 0 },
  ];

  it("as JSON survive mutants", patience, async () => {
    const read = (bytes: Uint8Array) =>
      whole(modelFromJson(new TextDecoder().decode(bytes), { engine }));
    await fuzz(samples, read, 2000, { milliseconds: 20_000 });
  });
});

/** What stands at a place of a config instead. */
const others: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  1e300,
  "",
  "x",
  [],
  {},
  [null],
  [[]],
  { class_name: "Dense" },
  { class_name: "x", config: {} },
];

type Node = Record<string, unknown>;

/** Every place of a value: its holder and key. */
function* places(value: unknown): Generator<[Node, string]> {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    yield [value as Node, key];
    yield* places((value as Node)[key]);
  }
}

describe("every value of a config", () => {
  const tfKeras = readFileSync(
    new URL("../tools/golden/models-legacy.json", import.meta.url),
    "utf8",
  );
  const { models } = JSON.parse(tfKeras) as { models: { name: string; config: Node }[] };
  const keras2 = models.filter(({ name }) => ["sequential", "two_ends"].includes(name));
  const configs = [
    { name: "ours", config: JSON.parse(model.toJson()) as Node },
    ...keras2.map(({ name, config }) => ({ name: `tf_keras ${name}`, config })),
  ];

  it.each(configs)(
    "$name, replaced or gone, is an error or a model",
    patience,
    async ({ config }) => {
      let errors = 0;
      for (const [holder, key] of places(config)) {
        const old = holder[key];
        for (const other of [...others, undefined]) {
          holder[key] = other;
          const text = JSON.stringify(config);
          try {
            await whole(modelFromJson(text, { engine }));
          } catch (error) {
            if (!(error instanceof AntlerError))
              throw new Error(`${key}: ${JSON.stringify(old)} -> ${JSON.stringify(other)}`, {
                cause: error,
              });
            errors++;
          }
        }
        holder[key] = old;
      }
      expect(errors).toBeGreaterThan(1000);
    },
  );
});

const options = {
  compile: true,
  customObjects: {},
  seed: 1,
  engine,
  allowNonFinite: false,
} as const;

/** Loads of a `.h5` that was taken apart: without a worker for each. */
describe("every part of a .h5", () => {
  /** Whether it loads; throws where the error is none of ours. */
  async function loads(root: H5Group, what: string): Promise<boolean> {
    try {
      const net = await legacyNet(root, options, "mutant");
      for (const { data } of await readVariables(net.weights))
        expect(data.every(Number.isFinite)).toBe(true);
      return true;
    } catch (error) {
      if (!(error instanceof AntlerError)) throw new Error(what, { cause: error });
      expect(error.message.startsWith("mutant")).toBe(true);
      return false;
    }
  }

  it.each(["legacy-adam.h5", "new-nadam.h5", "legacy-ends.h5"])("%s", patience, async (name) => {
    const root = await readHdf5(golden(name));
    expect(await loads(root, name)).toBe(true);
    let errors = 0;
    const count = async (what: string) => void ((await loads(root, what)) || errors++);
    for (const attribute of ["model_config", "training_config"]) {
      const attributes = root.attributes as Record<string, H5Value>;
      const old = attributes[attribute] as string;
      const config = JSON.parse(old) as Node;
      for (const [holder, key] of places(config)) {
        const value = holder[key];
        for (const other of [...others.slice(0, 14), undefined]) {
          holder[key] = other;
          attributes[attribute] = JSON.stringify(config);
          await count(`${attribute} ${key} = ${JSON.stringify(other)}`);
        }
        holder[key] = value;
      }
      attributes[attribute] = old;
    }
    const numbers = { data: Float64Array.of(1, 2), shape: [2] };
    const values: (H5Value | undefined)[] = ["", "{}", 1, true, [], ["x"], ["", "dense"], numbers];
    const empty: H5Group = { kind: "group", attributes: {}, children: {} };
    const scalar: H5Dataset = {
      kind: "dataset",
      shape: [],
      data: Float32Array.of(1),
      attributes: {},
    };
    const text: H5Dataset = { ...scalar, data: ["x"] };
    const visit = async (group: H5Group, path: string): Promise<void> => {
      const attributes = group.attributes as Record<string, H5Value | undefined>;
      for (const [key, old] of Object.entries(attributes)) {
        for (const value of [...values, undefined]) {
          attributes[key] = value;
          await count(`${path}@${key} = ${describeValue(value)}`);
        }
        attributes[key] = old;
      }
      const children = group.children as Record<string, H5Group | H5Dataset>;
      for (const [key, old] of Object.entries(children)) {
        for (const child of [empty, scalar, text]) {
          children[key] = child;
          await count(`${path}/${key}`);
        }
        delete children[key];
        await count(`${path}/${key} gone`);
        children[key] = old;
        if (old.kind === "group") await visit(old, `${path}/${key}`);
      }
    };
    await visit(root, "");
    expect(errors).toBeGreaterThan(1000);
  });
});

const describeValue = (value: unknown): string => JSON.stringify(value) ?? "nothing";

/** `readHdf5` has a worker for each file; this one goes on until a file breaks it. */
class Hdf5Reader {
  readonly #limits = limitsFor(60_000, { milliseconds: 5000 });
  #worker: SessionWorker | undefined;

  async read(bytes: Uint8Array): Promise<H5Group> {
    this.#worker ??= (await startSession(this.#limits.worker))!;
    try {
      return await readWith(this.#worker, bytes, this.#limits, "mutant");
    } catch (error) {
      if (!`${error}`.includes("HDF5 says")) await this.end();
      throw error;
    }
  }

  async end(): Promise<void> {
    await this.#worker?.end();
    this.#worker = undefined;
  }
}

describe("whole models", () => {
  const reader = new Hdf5Reader();
  afterAll(() => reader.end());

  it(".keras survives mutants", patience, () => {
    const load = (bytes: Uint8Array) => whole(loadModel(bytes, { engine }));
    return fuzz([{ name: "zip", bytes: keras, header: 30 }], load, 150);
  });

  it("the HDF5 in a .keras survives mutants", patience, () => {
    const config = JSON.parse(new TextDecoder().decode(entries.get("config.json"))) as Node;
    const sample = { name: "weights", bytes: entries.get("model.weights.h5")!, header: 96 };
    const read = async (bytes: Uint8Array): Promise<Model> => {
      const weights = await reader.read(bytes);
      const net = await netOfConfig(config, options, "mutant", undefined, weights);
      const archive = { config, metadata: {}, weights, extra: new Map() };
      await restoreNet(net, archive, "mutant", options);
      return whole(new Model(net));
    };
    return fuzz([sample], read, 150);
  });

  it(".h5 survives mutants", patience, () => {
    const samples = ["legacy-nadam.h5", "legacy-ends.h5"].map((name) => ({
      name,
      bytes: golden(name),
      header: 96,
    }));
    const read = async (bytes: Uint8Array): Promise<Model> =>
      whole(new Model(await legacyNet(await reader.read(bytes), options, "mutant")));
    return fuzz(samples, read, 150);
  });
});

describe("CIFAR-10", () => {
  const names = ["data_batch_1.bin", "data_batch_2.bin", "batches.meta.txt", "readme.html"];
  const contents = new Map(names.map((name, i) => [`batches/${name}`, noise(700 * (i + 1), i)]));
  const tar = makeTar([
    { path: "batches/", type: "5" },
    ...[...contents].map(([path, content]) => ({ path, content })),
  ]);

  async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += 300) yield bytes.slice(start, start + 300);
  }

  /** The files in an archive; the sizes that it tells of are those that come. */
  async function unpack(chunks: AsyncIterable<Uint8Array>): Promise<Map<string, number[]>> {
    const files = new Map<string, number[]>();
    await readTar("archive", chunks, async ({ path, bytes }) => {
      if (!contents.has(path)) return undefined;
      const content: number[] = [];
      return {
        write: async (part) => void content.push(...part),
        end: async () => {
          expect(content.length).toBe(bytes);
          files.set(path, content);
        },
      };
    });
    return files;
  }

  it("as tar survives mutants", patience, () =>
    fuzz([{ name: "tar", bytes: tar, header: 512 }], (bytes) => unpack(pieces(bytes)), 3000, {
      milliseconds: 2000,
    }),
  );

  it("as gzip survives mutants: whatever is read is right", patience, () => {
    const bytes = gzipSync(tar);
    const read = (damaged: Uint8Array) => unpack(gunzip(pieces(damaged)));
    const right = (value: unknown) => {
      for (const [path, content] of value as Map<string, number[]>)
        expect(content).toEqual([...contents.get(path)!]);
    };
    return fuzz([{ name: "gzip", bytes, header: 10 }], read, 1500, {
      check: right,
      milliseconds: 2000,
    });
  });

  it("in its files: another label is an error, another pixel is that pixel", patience, async () => {
    const folder = mkdtempSync(join(tmpdir(), "antler-fuzz-"));
    try {
      for (const name of cifar10Files) resize(join(folder, name), FILE_BYTES);
      const place = join(folder, "test_batch.bin");
      for (let i = 0; i < mutantCount(6) / 10 + 5; i++) {
        const record = (i * 7919) % 10_000;
        const at = record * RECORD_BYTES + (i % 2);
        const value = (i * 37 + 5) % 256;
        put(place, at, value);
        const reading = datasets.cifar10({ folder, validation: 0, limit: 1 });
        if (i % 2 === 0 && value > 9)
          await expect(reading).rejects.toThrow(
            `test_batch.bin: labels must be 0 to 9, got ${value} in record ${record} (counted from 0).`,
          );
        else {
          const { x, y } = (await reading).test;
          expect(i % 2 === 0 ? y.data[record] : x.data[record * 3072]).toBe(value);
        }
        put(place, at, 0);
      }
      resize(place, FILE_BYTES - 1);
      await expect(datasets.cifar10({ folder })).rejects.toThrow("(it is truncated)");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** A file of zeros that takes no room. */
function resize(path: string, bytes: number): void {
  const file = openSync(path, "a");
  ftruncateSync(file, bytes);
  closeSync(file);
}

function put(path: string, at: number, value: number): void {
  const file = openSync(path, "r+");
  writeSync(file, Uint8Array.of(value), 0, 1, at);
  closeSync(file);
}
