import { afterAll, describe, expect, it, vi } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import * as layers from "../nn/layers/index.ts";
import { input } from "../nn/layers/input.ts";
import { losses } from "../nn/losses.ts";
import { optimizers } from "../nn/optimizers.ts";
import { setRandomSeed } from "../nn/seed.ts";
import { Engine } from "../runtime/engine.ts";
import type { Callback } from "../train/callbacks.ts";
import { model as functional } from "./functional.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const small = (seed?: number) =>
  sequential(
    [
      layers.dense({ units: 4, activation: "relu", inputShape: [3], name: "hidden" }),
      layers.dense({ units: 2 }),
    ],
    { engine, ...(seed !== undefined && { seed }) },
  );

describe("a model", () => {
  it("has its layers, shapes and weights at once where the input shape is known", () => {
    const model = small(1);
    expect(model.name).toBe("sequential");
    expect(model.inputShape).toEqual([3]);
    expect(model.outputShape).toEqual([2]);
    expect(model.countParams()).toBe(3 * 4 + 4 + 4 * 2 + 2);
    expect(model.weights.map(({ path }) => path)).toEqual([
      "dense/kernel",
      "dense/bias",
      "dense_1/kernel",
      "dense_1/bias",
    ]);
    expect(model.getLayer("hidden")).toBe(model.layers[0]);
    expect(() => model.getLayer("hiden")).toThrow(
      'getLayer: a layer of this model, got "hiden". Did you mean "hidden"?',
    );
  });

  it("draws from its seed; without one from a random one that it tells", async () => {
    const kernel = async (seed?: number) => (await small(seed).getWeights())[0].data;
    expect(await kernel(7)).toEqual(await kernel(7));
    expect(await kernel(7)).not.toEqual(await kernel(8));
    const random = small();
    expect(await kernel(random.seed)).toEqual((await random.getWeights())[0].data);
    expect(small().seed).not.toBe(random.seed);
  });

  it("is built later by build, by data, or by add", async () => {
    const model = sequential([layers.dense({ units: 2 })], { engine });
    expect(() => model.countParams()).toThrow("countParams: a model that is built, got one");
    await expect(model.getWeights()).rejects.toThrow("getWeights: a model that is built, got one");
    model.build([5]);
    expect(model.countParams()).toBe(12);
    const lazy = sequential([layers.flatten(), layers.dense({ units: 2 })], { engine });
    const x = { data: new Float32Array(24), shape: [4, 2, 3] };
    expect((await lazy.predict(x)).shape).toEqual([4, 2]);
    expect(lazy.inputShape).toEqual([2, 3]);
    const grown = small(1);
    grown.add(layers.dense({ units: 7 }));
    expect(grown.outputShape).toEqual([7]);
    expect(grown.layers[2].name).toBe("dense_1");
    // One that can't follow is not added.
    expect(() => grown.add(layers.dense({ units: 1, inputShape: [3], name: "odd" }))).toThrow(
      'Dense "odd": inputs of shape [3], as its option inputShape says, got [7]. ' +
        'It follows Dense "dense_1".',
    );
    expect(grown.outputShape).toEqual([7]);
    expect(grown.layers.length).toBe(3);
  });

  it("is built for shapes only", () => {
    for (const shape of [5, [0], [null], undefined, [-1, 2]])
      expect(() => sequential([layers.flatten()]).build(shape as never)).toThrow(
        "build: inputShape must be an array of whole numbers of at least 1, got",
      );
  });

  it("takes a layer that is frozen or thawed with its next step, in a fit too", async () => {
    const model = small(1);
    model.compile({ optimizer: optimizers.nadam(), loss: "meanSquaredError" });
    const data = [[[1, 2, 3]], [[1, 1]]] as const;
    const kernels = async () => (await model.getWeights()).filter(({ shape }) => shape.length > 1);
    await model.fit(...data);
    const [frozen, other] = await kernels();
    model.layers[0].trainable = false;
    await model.fit(...data, { epochs: 2 });
    expect((await kernels())[0]).toEqual(frozen);
    expect((await kernels())[1]).not.toEqual(other);
    model.layers[0].trainable = true;
    await model.fit(...data);
    expect((await kernels())[0]).not.toEqual(frozen);
    // In a hook before the second epoch, for the whole batches and for the last one.
    const seen: HostArray[] = [];
    const freeze: Callback = {
      async onEpochBegin(epoch) {
        if (epoch !== 1) return;
        model.layers[0].trainable = false;
        seen.push((await kernels())[0]);
      },
    };
    const more = { x: Array(5).fill([1, 2, 3]), y: Array(5).fill([1, 1]) };
    await model.fit(more.x, more.y, { epochs: 2, batchSize: 2, callbacks: [freeze] });
    expect((await kernels())[0]).toEqual(seen[0]);
  });

  it("without weights, or of nothing but an input, can be fitted", async () => {
    const x = input({ shape: [3] });
    const parts = [sequential([layers.relu({ inputShape: [3] })], { engine })];
    for (const net of [...parts, functional({ inputs: x, outputs: x, engine })]) {
      net.compile({ optimizer: "sgd", loss: "meanSquaredError" });
      const { history } = await net.fit([[1, 2, 3]], [[1, 2, 3]], { epochs: 2 });
      expect(history.loss).toEqual([0, 0]);
    }
  });

  it("refuses what is no array, saying what came", async () => {
    const model = small(1);
    for (const [value, text] of [
      [Promise.resolve([[1, 2, 3]]), "an instance of Promise"],
      [new Map(), "an instance of Map"],
      ["abc", '"abc"'],
      [5, "5"],
    ] as const)
      await expect(model.predict(value as never)).rejects.toThrow(
        `predict x: must be { data: typed array, shape: number[] }, a typed array or nested arrays, got ${text}.`,
      );
    await expect(model.predictOnBatch([[1, 2]])).rejects.toThrow(
      "predictOnBatch x: shape [n, 3], as the model's inputs are, got [1, 2].",
    );
  });

  it("seeds of all kinds of models follow from setRandomSeed", () => {
    const seeds = () => {
      setRandomSeed(5);
      const x = input({ shape: [3] });
      const y = layers.dense({ units: 1 }).apply(x);
      return [small().seed, functional({ inputs: x, outputs: y, engine }).seed, small().seed];
    };
    const first = seeds();
    expect(first[0]).toBe(5);
    expect(new Set(first).size).toBe(3);
    expect(seeds()).toEqual(first);
  });

  it("weights go out and in as copies", async () => {
    const model = small(1);
    const weights = await model.getWeights();
    const changed = weights.map(({ data, shape }) => ({ data: data.map((v) => v + 1), shape }));
    await model.setWeights(changed);
    expect(await model.getWeights()).toEqual(changed);
    changed[0].data[0] = 99;
    expect((await model.getWeights())[0].data[0]).not.toBe(99);
    // Also when the device has them.
    await model.predict([[1, 2, 3]]);
    await model.setWeights(weights);
    expect(await model.getWeights()).toEqual(weights);
  });

  it("takes all weights or none", async () => {
    const model = small(1);
    const weights = await model.getWeights();
    await expect(model.setWeights(weights.slice(1))).rejects.toThrow(
      "setWeights: an array of 4 weights, got an array of length 3. In this order: " +
        "dense/kernel, dense/bias, dense_1/kernel, dense_1/bias.",
    );
    const wrong = weights.with(3, { data: new Float32Array(3), shape: [3] });
    await expect(model.setWeights(wrong)).rejects.toThrow(
      'setWeights "dense_1/bias": shape [2], got [3].',
    );
    expect(await model.getWeights()).toEqual(weights);
  });

  it("predicts the same in batches of any size", async () => {
    const model = small(3);
    const x = { data: Float32Array.from({ length: 33 }, (_, i) => Math.cos(i)), shape: [11, 3] };
    const whole = await model.predict(x);
    for (const batchSize of [1, 4, 11, 100])
      expect((await model.predict(x, { batchSize })).data).toEqual(whole.data);
    whole.data[0] = 5;
    expect((await model.predict(x)).data[0]).not.toBe(5);
  });

  it("takes bytes, nested numbers and doubles alike", async () => {
    const model = small(3);
    const nested = await model.predict([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    for (const data of [Uint8Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(1, 2, 3, 4, 5, 6)])
      expect((await model.predict({ data, shape: [2, 3] })).data).toEqual(nested.data);
  });

  it("shares the weights of layers that are in two models", async () => {
    const first = small(1);
    const second = sequential([first.layers[0], layers.dense({ units: 1 })], { engine, seed: 2 });
    second.build([3]);
    first.compile({ optimizer: "sgd", loss: "meanSquaredError" });
    const x = [
      [1, 2, 3],
      [3, 2, 1],
    ];
    const before = await second.predict(x);
    await first.fit(x, [
      [1, 0],
      [0, 1],
    ]);
    expect(await second.predict(x)).not.toEqual(before);
    expect((await second.getWeights())[0]).toEqual((await first.getWeights())[0]);
  });

  it("prints its summary, or only returns it", () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const text = small(1).summary();
    expect(print).toHaveBeenCalledWith(text.trimEnd());
    expect(text.split("\n")[0]).toBe('Model: "sequential"');
    print.mockClear();
    expect(small(1).summary({ print: false })).toBe(text);
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
  });
});

describe("compile", () => {
  it("keeps the state of an optimizer that is given again", async () => {
    const x = [[1, 2, 3]];
    const y = [[1, 1]];
    const run = async (again: boolean) => {
      const model = small(1);
      const optimizer = optimizers.nadam({ learningRate: 0.1 });
      model.compile({ optimizer, loss: "meanSquaredError" });
      await model.fit(x, y, { epochs: 3 });
      const next = again ? optimizer : optimizers.nadam({ learningRate: 0.1 });
      model.compile({ optimizer: next, loss: "meanSquaredError" });
      await model.fit(x, y, { epochs: 3 });
      return (await model.getWeights())[0].data;
    };
    const whole = small(1);
    whole.compile({ optimizer: optimizers.nadam({ learningRate: 0.1 }), loss: "meanSquaredError" });
    await whole.fit(x, y, { epochs: 6 });
    expect(await run(true)).toEqual((await whole.getWeights())[0].data);
    expect(await run(false)).not.toEqual(await run(true));
  });

  it("refuses what it does not know", () => {
    const compile = (options: object) => () => small(1).compile(options as never);
    expect(compile({ optimizer: "nadm", loss: "meanSquaredError" })).toThrow(
      'compile: optimizer must be a known name, got "nadm". Did you mean "nadam"?',
    );
    expect(compile({ optimizer: "sgd", loss: 3 })).toThrow(
      "compile: loss must be a name, an object or a function of this kind, got 3.",
    );
    expect(compile({ optimizer: "sgd", loss: "meanSquareError" })).toThrow(
      'Did you mean "meanSquaredError"?',
    );
    expect(compile({ optimizer: "sgd", loss: "meanSquaredError", metrics: "accuracy" })).toThrow(
      'compile: metrics must be an array, got "accuracy". Example: metrics: ["accuracy"]',
    );
    const metrics = ["accuracy", "accuracy"];
    expect(compile({ optimizer: "sgd", loss: "meanSquaredError", metrics })).toThrow(
      'compile: names of metrics must differ from each other and from loss, got "accuracy" twice.',
    );
    expect(compile({ optimizer: "sgd", loss: "meanSquaredError", metric: [] })).toThrow(
      'compile: option names must be known, got "metric". Did you mean "metrics"?',
    );
    expect(compile({ optimizer: {}, loss: losses.meanSquaredError() })).toThrow(
      "compile: optimizer must be a name or an object of this kind, got {}. " +
        "Known names: sgd, ",
    );
  });

  it("options of sequential are checked", () => {
    const make = (options: object) => () => sequential([layers.dense({ units: 1 })], options);
    expect(make({ seed: 0.5 })).toThrow(
      "sequential: seed must be a whole number in [0, 2^53), got 0.5.",
    );
    expect(make({ name: "" })).toThrow('sequential: name must be a text, got "".');
    expect(make({ sed: 1 })).toThrow('got "sed". Did you mean "seed"?');
    expect(() => sequential(layers.dense({ units: 1 }) as never)).toThrow(
      "sequential: layers must be an array, got an instance of Dense.",
    );
  });
});
