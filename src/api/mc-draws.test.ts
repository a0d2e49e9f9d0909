/** Noise outside of training: layers that always sample, as the document has them. */
import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { uniform } from "../base/philox.ts";
import type { CallContext } from "../nn/context.ts";
import * as layers from "../nn/layers/index.ts";
import { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

class MCAlphaDropout extends layers.AlphaDropout {
  override call(x: Tensor, context: CallContext): Tensor {
    return super.call(x, { ...context, sampling: true });
  }
}

/** Adds noise to its inputs wherever it is called. */
class Noisy extends layers.Layer {
  call(x: Tensor, { random }: CallContext): Tensor {
    return x.add(random.uniform(x));
  }
}

const zeros = (rows: number, size: number): HostArray => ({
  data: new Float32Array(rows * size),
  shape: [rows, size],
});

const ramp = (rows: number, size: number): HostArray => {
  const { data, shape } = zeros(rows, size);
  return { data: data.map((_, i) => Math.sin(i + 1)), shape };
};

/** The net of the document, small. */
const trained = (on = engine) =>
  sequential(
    [
      layers.flatten({ inputShape: [2, 3] }),
      layers.dense({ units: 16, activation: "selu", kernelInitializer: "lecunNormal" }),
      layers.alphaDropout({ rate: 0.1 }),
      layers.dense({ units: 4, activation: "softmax" }),
    ],
    { seed: 5, engine: on },
  );

const monteCarlo = (model: ReturnType<typeof trained>, on = engine) =>
  sequential(
    model.layers.map((layer) =>
      layer instanceof layers.AlphaDropout ? new MCAlphaDropout({ rate: layer.rate }) : layer,
    ),
    { seed: 7, engine: on },
  );

const noisy = (on = engine) => {
  const model = sequential([new Noisy({ inputShape: [3] })], { seed: 11, engine: on });
  model.compile({ optimizer: "sgd", loss: "meanSquaredError", metrics: ["meanAbsoluteError"] });
  return model;
};

const x = { data: ramp(40, 6).data, shape: [40, 2, 3] };

describe("the document's Monte Carlo dropout", () => {
  it("draws anew in each predict, with the weights of the model it was made of", async () => {
    const model = trained();
    const mcModel = monteCarlo(model);
    const plain = await model.predict(x);
    expect(await model.predict(x)).toEqual(plain);
    const draws: HostArray[] = [];
    for (let sample = 0; sample < 10; sample++) draws.push(await mcModel.predict(x));
    expect(new Set(draws.map(({ data }) => data.join())).size).toBe(10);
    // Shared weights: the mean of the draws comes near the prediction, and moves with the weights.
    const mean = plain.data.map(
      (_, i) => draws.reduce((sum, { data }) => sum + data[i], 0) / draws.length,
    );
    const apart = (a: ArrayLike<number>) =>
      Math.max(...Array.from(a, (value, i) => Math.abs(value - plain.data[i])));
    expect(apart(mean)).toBeLessThan(0.15);
    expect(apart(mean)).toBeGreaterThan(1e-3);
    const weights = await model.getWeights();
    await model.setWeights(weights.map(({ data, shape }) => ({ data: data.map(() => 0), shape })));
    expect((await mcModel.predict(x)).data.every((p) => p === 0.25)).toBe(true);
  });

  it("works for layers of a model that began with an input, and of one not built yet", async () => {
    const parts = () => [
      layers.flatten(),
      layers.dense({ units: 16, activation: "selu" }),
      layers.alphaDropout({ rate: 0.5 }),
      layers.dense({ units: 4, activation: "softmax" }),
    ];
    const began = sequential([layers.input({ shape: [2, 3] }), ...parts()], { seed: 5, engine });
    for (const model of [began, sequential(parts(), { seed: 5, engine })]) {
      const mcModel = monteCarlo(model);
      expect((await mcModel.predict(x)).data).not.toEqual((await mcModel.predict(x)).data);
      // The old model may be built after the new one, for the same weights.
      await model.predict(x);
      expect(await mcModel.getWeights()).toEqual(await model.getWeights());
    }
  });

  it("compiles nothing from the second predict on", async () => {
    const mcModel = monteCarlo(trained());
    await mcModel.predict(x);
    const { compilations } = engine;
    await mcModel.predict(x);
    expect(engine.compilations).toBe(compilations);
  });

  it("trains on, and draws in the validation of a fit", async () => {
    const model = trained();
    const mcModel = monteCarlo(model);
    mcModel.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
    const y = Uint8Array.from({ length: 40 }, (_, i) => i % 4);
    const history = await mcModel.fit(x, y, { epochs: 2, validationData: [x, y], verbose: 0 });
    expect(history.history.valLoss).toHaveLength(2);
    // Two validations of two batches each.
    expect([...(await mcModel.net.draws.read()).data]).toEqual([4]);
    expect(await mcModel.evaluate(x, y)).not.toEqual(await mcModel.evaluate(x, y));
  });
});

describe("noise outside of training", () => {
  it("is a function of the model's seed, the layer's path, the draws before and the element", async () => {
    const model = noisy();
    for (const step of [0, 1]) {
      const { data } = await model.predict(zeros(8, 3), { batchSize: 8 });
      expect([...data]).toEqual([...uniform(11, "noisy/noise", step, 24)]);
    }
    // One step for each batch, the last, smaller one among them.
    const { data } = await model.predict(zeros(5, 3), { batchSize: 2 });
    const wanted = [2, 3, 4].flatMap((step, i) => [
      ...uniform(11, "noisy/noise", step, i < 2 ? 6 : 3),
    ]);
    expect([...data]).toEqual(wanted);
    expect([...(await model.net.draws.read()).data]).toEqual([5]);
  });

  it("is drawn by evaluate and the methods of one batch too", async () => {
    const model = noisy();
    const mean = (step: number) =>
      uniform(11, "noisy/noise", step, 12).reduce((sum, u) => sum + u, 0) / 12;
    const y = zeros(4, 3);
    expect((await model.evaluate(y, y)).meanAbsoluteError).toBeCloseTo(mean(0), 5);
    expect((await model.evaluate(y, y)).meanAbsoluteError).toBeCloseTo(mean(1), 5);
    expect((await model.testOnBatch(y, y)).meanAbsoluteError).toBeCloseTo(mean(2), 5);
    expect([...(await model.predictOnBatch(y)).data]).toEqual([
      ...uniform(11, "noisy/noise", 3, 12),
    ]);
  });

  it("goes on where a written count says", async () => {
    const [one, other] = [noisy(), noisy()];
    await one.predict(zeros(2, 3));
    await other.net.draws.write({ data: Uint32Array.of(1), shape: [] });
    expect(await one.predict(zeros(2, 3))).toEqual(await other.predict(zeros(2, 3)));
  });

  it("has the same bits on any number of threads, and on the reference device", async () => {
    const runs: string[] = [];
    const engines = [
      new Engine({ threads: 1 }),
      new Engine({ threads: 2 }),
      new Engine({ device: "reference" }),
    ];
    for (const on of engines) {
      const model = noisy(on);
      const calls = [await model.predict(zeros(70, 3)), await model.predict(zeros(3, 3))];
      runs.push(calls.map(({ data }) => data.join()).join());
      await on.close();
    }
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).toBe(runs[0]);
  });

  it("leaves no trace where nothing is drawn", async () => {
    const model = trained();
    await model.predict(x);
    expect([...(await model.net.draws.read()).data]).toEqual([0]);
    const type = { dtype: "float32", shape: [2, 3] } as const;
    const { traced, inputs } = model.net.stepOf("predict", { batch: 32, x: [type] });
    expect([...inputs]).toEqual(["rows"]);
    expect([...traced.variables.values()]).not.toContain(model.net.draws);
    expect(traced.computation.updates).toEqual([]);
  });
});
