/**
 * Files of tf_keras (tools/golden/files_legacy.py), and `.h5` of Keras 3 (files_h5.py): read, asked, and
 * trained on; and our own `.h5`.
 */
import { afterAll, describe, expect, it } from "vitest";
import { type H5Group, readHdf5, writeHdf5 } from "../src/formats/hdf5.ts";
import {
  type CallContext,
  Engine,
  type HostArray,
  Layer,
  layers,
  loadModel,
  type Optimizer,
  optimizers,
  registerSerializable,
  type Shape,
  schedules,
  sequential,
  type Tensor,
  type Variable,
} from "../src/index.ts";
import {
  distanceOf,
  farthest,
  type GoldenFile,
  goldenFiles,
  numbers,
  stepDistance,
  weightsOf,
} from "./golden-files.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const legacy = goldenFiles("files-legacy");
const keras3 = goldenFiles("files-h5");
const find = (name: string) => legacy.find(({ fact }) => fact.file === name)!;

const load = (content: Uint8Array, compile = true) =>
  loadModel<HostArray | HostArray[]>(content, { engine, seed: 1, compile });

/** Weights alone, and names that layers cannot have here or in Keras 3. */
const isLoaded = ({ fact: { file } }: GoldenFile) => !/weights|slashed/.test(file);

it.each([...legacy, ...keras3].filter(isLoaded))(
  "$fact.file predicts what its own library predicts, and trains on",
  async ({ fact, content }) => {
    const model = await load(content);
    const names = model.layers.map(({ name }) => name);
    expect(names.slice(0, 20)).toEqual(fact.layers.filter((name) => names.includes(name)));
    expect(model.weights.map(({ shape }) => shape)).toEqual(fact.weights);
    expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    // tf_keras leaves the state of its older optimizers out of .keras files.
    if (!fact.step || fact.file === "legacy-nadam.keras") return;
    const after = fact.step.weights.flatMap(numbers);
    expect(farthest(await weightsOf(model), after)).toBeGreaterThan(1e-3);
    expect(await stepDistance(model, fact)).toBeLessThan(1e-5);
  },
);

it("counts and metrics are those of the file", async () => {
  const book = await load(find("legacy-nadam.h5").content);
  expect(book.optimizer.options!.momentumDecay).toBe(0.004);
  expect((await book.optimizer.iterations.read()).data[0]).toBe(3);
  expect(book.net.compiled!.metrics.map(({ name }) => name)).toEqual(["accuracy"]);
  const newer = await load(find("new-nadam.h5").content);
  expect(newer.optimizer.options!.momentumDecay).toBe(1);
  // tf_keras leaves the state of its older optimizers out of .keras files, not their rule.
  const archived = await load(find("legacy-nadam.keras").content);
  expect(archived.optimizer.options!.momentumDecay).toBe(0.004);
  expect((await archived.optimizer.iterations.read()).data[0]).toBe(0);
  const two = await load(find("legacy-ends.h5").content);
  expect(two.net.compiled!.metrics.map(({ name }) => name)).toEqual(["kindAccuracy", "valueMae"]);
  const plain = await load(find("legacy-nadam.h5").content, false);
  expect(plain.net.compiled).toBeUndefined();
});

/** The file with other content. */
async function changed(name: string, change: (root: H5Group) => H5Group): Promise<GoldenFile> {
  const { fact, content } = find(name);
  return { fact, content: await writeHdf5(change(await readHdf5(content))) };
}

/** The file with another text in an attribute of the root. */
const withText = (name: string, attribute: string, from: string, to: string) =>
  changed(name, (root) => {
    const text = root.attributes[attribute] as string;
    expect(text).toContain(from);
    return { ...root, attributes: { ...root.attributes, [attribute]: text.replaceAll(from, to) } };
  });

/** The file with another order of the optimizer's state. */
const withState = (name: string, order: (names: string[]) => string[]) =>
  changed(name, (root) => {
    const state = root.children.optimizer_weights as H5Group;
    const names = order([...(state.attributes.weight_names as string[])]);
    const optimizer_weights = { ...state, attributes: { weight_names: names } };
    return { ...root, children: { ...root.children, optimizer_weights } };
  });

