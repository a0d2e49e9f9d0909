import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { DataChunk, Dataset } from "../base/dataset.ts";
import type { HostArray } from "../base/host-array.ts";
import { dense } from "../nn/layers/dense.ts";
import type { LossFunction } from "../nn/loss.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());
afterEach(() => {
  vi.restoreAllMocks();
});

const rows = 22;
const x: HostArray = {
  data: Float32Array.from({ length: rows * 3 }, (_, i) => Math.sin(i * 1.7)),
  shape: [rows, 3],
};
const y: HostArray = { data: Uint8Array.from({ length: rows }, (_, i) => i % 3), shape: [rows] };

function classifier() {
  const model = sequential(
    [
      dense({ units: 5, activation: "elu", inputShape: [3] }),
      dense({ units: 3, activation: "softmax" }),
    ],
    { seed: 4, engine },
  );
  model.compile({
    optimizer: optimizers.sgd({ learningRate: 0.3 }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
    weightedMetrics: ["accuracy"],
  });
  return model;
}

const part = ({ data, shape }: HostArray, from: number, to: number): HostArray => {
  const size = data.length / shape[0];
  return { data: data.slice(from * size, to * size), shape: [to - from, ...shape.slice(1)] };
};

/** The samples in chunks that end at these rows. */
function chunked(ends: readonly number[], size: number | undefined = rows): Dataset {
  return {
    size,
    async *[Symbol.asyncIterator](): AsyncGenerator<DataChunk> {
      let from = 0;
      for (const to of ends) {
        yield { x: part(x, from, to), y: part(y, from, to) };
        from = to;
      }
    },
  };
}

const weightsOf = async (model: ReturnType<typeof classifier>) =>
  (await model.getWeights()).map(({ data }) => [...data]);

describe("sample weights", () => {
  it("of 0 leave samples out, those of 2 count them twice", async () => {
    const model = classifier();
    const sampleWeight = Float32Array.from({ length: rows }, (_, i) => (i < 10 ? 2 : 0));
    const found = await model.evaluate(x, y, { sampleWeight });
    const first = await model.evaluate(part(x, 0, 10), part(y, 0, 10));
    expect(found.loss).toBeCloseTo((first.loss * 10 * 2) / rows, 5);
    expect(found.weightedAccuracy).toBeCloseTo(first.accuracy, 6);
    const all = await model.evaluate(x, y);
    expect(found.accuracy).toBeCloseTo(all.accuracy, 6);
  });

  it("of classes are those of their samples, and multiply others", async () => {
    const classWeight = { 0: 3, 2: 0.5 };
    const byClass = Float32Array.from(y.data, (label) => [3, 1, 0.5][label]);
    const [a, b] = [classifier(), classifier()];
    const once = { epochs: 2, batchSize: 8 };
    await a.fit(x, y, { ...once, classWeight });
    await b.fit(x, y, { ...once, sampleWeight: byClass });
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    const half = new Float32Array(rows).fill(0.5);
    const [c, d] = [classifier(), classifier()];
    await c.fit(x, y, { ...once, classWeight, sampleWeight: half });
    await d.fit(x, y, { ...once, sampleWeight: byClass.map((weight) => weight / 2) });
    expect(await weightsOf(c)).toEqual(await weightsOf(d));
    expect(await weightsOf(c)).not.toEqual(await weightsOf(a));
  });

  it("may be [n, 1], of time steps, or multiply a loss that is one number", async () => {
    const model = classifier();
    const half = new Float32Array(rows).fill(0.5);
    const plain = await model.evaluate(x, y, { sampleWeight: half });
    const column = { data: half, shape: [rows, 1] };
    expect(await model.evaluate(x, y, { sampleWeight: column })).toEqual(plain);
    // Two samples of eleven steps each.
    const steps = sequential([dense({ units: 3, activation: "softmax", inputShape: [11, 3] })], {
      seed: 4,
      engine,
    });
    steps.compile({
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
      weightedMetrics: ["accuracy"],
    });
    const sequences = { data: x.data, shape: [2, 11, 3] };
    const labels = { data: y.data, shape: [2, 11] };
    const first = {
      data: Float32Array.from({ length: 22 }, (_, i) => (i % 11 < 4 ? 1 : 0)),
      shape: [2, 11],
    };
    const found = await steps.evaluate(sequences, labels, { sampleWeight: first });
    const predicted = await steps.predict(sequences);
    let [loss, right] = [0, 0];
    for (let i = 0; i < 22; i++) {
      if (i % 11 >= 4) continue;
      const p = predicted.data.subarray(3 * i, 3 * i + 3);
      loss -= Math.log(p[y.data[i]]);
      if (p.indexOf(Math.max(...p)) === y.data[i]) right++;
    }
    expect(found.loss).toBeCloseTo(loss / 22, 5);
    expect(found.weightedAccuracy).toBeCloseTo(right / 8, 6);
    await expect(steps.fit(sequences, labels, { classWeight: { 0: 2 } })).rejects.toThrow(
      "fit classWeight: a model that tells one class for each sample, outputs [n, classes], got " +
        "outputs [n, 11, 3]. Pass sampleWeight in the shape of the targets instead.",
    );
    // Keras: the number times each weight, averaged.
    const scalar = classifier();
    const single: LossFunction = (yTrue, yPred) => yPred.sum(-1).subtract(yTrue).square().mean();
    scalar.compile({ optimizer: "sgd", loss: single });
    const weights = Float32Array.from({ length: rows }, (_, i) => i);
    const { loss: whole } = await scalar.evaluate(x, y, { batchSize: rows });
    const weighted = await scalar.evaluate(x, y, { batchSize: rows, sampleWeight: weights });
    expect(weighted.loss).toBeCloseTo((whole * (rows - 1)) / 2, 4);
  });

  it("that are bad are refused before anything changes", async () => {
    const model = classifier();
    const before = await weightsOf(model);
    const train = (options: object) => model.fit(x, y, options);
    await expect(train({ sampleWeight: new Float32Array(5) })).rejects.toThrow(
      "fit sampleWeight: a weight for each of the 22 samples, got 5.",
    );
    const bad = (value: number) =>
      Float32Array.from({ length: rows }, (_, i) => (i === 7 ? value : 1));
    await expect(train({ sampleWeight: bad(-1) })).rejects.toThrow(
      "fit sampleWeight: weights must be at least 0, got -1 at 7.",
    );
    await expect(train({ sampleWeight: bad(Number.NaN) })).rejects.toThrow(
      "fit sampleWeight: all numbers must be finite, got NaN in row 7.",
    );
    await expect(train({ classWeight: { 3: 1 } })).rejects.toThrow(
      'fit classWeight: classes must be whole numbers from 0 to 2, got "3".',
    );
    await expect(train({ classWeight: { 1: -2 } })).rejects.toThrow(
      "fit classWeight: the weight of class 1 must be a finite number of at least 0, got -2.",
    );
    await expect(train({ classWeight: [1, 2] })).rejects.toThrow(
      "fit classWeight: an object from class to weight, got [1, 2].",
    );
    expect(await weightsOf(model)).toEqual(before);
  });
});

describe("a data set in chunks", () => {
  it("gives the same bits however it is cut, and as arrays do", async () => {
    const results = [];
    for (const data of [x, chunked([rows]), chunked([5, 6, 21, rows]), chunked([16, rows])]) {
      const model = classifier();
      const isArrays = data === x;
      const options = { epochs: 3, batchSize: 8, shuffle: false };
      const { history } = await model.fit(data as Dataset, isArrays ? y : undefined, options);
      results.push({ history, weights: await weightsOf(model) });
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it("is evaluated and predicted as arrays are", async () => {
    const model = classifier();
    const set = chunked([5, 12, rows]);
    expect(await model.evaluate(set)).toEqual(await model.evaluate(x, y));
    expect(await model.predict(set)).toEqual(await model.predict(x));
    const { history } = await model.fit(set, undefined, { validationData: chunked([9, rows]) });
    expect(history.valLoss[0]).toBeCloseTo((await model.evaluate(x, y)).loss, 6);
  });

  it("loads the next chunk while one computes", async () => {
    const model = classifier();
    const events: string[] = [];
    const set: Dataset = {
      size: rows,
      async *[Symbol.asyncIterator]() {
        for (const [from, to] of [
          [0, 8],
          [8, rows],
        ]) {
          events.push(`load ${from}`);
          yield { x: part(x, from, to), y: part(y, from, to) };
        }
      },
    };
    const log = { onTrainBatchEnd: (batch: number) => void events.push(`step ${batch}`) };
    await model.fit(set, undefined, { batchSize: 8, callbacks: [log] });
    expect(events).toEqual(["load 0", "load 8", "step 0", "step 1", "step 2"]);
  });

  it("that throws, ends early or changes ends the fit; the model is usable", async () => {
    const model = classifier();
    const train = (set: Dataset, options = {}) => model.fit(set, undefined, options);
    const broken: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        yield { x: part(x, 0, 8), y: part(y, 0, 8) };
        throw new Error("the disk is gone");
      },
    };
    await expect(train(broken)).rejects.toThrow("the disk is gone");
    await expect(train(chunked([8, 16]))).rejects.toThrow(
      "fit: 22 rows, as its size says, got 16. Each iteration must start anew and give all rows.",
    );
    let epoch = 0;
    const shrinking: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        const to = epoch++ === 0 ? 16 : 8;
        yield { x: part(x, 0, to), y: part(y, 0, to) };
      },
    };
    await expect(train(shrinking, { epochs: 2 })).rejects.toThrow(
      "fit: 16 rows, as in the first epoch, got 8.",
    );
    epoch = 0;
    const reshaped: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        const shape = epoch++ === 0 ? [4, 3] : [3, 4];
        yield { x: { data: x.data.slice(0, 12), shape }, y: part(y, 0, shape[0]) };
      },
    };
    await expect(train(reshaped, { epochs: 2 })).rejects.toThrow(
      "fit chunk 0 x: shape [n, 3], as the model's inputs are, got [3, 4].",
    );
    await expect(train(chunked([]))).rejects.toThrow("fit: 22 rows, as its size says, got 0.");
    async function* once() {
      yield { x, y };
    }
    const generator = once() as unknown as Dataset;
    await expect(train(generator, { epochs: 2 })).rejects.toThrow(
      "fit: 22 rows, as in the first epoch, got 0. Each iteration must start anew",
    );
    await expect(train(generator)).rejects.toThrow("A generator can be walked through once;");
    await expect(model.fit(chunked([rows]), y)).rejects.toThrow(
      "fit: no y beside a Dataset, whose chunks have x, y and sampleWeight, got a Dataset and y. " +
        "Options come third: fit(dataset, undefined, { ... }).",
    );
    const noTargets: Dataset = {
      size: rows,
      async *[Symbol.asyncIterator]() {
        yield { x } as DataChunk;
      },
    };
    await expect(train(noTargets)).rejects.toThrow(
      "fit chunk 0 y: it must be given, got undefined.",
    );
    expect((await train(chunked([rows]))).history.loss).toHaveLength(1);
  });
});

