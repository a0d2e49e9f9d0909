/** What every layer of the library must do, whatever it computes. A new layer needs a case here. */
import { describe, expect, it } from "vitest";
import { type HostArray, layers, optimizers, type Shape, sequential } from "../src/index.ts";
import { interpret } from "../src/ir/interpret.ts";
import { ForwardPass } from "../src/nn/context.ts";
import type { AnyLayer, LayerInput } from "../src/nn/layer.ts";
import { deserializeLayer, serializeLayer } from "../src/nn/layer-registry.ts";
import { gradients } from "../src/tensor/gradients.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { Trace } from "../src/tensor/trace.ts";
import { canonicalCase, expectRight } from "./compiled-case.ts";
import { Draw } from "./random/draw.ts";

interface Case {
  readonly make: () => AnyLayer;
  /** Shape of one sample of the input, or a list of shapes of several. */
  readonly shape: Shape | readonly Shape[];
  /** Names and shapes of the weights, in Keras's order. Default: none. */
  readonly weights?: readonly (readonly [name: string, shape: Shape])[];
  /** Whether the gradient leaves something out on purpose. */
  readonly stopsGradient?: boolean;
}

const { l2 } = { l2: "l2" } as const;
const pair = [
  [3, 2],
  [3, 2],
] as const;
const features = (names: readonly string[], shape: Shape = [3]) =>
  names.map((name) => [name, shape] as const);
const bn = ["gamma", "beta", "moving_mean", "moving_variance"];
const renorm = [...bn, "moving_stddev", "renorm_mean", "renorm_stddev"];

