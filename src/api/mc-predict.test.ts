/** Monte Carlo predict, against draws made by hand on the host. */
import { afterAll, describe, expect, it } from "vitest";
import type { Dataset } from "../base/dataset.ts";
import type { HostArray } from "../base/host-array.ts";
import { philox4x32, streamKey, toUniform, uniform } from "../base/philox.ts";
import type { McPrediction } from "../model/mc-totals.ts";
import type { CallContext } from "../nn/context.ts";
import * as layers from "../nn/layers/index.ts";
import { input } from "../nn/layers/input.ts";
import { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { model as functional } from "./functional.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const noisyInput = (rows: number, ...shape: number[]): HostArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return { data: uniform(3, "x", 0, rows * size).map((u) => 4 * u - 2), shape: [rows, ...shape] };
};

const classifier = (on = engine, rate = 0.3) =>
  sequential(
    [
      layers.flatten({ inputShape: [2, 3] }),
      layers.dense({ units: 8, activation: "selu", kernelInitializer: "lecunNormal" }),
      layers.alphaDropout({ rate }),
      layers.dense({ units: 4, activation: "softmax" }),
    ],
    { seed: 5, engine: on },
  );

/** The numbers in [0, 1) of one row in one sample, as `mcPredict` addresses them. */
function rowNoise(seed: number, path: string, sample: number, row: number, size: number): number[] {
  const block = new Uint32Array(4);
  return Array.from({ length: size }, (_, element) => {
    philox4x32([element, sample >>> 2, row + 1, 0], streamKey(seed, path), block);
    return toUniform(block[sample & 3]);
  });
}

const texts = (prediction: McPrediction) =>
  Object.entries(prediction).map(([name, { data, shape }]) => `${name} ${shape} ${data.join()}`);

const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
};

