/** Small fits against real Keras and PyTorch: histories, weights, evaluations and predictions. */
import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import * as layers from "../nn/layers/index.ts";
import { losses } from "../nn/losses.ts";
import { type NadamOptions, optimizers, type SgdOptions } from "../nn/optimizers.ts";
import { golden, type Nested, valuesOf } from "../nn/values.case.ts";
import { Engine } from "../runtime/engine.ts";
import { sequential } from "./sequential.ts";

interface Case {
  readonly data: "classes" | "regression";
  readonly library: string;
  readonly name: string;
  readonly inputShape: readonly number[];
  readonly layers: readonly {
    readonly layer: "flatten" | "dense";
    readonly units: number;
    readonly activation: "elu" | "relu" | "linear" | "softmax";
  }[];
  readonly optimizer: { readonly name: "sgd" | "nadam" } & SgdOptions & NadamOptions;
  readonly loss: {
    readonly name: "sparseCategoricalCrossentropy" | "meanSquaredError";
    readonly fromLogits?: boolean;
  };
  readonly metrics: readonly "accuracy"[];
  readonly batchSize: number;
  readonly epochs: number;
  readonly initialWeights: readonly Nested[];
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly finalWeights: readonly Nested[];
  readonly evaluate: Readonly<Record<string, number>>;
  readonly predict: Nested;
}

type Data = Readonly<Record<"x" | "y" | "valX" | "valY", Nested>>;

interface Golden {
  readonly classes: Data;
  readonly regression: Data;
  readonly cases: readonly Case[];
}

const { fits: facts } = golden<{ fits: Golden }>("library.json");

const hostArray = (nested: Nested): HostArray => {
  const { data, shape } = valuesOf(nested);
  return { data: Float32Array.from(data), shape };
};

const engines = [
  new Engine({ device: "reference" }),
  new Engine({ device: "wasm", threads: 1 }),
  new Engine({ device: "wasm", threads: 2 }),
];
const titles = ["reference", "wasm, 1 thread", "wasm, 2 threads"];

/** Runs a case; returns how far it is from the golden numbers. */
async function run(one: Case, engine: Engine, changed: Partial<Case["optimizer"]> = {}) {
  const { name, ...options } = { ...one.optimizer, ...changed };
  const data = facts[one.data];
  const { inputShape } = one;
  const model = sequential(
    one.layers.map(({ layer, units, activation }, i) => {
      const first = i === 0 ? { inputShape } : {};
      return layer === "flatten"
        ? layers.flatten(first)
        : layers.dense({ ...first, units, activation });
    }),
    { engine, seed: 1 },
  );
  await model.setWeights(one.initialWeights.map(hostArray));
  const { fromLogits } = one.loss;
  const loss =
    fromLogits === undefined
      ? losses.meanSquaredError()
      : losses.sparseCategoricalCrossentropy({ fromLogits });
  model.compile({ optimizer: optimizers[name](options), loss, metrics: one.metrics });
  const [valX, valY] = [hostArray(data.valX), hostArray(data.valY)];
  const { history } = await model.fit(hostArray(data.x), hostArray(data.y), {
    batchSize: one.batchSize,
    epochs: one.epochs,
    validationData: [valX, valY],
    shuffle: false,
  });
  const off = (found: ArrayLike<number>, expected: ArrayLike<number>): number => {
    expect(found.length).toBe(expected.length);
    return Math.max(...Array.from(found, (value, i) => Math.abs(value - expected[i])));
  };
  const weights = await model.getWeights();
  const predicted = await model.predict(valX);
  const evaluated = await model.evaluate(valX, valY, { batchSize: 4 });
  expect(Object.keys(history).sort()).toEqual(Object.keys(one.history).sort());
  expect(Object.keys(evaluated)).toEqual(Object.keys(one.evaluate));
  expect(predicted.shape).toEqual(valuesOf(one.predict).shape);
  return {
    history: Math.max(
      ...Object.entries(one.history).map(([key, values]) => off(history[key], values)),
    ),
    weights: Math.max(
      ...weights.map(({ data: found }, i) => {
        const expected = valuesOf(one.finalWeights[i]).data;
        return off(found, expected) / Math.max(...expected.map(Math.abs));
      }),
    ),
    evaluation: off(Object.values(evaluated), Object.values(one.evaluate)),
    prediction: off(predicted.data, valuesOf(one.predict).data),
  };
}

afterAll(() => Promise.all(engines.map((engine) => engine.close())));

describe("small fits against Keras and PyTorch", () => {
  for (const [i, engine] of engines.entries())
    for (const one of facts.cases)
      it(`${titles[i]}: ${one.library} ${one.name}`, async () => {
        const far = await run(one, engine);
        expect(far.history).toBeLessThan(1e-5);
        expect(far.weights).toBeLessThan(5e-5);
        expect(far.evaluation).toBeLessThan(1e-5);
        expect(far.prediction).toBeLessThan(5e-5);
      });

  it("rejects the other Nadam, and momentum without Nesterov's form", async () => {
    const ours = facts.cases.find(({ name }) => name === "default nadam")!;
    const other = await run(ours, engines[0], { momentumDecay: 1 });
    expect(other.history).toBeGreaterThan(1e-3);
    expect(other.weights).toBeGreaterThan(1e-3);
    const nested = facts.cases.find(({ name }) => name === "regression")!;
    expect((await run(nested, engines[0], { nesterov: false })).weights).toBeGreaterThan(1e-3);
  });
});