/** By the class's name. */
const cases: Readonly<Record<string, readonly Case[]>> = {
  Activation: [
    { make: () => layers.activation({ activation: "softmax" }), shape: [3] },
    { make: () => layers.activation({ activation: "elu", activityRegularizer: l2 }), shape: [2] },
  ],
  ActivityRegularization: [
    { make: () => layers.activityRegularization({ l1: 0.1, l2: 0.2 }), shape: [3] },
  ],
  Add: [
    { make: () => layers.add(), shape: pair },
    { make: () => layers.add(), shape: [[2], [3, 1]] },
  ],
  AlphaDropout: [
    { make: () => layers.alphaDropout({ rate: 0.4, seed: 7 }), shape: [6] },
    { make: () => layers.alphaDropout({ rate: 0.4, noiseShape: [null, 1, 3] }), shape: [2, 3] },
  ],
  Average: [{ make: () => layers.average(), shape: [...pair, [2]] }],
  BatchNormalization: [
    { make: () => layers.batchNormalization(), shape: [3], weights: features(bn) },
    {
      make: () => layers.batchNormalization({ axis: 1, momentum: 0.5, epsilon: 0.1 }),
      shape: [3, 2],
      weights: features(bn),
    },
    {
      make: () => layers.batchNormalization({ center: false, gammaRegularizer: l2 }),
      shape: [3],
      weights: features(bn.filter((name) => name !== "beta")),
    },
    {
      make: () =>
        layers.batchNormalization({
          scale: false,
          betaConstraint: "nonNeg",
          betaInitializer: "ones",
        }),
      shape: [1],
      weights: features(bn.slice(1), [1]),
    },
    {
      make: () => layers.batchNormalization({ renorm: true, renormClipping: { rmax: 3, dmax: 2 } }),
      shape: [3],
      weights: features(renorm),
      stopsGradient: true,
    },
  ],
  Concatenate: [
    { make: () => layers.concatenate(), shape: [[2, 1], ...pair.slice(1)].with(0, [3, 1]) },
    { make: () => layers.concatenate({ axis: 1 }), shape: [[3, 2], [1, 2], ...pair] },
  ],
  Dense: [
    {
      make: () => layers.dense({ units: 2, activation: "tanh" }),
      shape: [3],
      weights: [
        ["kernel", [3, 2]],
        ["bias", [2]],
      ],
    },
    {
      make: () =>
        layers.dense({
          units: 1,
          useBias: false,
          kernelRegularizer: l2,
          kernelConstraint: "nonNeg",
          kernelInitializer: "heNormal",
        }),
      shape: [2, 3],
      weights: [["kernel", [3, 1]]],
    },
  ],
  Dot: [
    { make: () => layers.dot({ axes: 1 }), shape: [[3], [3]] },
    { make: () => layers.dot({ axes: -1, normalize: true }), shape: [[2, 3], [3]] },
    {
      make: () => layers.dot({ axes: [1, 2] }),
      shape: [
        [3, 2],
        [2, 3],
      ],
    },
    {
      make: () => layers.dot({ axes: [2, 1] }),
      shape: [
        [2, 3],
        [3, 2, 2],
      ],
    },
  ],
  Dropout: [
    { make: () => layers.dropout({ rate: 0.4 }), shape: [6] },
    { make: () => layers.dropout({ rate: 0.4, noiseShape: [1, null], seed: 3 }), shape: [6] },
    { make: () => layers.dropout({ rate: 1 }), shape: [2] },
  ],
  ELU: [{ make: () => layers.elu({ alpha: 0.7 }), shape: [5] }],
  Flatten: [
    { make: () => layers.flatten(), shape: [2, 3, 2] },
    { make: () => layers.flatten({ dataFormat: "channelsFirst" }), shape: [2, 3] },
    { make: () => layers.flatten(), shape: [] },
  ],
  GaussianDropout: [{ make: () => layers.gaussianDropout({ rate: 0.3, seed: 1 }), shape: [5] }],
  GaussianNoise: [{ make: () => layers.gaussianNoise({ stddev: 0.3 }), shape: [2, 3] }],
  InputLayer: [{ make: () => layers.input({ shape: [2, 3] }), shape: [2, 3] }],
  LayerNormalization: [
    {
      make: () => layers.layerNormalization(),
      shape: [2, 3],
      weights: features(["gamma", "beta"]),
    },
    {
      make: () => layers.layerNormalization({ axis: [1, 2], center: false, gammaRegularizer: l2 }),
      shape: [2, 3],
      weights: features(["gamma"], [2, 3]),
    },
    {
      make: () => layers.layerNormalization({ axis: 1, scale: false, epsilon: 0.1 }),
      shape: [2, 3],
      weights: features(["beta"], [2]),
    },
  ],
  LeakyReLU: [{ make: () => layers.leakyRelu({ negativeSlope: 0.1 }), shape: [5] }],
  Maximum: [{ make: () => layers.maximum(), shape: [...pair, [2]] }],
  Minimum: [{ make: () => layers.minimum(), shape: [...pair, [2]] }],
  Multiply: [{ make: () => layers.multiply(), shape: [...pair, [2]] }],
  Normalization: [
    {
      make: () => layers.normalization({ axis: [1, 2] }),
      shape: [2, 3],
      weights: [...features(["mean", "variance"], [2, 3]), ["count", []]],
    },
    {
      make: () => layers.normalization({ axis: null, invert: true }),
      shape: [3],
      weights: [...features(["mean", "variance"], []), ["count", []]],
    },
    { make: () => layers.normalization({ mean: [1, 2, 3], variance: [1, 0.5, 4] }), shape: [2, 3] },
    { make: () => layers.normalization({ axis: 1, mean: 0.5, variance: 2 }), shape: [2, 3] },
  ],
  Permute: [{ make: () => layers.permute({ dims: [3, 1, 2] }), shape: [2, 3, 1] }],
  PReLU: [
    {
      make: () => layers.prelu({ alphaInitializer: "ones", alphaRegularizer: l2 }),
      shape: [2, 2],
      weights: [["alpha", [2, 2]]],
    },
    { make: () => layers.prelu({ sharedAxes: 1 }), shape: [2, 3], weights: [["alpha", [1, 3]]] },
  ],
  ReLU: [
    { make: () => layers.relu(), shape: [5] },
    { make: () => layers.relu({ maxValue: 0.8, negativeSlope: 0.2, threshold: 0.1 }), shape: [9] },
  ],
  Rescaling: [
    { make: () => layers.rescaling({ scale: 1 / 255 }), shape: [3] },
    { make: () => layers.rescaling({ scale: [1, 2, 3], offset: [[1], [0]] }), shape: [2, 3] },
  ],
  Reshape: [{ make: () => layers.reshape({ targetShape: [3, -1, 1] }), shape: [2, 6] }],
  RMSNormalization: [
    { make: () => layers.rmsNormalization(), shape: [3], weights: features(["scale"]) },
    {
      make: () => layers.rmsNormalization({ axis: 1, epsilon: 0.1 }),
      shape: [2, 3],
      weights: features(["scale"], [2]),
    },
  ],
  Softmax: [
    { make: () => layers.softmax(), shape: [4] },
    { make: () => layers.softmax({ axis: [1, 2] }), shape: [2, 3] },
    { make: () => layers.softmax({ axis: 1 }), shape: [2, 3] },
  ],
  Subtract: [{ make: () => layers.subtract(), shape: [[2, 2], [2]] }],
  UnitNormalization: [
    { make: () => layers.unitNormalization(), shape: [3] },
    { make: () => layers.unitNormalization({ axis: [1, 2] }), shape: [2, 2] },
  ],
};

