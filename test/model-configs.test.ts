/** Whole models as config objects, against Keras 3 and tf_keras: see tools/golden/models.py. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import {
  Engine,
  type HostArray,
  input,
  Layer,
  layers,
  losses,
  type Model,
  metrics,
  model,
  modelFromJson,
  optimizers,
  registerSerializable,
  schedules,
  sequential,
  type Tensor,
} from "../src/index.ts";

type Nested = number | readonly Nested[];

interface Entry {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly name?: string;
}

interface Config extends Entry {
  readonly compile_config?: Readonly<Record<string, unknown>>;
}

interface Fact {
  readonly name: string;
  readonly config: Config;
  readonly layers: readonly string[];
  readonly weights: readonly Nested[];
  readonly inputs: readonly Nested[];
  readonly isList: boolean;
  readonly outputs: readonly Nested[];
}

const golden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../tools/golden/${name}`, import.meta.url), "utf8")) as T;

const keras = golden<{ models: Fact[]; refused: Record<string, Config> }>("models.json");
const legacy = golden<{ models: Fact[] }>("models-legacy.json");

const engine = new Engine({ device: "reference" });
afterAll(() => engine.close());

const numbers = (nested: Nested): number[] => [nested].flat(9) as number[];

const arrayOf = (nested: Nested): HostArray => {
  const shape: number[] = [];
  for (let one = nested; typeof one !== "number"; one = one[0]!) shape.push(one.length);
  return { data: Float32Array.from(numbers(nested)), shape };
};

const farthest = (found: ArrayLike<number>, expected: readonly number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(found[i]! - value)));

/** How far the model's predictions are from Keras's, with these weights. */
async function distance(net: Model, fact: Fact, weights = fact.weights): Promise<number> {
  await net.setWeights(weights.map(arrayOf));
  const inputs = fact.inputs.map(arrayOf);
  const predicted: HostArray | HostArray[] = await net.predict(
    inputs.length === 1 ? inputs[0]! : inputs,
  );
  expect(Array.isArray(predicted)).toBe(fact.isList);
  const outputs = [predicted].flat() as HostArray[];
  expect(outputs.map(({ shape }) => shape)).toEqual(
    fact.outputs.map((output) => arrayOf(output).shape),
  );
  return Math.max(...fact.outputs.map((output, i) => farthest(outputs[i]!.data, numbers(output))));
}

const read = (config: object) => modelFromJson(JSON.stringify(config), { engine, seed: 1 });

for (const [library, { models }] of [
  ["Keras 3", keras],
  ["tf_keras", legacy],
] as const)
  describe(`configs of ${library}`, () => {
    for (const fact of models)
      it(`${fact.name}: layers, weights and predictions are its`, async () => {
        const net = read(fact.config);
        expect(net.layers.map(({ name }) => name)).toEqual(fact.layers);
        expect(net.weights.map(({ shape }) => shape)).toEqual(
          fact.weights.map((weight) => arrayOf(weight).shape),
        );
        expect(await distance(net, fact)).toBeLessThan(1e-5);
        const again = read(JSON.parse(net.toJson()));
        expect(again.layers.map(({ name }) => name)).toEqual(fact.layers);
        expect(await distance(again, fact)).toBeLessThan(1e-5);
        expect(again.toJson()).toBe(net.toJson());
      });
  });

const factOf = (name: string) => keras.models.find((fact) => fact.name === name)!;

/** Whether all that `expected` has is in `found`; numbers within float32. */
function within(found: unknown, expected: unknown, path = ""): string[] {
  if (typeof expected === "number" && typeof found === "number")
    return Math.abs(found - expected) <= 1e-6 * Math.abs(expected) ? [] : [path];
  if (typeof expected !== "object" || expected === null)
    return found === expected ? [] : [`${path}: ${JSON.stringify(found)}`];
  if (typeof found !== "object" || found === null) return [path];
  return Object.entries(expected).flatMap(([key, value]) =>
    within((found as Record<string, unknown>)[key], value, `${path}.${key}`),
  );
}

/** What Keras has and means nothing here: names of classes' objects, its backend's choices. */
const ignored = new Set(["name", "dtype", "jit_compile", "loss_scale_factor"]);

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  const kept = Object.entries(object).filter(([key, item]) => !ignored.has(key) && item !== null);
  return Object.fromEntries(kept.map(([key, item]) => [key, bare(item)]));
}

const written = (net: Model): Config => JSON.parse(net.toJson()) as Config;