describe("mcPredict", () => {
  it("agrees with the head computed by hand from the same draws", async () => {
    const model = classifier();
    const x = noisyInput(5, 2, 3);
    const samples = 6;
    const found = await model.mcPredict(x, { samples, seed: 21 });
    const trunk = sequential(model.layers.slice(0, 2), { engine });
    const hidden = (await trunk.predict(x)).data;
    const [kernel, bias] = (await model.layers[3].getWeights()).map(({ data }) => data);
    const [rate, lowest] = [0.3, -1.0507009873554805 * 1.6732632423543772];
    const a = 1 / Math.sqrt((1 - rate) * (1 + rate * lowest ** 2));
    const b = -a * lowest * rate;
    const draw = (row: number, sample: number) => {
      const noise = rowNoise(21, "alpha_dropout/noise", sample, row, 8);
      const dropped = noise.map((u, i) => a * (u >= rate ? hidden[row * 8 + i] : lowest) + b);
      const logits = [0, 1, 2, 3].map((c) =>
        dropped.reduce((sum, value, i) => sum + value * kernel[i * 4 + c], bias[c]),
      );
      const exps = logits.map(Math.exp);
      const sum = exps.reduce((total, e) => total + e, 0);
      return exps.map((e) => e / sum);
    };
    const entropy = (p: number[]) => -p.reduce((sum, q) => sum + (q > 0 ? q * Math.log(q) : 0), 0);
    for (let row = 0; row < 5; row++) {
      const draws = Array.from({ length: samples }, (_, sample) => draw(row, sample));
      const mean = [0, 1, 2, 3].map((c) => draws.reduce((sum, p) => sum + p[c], 0) / samples);
      const spread = mean.map((m, c) =>
        Math.sqrt(draws.reduce((sum, p) => sum + (p[c] - m) ** 2, 0) / samples),
      );
      const expected = draws.reduce((sum, p) => sum + entropy(p), 0) / samples;
      const own = (array: HostArray, size: number) =>
        array.data.slice(row * size, (row + 1) * size) as Float32Array;
      expect(apart(own(found.mean, 4), mean)).toBeLessThan(1e-6);
      expect(apart(own(found.standardDeviation, 4), spread)).toBeLessThan(1e-6);
      expect(apart(own(found.predictiveEntropy!, 1), [entropy(mean)])).toBeLessThan(2e-6);
      expect(apart(own(found.expectedEntropy!, 1), [expected])).toBeLessThan(2e-6);
      expect(apart(own(found.mutualInformation!, 1), [entropy(mean) - expected])).toBeLessThan(
        4e-6,
      );
    }
    expect(found.mean.shape).toEqual([5, 4]);
    expect(found.mutualInformation!.shape).toEqual([5]);
  });

  it("has the same bits for every size of batch, any threads and chunks of a Dataset", async () => {
    const x = noisyInput(33, 2, 3);
    const model = classifier();
    const wanted = texts(await model.mcPredict(x, { samples: 4 }));
    for (const batchSize of [1, 2, 7, 16, 33, 100])
      expect(texts(await model.mcPredict(x, { samples: 4, batchSize }))).toEqual(wanted);
    const set: Dataset = {
      size: 33,
      async *[Symbol.asyncIterator]() {
        for (const [from, to] of [
          [0, 5],
          [5, 6],
          [6, 33],
        ])
          yield {
            x: { data: x.data.subarray(from * 6, to * 6), shape: [to - from, 2, 3] },
            y: { data: new Uint8Array(to - from), shape: [to - from] },
          };
      },
    };
    expect(texts(await model.mcPredict(set, { samples: 4, batchSize: 4 }))).toEqual(wanted);
    const two = new Engine({ threads: 2 });
    expect(texts(await classifier(two).mcPredict(x, { samples: 4 }))).toEqual(wanted);
    await two.close();
    // One row alone, and a row further on, draw as they do among others.
    const first = await model.mcPredict({ data: x.data.subarray(0, 6), shape: [1, 2, 3] });
    const all = await model.mcPredict(x);
    expect([...first.mean.data]).toEqual([...all.mean.data.slice(0, 4)]);
  });

  it("draws from the seed, the model's own without one, and counts nothing", async () => {
    const x = noisyInput(3, 2, 3);
    const model = classifier();
    const plain = texts(await model.mcPredict(x));
    expect(texts(await model.mcPredict(x))).toEqual(plain);
    expect(texts(await model.mcPredict(x, { samples: 10, seed: 5 }))).toEqual(plain);
    const other = await model.mcPredict(x, { seed: 6 });
    expect(texts(other)).not.toEqual(plain);
    expect(texts(await model.mcPredict(x, { seed: 6 + 2 ** 32 }))).not.toEqual(texts(other));
    for (const counter of model.net.counters) expect([...(await counter.read()).data]).toEqual([0]);
  });

  it("draws anew for each sample and for each row", async () => {
    const x = { data: new Float32Array(6 * 20).fill(1), shape: [20, 2, 3] };
    const model = classifier();
    const one = await model.mcPredict(x, { samples: 1 });
    const rows = Array.from({ length: 20 }, (_, i) => one.mean.data.slice(4 * i, 4 * i + 4).join());
    expect(new Set(rows).size).toBeGreaterThan(15);
    expect(one.standardDeviation.data.every((s) => s === 0)).toBe(true);
    expect(one.mutualInformation!.data.every((mi) => mi < 1e-6)).toBe(true);
    const many = await model.mcPredict(x, { samples: 50 });
    expect(Math.min(...many.standardDeviation.data)).toBeGreaterThan(1e-3);
    expect(Math.min(...many.mutualInformation!.data)).toBeGreaterThan(1e-3);
    for (const [i, mutual] of many.mutualInformation!.data.entries()) {
      const gap = many.predictiveEntropy!.data[i] - many.expectedEntropy!.data[i];
      expect(Math.abs(mutual - gap)).toBeLessThan(3e-7);
      expect(many.predictiveEntropy!.data[i]).toBeLessThanOrEqual(Math.log(4));
    }
  });

  it("comes near the expectation and spread of a linear head", async () => {
    const model = sequential(
      [layers.dropout({ rate: 0.25, inputShape: [6] }), layers.dense({ units: 2 })],
      { seed: 1, engine },
    );
    const x = noisyInput(4, 6);
    const samples = 4000;
    const { mean, standardDeviation, ...others } = await model.mcPredict(x, { samples });
    // No probabilities: nothing is said of their entropy.
    expect(others).toEqual({});
    const [kernel] = (await model.getWeights()).map(({ data }) => data);
    for (let row = 0; row < 4; row++)
      for (let unit = 0; unit < 2; unit++) {
        const terms = [...x.data.slice(row * 6, row * 6 + 6)].map(
          (v, i) => v * kernel[i * 2 + unit],
        );
        const expected = terms.reduce((sum, t) => sum + t, 0);
        const variance = (terms.reduce((sum, t) => sum + t * t, 0) * 0.25) / 0.75;
        const at = row * 2 + unit;
        const error = Math.sqrt(variance / samples);
        expect(Math.abs(mean.data[at] - expected)).toBeLessThan(5 * error);
        expect(Math.abs(standardDeviation.data[at] / Math.sqrt(variance) - 1)).toBeLessThan(0.1);
      }
  });

  it("compiles once, whatever the samples, seeds and weights", async () => {
    const model = classifier();
    const x = noisyInput(10, 2, 3);
    await model.mcPredict(x, { samples: 3 });
    const { compilations } = engine;
    await model.mcPredict(x, { samples: 9, seed: 2 });
    await classifier().mcPredict(x, { samples: 2 });
    expect(engine.compilations).toBe(compilations);
  });

  it("has one trunk and one head a sample, whose work adds up", async () => {
    const { net } = classifier();
    const { trunk, head, kept, copies } = net.mcStepOf({
      batch: 32,
      x: [{ dtype: "float32", shape: [2, 3] }],
    });
    expect(kept).toEqual([{ name: "kept0", shape: [8] }]);
    expect([...trunk!.inputs]).toEqual(["rows"]);
    expect([...head.inputs].sort()).toEqual(["block", "firstRow", "rows", "seed", "seedHigh"]);
    const flops = (text: string) => (text.match(/contract/g) ?? []).length;
    const { print } = await import("../ir/print.ts");
    expect(flops(print(trunk!.traced.computation))).toBe(1);
    // Four samples a step: noise is most of the work.
    expect([copies, flops(print(head.traced.computation))]).toEqual([4, 4]);
  });
});