const isList = (shape: Case["shape"]): shape is readonly Shape[] => Array.isArray(shape[0]);
const shapesOf = ({ shape }: Case): readonly Shape[] => (isList(shape) ? shape : [shape]);
const sizeOf = (shape: Shape) => shape.reduce((n, size) => n * size, 1);

function build(one: Case): AnyLayer {
  const layer = one.make();
  layer.buildFor(one.shape as never, { path: "layer", seed: 1 });
  return layer;
}

/** Of so few bits that a step away from it is a float32 too. */
const short = (value: number) => Math.round(value * 2 ** 10) / 2 ** 10;

/** A layer recorded as in `fit` on a batch: its output, the gradients and what it changes. */
function record(one: Case, batch: number) {
  const layer = build(one);
  const trace = new Trace();
  const draw = new Draw(3);
  const values = new Map<string, Float32Array | Uint32Array>();
  const input = (name: string, shape: Shape) => {
    const data = Float32Array.from({ length: sizeOf(shape) }, () => short(draw.uniform() * 4 - 2));
    values.set(name, data);
    return trace.input(name, "float32", shape);
  };
  const inputs = shapesOf(one).map((shape, i) => input(`x${i}`, [batch, ...shape]));
  const scalar = (name: string, value: number) => {
    values.set(name, Uint32Array.of(value));
    return trace.input(name, "uint32", []);
  };
  const source = () => ({
    seed: scalar("seed", 5),
    seedHigh: scalar("seedHigh", 0),
    step: scalar("step", 2),
  });
  const pass = new ForwardPass({ trace, sampling: true, batchStatistics: true, source });
  const x: LayerInput = isList(one.shape) ? inputs : inputs[0];
  const called = layer as unknown as { call(x: LayerInput, context: object): Tensor };
  const y = called.call(x, pass.contextOf("layer"));
  const upstream = input("upstream", y.shape);
  const losses = [y.multiply(upstream).sum(), ...pass.losses];
  const loss = losses.reduce((sum, part) => sum.add(part));
  const trained = layer.weights.filter((weight) => weight.trainable);
  const wrt = [...inputs, ...trained.map((weight) => trace.before(weight))];
  trace.result("y", y);
  trace.result("loss", loss);
  for (const [i, gradient] of gradients(loss, wrt).entries()) trace.result(`g${i}`, gradient);
  const { computation, variables } = trace.finish();
  // Other weights than zeros and ones.
  for (const [name, { hostValue, trainable }] of variables)
    values.set(
      name,
      trainable
        ? Float32Array.from(hostValue!, (w) => short(w + draw.uniform()))
        : (hostValue as never),
    );
  const nameOf = (weight: AnyLayer["weights"][number]) =>
    [...variables].find(([, variable]) => variable === weight)?.[0];
  const leaves = [...inputs.map((_, i) => `x${i}`), ...trained.map(nameOf)];
  return { layer, computation, values, leaves, shape: y.shape };
}

type Recorded = ReturnType<typeof record>;

/** Results in doubles, with other numbers for some leaves. */
function exactly({ computation, values }: Recorded, others: Record<string, Float64Array> = {}) {
  const read = (name: string) => others[name] ?? values.get(name)!;
  return interpret(computation, ({ attributes: { name } }) => read(name!), "exact").results;
}

/** The largest share by which a gradient differs from central differences. */
function gradientError(recorded: Recorded): number {
  const found = exactly(recorded);
  const step = 2 ** -12;
  let worst = 0;
  for (const [i, leaf] of recorded.leaves.entries()) {
    if (leaf === undefined) continue;
    const at = Float64Array.from(recorded.values.get(leaf)!);
    for (const [k, value] of at.entries()) {
      const lossAt = (moved: number) =>
        exactly(recorded, { [leaf]: at.with(k, moved) }).get("loss")!.data[0];
      const slope = (lossAt(value + step) - lossAt(value - step)) / (2 * step);
      const gradient = found.get(`g${i}`)!.data[k];
      worst = Math.max(worst, Math.abs(slope - gradient) / Math.max(1, Math.abs(slope)));
    }
  }
  return worst;
}

