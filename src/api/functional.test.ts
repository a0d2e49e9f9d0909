import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import type { DataInput } from "../model/rows.ts";
import { Layer } from "../nn/layer.ts";
import { dense } from "../nn/layers/dense.ts";
import { dropout } from "../nn/layers/dropout.ts";
import { flatten } from "../nn/layers/flatten.ts";
import { input } from "../nn/layers/input.ts";
import { metrics } from "../nn/metrics.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { model } from "./functional.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const random = (rows: number, columns: number, seed: number): HostArray => ({
  data: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin((i + 1) * (seed + 0.3))),
  shape: [rows, columns],
});

class Sum extends Layer<readonly Tensor[]> {
  static override readonly className = "Sum";
  call(xs: readonly Tensor[]): Tensor {
    return xs.reduce((a, b) => a.add(b));
  }
}

class Double extends Layer {
  static override readonly className = "Double";
  call(x: Tensor): Tensor {
    return x.multiply(2);
  }
}

/** Two inputs, a layer that both share, two outputs. */
function twoByTwo() {
  const left = input({ shape: [3], name: "left" });
  const right = input({ shape: [3], name: "right" });
  const shared = dense({ units: 4, activation: "elu", name: "shared" });
  const joined = new Sum().apply([shared.apply(left), shared.apply(right)]);
  const value = dense({ units: 1, name: "value" }).apply(joined);
  const kind = dense({ units: 2, activation: "softmax", name: "kind" }).apply(joined);
  return model({ inputs: [left, right], outputs: [value, kind], seed: 3, engine });
}