describe("a near miss", () => {
  it.each([
    [
      "legacy-nadam.h5 with the newer rule",
      () => withText("legacy-nadam.h5", "training_config", '"decay": 0.004', '"decay": 1.0'),
    ],
    [
      "new-nadam.h5 with the older rule",
      () => withText("new-nadam.h5", "training_config", '"beta_1"', '"decay": 0.004, "beta_1"'),
    ],
    [
      "new-adam.h5 with m and v swapped",
      () =>
        withState("new-adam.h5", (names) =>
          names.map((name) =>
            name.replace(/\/(m|v)\//, (_, slot) => (slot === "m" ? "/v/" : "/m/")),
          ),
        ),
    ],
  ] as const)("%s takes another step", async (_, make) => {
    const { fact, content } = await make();
    expect(await stepDistance(await load(content), fact)).toBeGreaterThan(1e-4);
  });
});

describe("weights alone", () => {
  const stack = () =>
    sequential(
      [
        layers.dense({ units: 4, activation: "elu", inputShape: [3] }),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.prelu(),
        layers.layerNormalization(),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
      { engine, seed: 1 },
    );

  it.each(["stack-weights.h5", "stack.weights.h5", "legacy-adam.h5", "new-nadam.keras"])(
    "of %s go into a model that was made here",
    async (name) => {
      const { fact, content } = find(name);
      const model = stack();
      await model.loadWeights(content);
      expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    },
  );

  it("go by the layers' names where they are the same, in whatever order", async () => {
    const { fact, content } = find("ends-weights.h5");
    const ends = await load(find("legacy-ends.h5").content, false);
    const reversed = await changed("ends-weights.h5", (root) => {
      const names = [...(root.attributes.layer_names as string[])].reverse();
      return { ...root, attributes: { ...root.attributes, layer_names: names } };
    });
    for (const bytes of [content, reversed.content]) {
      await ends.setWeights(
        ends.weights.map(({ shape, size }) => ({ data: new Float32Array(size), shape })),
      );
      await ends.loadWeights(bytes);
      expect(await distanceOf(ends, fact)).toBeLessThan(1e-5);
    }
  });

  it("go in the order of layer_names else, also through groups in groups", async () => {
    const { fact, content } = find("legacy-slashed.h5");
    const dense = () => layers.dense({ units: 3, activation: "elu" });
    const model = sequential([layers.input({ shape: [3] }), dense(), dense(), dense()], { engine });
    await model.loadWeights(content);
    expect(await distanceOf(model, fact)).toBeLessThan(1e-5);
    await expect(load(content)).rejects.toThrow(
      'loadModel: Dense "block/b": name must be a text without slashes, got "block/b".',
    );
  });

  it("bring the state of the optimizer that the model is compiled with", async () => {
    const { fact, content } = find("legacy-adam.h5");
    const model = await load(content, false);
    const { optimizer } = await load(content);
    const fresh = () => deserialized(optimizer);
    model.compile({ optimizer: fresh(), loss: "sparseCategoricalCrossentropy" });
    await model.loadWeights(content);
    expect(await stepDistance(model, fact)).toBeLessThan(1e-5);
    const other = await load(content, false);
    other.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
    await other.loadWeights(content);
    await expect(other.loadWeights(content, { optimizer: true })).rejects.toThrow(
      "loadWeights: optimizer_weights must hold iter alone of every weight for sgd, got 9 of m, 9 of v, 9 of vhat. Load the model with { compile: false }, weights with { optimizer: false }.",
    );
  });
});

const deserialized = (optimizer: Optimizer): Optimizer =>
  optimizers.adam({ ...(optimizer.options as object) });

describe("our own .h5", () => {
  const optimizersOf = {
    book: () => optimizers.nadam({ learningRate: 0.05 }),
    cycled: () =>
      optimizers.sgd({
        momentum: 0.9,
        learningRate: schedules.oneCycle({ maxRate: 0.1, totalSteps: 9 }),
      }),
    averaging: () => optimizers.adam({ learningRate: 0.05, useEma: true, amsgrad: true }),
  };
  const data = (n: number, shape: number[]) => ({
    data: Float32Array.from({ length: n }, (_, i) => Math.sin(i)),
    shape,
  });
  const [x, y] = [data(24, [8, 3]), data(16, [8, 2])];

  it.each(Object.keys(optimizersOf) as (keyof typeof optimizersOf)[])(
    "goes on bit for bit with %s",
    async (name) => {
      const model = sequential(
        [
          layers.dense({ units: 4, activation: "selu", inputShape: [3] }),
          layers.alphaDropout({ rate: 0.2 }),
          layers.layerNormalization({ axis: [1] }),
          layers.dense({ units: 2 }),
        ],
        { engine, seed: 7 },
      );
      model.compile({
        optimizer: optimizersOf[name](),
        loss: "meanSquaredError",
        metrics: ["mae"],
      });
      for (let step = 0; step < 3; step++) await model.trainOnBatch(x, y);
      const content = await model.toBytes("h5");
      const copy = await loadModel(content, { engine });
      expect(copy.seed).toBe(7);
      for (let step = 0; step < 2; step++) {
        await model.trainOnBatch(x, y);
        await copy.trainOnBatch(x, y);
      }
      expect(await copy.getWeights()).toEqual(await model.getWeights());
      expect(copy.net.compiled!.metrics.map(({ name: key }) => key)).toEqual(["mae"]);
      const root = await readHdf5(content);
      expect(Object.keys(root.attributes).sort()).toEqual([
        "backend",
        "keras_version",
        "model_config",
        "training_config",
      ]);
      expect(Object.keys(root.children).sort()).toEqual(["antler", "model_weights"]);
    },
  );

  it("has a layer of one's own, by its registered name", async () => {
    class Shift extends Layer {
      static override readonly className = "Shift";
      offset!: Variable;
      override build([size]: Shape) {
        this.offset = this.addWeight({ name: "offset", shape: [size!], initializer: "ones" });
      }
      call(x: Tensor, { trace }: CallContext) {
        return x.add(trace.read(this.offset));
      }
    }
    registerSerializable(Shift, { package: "legacy_files" });
    const model = sequential([layers.dense({ units: 2, inputShape: [3] }), new Shift()], {
      engine,
    });
    const content = await model.toBytes("h5");
    const { attributes } = await readHdf5(content);
    expect(attributes.model_config).toContain('"legacy_files>Shift"');
    const copy = await loadModel(content, { engine });
    expect(copy.layers[1]).toBeInstanceOf(Shift);
    expect(await copy.getWeights()).toEqual(await model.getWeights());
  });

  it("of Keras 1 and early 2 has the layers in the place of the config", async () => {
    const { fact, content } = await changed("nested.h5", (root) => {
      const { config, ...model } = JSON.parse(root.attributes.model_config as string) as {
        config: { layers: unknown[] };
      };
      const model_config = JSON.stringify({ ...model, config: config.layers });
      return { ...root, attributes: { ...root.attributes, model_config } };
    });
    expect(await distanceOf(await load(content), fact)).toBeLessThan(1e-5);
  });

  it("has lists of names cut as Keras cuts them", async () => {
    const named = Array.from({ length: 230 }, (_, i) =>
      layers.activation({ activation: "linear", name: `layer_${i}_${"x".repeat(290)}` }),
    );
    const model = sequential(
      [layers.input({ shape: [3] }), ...named.slice(1), layers.dense({ units: 2 }), named[0]!],
      { engine },
    );
    const content = await model.toBytes("h5");
    const { attributes } = (await readHdf5(content)).children.model_weights as H5Group;
    expect(Object.keys(attributes).sort()).toEqual([
      "backend",
      "keras_version",
      "layer_names0",
      "layer_names1",
    ]);
    expect((attributes.layer_names0 as string[]).length).toBe(116);
    const copy = await loadModel(content, { engine });
    expect(await copy.getWeights()).toEqual(await model.getWeights());
  });
});
