import { readFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { batchNormalization } from "../nn/layers/batch-normalization.ts";
import { concatenate } from "../nn/layers/concatenate.ts";
import { dense } from "../nn/layers/dense.ts";
import { input } from "../nn/layers/input.ts";
import { optimizers } from "../nn/optimizers.ts";
import { regularizers } from "../nn/regularizers.ts";
import { toCamelKey } from "../nn/serialization.ts";
import { Engine } from "../runtime/engine.ts";
import { model } from "./functional.ts";

type History = Record<string, number[]>;

/** Three epochs of real Keras 3, made by tools/golden/functional.py. */
const golden = JSON.parse(
  readFileSync(new URL("../../tools/golden/functional.json", import.meta.url), "utf8"),
) as {
  fit: {
    layers: string[];
    paths: string[];
    start: number[][];
    x: number[][][];
    y: [number[][], number[]];
    sampleWeight: number[][];
    history: History;
    end: number[][];
  };
  nearMiss: History;
};

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

function make() {
  const left = input({ shape: [3], name: "left" });
  const right = input({ shape: [3], name: "right" });
  const kernelRegularizer = regularizers.l2({ l2: 0.02 });
  const shared = dense({ units: 4, activation: "elu", kernelRegularizer, name: "shared" });
  const both = [shared.apply(left), shared.apply(right), left];
  const joined = concatenate({ name: "joined" }).apply(both);
  const normal = batchNormalization({ name: "normal" }).apply(joined);
  const value = dense({ units: 1, name: "value" }).apply(normal);
  const kind = dense({ units: 3, activation: "softmax", name: "kind" }).apply(normal);
  return model({ inputs: [left, right], outputs: [value, kind], engine });
}

/** The largest difference of two histories, by Keras's names. */
function distance(history: History, keras: History): number {
  const named = Object.entries(keras).map(([name, values]) => [toCamelKey(name), values] as const);
  expect(Object.keys(history).sort()).toEqual(named.map(([name]) => name).sort());
  return Math.max(
    ...named.flatMap(([name, values]) => values.map((v, i) => Math.abs(v - history[name][i]))),
  );
}

it("a functional model of two inputs and outputs trains as Keras's does", async () => {
  const { layers, paths, start, x, y, sampleWeight, history: keras, end } = golden.fit;
  const net = make();
  expect(net.layers.map(({ name }) => name)).toEqual(layers);
  const names = net.layers.flatMap((layer) =>
    layer.weights.map(({ path }) => `${layer.name}/${path.split("/").at(-1)}`),
  );
  expect(names).toEqual(paths);
  await net.setWeights(start);
  net.compile({
    optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }),
    loss: { value: "mse", kind: "sparseCategoricalCrossentropy" },
    lossWeights: { value: 2, kind: 0.5 },
    metrics: { value: ["mae"], kind: ["accuracy"] },
    weightedMetrics: { value: ["mae"] },
  });
  const { history } = await net.fit(x, y, {
    sampleWeight,
    batchSize: 5,
    epochs: 3,
    shuffle: false,
    validationData: [x, y],
  });
  expect(distance(history, keras)).toBeLessThan(1e-4);
  expect(distance(history, golden.nearMiss)).toBeGreaterThan(1e-2);
  const weights = await net.getWeights();
  for (const [i, { data }] of weights.entries()) {
    const wanted = end[i].flat();
    const largest = Math.max(...wanted.map(Math.abs));
    for (const [k, value] of data.entries())
      expect(Math.abs(value - wanted[k])).toBeLessThan(5e-4 * largest);
  }
});