describe("mcPredict of", () => {
  it("a net with batch normalization uses its moving statistics, and leaves them", async () => {
    const make = (rate: number) =>
      sequential(
        [
          layers.dense({ units: 5, inputShape: [4] }),
          layers.batchNormalization({ momentum: 0.5 }),
          layers.dropout({ rate }),
          layers.batchNormalization(),
          layers.dense({ units: 3, activation: "softmax" }),
        ],
        { seed: 2, engine },
      );
    const model = make(0.2);
    model.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
    const x = noisyInput(64, 4);
    await model.fit(x, new Uint8Array(64).fill(1), { epochs: 2, verbose: 0 });
    const before = await model.getWeights();
    const wanted = await model.mcPredict(x, { samples: 3 });
    expect(await model.getWeights()).toEqual(before);
    // By the statistics of a batch, a row would hang on the others.
    const alone = await model.mcPredict(
      { data: x.data.subarray(0, 8), shape: [2, 4] },
      { samples: 3 },
    );
    expect([...alone.mean.data]).toEqual([...wanted.mean.data.slice(0, 6)]);
    // With next to no dropout it is what predict says.
    const quiet = make(1e-7);
    await quiet.setWeights(before);
    const { mean } = await quiet.mcPredict(x, { samples: 2 });
    expect(apart(mean.data, (await quiet.predict(x)).data)).toBeLessThan(1e-6);
  });

  it("a net with noise in several branches is the whole step cut in two", async () => {
    const [a, b] = [input({ shape: [4], name: "a" }), input({ shape: [3], name: "b" })];
    const left = layers.dense({ units: 6, activation: "tanh" }).apply(a);
    const shared = layers.dense({ units: 6, activation: "relu" });
    const right = shared.apply(layers.dense({ units: 6 }).apply(b));
    const noisyRight = layers.gaussianNoise({ stddev: 0.3 }).apply(right);
    const sum = layers.add().apply([layers.dropout({ rate: 0.4 }).apply(left), noisyRight]);
    const deep = shared.apply(layers.dropout({ rate: 0.5 }).apply(sum));
    // Masks of trunk values, trunk values that meet the noise late, and the data itself.
    const late = layers.multiply().apply([deep, layers.leakyRelu().apply(right)]);
    const wide = layers.concatenate().apply([late, a]);
    const outputs = [
      layers.dense({ units: 3, activation: "softmax", name: "classes" }).apply(wide),
      layers.dense({ units: 1, activation: "sigmoid", name: "binary" }).apply(deep),
      layers.dense({ units: 2, name: "still" }).apply(left),
    ];
    const model = functional({ inputs: [a, b], outputs, seed: 4, engine });
    const x = { a: noisyInput(9, 4), b: noisyInput(9, 3) };
    const found = await model.mcPredict(x, { samples: 5, batchSize: 4 });
    expect(found.map(({ mean }) => mean.shape)).toEqual([
      [9, 3],
      [9, 1],
      [9, 2],
    ]);
    expect(found.map((one) => one.mutualInformation?.shape)).toEqual([[9], [9], undefined]);
    const [, , still] = found;
    expect(still.standardDeviation.data.every((s) => s === 0)).toBe(true);
    expect(apart(still.mean.data, (await model.predict(x))[2].data)).toBe(0);

    // The same by the step that is not cut.
    const { traceMcStep } = await import("../model/mc-step.ts");
    const types = [4, 3].map((size) => ({ dtype: "float32", shape: [size] }) as const);
    const whole = traceMcStep(model.net, { batch: 9, x: types });
    const tables = { x: await engine.upload(x.a), x1: await engine.upload(x.b) };
    const execution = await engine.load(whole, tables);
    const steps = 5;
    const repeat = (value: number) => new Uint32Array(steps).fill(value);
    const results = await execution.run(steps, {
      rows: Uint32Array.from({ length: 9 * steps }, (_, i) => i % 9),
      seed: repeat(4),
      seedHigh: repeat(0),
      block: Uint32Array.from({ length: steps }, (_, i) => i >> 2),
      word: Uint32Array.from({ length: steps }, (_, i) => i & 3),
      firstRow: repeat(1),
      batchRow: repeat(1),
    });
    execution.close();
    for (const table of Object.values(tables)) table.release();
    for (const [i, { mean, expectedEntropy }] of found.entries()) {
      const meanOf = (values: ArrayLike<number>) => {
        const size = values.length / steps;
        return Array.from({ length: size }, (_, at) => {
          let total = 0;
          for (let step = 0; step < steps; step++) total += values[step * size + at];
          return total / steps;
        });
      };
      const name = i === 0 ? "output" : `output${i}`;
      expect(apart(mean.data, meanOf(results[name]))).toBeLessThan(1e-6);
      if (expectedEntropy)
        expect(apart(expectedEntropy.data, meanOf(results[`entropy${i}`]))).toBeLessThan(1e-6);
    }
  });

  it("a net whose noise is at the input shares only the data", async () => {
    const model = sequential(
      [
        layers.flatten({ inputShape: [2, 2] }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 2, activation: "softmax" }),
      ],
      { seed: 3, engine },
    );
    const bytes = { data: Uint8Array.from({ length: 40 }, (_, i) => i), shape: [10, 2, 2] };
    const step = model.net.mcStepOf({ batch: 10, x: [{ dtype: "uint8", shape: [2, 2] }] });
    expect([step.trunk, step.kept]).toEqual([undefined, []]);
    const found = await model.mcPredict(bytes, { samples: 8 });
    expect(Math.max(...found.mutualInformation!.data)).toBeGreaterThan(0.01);
    const gaussian = sequential(
      [layers.gaussianNoise({ stddev: 0.5, inputShape: [3] }), layers.dense({ units: 1 })],
      { seed: 3, engine },
    );
    const { standardDeviation } = await gaussian.mcPredict(noisyInput(4, 3), { samples: 400 });
    const [kernel] = (await gaussian.getWeights()).map(({ data }) => data);
    const spread = 0.5 * Math.hypot(...kernel);
    for (const value of standardDeviation.data)
      expect(Math.abs(value / spread - 1)).toBeLessThan(0.2);
  });

  it("a net with little noise makes one sample a step, of the same draws", async () => {
    const wide = () => layers.dense({ units: 200 });
    const model = sequential(
      [layers.dropout({ rate: 0.5, inputShape: [3] }), wide(), wide(), layers.dense({ units: 1 })],
      { seed: 3, engine },
    );
    const x = noisyInput(3, 3);
    const { net } = model;
    const { copies, head } = net.mcStepOf({ batch: 3, x: [{ dtype: "float32", shape: [3] }] });
    expect([copies, head.inputs.has("word")]).toEqual([1, true]);
    // The rest of the net on inputs dropped by hand.
    const rest = sequential(model.layers.slice(1), { engine });
    const samples = 6;
    const values: number[][] = [];
    for (let sample = 0; sample < samples; sample++) {
      const noise = [0, 1, 2].flatMap((row) => rowNoise(3, "dropout/noise", sample, row, 3));
      const data = x.data.map((value, i) => (noise[i] >= 0.5 ? 2 * value : 0));
      values.push([...(await rest.predict({ data, shape: [3, 3] })).data]);
    }
    const mean = values[0].map((_, i) => values.reduce((sum, one) => sum + one[i], 0) / samples);
    const found = await model.mcPredict(x, { samples });
    expect(apart(found.mean.data, mean)).toBeLessThan(1e-6);
    const inTwos = await model.mcPredict(x, { samples, batchSize: 2 });
    expect(texts(inTwos)).toEqual(texts(found));
  });

  it("noise shared by a shape is the same for all rows, or for all places of a row", async () => {
    const sharing = (noiseShape: (number | null)[]) =>
      sequential([layers.dropout({ rate: 0.5, noiseShape, inputShape: [8] })], { seed: 3, engine });
    const ones = { data: new Float32Array(32).fill(1), shape: [4, 8] };
    const rows = await sharing([1, null]).mcPredict(ones, { samples: 1, batchSize: 3 });
    for (let i = 8; i < 32; i++) expect(rows.mean.data[i]).toBe(rows.mean.data[i % 8]);
    expect(new Set(rows.mean.data.slice(0, 8)).size).toBe(2);
    const places = await sharing([null, 1]).mcPredict(ones, { samples: 1 });
    for (let i = 0; i < 32; i++) expect(places.mean.data[i]).toBe(places.mean.data[i - (i % 8)]);
  });

  it("a layer that draws across rows has other draws in each batch", async () => {
    class Merging extends layers.Layer {
      call(x: Tensor, { random, sampling }: CallContext): Tensor {
        if (!sampling) return x;
        const flat = x.reshape([x.shape[0] * x.shape[1]]);
        return flat.add(random.uniform(flat)).reshape(x.shape);
      }
    }
    const model = sequential([new Merging({ inputShape: [3] })], { seed: 3, engine });
    const zeros = { data: new Float32Array(18), shape: [6, 3] };
    const { mean } = await model.mcPredict(zeros, { samples: 1, batchSize: 2 });
    expect(new Set(mean.data).size).toBe(18);
  });

  it("a layer with a seed of its own does not hang on the model's, and samples differ", async () => {
    const make = (seed: number) =>
      sequential([layers.dropout({ rate: 0.5, seed: 9, inputShape: [8] })], { seed, engine });
    const ones = { data: new Float32Array(32).fill(1), shape: [4, 8] };
    const found = await make(1).mcPredict(ones, { samples: 4 });
    expect(texts(found)).toEqual(texts(await make(2).mcPredict(ones, { samples: 4 })));
    expect(new Set(found.mean.data).size).toBeGreaterThan(2);
  });

  it("rows that are too many for one block", async () => {
    // 65,536 numbers a row are kept: some hundred rows a block.
    const model = sequential(
      [
        layers.dense({ units: 2 ** 14, inputShape: [1] }),
        layers.dropout({ rate: 0.5 }),
        layers.dense({ units: 1 }),
      ],
      { seed: 3, engine },
    );
    const x = noisyInput(2100, 1);
    const found = await model.mcPredict(x, { samples: 1, batchSize: 100 });
    const last = await model.mcPredict(x, { samples: 1, batchSize: 64 });
    expect(texts(last)).toEqual(texts(found));
  });

  it("a model that its first data builds", async () => {
    const lazy = sequential([layers.dense({ units: 2 }), layers.dropout({ rate: 0.5 })], {
      engine,
    });
    expect((await lazy.mcPredict(noisyInput(3, 7))).mean.shape).toEqual([3, 2]);
    expect(lazy.inputShape).toEqual([7]);
  });

  it("a model with NaN weights is NaN, without entropies", async () => {
    const model = classifier();
    const weights = await model.getWeights();
    weights[0].data.fill(Number.NaN);
    await model.setWeights(weights);
    const found = await model.mcPredict(noisyInput(2, 2, 3));
    expect(Object.keys(found)).toEqual(["mean", "standardDeviation"]);
    expect(found.mean.data.every(Number.isNaN)).toBe(true);
  });
});

