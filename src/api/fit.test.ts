import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { permutation } from "../base/philox.ts";
import * as layers from "../nn/layers/index.ts";
import type { LossFunction } from "../nn/loss.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import type { Callback, FitParams, TrainedModel } from "../train/callbacks.ts";
import type { ModelOptions } from "./options.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());
afterEach(() => {
  vi.restoreAllMocks();
});

/** Three classes of points, by an easy rule. */
function points(n: number, shift = 0): { x: HostArray; y: Uint8Array } {
  const data = Float32Array.from({ length: n * 2 }, (_, i) => Math.sin((i + shift) * 12.9898) * 2);
  const y = Uint8Array.from({ length: n }, (_, i) =>
    data[2 * i] > 0.5 ? 2 : data[2 * i + 1] > 0 ? 1 : 0,
  );
  return { x: { data, shape: [n, 2] }, y };
}

const { x, y } = points(50);
const held = points(20, 1000);

function makeModel(options: ModelOptions = {}, rate = 0.05) {
  const model = sequential(
    [
      layers.dense({ units: 8, activation: "elu", kernelInitializer: "heNormal", inputShape: [2] }),
      layers.dropout({ rate: 0.1 }),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    { seed: 5, engine, ...options },
  );
  model.compile({
    optimizer: optimizers.nadam({ learningRate: rate }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

const flat = async (model: TrainedModel) =>
  (await model.getWeights()).flatMap(({ data }) => [...data]);

describe("fit", () => {
  it("learns, and its history is evaluate's numbers", async () => {
    const model = makeModel();
    const { history, epoch } = await model.fit(x, y, {
      epochs: 10,
      batchSize: 16,
      validationData: [held.x, held.y],
    });
    expect(epoch).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(Object.keys(history)).toEqual(["loss", "accuracy", "valLoss", "valAccuracy"]);
    expect(history.loss[9]).toBeLessThan(0.5 * history.loss[0]);
    const { loss, accuracy } = await model.evaluate(held.x, held.y, { batchSize: 7 });
    expect(loss).toBeCloseTo(history.valLoss[9], 6);
    expect(accuracy).toBe(history.valAccuracy[9]);
    expect(model.history?.history).toBe(history);
    const predicted = await model.predict(held.x);
    expect(predicted.shape).toEqual([20, 3]);
    const right = Array.from(held.y).filter((label, i) => {
      const row = predicted.data.subarray(3 * i, 3 * i + 3);
      return row.indexOf(Math.max(...row)) === label;
    });
    expect(right.length / 20).toBe(accuracy);
  });

  it("is a function of the seed, whatever runs in one call", async () => {
    const run = async (seed: number, callbacks: Callback[] = []) => {
      const model = makeModel({ seed });
      const { history } = await model.fit(x, y, { epochs: 3, batchSize: 16, callbacks });
      return [...history.loss, ...(await flat(model))];
    };
    const first = await run(5);
    expect(await run(5)).toEqual(first);
    // A stop after every step changes nothing.
    expect(await run(5, [{ onTrainBatchEnd: () => undefined }])).toEqual(first);
    expect(await run(6)).not.toEqual(first);
  });

  it("goes on with order, noise and optimizer in a second fit", async () => {
    const whole = makeModel();
    const { history } = await whole.fit(x, y, { epochs: 4, batchSize: 16 });
    const parts = makeModel();
    const before = await parts.fit(x, y, { epochs: 2, batchSize: 16 });
    const after = await parts.fit(x, y, { epochs: 2, batchSize: 16 });
    expect([...before.history.loss, ...after.history.loss]).toEqual(history.loss);
    expect(await flat(parts)).toEqual(await flat(whole));
  });

  it("takes the samples in the order of (seed, epoch), or as they lie", async () => {
    // Without bias and with rate 1 the weight tells the order: w = 2 w + x for each sample.
    const run = async (options: { shuffle?: boolean; seed?: number; epochs: number }) => {
      const model = sequential([layers.dense({ units: 1, useBias: false, inputShape: [1] })], {
        engine,
        seed: 1,
      });
      const loss: LossFunction = (yTrue, yPred) => yPred.multiply(yTrue);
      model.compile({ optimizer: optimizers.sgd({ learningRate: 1, momentum: 1 }), loss });
      await model.setWeights([[[0]]]);
      const values = { data: Float32Array.of(1, 2, 4, 8), shape: [4, 1] };
      await model.fit({ data: new Float32Array(4).fill(-1), shape: [4, 1] }, values, {
        batchSize: 1,
        ...options,
      });
      return (await flat(model))[0];
    };
    // Momentum 1 weighs a value by how many steps follow it.
    const weightFor = (order: readonly number[]) => {
      let [momentum, weight] = [0, 0];
      for (const i of order) {
        momentum += 2 ** i;
        weight += momentum;
      }
      return weight;
    };
    const shuffled = (seed: number, epoch: number) => [...permutation(seed, "shuffle", epoch, 4)];
    expect(await run({ shuffle: false, epochs: 1 })).toBe(weightFor([0, 1, 2, 3]));
    expect(await run({ epochs: 1 })).toBe(weightFor(shuffled(1, 0)));
    expect(await run({ epochs: 1, seed: 9 })).toBe(weightFor(shuffled(9, 0)));
    expect(await run({ epochs: 2 })).toBe(weightFor([...shuffled(1, 0), ...shuffled(1, 1)]));
  });

  it("compiles four programs, and in five fits and other models no more", async () => {
    const own = new Engine({ threads: 1 });
    const options = { batchSize: 16, validationData: [held.x, held.y] as const };
    await makeModel({ engine: own }).fit(x, y, options);
    expect(own.compilations).toBe(4);
    const { optimizer } = makeModel();
    for (let fit = 0; fit < 5; fit++) {
      const model = makeModel({ engine: own, seed: fit, name: `model_${fit}` }, 0.01 * fit);
      await model.fit(x, y, options);
      model.optimizer.learningRate = 0.5;
      const more = points(66, fit);
      await model.fit(more.x, more.y, { ...options, epochs: 2 });
    }
    expect(optimizer.learningRate).toBe(0.05);
    expect(own.compilations).toBe(4);
    await own.close();
  });

  it("takes batches larger than the data", async () => {
    const { history } = await makeModel().fit(x, y, {
      batchSize: 1000,
      validationData: [held.x, held.y],
    });
    expect(history.loss.length).toBe(1);
  });

  it("takes a new learning rate from the next step on", async () => {
    const model = makeModel();
    const before = await flat(model);
    const freeze: Callback = {
      onTrainBatchBegin(batch) {
        if (batch === 0) this.model!.optimizer.learningRate = 0;
      },
    };
    await model.fit(x, y, { batchSize: 16, callbacks: [freeze] });
    expect(await flat(model)).toEqual(before);
  });

  it("goes on with one warning where the loss is not finite", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const model = makeModel({}, 1e30);
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: 16 });
    expect(history.loss.length).toBe(3);
    expect(history.loss[2]).toBeNaN();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(
      /^fit: the loss is (NaN|Infinity) in epoch 0 at step \d+;/,
    );
  });
});

describe("hooks", () => {
  it("come in Keras's order, awaited, with params and model", async () => {
    const seen: string[] = [];
    let params: FitParams | undefined;
    const log = (name: string) => async (at?: unknown) => {
      await new Promise((done) => setTimeout(done, 1));
      seen.push(typeof at === "number" ? `${name} ${at}` : name);
    };
    const model = makeModel();
    const recorder: Callback = {
      onTrainBegin() {
        params = this.params;
        expect(this.model).toBe(model);
        return log("train")();
      },
      onTrainEnd: log("/train"),
      onEpochBegin: log("epoch"),
      onEpochEnd: log("/epoch"),
      onTrainBatchBegin: log("batch"),
      onTrainBatchEnd: log("/batch"),
      onTestBegin: log("test"),
      onTestEnd: log("/test"),
      onTestBatchBegin: log("test batch"),
      onTestBatchEnd: log("/test batch"),
    };
    await model.fit(x, y, {
      batchSize: 25,
      validationData: [held.x, held.y],
      callbacks: [recorder],
    });
    const steps = ["batch 0", "/batch 0", "batch 1", "/batch 1"];
    const tests = ["test", "test batch 0", "/test batch 0", "/test"];
    expect(seen).toEqual(["train", "epoch 0", ...steps, ...tests, "/epoch 0", "/train"]);
    expect(params).toEqual({
      epochs: 1,
      steps: 2,
      batchSize: 25,
      samples: 50,
      validationSamples: 20,
      seed: 5,
      device: "wasm",
      threads: 1,
      fma: params?.fma,
    });
  });

  it("logs are means so far; readers get all of them, in order", async () => {
    const run = async (onlyReadsLogs: boolean) => {
      const logs: [number, number, number][] = [];
      const reader: Callback = {
        onlyReadsLogs,
        onTrainBatchEnd(batch, { loss, accuracy }) {
          logs.push([batch, loss, accuracy]);
        },
      };
      const { history } = await makeModel().fit(x, y, { batchSize: 4, callbacks: [reader] });
      expect(logs.map(([batch]) => batch)).toEqual(Array.from({ length: 13 }, (_, i) => i));
      expect(logs[12].slice(1)).toEqual([history.loss[0], history.accuracy[0]]);
      return logs;
    };
    expect(await run(true)).toEqual(await run(false));
  });

  it("nextStop says where a callback must see the model", async () => {
    const stops: number[] = [];
    const calls: number[] = [];
    const every5: Callback = {
      nextStop: (step) => {
        stops.push(step);
        return step - (step % 5) + 4;
      },
    };
    const model = makeModel();
    const reader: Callback = {
      onlyReadsLogs: true,
      onTrainBatchEnd: (batch) => void calls.push(batch),
    };
    await model.fit(x, y, { batchSize: 2, epochs: 2, callbacks: [every5, reader] });
    for (const step of [0, 5, 10, 15, 20]) expect(stops).toContain(step);
    expect(calls.length).toBe(50);
  });

  it("what a hook adds to the logs is in the history", async () => {
    const rate: Callback = {
      onEpochEnd(_, logs) {
        logs.learningRate = this.model!.optimizer.learningRate;
      },
    };
    const { history } = await makeModel().fit(x, y, { epochs: 2, callbacks: [rate] });
    expect(history.learningRate).toEqual([0.05, 0.05]);
  });

  it("may ask and change the model", async () => {
    const model = makeModel();
    const best: HostArray[][] = [];
    const keeper: Callback = {
      async onEpochEnd(epoch) {
        const seen = this.model!;
        const { loss } = await seen.evaluate(held.x, held.y);
        expect(loss).toBeGreaterThan(0);
        const predicted = (await seen.predict(held.x)) as HostArray;
        expect(predicted.shape).toEqual([20, 3]);
        if (epoch === 0) best.push(await seen.getWeights());
      },
      async onTrainEnd() {
        await this.model!.setWeights(best[0]);
      },
    };
    await model.fit(x, y, { epochs: 3, callbacks: [keeper] });
    expect(await flat(model)).toEqual(best[0].flatMap(({ data }) => [...data]));
  });

  it("stopTraining ends after the step, with validation and hooks", async () => {
    const model = makeModel();
    const ends: number[] = [];
    const stopper: Callback = {
      onTrainBatchEnd(batch) {
        ends.push(batch);
        if (batch === 1) this.model!.stopTraining = true;
      },
    };
    const options = { batchSize: 10, epochs: 5, validationData: [held.x, held.y] as const };
    const { history, epoch } = await model.fit(x, y, { ...options, callbacks: [stopper] });
    expect(ends).toEqual([0, 1]);
    expect(epoch).toEqual([0]);
    expect(history.valLoss.length).toBe(1);
    // The next fit starts with the flag down.
    expect((await model.fit(x, y, { epochs: 2 })).epoch).toEqual([0, 1]);
  });

  it("one that throws ends the fit with its error; the model is usable", async () => {
    const model = makeModel();
    const fails: Callback = {
      onEpochEnd() {
        throw new RangeError("full disk");
      },
    };
    await expect(model.fit(x, y, { callbacks: [fails] })).rejects.toThrow(RangeError);
    await model.fit(x, y);
    expect((await model.evaluate(x, y)).loss).toBeGreaterThan(0);
  });
});

describe("while a fit runs", () => {
  it("others may ask, none may change", async () => {
    const model = makeModel();
    const fitting = model.fit(x, y, { epochs: 200, batchSize: 1 });
    const busy = "no fit of this model may be running, got a call while one runs.";
    await expect(model.fit(x, y)).rejects.toThrow(
      `fit: ${busy} Await the fit first, or end it with an AbortSignal.`,
    );
    expect(() => model.compile({ optimizer: "sgd", loss: "meanSquaredError" })).toThrow(
      `compile: ${busy}`,
    );
    expect(() => model.add(layers.dense({ units: 1 }))).toThrow(`add: ${busy}`);
    const weights = await model.getWeights();
    await expect(model.setWeights(weights)).rejects.toThrow(`setWeights: ${busy}`);
    expect((await model.predict(held.x)).shape).toEqual([20, 3]);
    expect((await model.evaluate(held.x, held.y)).loss).toBeGreaterThan(0);
    // All of that happened beside it.
    let isOver = false;
    void fitting.then(() => {
      isOver = true;
    });
    await Promise.resolve();
    expect(isOver).toBe(false);
    expect((await fitting).epoch.length).toBe(200);
    await model.setWeights(weights);
  });

  it("an abort ends it after the running call, with the history so far", async () => {
    const model = makeModel();
    const controller = new AbortController();
    const ended: string[] = [];
    const aborter: Callback = {
      onEpochBegin(epoch) {
        if (epoch === 3) controller.abort();
      },
      onTrainEnd: () => void ended.push("train"),
      onEpochEnd: (epoch) => void ended.push(`epoch ${epoch}`),
    };
    const options = { epochs: 1000, signal: controller.signal, callbacks: [aborter] };
    const { history, epoch } = await model.fit(x, y, { ...options, batchSize: 1 });
    expect(epoch).toEqual([0, 1, 2]);
    expect(history.loss.length).toBe(3);
    expect(ended).toEqual(["epoch 0", "epoch 1", "epoch 2", "train"]);
    expect((await model.fit(x, y, { signal: controller.signal })).epoch).toEqual([]);
    expect((await model.fit(x, y)).epoch).toEqual([0]);
  });
});

describe("bad input of fit, evaluate and predict", () => {
  const options = (given: object) => makeModel().fit(x, y, given);

  it("options", async () => {
    await expect(options({ batchSize: 0 })).rejects.toThrow(
      "fit: batchSize must be a whole number of at least 1, got 0.",
    );
    await expect(options({ batchSize: 2.5 })).rejects.toThrow("at least 1, got 2.5.");
    await expect(options({ batchSize: -32 })).rejects.toThrow("at least 1, got -32.");
    await expect(options({ epochs: 0 })).rejects.toThrow("fit: epochs must be a whole number");
    await expect(options({ batch_size: 32 })).rejects.toThrow(
      'fit: option names must be known, got "batch_size". Did you mean "batchSize"?',
    );
    await expect(options({ shuffle: 1 })).rejects.toThrow("fit: shuffle must be true or false");
    await expect(options({ seed: -1 })).rejects.toThrow(
      "fit: seed must be a whole number in [0, 2^53), got -1.",
    );
    await expect(options({ validationData: x })).rejects.toThrow(
      "fit: validationData must be [x, y], [x, y, sampleWeight] or a Dataset, got Float32Array(100) of shape [50, 2].",
    );
    await expect(options({ signal: true })).rejects.toThrow("fit: signal must be an AbortSignal");
    await expect(options({ callbacks: [3] })).rejects.toThrow(
      "fit: callbacks must be an array of objects with hooks, got [3].",
    );
    await expect(makeModel().predict(x, { batchSize: 0 })).rejects.toThrow("predict: batchSize");
    await expect(makeModel().evaluate(x, y, { batchSize: 0 })).rejects.toThrow(
      "evaluate: batchSize must be a whole number of at least 1, got 0.",
    );
  });

  it("data, before anything has changed", async () => {
    const model = makeModel();
    const before = await flat(model);
    const bad = { data: x.data.slice(), shape: x.shape };
    bad.data[41] = Number.NaN;
    await expect(model.fit(bad, y)).rejects.toThrow(
      "fit x: all numbers must be finite, got NaN in row 20.",
    );
    await expect(model.fit(x, y.slice(1))).rejects.toThrow(
      "fit y: as many rows as x, which has 50, got 49.",
    );
    await expect(model.fit({ data: x.data, shape: [25, 4] }, y)).rejects.toThrow(
      "fit x: shape [n, 2], as the model's inputs are, got [25, 4].",
    );
    await expect(
      model.fit(
        x,
        y.map((label) => label + 1),
      ),
    ).rejects.toThrow("fit y: labels must be whole numbers from 0 to 2, got 3 at");
    await expect(
      model.fit(x, y, { validationData: [held.x, held.y.map(() => 7)] }),
    ).rejects.toThrow(
      "fit validationData y: labels must be whole numbers from 0 to 2, got 7 at 0.",
    );
    await expect(model.evaluate(bad, y)).rejects.toThrow("evaluate x: all numbers must be finite");
    await expect(model.predict(bad)).rejects.toThrow("predict x: all numbers must be finite");
    await expect(model.predict([])).rejects.toThrow(
      "predict x: there must be data, got shape [0].",
    );
    expect(await flat(model)).toEqual(before);
    expect((await model.fit(x, y)).epoch).toEqual([0]);
  });

  it("a model without compile can predict, and nothing else", async () => {
    const model = sequential([layers.dense({ units: 3, inputShape: [2] })], { engine });
    expect((await model.predict(x)).shape).toEqual([50, 3]);
    const missing =
      "the model must be compiled first, got a model without optimizer and loss. " +
      'Example: model.compile({ optimizer: "nadam", loss: "meanSquaredError" })';
    await expect(model.fit(x, y)).rejects.toThrow(`fit: ${missing}`);
    await expect(model.evaluate(x, y)).rejects.toThrow(`evaluate: ${missing}`);
    // The failed fit does not count as running.
    model.compile({ optimizer: "nadam", loss: "sparseCategoricalCrossentropy" });
  });
});
