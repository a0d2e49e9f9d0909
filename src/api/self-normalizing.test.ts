/** The check of nets that are to normalize themselves. */
import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { normal } from "../base/philox.ts";
import { variantModel } from "../lab/variants.ts";
import { initializers } from "../nn/initializers.ts";
import type { AnyLayer } from "../nn/layer.ts";
import * as layers from "../nn/layers/index.ts";
import { input } from "../nn/layers/input.ts";
import type { SelfNormalizing } from "../nn/self-normalizing.ts";
import { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { model as functional } from "./functional.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

type DenseOptions = Partial<layers.DenseOptions>;
const selu = (options: DenseOptions = {}) =>
  layers.dense({ units: 4, activation: "selu", kernelInitializer: "lecunNormal", ...options });
const output = () => layers.dense({ units: 3, activation: "softmax" });

/** Flatten, a hidden layer, what is under test, a hidden layer, the output. */
const around = (...parts: AnyLayer[]) =>
  sequential([layers.flatten({ inputShape: [2, 3] }), selu(), ...parts, selu(), output()], {
    engine,
  });

const data = (mean: number, deviation: number, rows = 400): HostArray => ({
  data: normal(3, "data", 0, rows * 6).map((z) => mean + deviation * z),
  shape: [rows, 2, 3],
});

const problemsOf = async (model: ReturnType<typeof around>) => {
  const { passes, problems } = await model.checkSelfNormalizing();
  expect(passes).toBe(problems.length === 0);
  return problems.map(({ layer, problem }) => `${layer}: ${problem}`);
};

describe("checkSelfNormalizing passes", () => {
  it("the lab's nets of SELUs", async () => {
    for (const name of ["selu", "alpha", "onecycle"] as const) {
      const model = variantModel(name, { seed: 1, engine });
      const { passes, problems, unchecked, advice } = await model.checkSelfNormalizing();
      expect({ passes, problems, advice }).toEqual({ passes: true, problems: [], advice: [] });
      // Before adapt, nothing is known of the inputs; with statistics they are standardized.
      expect(unchecked).toEqual([
        "Whether the inputs of dense have mean 0 and variance 1: give some as " +
          "checkSelfNormalizing({ x }), or put an adapted Normalization first.",
      ]);
      const pictures = {
        data: Uint8Array.from({ length: 20 * 3072 }, (_, i) => (i * 7919) % 251),
        shape: [20, 32, 32, 3],
      };
      const [normalization] = model.layers as unknown as [layers.Normalization];
      await normalization.adapt(pictures);
      expect((await model.checkSelfNormalizing()).unchecked).toEqual([]);
      const checked = await model.checkSelfNormalizing({ x: pictures });
      expect(checked).toEqual({ passes: true, problems: [], unchecked: [], advice: [] });
    }
  });

  it("the document's net, whose inputs are standardized outside", async () => {
    const model = sequential(
      [
        layers.flatten({ inputShape: [32, 32, 3] }),
        ...Array.from({ length: 20 }, () => selu({ units: 100 })),
        layers.alphaDropout({ rate: 0.1 }),
        layers.dense({ units: 10, activation: "softmax" }),
      ],
      { engine },
    );
    const { passes, unchecked } = await model.checkSelfNormalizing();
    expect([passes, unchecked.length]).toEqual([true, 1]);
    const x = { data: normal(1, "x", 0, 50 * 3072), shape: [50, 32, 32, 3] };
    expect(await model.checkSelfNormalizing({ x })).toEqual({
      ...{ passes: true, problems: [], unchecked: [], advice: [] },
    });
  });

  it.each<[string, AnyLayer[]]>([
    ["alpha dropout between the layers", [layers.alphaDropout({ rate: 0.05 })]],
    [
      "a SELU of its own after a linear layer",
      [selu({ activation: "linear" }), layers.activation({ activation: "selu" })],
    ],
    [
      "another shape",
      [layers.reshape({ targetShape: [2, 2] }), layers.permute({ dims: [2, 1] }), layers.flatten()],
    ],
    ["LeCun's uniform weights", [selu({ kernelInitializer: "lecunUniform" })]],
    [
      "variance scaling that says the same",
      [selu({ kernelInitializer: initializers.varianceScaling({ distribution: "uniform" }) })],
    ],
    [
      "no bias, or one of zeros",
      [
        selu({ useBias: false, biasInitializer: "ones" }),
        selu({ biasInitializer: initializers.constant({ value: 0 }) }),
      ],
    ],
    ["noise of rate 0", [layers.dropout({ rate: 0 }), layers.gaussianNoise({ stddev: 0 })]],
  ])("%s", async (_, parts) => {
    expect(await problemsOf(around(...parts))).toEqual([]);
  });

  it("any output layer, and what comes after it", async () => {
    const free = layers.dense({
      ...{ units: 3, kernelInitializer: "zeros", kernelRegularizer: "l2" },
      ...{ biasInitializer: "ones", kernelConstraint: "maxNorm", activityRegularizer: "l1" },
    });
    const model = sequential(
      [selu({ inputShape: [6] }), free, layers.dropout({ rate: 0.5 }), layers.softmax()],
      { engine },
    );
    expect(await problemsOf(model)).toEqual([]);
    // Two heads of one trunk are no joins.
    const x = input({ shape: [6] });
    const trunk = selu().apply(x);
    const heads = [output().apply(selu().apply(trunk)), output().apply(trunk)];
    const { passes } = await functional({
      inputs: x,
      outputs: heads,
      engine,
    }).checkSelfNormalizing();
    expect(passes).toBe(true);
  });
});

describe("checkSelfNormalizing finds", () => {
  const join =
    "it joins several inputs, and with skip connections nothing keeps mean 0 and variance 1";
  const normalizes =
    "it normalizes, which SELU does by itself: the net is to be a sequence of dense layers only";
  const other = (name: string) =>
    `its activation is ${name}, and only SELU brings mean and variance back`;

  it.each<[string, AnyLayer[], string[]]>([
    ["another activation", [selu({ activation: "elu" })], [`dense_1: ${other("elu")}`]],
    [
      "a user's activation",
      [selu({ activation: (x: Tensor) => x.tanh() })],
      [`dense_1: ${other("function activation")}`],
    ],
    [
      "no activation",
      [selu({ activation: "linear" })],
      ["dense_1: it has no activation: its sums go into dense_2 as they are"],
    ],
    [
      "no activation, with alpha dropout between",
      [selu({ activation: "linear" }), layers.alphaDropout({ rate: 0.1 })],
      ["dense_1: it has no activation: its sums go into dense_2 as they are"],
    ],
    [
      "another activation as a layer",
      [selu({ activation: "linear" }), layers.activation({ activation: "relu" })],
      [`activation: ${other("relu")}`],
    ],
    [
      "two SELUs in a row",
      [layers.activation({ activation: "selu" })],
      ["activation: there is no weighted sum before its SELU"],
    ],
    [
      "layers of other activations",
      [layers.elu(), layers.relu(), layers.leakyRelu(), layers.prelu(), layers.softmax()],
      [
        `elu: ${other("ELU")}`,
        `re_lu: ${other("ReLU")}`,
        `leaky_re_lu: ${other("leaky ReLU")}`,
        `p_re_lu: ${other("PReLU")}`,
        `softmax: ${other("softmax")}`,
      ],
    ],
    [
      "another initializer",
      [selu({ kernelInitializer: "heNormal" })],
      ["dense_1: its kernel is drawn by heNormal, not with variance 1 / inputs"],
    ],
    [
      "variance scaling by another fan",
      [selu({ kernelInitializer: initializers.varianceScaling({ mode: "fanAvg" }) })],
      ["dense_1: its kernel is drawn by varianceScaling, not with variance 1 / inputs"],
    ],
    [
      "a user's initializer",
      [selu({ kernelInitializer: (shape) => new Float32Array(shape[0] * shape[1]) })],
      ["dense_1: its kernel is drawn by function kernelInitializer, not with variance 1 / inputs"],
    ],
    [
      "biases",
      [selu({ biasInitializer: "ones" })],
      ["dense_1: its bias is drawn by ones, so the mean does not start at 0"],
    ],
    [
      "penalties",
      [selu({ kernelRegularizer: "l2", biasRegularizer: "l1" })],
      ["dense_1: its kernel is penalized by l2", "dense_1: its bias is penalized by l1"],
    ],
    [
      "penalties on outputs",
      [selu({ activityRegularizer: "l1" }), layers.activityRegularization({ l2: 0.1 })],
      [
        "dense_1: its output is penalized by l1",
        "activity_regularization: it penalizes activations, and so moves them away from variance 1",
      ],
    ],
    [
      "constraints",
      [selu({ kernelConstraint: "maxNorm" })],
      ["dense_1: its kernel is held by the constraint maxNorm"],
    ],
    [
      "dropout",
      [layers.dropout({ rate: 0.1 })],
      ["dropout: it drops to 0 and widens the rest, so mean or variance change"],
    ],
    [
      "Gaussian noise",
      [layers.gaussianNoise({ stddev: 0.1 }), layers.gaussianDropout({ rate: 0.1 })],
      [
        "gaussian_noise: it adds noise, so mean or variance change",
        "gaussian_dropout: it multiplies by noise, so mean or variance change",
      ],
    ],
    [
      "normalizations",
      [
        layers.batchNormalization(),
        layers.layerNormalization(),
        layers.rmsNormalization(),
        layers.unitNormalization(),
        layers.normalization({ mean: 0, variance: 1 }),
      ],
      [
        `batch_normalization: ${normalizes}`,
        `layer_normalization: ${normalizes}`,
        `rms_normalization: ${normalizes}`,
        `unit_normalization: ${normalizes}`,
        `normalization: ${normalizes}`,
      ],
    ],
    [
      "scaling",
      [layers.rescaling({ scale: 2 })],
      ["rescaling: it scales what SELU has normalized"],
    ],
  ])("%s", async (_, parts, wanted) => {
    expect(await problemsOf(around(...parts))).toEqual(wanted);
  });

  it("the document's batch normalization after Flatten", async () => {
    const model = sequential(
      [layers.flatten({ inputShape: [2, 3] }), layers.batchNormalization(), selu(), output()],
      { engine },
    );
    expect(await model.checkSelfNormalizing()).toEqual({
      passes: false,
      problems: [
        {
          layer: "batch_normalization",
          problem: normalizes,
          fix: "Leave it out; inputs are standardized before the first layer.",
        },
      ],
      unchecked: [expect.stringContaining("Whether the inputs of dense have mean 0")],
      advice: [],
    });
  });

  it("skip connections and joins, once where a layer is used twice", async () => {
    const x = input({ shape: [4] });
    const shared = selu({ activation: "tanh" });
    const y = shared.apply(shared.apply(x));
    const joins = [
      layers.add().apply([x, y]),
      layers.concatenate().apply([x, y]),
      layers.multiply().apply([x, y]),
      layers.dot({ axes: 1 }).apply([x, y]),
    ];
    for (const joined of joins) {
      const model = functional({ inputs: x, outputs: output().apply(joined), engine });
      const { problems } = await model.checkSelfNormalizing();
      expect(problems.map(({ problem }) => problem)).toEqual([other("tanh"), join]);
    }
  });

  it("all that is wrong with the lab's other nets", async () => {
    const elu = await variantModel("elu", { seed: 1, engine }).checkSelfNormalizing();
    expect(elu.problems).toHaveLength(40);
    expect(elu.problems.slice(0, 2)).toEqual([
      {
        layer: "dense",
        problem: "its kernel is drawn by heNormal, not with variance 1 / inputs",
        fix: 'Use kernelInitializer: "lecunNormal".',
      },
      {
        layer: "dense",
        problem: other("elu"),
        fix: 'Use activation: "selu" with kernelInitializer: "lecunNormal".',
      },
    ]);
    expect(elu.unchecked).toHaveLength(1);
    const bn = await variantModel("bn", { seed: 1, engine }).checkSelfNormalizing();
    const count = (text: string) => bn.problems.filter(({ problem }) => problem === text).length;
    expect(count(normalizes)).toBe(21);
    expect(count(other("elu"))).toBe(20);
    expect(count("its kernel is drawn by heNormal, not with variance 1 / inputs")).toBe(20);
    expect(bn.problems).toHaveLength(61);
  });

  it("advice: less alpha dropout", async () => {
    const report = await around(layers.alphaDropout({ rate: 0.5 })).checkSelfNormalizing();
    expect(report.passes).toBe(true);
    expect(report.advice).toEqual([
      "alpha_dropout: Its rate is 0.5; rates of 0.05 and 0.1 did best in Klambauer et al. (2017).",
    ]);
  });
});

describe("checkSelfNormalizing of inputs", () => {
  const net = (...first: AnyLayer[]) =>
    sequential([...first, layers.flatten({ inputShape: [2, 3] }), selu(), output()], { engine });

  it("takes standardized ones, few or many, and no others", async () => {
    const passes = async (x: HostArray) => (await net().checkSelfNormalizing({ x })).passes;
    for (const rows of [20, 400, 5000]) expect(await passes(data(0, 1, rows))).toBe(true);
    for (const x of [data(0.5, 1), data(0, 0.5), data(0, 2), data(-3, 1), data(128, 70)])
      expect(await passes(x)).toBe(false);
    // Pixels in [0, 1], even of few pictures.
    const pixels = { data: data(0.47, 0.25, 10).data, shape: [10, 2, 3] };
    expect(await passes(pixels)).toBe(false);
    const { problems } = await net().checkSelfNormalizing({ x: data(128, 70) });
    expect(problems).toEqual([
      {
        layer: "dense",
        problem: expect.stringMatching(
          /^its inputs have mean 1[23]\d and variance 4\d{3}, not 0 and 1$/,
        ),
        fix:
          "Put layers.normalization() first and adapt it to the training data, or standardize the " +
          "data.",
      },
    ]);
  });

  it("sees means of features that cancel out", async () => {
    const x = data(0, 0.8, 1000);
    const shifted = x.data.map((value, i) => value + (i % 2 === 0 ? 0.6 : -0.6));
    const report = await net().checkSelfNormalizing({ x: { data: shifted, shape: x.shape } });
    expect(report.problems.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^the features of its inputs have means of 0\.[56]\d* around 0$/),
    ]);
  });

  it("goes through the layers before the first dense one", async () => {
    const given = layers.normalization({ mean: 128, variance: 70 ** 2, inputShape: [2, 3] });
    expect((await net(given).checkSelfNormalizing()).unchecked).toEqual([]);
    expect((await net(given).checkSelfNormalizing({ x: data(128, 70) })).passes).toBe(true);
    // Statistics of other data: without x nothing shows.
    expect((await net(given).checkSelfNormalizing({ x: data(0, 1) })).passes).toBe(false);
    const scaled = net(layers.rescaling({ scale: 1 / 70, offset: -128 / 70, inputShape: [2, 3] }));
    expect((await scaled.checkSelfNormalizing()).unchecked).toHaveLength(1);
    expect((await scaled.checkSelfNormalizing({ x: data(128, 70) })).passes).toBe(true);
    const invert = layers.normalization({ mean: 0, variance: 1, invert: true, inputShape: [2, 3] });
    const { problems } = await net(invert).checkSelfNormalizing();
    expect(problems.map(({ problem }) => problem)).toEqual(["it brings standardized inputs back"]);
    // Statistics that came with loaded weights.
    const loaded = layers.normalization({ inputShape: [2, 3] });
    const model = net(loaded);
    await loaded.setWeights([[1, 2, 3], [4, 4, 4], { data: Float32Array.of(0), shape: [] }]);
    expect((await model.checkSelfNormalizing()).unchecked).toEqual([]);
  });

  it("checks each input of several, given by name", async () => {
    const [a, b] = [input({ shape: [4], name: "a" }), input({ shape: [3], name: "b" })];
    const left = selu({ name: "left" }).apply(a);
    const right = selu({ name: "right" }).apply(layers.rescaling({ scale: 0.5 }).apply(b));
    const outputs = [output().apply(left), output().apply(right)];
    const model = functional({ inputs: [b, a], outputs, engine });
    const values = (scale: number, size: number) => ({
      data: normal(2, "values", 0, 200 * size).map((z) => z * scale),
      shape: [200, size],
    });
    const good = await model.checkSelfNormalizing({ x: { a: values(1, 4), b: values(2, 3) } });
    expect(good).toEqual({ passes: true, problems: [], unchecked: [], advice: [] });
    const bad = await model.checkSelfNormalizing({ x: { a: values(2, 4), b: values(1, 3) } });
    expect(bad.problems.map(({ layer }) => layer)).toEqual(["left", "right"]);
  });

  it("builds a model that its data builds, and refuses one of unknown shape", async () => {
    const lazy = sequential([layers.flatten(), selu(), output()], { engine });
    await expect(lazy.checkSelfNormalizing()).rejects.toThrow(
      "checkSelfNormalizing: a model that is built, got one whose input shape is not known yet. " +
        "Give the first layer an inputShape, call model.build(inputShape), or give inputs as x.",
    );
    expect((await lazy.checkSelfNormalizing({ x: data(0, 1) })).passes).toBe(true);
    await expect(lazy.checkSelfNormalizing({ x: [[1, 2]] })).rejects.toThrow(
      "checkSelfNormalizing x: shape [n, 2, 3], as the model's inputs are, got [1, 2].",
    );
    const set = { async *[Symbol.asyncIterator]() {} };
    await expect(lazy.checkSelfNormalizing({ x: set as never })).rejects.toThrow(
      "checkSelfNormalizing: x must be arrays, got a Dataset.",
    );
    await expect(lazy.checkSelfNormalizing({ y: 1 } as never)).rejects.toThrow(
      'checkSelfNormalizing: option names must be known, got "y".',
    );
  });
});