describe("mcPredict refuses", () => {
  const x = noisyInput(2, 2, 3);

  it("a model without noise", async () => {
    const without = [
      sequential([layers.dense({ units: 2, inputShape: [3] })], { engine }),
      sequential([layers.dropout({ rate: 0, inputShape: [3] })], { engine }),
    ];
    for (const model of without)
      await expect(model.mcPredict(noisyInput(2, 3))).rejects.toThrow(
        "mcPredict: a model whose outputs hang on noise, got a model without noise: all samples " +
          "would be the same. It needs a layer that draws when sampling: dropout,",
      );
  });

  it("options that are none", async () => {
    const model = classifier();
    await expect(model.mcPredict(x, { samples: 0 })).rejects.toThrow(
      "mcPredict: samples must be a whole number of at least 1, got 0.",
    );
    await expect(model.mcPredict(x, { samples: 2.5 })).rejects.toThrow("samples must be");
    await expect(model.mcPredict(x, { batchSize: -1 })).rejects.toThrow("batchSize must be");
    await expect(model.mcPredict(x, { seed: -1 })).rejects.toThrow(
      "mcPredict: seed must be a whole number in [0, 2^53), got -1.",
    );
    await expect(model.mcPredict(x, { sample: 3 } as never)).rejects.toThrow(
      'mcPredict: option names must be known, got "sample". Did you mean "samples"?',
    );
  });

  it("data that does not fit", async () => {
    const model = classifier();
    await expect(model.mcPredict(noisyInput(2, 3, 2))).rejects.toThrow(
      "mcPredict x: shape [n, 2, 3], as the model's inputs are, got [2, 3, 2].",
    );
    const broken = { data: new Float32Array(6).fill(Number.NaN), shape: [1, 2, 3] };
    await expect(model.mcPredict(broken)).rejects.toThrow(
      "mcPredict x: all numbers must be finite",
    );
    const empty: Dataset = { size: undefined, async *[Symbol.asyncIterator]() {} };
    await expect(model.mcPredict(empty)).rejects.toThrow("mcPredict: there must be data");
  });
});