describe("a functional model", () => {
  it("of a chain is the sequential model: same draws, same numbers", async () => {
    const x = input({ shape: [2, 3] });
    const first = dense({ units: 5, activation: "elu" });
    const chained = dense({ units: 2 }).apply(
      dropout({ rate: 0.5 }).apply(first.apply(flatten().apply(x))),
    );
    const functional = model({ inputs: x, outputs: chained, seed: 7, engine });
    const parts = [
      flatten({ inputShape: [2, 3] }),
      dense({ units: 5, activation: "elu" }),
      dropout({ rate: 0.5 }),
      dense({ units: 2 }),
    ];
    const plain = sequential(parts, { seed: 7, engine });
    const data = { ...random(8, 6, 1), shape: [8, 2, 3] };
    const y = random(8, 2, 2);
    for (const one of [functional, plain])
      one.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: "meanSquaredError" });
    const histories = [];
    for (const one of [functional, plain])
      histories.push((await one.fit(data, y, { epochs: 3, batchSize: 4 })).history);
    expect(histories[0]).toEqual(histories[1]);
    expect(await functional.predict(data)).toEqual(await plain.predict(data));
    expect(functional.weights.map(({ path }) => path)).toEqual(
      plain.weights.map(({ path }) => path),
    );
    expect(functional.outputShape).toEqual([2]);
    expect(chained.shape).toEqual([2]);
  });

  it("has several inputs and outputs, and layers that are shared", async () => {
    const net = twoByTwo();
    expect(net.inputNames).toEqual(["left", "right"]);
    expect(net.outputNames).toEqual(["value", "kind"]);
    expect(net.outputShapes).toEqual([[1], [2]]);
    expect(net.countParams()).toBe(16 + 5 + 10);
    const [a, b] = [random(10, 3, 1), random(10, 3, 2)];
    const [value, kind] = await net.predict([a, b]);
    expect([value.shape, kind.shape]).toEqual([
      [10, 1],
      [10, 2],
    ]);
    const swapped = await net.predict({ right: a, left: b });
    expect(swapped[0].data).toEqual(value.data);
  });

  it("trains on weighted losses of its outputs, with metrics by name", async () => {
    const net = twoByTwo();
    net.compile({
      optimizer: optimizers.sgd({ learningRate: 0.05 }),
      loss: { value: "meanSquaredError", kind: "sparseCategoricalCrossentropy" },
      lossWeights: { value: 2, kind: 0.5 },
      metrics: { kind: ["accuracy"] },
    });
    const x = { left: random(12, 3, 1), right: random(12, 3, 2) };
    const y = {
      value: random(12, 1, 3),
      kind: { data: Uint8Array.from({ length: 12 }, (_, i) => i % 2), shape: [12] },
    };
    const { history } = await net.fit(x, y, { epochs: 4, validationData: [x, y] });
    expect(Object.keys(history).sort()).toEqual(
      [
        ...["loss", "valueLoss", "kindLoss", "kindAccuracy"],
        ...["valLoss", "valValueLoss", "valKindLoss", "valKindAccuracy"],
      ].sort(),
    );
    for (const [i, loss] of history.loss.entries())
      expect(loss).toBeCloseTo(2 * history.valueLoss[i] + 0.5 * history.kindLoss[i], 5);
    expect(history.loss[3]).toBeLessThan(history.loss[0]);
    const list = await net.evaluate([x.left, x.right], [y.value, y.kind]);
    expect(list.loss).toBeCloseTo(history.valLoss[3], 6);
  });

  it("needs no targets and weights for an output without loss and metrics", async () => {
    const net = twoByTwo();
    const loss = { value: "meanSquaredError", kind: null } as const;
    net.compile({ optimizer: "sgd", loss, lossWeights: { value: 3 } });
    const x = [random(12, 3, 1), random(12, 3, 2)];
    const value = random(12, 1, 3);
    const found = await net.evaluate(x, { value });
    expect(Object.keys(found)).toEqual(["loss", "valueLoss"]);
    expect(found.loss).toBeCloseTo(3 * found.valueLoss, 5);
    expect(await net.evaluate(x, [value, null])).toEqual(found);
    const before = (await net.getLayer("kind").getWeights())[0];
    const { history } = await net.fit(x, { value }, { epochs: 2, validationData: [x, { value }] });
    expect(Object.keys(history)).toEqual(["loss", "valueLoss", "valLoss", "valValueLoss"]);
    expect((await net.getLayer("kind").getWeights())[0]).toEqual(before);
    net.compile({ optimizer: "sgd", loss, metrics: { kind: "accuracy" } });
    await expect(net.evaluate(x, { value })).rejects.toThrow(
      'evaluate y "kind": targets, for metric accuracy, got none.',
    );
    await expect(net.evaluate(x, { kind: random(12, 2, 1) })).rejects.toThrow(
      'evaluate y "value": targets, for loss meanSquaredError, got none.',
    );
  });

  it("takes sample weights for all outputs, or for some", async () => {
    const net = twoByTwo();
    net.compile({ optimizer: "sgd", loss: ["meanSquaredError", "meanAbsoluteError"] });
    const x = [random(12, 3, 1), random(12, 3, 2)];
    const y = [random(12, 1, 3), random(12, 2, 4)];
    const half = new Float32Array(12).fill(0.5);
    const losses = async (sampleWeight?: DataInput) => {
      const logs = await net.evaluate(x, y, sampleWeight ? { sampleWeight } : {});
      return [logs.valueLoss, logs.kindLoss];
    };
    const [value, kind] = await losses();
    const closeTo = (numbers: number[]) => numbers.map((one) => expect.closeTo(one, 5));
    expect(await losses(half)).toEqual(closeTo([value / 2, kind / 2]));
    expect(await losses({ kind: half })).toEqual(closeTo([value, kind / 2]));
    expect(await losses([half, null])).toEqual(closeTo([value / 2, kind]));
    await expect(losses({ kind: new Float32Array(3) })).rejects.toThrow(
      'evaluate sampleWeight "kind": a weight for each of the 12 samples, got 3.',
    );
  });

  it("shares a metric between outputs and models, and with what is called without one", async () => {
    const net = twoByTwo();
    const shared = metrics.meanAbsoluteError({ name: "error" });
    await shared.updateState([[1]], [[3]]);
    const loss = "meanSquaredError";
    net.compile({ optimizer: "sgd", loss, metrics: { value: shared, kind: [shared] } });
    const x = [random(12, 3, 1), random(12, 3, 2)];
    const [value, kind] = await net.predict(x);
    const moved = (by: number, { data, shape }: HostArray) => ({
      data: data.map((v) => v + by),
      shape,
    });
    const found = await net.evaluate(x, [moved(1, value), moved(2, kind)]);
    expect(found.valueError).toBeCloseTo(1, 5);
    expect(found.kindError).toBeCloseTo(2, 5);
    expect(shared.result()).toBe(2);
  });

  it("draws other weights than the models that its layers come from", async () => {
    const shared = dense({ units: 3 });
    const x = input({ shape: [3] });
    model({ inputs: x, outputs: shared.apply(x), seed: 1, engine });
    const first = dense({ units: 3 });
    const net = model({ inputs: x, outputs: shared.apply(first.apply(x)), seed: 1, engine });
    expect(net.weights.map(({ path }) => path)).toEqual([
      ...["dense_1/kernel", "dense_1/bias", "dense/kernel", "dense/bias"],
    ]);
    const weights = await net.getWeights();
    expect(weights[0]).not.toEqual(weights[2]);
  });

  it("applies a layer without weights to inputs of several shapes", async () => {
    const [a, b] = [input({ shape: [3] }), input({ shape: [5] })];
    const double = new Double();
    const net = model({ inputs: [a, b], outputs: [double.apply(a), double.apply(b)], engine });
    expect(net.layers.filter((layer) => layer === double)).toHaveLength(1);
    const [left, right] = await net.predict([random(2, 3, 1), random(2, 5, 1)]);
    expect([left.shape, right.shape]).toEqual([
      [2, 3],
      [2, 5],
    ]);
  });

  it("may be made of layers of another one, whose weights it shares", async () => {
    const net = twoByTwo();
    const x = input({ shape: [3] });
    const probe = model({ inputs: x, outputs: net.getLayer("shared").apply(x), engine });
    expect(probe.weights).toEqual(net.getLayer("shared").weights);
    const before = (await probe.predict(random(2, 3, 1))).data;
    const weights = await net.getWeights();
    await net.setWeights(
      weights.map(({ data, shape }) => ({ data: data.map((w) => 2 * w), shape })),
    );
    expect((await probe.predict(random(2, 3, 1))).data).not.toEqual(before);
  });

  it("whose parts do not connect or fit is refused, naming them", () => {
    const x = input({ shape: [3], name: "one" });
    const other = input({ shape: [4], name: "other" });
    const y = dense({ units: 2 }).apply(x);
    expect(() => model({ inputs: other, outputs: y })).toThrow(
      'model: every output must hang on the inputs alone, got InputLayer "one", which is needed ' +
        "and is not among the inputs. Add it to inputs, or connect the layers to another input.",
    );
    expect(() => model({ inputs: [x, other], outputs: y })).toThrow(
      'model: every input must be connected to an output, got InputLayer "other", which leads to none.',
    );
    expect(() => model({ inputs: y, outputs: y })).toThrow("inputs must be what input() returned");
    expect(() => model({ inputs: x, outputs: 3 as never })).toThrow("outputs must be tensors");
    const clash = new Sum().apply([
      dense({ units: 2, name: "a" }).apply(x),
      dense({ units: 3, name: "b" }).apply(x),
    ]);
    expect(() => model({ inputs: x, outputs: clash })).toThrow(
      /Sum "sum": .*\[13, 2\] and \[13, 3\]\. It follows Dense "a" and Dense "b"\./,
    );
    const used = dense({ units: 2 });
    const both = new Sum().apply([used.apply(x), used.apply(other)]);
    expect(() => model({ inputs: [x, other], outputs: both })).toThrow(
      /inputs of shape \[3\], as it was built for, got \[4\]\. It follows InputLayer "other"\./,
    );
    const twins = [dense({ units: 2, name: "twin" }), dense({ units: 2, name: "twin" })];
    expect(() => model({ inputs: x, outputs: twins[1].apply(twins[0].apply(x)) })).toThrow(
      'model: names of layers must differ, got two layers named "twin".',
    );
    expect(() => used.apply([x, 3 as never])).toThrow("a list of tensors of a model");
    const list = dense({ units: 2, name: "single" }).apply([x, other]);
    expect(() => model({ inputs: [x, other], outputs: list })).toThrow(
      'Dense "single": inputs that the layer takes; one that joins no inputs takes no list, got a ' +
        "list, of shapes [3] and [4].",
    );
  });

  it("refuses data and options that are not for its ports", async () => {
    const net = twoByTwo();
    const compile = (options: object) => () =>
      net.compile({ optimizer: "sgd", ...options } as never);
    expect(compile({ loss: ["meanSquaredError"] })).toThrow(
      "compile: loss must have one entry for each of the 2 outputs, got 1. The outputs: value, kind.",
    );
    expect(compile({ loss: { valu: "meanSquaredError" } })).toThrow(
      'compile: names in loss must be outputs of the model, got "valu". Did you mean "value"?',
    );
    const x = random(4, 3, 1);
    await expect(net.predict(x)).rejects.toThrow(
      "predict x: a list of 2 arrays, or an object by name",
    );
    await expect(net.predict({ left: x })).rejects.toThrow(
      'predict x: data for "right", got none.',
    );
    await expect(net.predict([x, random(5, 3, 1)])).rejects.toThrow(
      'predict x "right": as many rows as x, which has 4, got 5.',
    );
  });
});