describe("the layers of the library", () => {
  it("all say something of themselves", () => {
    const classes = Object.values(layers).filter(
      (one): one is typeof layers.Layer =>
        typeof one === "function" && one.prototype instanceof layers.Layer,
    );
    expect(classes.length).toBeGreaterThan(25);
    const silent = classes.filter(
      ({ prototype }) => prototype.selfNormalizing === layers.Layer.prototype.selfNormalizing,
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("are as they were after the check", async () => {
    const first = layers.normalization({ axis: -1, inputShape: [2, 3] });
    const model = sequential([first, layers.flatten(), selu(), output()], { engine });
    await first.adapt(data(3, 2));
    const before = await model.predict(data(3, 2));
    await model.checkSelfNormalizing({ x: data(3, 2) });
    expect(await model.predict(data(3, 2))).toEqual(before);
  });
});

describe("a layer of one's own", () => {
  class Own extends layers.Layer {
    call(x: Tensor): Tensor {
      return x.multiply(1);
    }
  }
  class Keeping extends Own {
    override selfNormalizing(): SelfNormalizing {
      return {};
    }
  }
  class MCAlphaDropout extends layers.AlphaDropout {}

  it("is not known to keep mean and variance, unless it says so", async () => {
    expect(await problemsOf(around(new Own()))).toEqual([
      "own: it is not known to keep mean 0 and variance 1",
    ]);
    expect(await problemsOf(around(new Keeping()))).toEqual([]);
    expect(await problemsOf(around(new MCAlphaDropout({ rate: 0.1 })))).toEqual([]);
  });

  it("is told what comes in, and tells what it makes", async () => {
    const seen: string[] = [];
    class Seeing extends Own {
      override selfNormalizing(previous: string): SelfNormalizing {
        seen.push(previous);
        return previous === "sums" ? { makes: "activations" } : {};
      }
    }
    const model = sequential(
      [
        new Seeing({ inputShape: [3] }),
        layers.normalization({ mean: 0, variance: 1 }),
        new Seeing(),
        selu({ activation: "linear" }),
        new Seeing(),
        selu(),
        new Seeing(),
        output(),
        new Seeing(),
      ],
      { engine },
    );
    expect(await problemsOf(model)).toEqual([]);
    // The last one comes after the output layer.
    expect(seen).toEqual(["inputs", "standardized", "sums", "activations"]);
  });

  it("may find problems of its own; what it returns is checked", async () => {
    class Warning extends Own {
      override async selfNormalizing(): Promise<SelfNormalizing> {
        return { problems: [{ problem: "it is new", fix: "Wait." }], advice: ["Read the paper."] };
      }
    }
    const { problems, advice } = await around(new Warning()).checkSelfNormalizing();
    expect(problems).toEqual([{ layer: "warning", problem: "it is new", fix: "Wait." }]);
    expect(advice).toEqual(["warning: Read the paper."]);
    class Broken extends Own {
      override selfNormalizing(): SelfNormalizing {
        return true as never;
      }
    }
    await expect(around(new Broken()).checkSelfNormalizing()).rejects.toThrow(
      'Broken "broken": selfNormalizing must return an object { makes, problems, advice }, got true. ' +
        "An empty object says that the layer keeps mean 0 and variance 1.",
    );
  });
});