describe("parts of the data", () => {
  it("validationSplit takes the last samples", async () => {
    const [a, b] = [classifier(), classifier()];
    const split = await a.fit(x, y, { validationSplit: 0.25, batchSize: 4 });
    const held = await b.fit(part(x, 0, 16), part(y, 0, 16), {
      batchSize: 4,
      validationData: [part(x, 16, rows), part(y, 16, rows)],
    });
    expect(split.history).toEqual(held.history);
    await expect(a.fit(x, y, { validationSplit: 1 })).rejects.toThrow(
      "fit: validationSplit must be in (0, 1), got 1.",
    );
    await expect(a.fit(x, y, { validationSplit: 0.99 })).rejects.toThrow(
      "fit: validationSplit must leave samples on both sides, got 0.99 of 22 samples.",
    );
  });

  it("that are held out are not weighted by class, as in Keras", async () => {
    const model = classifier();
    const options = { classWeight: { 0: 3, 1: 0.2 }, validationSplit: 0.25 };
    const { history } = await model.fit(x, y, options);
    const held = await model.evaluate(part(x, 16, rows), part(y, 16, rows));
    expect(history.valLoss[0]).toBeCloseTo(held.loss, 6);
    expect(history.valWeightedAccuracy[0]).toBeCloseTo(held.weightedAccuracy, 6);
  });

  it("initialEpoch, validationFreq and validationSteps count as in Keras", async () => {
    const model = classifier();
    const epochs: number[] = [];
    const options = {
      initialEpoch: 2,
      epochs: 6,
      validationData: [x, y] as const,
      validationFreq: 2,
      validationSteps: 1,
      validationBatchSize: 5,
      callbacks: [{ onEpochBegin: (epoch: number) => void epochs.push(epoch) }],
    };
    const history = await model.fit(x, y, options);
    expect(epochs).toEqual([2, 3, 4, 5]);
    expect(history.epoch).toEqual([2, 3, 4, 5]);
    expect(history.history.valLoss).toHaveLength(2);
    const last = await model.evaluate(part(x, 0, 5), part(y, 0, 5));
    expect(history.history.valLoss[1]).toBeCloseTo(last.loss, 6);
  });

  it("stepsPerEpoch goes on in the data in the next epoch", async () => {
    const [a, b] = [classifier(), classifier()];
    const options = { batchSize: 4, shuffle: false };
    // Six steps are in the data: twice three of them are one whole epoch.
    await a.fit(x, y, { ...options, epochs: 4, stepsPerEpoch: 3 });
    await b.fit(x, y, { ...options, epochs: 2 });
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    const c = classifier();
    await c.fit(chunked([7, rows]), undefined, { ...options, epochs: 4, stepsPerEpoch: 3 });
    expect(await weightsOf(c)).toEqual(await weightsOf(b));
  });

  it("that end before stepsPerEpoch: one warning", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await classifier().fit(x, y, { batchSize: 4, epochs: 2, stepsPerEpoch: 9 });
    expect(warn.mock.calls).toEqual([
      [
        "fit: the data ended after 6 of 9 steps of an epoch; it begins anew in the next. " +
          "Lower stepsPerEpoch, or give more data.",
      ],
    ]);
  });
});

describe("one batch", () => {
  it("is trained, tested and predicted at once", async () => {
    const [a, b] = [classifier(), classifier()];
    const before = await a.testOnBatch(x, y);
    expect(await a.trainOnBatch(x, y)).toEqual(before);
    await b.fit(x, y, { batchSize: rows, shuffle: false });
    expect(await weightsOf(a)).toEqual(await weightsOf(b));
    expect(await a.predictOnBatch(x)).toEqual(await a.predict(x, { batchSize: rows }));
    const weighted = await a.trainOnBatch(x, y, { classWeight: { 1: 0 } });
    expect(weighted.loss).toBeLessThan((await a.testOnBatch(x, y)).loss);
    await expect(a.trainOnBatch(x, part(y, 0, 3))).rejects.toThrow(
      "trainOnBatch y: as many rows as x, which has 22, got 3.",
    );
  });
});
