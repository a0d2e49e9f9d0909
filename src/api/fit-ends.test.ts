/** How fits end: closed data sets, aborts, stops, errors. */
import { afterAll, describe, expect, it } from "vitest";
import type { Dataset } from "../base/dataset.ts";
import type { HostArray } from "../base/host-array.ts";
import { dense } from "../nn/layers/dense.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import { readVariables } from "../tensor/variable.ts";
import type { Callback } from "../train/callbacks.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

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

describe("a fit that ends", () => {
  /** A set of two chunks of a batch that tells when its iterator is closed. */
  function watched() {
    const events: string[] = [];
    const set: Dataset = {
      size: 16,
      async *[Symbol.asyncIterator]() {
        try {
          yield { x: part(x, 0, 8), y: part(y, 0, 8) };
          yield { x: part(x, 8, 16), y: part(y, 8, 16) };
        } finally {
          await new Promise((resolve) => setTimeout(resolve, 2));
          events.push("closed");
        }
      },
    };
    return { set, events };
  }
  const throws = () => {
    throw new RangeError("a hook failed");
  };

  it("has closed its data set's iterator", async () => {
    const { set, events } = watched();
    const train = (options: object) =>
      classifier().fit(set, undefined, { batchSize: 8, ...options });
    await train({ stepsPerEpoch: 1 });
    expect(events).toEqual(["closed"]);
    await expect(train({ callbacks: [{ onTrainBatchEnd: throws }] })).rejects.toThrow(RangeError);
    expect(events).toHaveLength(2);
    const controller = new AbortController();
    const abort = { onTrainBatchEnd: () => controller.abort() };
    const { epoch } = await train({ callbacks: [abort], signal: controller.signal });
    expect(epoch).toEqual([]);
    expect(events).toHaveLength(3);
    const validated = classifier().fit(x, y, {
      batchSize: 8,
      validationData: set,
      callbacks: [{ onTestBatchEnd: throws }],
    });
    await expect(validated).rejects.toThrow(RangeError);
    expect(events).toHaveLength(4);
    await classifier().evaluate(set, undefined, { batchSize: 8, steps: 1 });
    expect(events).toHaveLength(5);
  });

  it("by an abort does not wait for a chunk that never comes", async () => {
    const never = (chunks: number): Dataset => ({
      size: undefined,
      async *[Symbol.asyncIterator]() {
        for (let i = 0; i < chunks; i++) yield { x: part(x, 0, 8), y: part(y, 0, 8) };
        await new Promise(() => undefined);
      },
    });
    for (const chunks of [0, 1]) {
      const model = classifier();
      const controller = new AbortController();
      setTimeout(() => controller.abort(), 20);
      const options = { batchSize: 8, signal: controller.signal };
      expect((await model.fit(never(chunks), undefined, options)).epoch).toEqual([]);
      expect((await model.fit(x, y)).epoch).toEqual([0]);
    }
  });

  it("because a hook before the first step stopped it has made one step, as in Keras", async () => {
    const model = classifier();
    const stop: Callback = {
      onEpochBegin() {
        this.model!.stopTraining = true;
      },
    };
    const options = { batchSize: 1, callbacks: [stop], epochs: 3 };
    expect((await model.fit(x, y, options)).epoch).toEqual([0]);
    const { data } = (await readVariables([model.optimizer.iterations]))[0];
    expect(data[0]).toBe(1);
  });

  it("with an error leaves a model that had no shape without one", async () => {
    const model = sequential([dense({ units: 3, activation: "softmax" })], { seed: 4, engine });
    model.compile({ optimizer: "sgd", loss: "sparseCategoricalCrossentropy" });
    await expect(model.fit(part(x, 0, 6), y)).rejects.toThrow(
      "fit y: as many rows as x, which has 6, got 22.",
    );
    const wide = { data: x.data, shape: [11, 6] };
    await expect(model.evaluate(wide, y)).rejects.toThrow("evaluate y: as many rows as x");
    expect((await model.fit(x, y)).epoch).toEqual([0]);
  });
});