const random = (seed: number, shape: Shape): HostArray => {
  const draw = new Draw(seed);
  return {
    data: Float32Array.from({ length: sizeOf(shape) }, () => draw.uniform() * 2 - 1),
    shape,
  };
};

const classes = Object.values(layers as Readonly<Record<string, unknown>>).filter(
  (one): one is typeof layers.Dense =>
    typeof one === "function" && one.prototype instanceof layers.Layer,
);

describe("the library of layers", () => {
  it("has a case here for every layer, and a factory", () => {
    expect(classes.length).toBeGreaterThanOrEqual(30);
    const names = classes.map(({ className }) => className);
    expect(names.filter((name) => !Object.hasOwn(cases, name))).toEqual([]);
    expect(Object.keys(cases).filter((name) => !names.includes(name))).toEqual([]);
    const factories = Object.keys(layers).filter((name) =>
      /^(?!serialize|deserialize)[a-z]/.test(name),
    );
    expect(factories.length).toBe(classes.length);
    for (const one of classes) {
      const made = cases[one.className][0].make();
      expect(made.constructor).toBe(one);
      const factory = one.className.replace(/Layer$/, "").toLowerCase();
      expect(factories.map((name) => name.toLowerCase())).toContain(factory);
    }
  });
});

for (const [name, list] of Object.entries(cases))
  for (const [i, one] of list.entries())
    describe(`${name} ${i}`, () => {
      it("comes back from its config", () => {
        const layer = one.make();
        const written = serializeLayer(layer);
        const text = JSON.stringify(written);
        expect(written).toMatchObject({ module: "keras.layers", class_name: name });
        const again = deserializeLayer(JSON.parse(text));
        expect(again.constructor).toBe(layer.constructor);
        expect(JSON.stringify(serializeLayer(again))).toBe(text);
        const options = { ...layer.options, name: layer.name };
        expect(JSON.stringify(again.options)).toBe(JSON.stringify(options));
      });

      it("has its weights and its shape, for a batch of 1 and of 3", () => {
        for (const batch of [1, 3]) {
          const { layer, shape } = record(one, batch);
          const weights = layer.weights.map(({ path, shape }) => [path, shape]);
          const expected = one.weights ?? [];
          expect(weights).toEqual(expected.map(([name, shape]) => [`layer/${name}`, shape]));
          expect(layer.countParams()).toBe(
            expected.reduce((sum, [, shape]) => sum + sizeOf(shape), 0),
          );
          expect(shape).toEqual([batch, ...layer.computeOutputShape(one.shape as never)]);
        }
      });

      it(one.stopsGradient ? "stops some of its gradient" : "has the gradient of its value", () => {
        const errors = [1, 3].map((batch) => gradientError(record(one, batch)));
        if (one.stopsGradient) expect(Math.max(...errors)).toBeGreaterThan(1e-2);
        else expect(Math.max(...errors)).toBeLessThan(1e-6);
      });

      it("is the same on a device as in the interpreter", () => {
        for (const batch of [1, 3]) {
          const { computation, values } = record(one, batch);
          expectRight(canonicalCase(computation, values), `${name} with a batch of ${batch}`);
        }
      });

      const isTrained = build(one).trainableWeights.length > 0;

      if (isTrained)
        it("learns", async () => {
          const [shape] = shapesOf(one);
          const model = sequential([layers.input({ shape }), one.make()], { seed: 3 });
          model.compile({
            optimizer: optimizers.sgd({ learningRate: 0.05 }),
            loss: "mse" as never,
          });
          const [x, y] = [random(1, [3, ...shape]), random(2, [3, ...model.outputShape])];
          const { loss } = await model.trainOnBatch(x, y);
          const after = await model.trainOnBatch(x, y);
          expect(after.loss).toBeLessThan(loss);
        });

      if (one.weights)
        it("changes nothing when it is frozen", async () => {
          const [shape] = shapesOf(one);
          const layer = one.make();
          layer.trainable = false;
          const parts = [layers.input({ shape }), layer, layers.flatten()];
          const model = sequential([...parts, layers.dense({ units: 1 })], { seed: 3 });
          model.compile({ optimizer: "sgd", loss: "meanSquaredError" });
          expect(layer.trainableWeights).toEqual([]);
          const before = await layer.getWeights();
          await model.trainOnBatch(random(1, [3, ...shape]), random(2, [3, 1]));
          expect(await layer.getWeights()).toEqual(before);
          expect(model.trainableWeights.length).toBe(2);
        });
    });
