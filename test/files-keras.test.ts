/**
 * Files of real Keras 3 (tools/golden/files.py), of the first one (files_early.py) and of Keras 2.13
 * (files_2_13.py): read, asked, and trained on.
 */
import { afterAll, describe, expect, it } from "vitest";
import { type H5Dataset, type H5Group, readHdf5 } from "../src/formats/hdf5.ts";
import { readZip, writeZip } from "../src/formats/zip.ts";
import { Engine, type HostArray, loadModel, modelFromJson } from "../src/index.ts";
import {
  distanceOf,
  farthest,
  goldenFiles,
  numbers,
  stepDistance,
  weightsOf,
} from "./golden-files.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const files = goldenFiles("files-keras");
const older = [
  ["Keras 2.13", "files-2-13"],
  ["Keras 3.0.5", "files-early"],
].flatMap(([version, name]) =>
  goldenFiles(name!).map(({ fact, content }) => ({
    fact: { ...fact, file: `${version} ${fact.file}` },
    content,
  })),
);
const find = (name: string) => files.find(({ fact }) => fact.file === name)!;
const isWhole = ({ fact }: { fact: { file: string } }) => fact.file.endsWith(".keras");

const load = (content: Uint8Array) =>
  loadModel<HostArray | HostArray[]>(content, { engine, seed: 1 });

it.each([...files, ...older].filter(isWhole))(
  "$fact.file predicts what Keras predicts, and trains on",
  async ({ fact, content }) => {
    const model = await load(content);
    expect(model.layers.map(({ name }) => name).slice(0, 20)).toEqual(fact.layers);
    expect(model.weights.map(({ shape }) => shape)).toEqual(fact.weights);
    expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    if (!fact.step) return;
    const after = fact.step.weights.flatMap(numbers);
    expect(farthest(await weightsOf(model), after)).toBeGreaterThan(1e-3);
    expect(await stepDistance(model, fact)).toBeLessThan(1e-5);
  },
);

/** Keras multiplies Nadam's product up in float32, which is a number alone. */
const numbersOf = ({ shape, data }: H5Dataset): unknown[] =>
  shape.length > 0 ? [...data] : [...data].map((one) => Number(one).toPrecision(5));

/** Paths of arrays with type, shape and numbers, and of names. */
function facts(group: H5Group, path = ""): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, child] of Object.entries(group.children)) {
    const inner = `${path}/${name}`;
    const own = Object.entries(child.attributes).map(([key, value]) => [`${inner}@${key}`, value]);
    const more =
      child.kind === "group"
        ? facts(child, inner)
        : [[inner, [child.data.constructor.name, child.shape, numbersOf(child)]]];
    for (const [key, value] of [...own, ...more] as [string, unknown][]) found.set(key, value);
  }
  return found;
}

/** One of each structure. */
const structures = [
  ...["sgd", "rmsprop-all", "adam-both", "adamw", "nadam", "adadelta", "ftrl", "exponential"],
  ...["frozen", "ends", "rms", "shared", "unused", "chain", "merges"],
];

it.each(structures)("%s.keras is written as Keras wrote it", async (name) => {
  const { content } = find(`${name}.keras`);
  const archives = [];
  for (const bytes of [content, await (await load(content)).toBytes("keras")])
    archives.push(await readZip(bytes));
  const [theirs, ours] = await Promise.all(
    archives.map(async (entries) => facts(await readHdf5(entries.get("model.weights.h5")!))),
  );
  const isUnused = theirs.size < ours.size;
  for (const [place, value] of theirs) {
    expect(ours.get(place), place).toEqual(value);
    ours.delete(place);
  }
  // Keras makes the state with the first step; what it does not have here is zeros or ones.
  const left = [...ours.keys()];
  expect(left.every((place) => isUnused && place.startsWith("/optimizer/vars/"))).toBe(true);
});

/** A model like that in a `.keras` file, with other weights and the optimizer of that file, unused. */
async function freshLike(content: Uint8Array) {
  const config = (await readZip(content)).get("config.json");
  return modelFromJson(new TextDecoder().decode(config), { engine, seed: 2 });
}

describe("weights alone", () => {
  it("come with the optimizer's state", async () => {
    const { fact, content } = find("trained.weights.h5");
    const model = await freshLike(find("adam.keras").content);
    await model.loadWeights(content);
    expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    expect(await stepDistance(model, fact)).toBeLessThan(1e-5);
  });

  it("come without it where that is asked for, or where it is that of another optimizer", async () => {
    const { fact, content } = find("trained.weights.h5");
    for (const [like, options] of [
      ["adam", { optimizer: false }],
      ["sgd", {}],
      // As many arrays of the same shapes, of another kind.
      ["adamax", {}],
    ] as const) {
      const model = await freshLike(find(`${like}.keras`).content);
      await model.loadWeights(content, options);
      expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
      const state = await Promise.all(model.optimizer.variables.map((one) => one.read()));
      expect(state.flatMap(({ data }) => [...data]).every((value) => value === 0)).toBe(true);
    }
    const model = await freshLike(find("adamax.keras").content);
    await expect(model.loadWeights(content, { optimizer: true })).rejects.toThrow(
      'loadWeights: must hold the state of adamax, got that of "adam".',
    );
  });

  it("come from a model that was not compiled, and from a whole one", async () => {
    const { fact, content } = find("plain.weights.h5");
    const model = await freshLike(find("shared.keras").content);
    await model.loadWeights(content);
    expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    await expect(model.loadWeights(content, { optimizer: true })).rejects.toThrow(
      "loadWeights: must hold the state of an optimizer, got weights alone.",
    );
    const whole = find("shared.keras");
    await model.loadWeights(whole.content);
    expect(await distanceOf(model, whole.fact)).toBeLessThan(1e-5);
    expect(await stepDistance(model, whole.fact)).toBeLessThan(1e-5);
  });
});

describe("a near miss", () => {
  it.each(["sgd-nesterov", "adam-ema", "adam-accumulating", "nadam", "adadelta"])(
    "%s without its state takes another step",
    async (name) => {
      const { fact, content } = find(`${name}.keras`);
      const model = await load(content);
      for (const variable of model.optimizer.variables.slice(1))
        await variable.write({ data: new Float32Array(variable.size), shape: variable.shape });
      expect(await stepDistance(model, fact)).toBeGreaterThan(1e-4);
    },
  );

  it("Nadam with the other momentum takes another step", async () => {
    const { fact, content } = find("nadam.keras");
    const entries = await readZip(content);
    const config = new TextDecoder().decode(entries.get("config.json"));
    const other = config.replace('"learning_rate": 0.05', '"decay": 0.004, "learning_rate": 0.05');
    expect(other).not.toBe(config);
    entries.set("config.json", new TextEncoder().encode(other));
    const model = await load(await writeZip(entries));
    expect(model.optimizer.options?.momentumDecay).toBe(0.004);
    expect(await stepDistance(model, fact)).toBeGreaterThan(1e-4);
  });
});