describe("what a model is trained with", () => {
  for (const name of ["sequential", "built_by_its_data", "two_ends"])
    it(`${name}: is read and written as Keras has it`, () => {
      const { config } = factOf(name);
      const net = read(config);
      const found = written(net).compile_config;
      expect(within(bare(found), bare(config.compile_config))).toEqual([]);
    });

  it("keys of logs are the same after a round trip", async () => {
    const x = input({ shape: [2], name: "x" });
    const outputs = [
      layers.dense({ units: 1, name: "value" }).apply(x),
      layers.dense({ units: 3, activation: "softmax", name: "kind" }).apply(x),
    ];
    const net = model({ inputs: x, outputs, engine, seed: 1 });
    net.compile({
      optimizer: optimizers.adam({
        learningRate: schedules.piecewiseConstantDecay({ boundaries: [2], values: [0.1, 0.01] }),
        clipvalue: 0.5,
      }),
      loss: ["mse", losses.sparseCategoricalCrossentropy({ reduction: "sum" })],
      lossWeights: [0.5, 2],
      metrics: {
        value: ["mae"],
        kind: ["accuracy", metrics.sparseTopKCategoricalAccuracy({ k: 2 })],
      },
      weightedMetrics: { kind: ["accuracy"] },
    });
    const again = modelFromJson(net.toJson(), { engine, seed: 1 });
    expect(again.toJson()).toBe(net.toJson());
    await again.setWeights(await net.getWeights());
    const samples = [
      [0.1, 0.2],
      [0.3, -0.4],
    ];
    const targets = [
      [[1], [2]],
      [0, 2],
    ];
    const logs = await net.trainOnBatch(samples, targets);
    expect(await again.trainOnBatch(samples, targets)).toEqual(logs);
    expect(Object.keys(logs)).toContain("kindAccuracy");
    expect((await again.getWeights()).map(({ data }) => [...data])).toEqual(
      (await net.getWeights()).map(({ data }) => [...data]),
    );
  });

  it("texts are written as Keras reads them", () => {
    const net = sequential([layers.dense({ units: 2, inputShape: [3] })], { engine });
    const optimizer = "sgd";
    net.compile({ optimizer, loss: "kld", metrics: ["MSE", "mae", "exactAccuracy"] });
    const { loss, metrics: texts } = written(net).compile_config!;
    expect(loss).toBe("kld");
    expect(texts).toEqual(["MSE", "mae", expect.objectContaining({ class_name: "Accuracy" })]);
    expect(modelFromJson(net.toJson(), { engine }).toJson()).toBe(net.toJson());
  });

  it("a model that was not compiled is not after reading", () => {
    const net = sequential([layers.dense({ units: 2, inputShape: [3] })], { engine });
    expect(written(net).compile_config).toBeUndefined();
    expect(() => modelFromJson(net.toJson()).optimizer).toThrow("the model must be compiled first");
  });
});

class Doubled extends Layer {
  static override readonly className = "Doubled";
  call(x: Tensor): Tensor {
    return x.multiply(2);
  }
  override computeOutputShape(shape: readonly number[]): readonly number[] {
    return shape;
  }
}

describe("a user's own parts", () => {
  it("are named with what to register", () => {
    const unknown = { class_name: "Strange", config: { name: "strange" } };
    const config = { class_name: "Sequential", config: { name: "net", layers: [unknown] } };
    expect(() => modelFromJson(config)).toThrow(
      /class_name must be a layer of the library or a registered one, got "Strange".*Pass customObjects: \{ Strange \} or call registerSerializable\(Strange\) first\./s,
    );
    const loss = { class_name: "MyLoss", config: {} };
    const compiled = { ...factOf("sequential").config, compile_config: { optimizer: "sgd", loss } };
    expect(() => modelFromJson(compiled)).toThrow(
      /class_name must be a loss of the library or a registered one, got "MyLoss".*"MyLoss": \.\.\. \}/s,
    );
  });

  it("are found by customObjects and where they are registered", async () => {
    const x = input({ shape: [2] });
    const squared = (yTrue: Tensor, yPred: Tensor) => yPred.subtract(yTrue).square();
    const outputs = new Doubled({ name: "twice" }).apply(x);
    const net = model({ inputs: x, outputs, engine, seed: 1 });
    net.compile({ optimizer: "sgd", loss: squared });
    expect(() => net.toJson()).toThrow("Register it first");
    registerSerializable(squared, { package: "test", name: "squared" });
    const text = net.toJson();
    expect(() => modelFromJson(text)).toThrow('got "Doubled"');
    const custom = modelFromJson(text, { customObjects: { Doubled }, engine });
    registerSerializable(Doubled, { package: "test" });
    for (const again of [custom, modelFromJson(net.toJson(), { engine })]) {
      expect([...(await again.predict([[1, 2]])).data]).toEqual([2, 4]);
      expect(await again.testOnBatch([[1, 2]], [[1, 4]])).toEqual({ loss: 0.5 });
    }
  });
});

describe("what Keras writes and has no counterpart is refused", () => {
  const { refused } = keras;
  it.each([
    ["operation", /parts are layers, got the operation ".*" \(Add\) among them\. Use a layer/],
    ["nested", /parts are layers, got the model "inner" \(Sequential\) among them\./],
    ["training", /layers to be called without arguments, got training: false/],
    ["convolution", /got "Conv2D".*registerSerializable\(Conv2D\)/s],
  ])("%s", (name, message) => {
    expect(() => read(refused[name]!)).toThrow(message);
  });

  it.each([
    ["[]", "a name, or an object { class_name, config }, got []"],
    ["{", "modelFromJson: JSON, got "],
    [
      '{"class_name": "Dense", "config": {}}',
      'a model of class Sequential or Functional, got "Dense"',
    ],
    ['{"class_name": "Sequential", "config": {}}', "layers to be a list, got undefined"],
  ])("%s", (text, message) => {
    expect(() => modelFromJson(text)).toThrow(message);
  });

  it("layers in a circle, and such that are not there", () => {
    const dense = (name: string, from: string) => ({
      class_name: "Dense",
      name,
      config: { name, units: 2 },
      inbound_nodes: [[[from, 0, 0, {}]]],
    });
    const config = (...all: object[]) => ({
      class_name: "Functional",
      config: { layers: all, input_layers: [["a", 0, 0]], output_layers: [["b", 0, 0]] },
    });
    expect(() => modelFromJson(config(dense("a", "b"), dense("b", "a")))).toThrow(
      "layers to be connected without a circle, got a/0",
    );
    expect(() => modelFromJson(config(dense("b", "c")))).toThrow(
      "layers to be connected without a circle, got c/0",
    );
  });
});

it("tells weights of layers in another order apart", async () => {
  const fact = factOf("chained_twice");
  const [block, blockBias, other, otherBias] = fact.weights;
  const swapped = [other!, otherBias!, block!, blockBias!];
  expect(await distance(read(fact.config), fact, swapped)).toBeGreaterThan(0.01);
});
