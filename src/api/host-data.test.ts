/** Data that is too large to be resident: its rows come to the device call by call. */
import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { compile } from "../compile/compile.ts";
import { add } from "../nn/layers/add.ts";
import { alphaDropout } from "../nn/layers/alpha-dropout.ts";
import { dense } from "../nn/layers/dense.ts";
import { flatten } from "../nn/layers/flatten.ts";
import { input } from "../nn/layers/input.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine, type EngineOptions } from "../runtime/engine.ts";
import { WasmDevice } from "../runtime/wasm.ts";
import { model } from "./functional.ts";

const engines: Engine[] = [];
afterAll(() => Promise.all(engines.map((engine) => engine.close())));
function engineOf(options: EngineOptions): Engine {
  const engine = new Engine({ fma: false, threads: 1, ...options });
  engines.push(engine);
  return engine;
}

const rows = 103; // The last batch is a smaller one.
const filled = <T extends HostArray>(data: T["data"], ...sample: number[]): HostArray => ({
  data,
  shape: [rows, ...sample],
});
const floats = filled(
  Float32Array.from({ length: rows * 12 }, (_, i) => Math.sin(i * 1.3)),
  3,
  4,
);
const bytes = filled(
  Uint8Array.from({ length: rows * 5 }, (_, i) => (i * 89) % 256),
  5,
);
const labels = filled(Uint8Array.from({ length: rows }, (_, i) => (i * i) % 3));
const weights = filled(Float32Array.from({ length: rows }, (_, i) => 0.5 + (i % 4)));

/** All that a model says and becomes, with noise, weights of samples, and two inputs. */
async function outcome(engine: Engine, data = { a: floats, b: bytes }) {
  const [a, b] = [input({ shape: [3, 4], name: "a" }), input({ shape: [5], name: "b" })];
  const joined = add().apply([
    dense({ units: 6, activation: "selu" }).apply(flatten().apply(a)),
    dense({ units: 6, activation: "selu" }).apply(b),
  ]);
  const noisy = alphaDropout({ rate: 0.2 }).apply(joined);
  const output = dense({ units: 3, activation: "softmax" }).apply(noisy);
  const net = model({ inputs: [a, b], outputs: output, seed: 7, engine });
  net.compile({
    optimizer: optimizers.nadam({ learningRate: 0.01 }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const { history } = await net.fit(data, labels, {
    epochs: 3,
    batchSize: 8,
    sampleWeight: weights,
    validationData: [data, labels],
  });
  return {
    history,
    weights: (await net.getWeights()).map((weight) => weight.data),
    evaluated: await net.evaluate(data, labels, { batchSize: 10 }),
    predicted: (await net.predict(data, { batchSize: 10 })).data,
  };
}

const resident = await outcome(engineOf({}));

describe("data that is not resident", () => {
  it.each([
    ["on one thread", {}],
    ["on two threads", { threads: 2 }],
    ["without shared memory", { shared: false }],
  ])("gives the bits of resident data, %s", async (_, options) => {
    const engine = engineOf({ ...options, residentBytes: 0 });
    expect(await outcome(engine)).toEqual(resident);
  });

  it("is what counts: other rows give other bits", async () => {
    const other = filled(floats.data.slice(), 3, 4);
    other.data[rows * 12 - 1] += 1;
    const found = await outcome(engineOf({ residentBytes: 0 }), { a: other, b: bytes });
    expect(found.history).not.toEqual(resident.history);
    expect(found.predicted.slice(0, -3)).not.toEqual(resident.predicted.slice(0, -3));
  });

  it("takes room for a few steps on the device, and gives it back", async () => {
    const settings = { threads: 1, fma: false, shared: true };
    const device = new WasmDevice({ ...settings, compile: (one) => compile(one, settings) });
    const engine = new Engine({ residentBytes: 2 ** 22 }, device);
    engines.push(engine);
    const width = 2048;
    const count = 4000; // 33 MB
    const x = { data: new Float32Array(count * width).fill(0.5), shape: [count, width] };
    const a = input({ shape: [width] });
    const net = model({ inputs: a, outputs: dense({ units: 1 }).apply(a), engine });
    net.compile({ optimizer: optimizers.sgd({ learningRate: 1e-4 }), loss: "meanSquaredError" });
    let most = 0;
    await net.fit(x, new Float32Array(count), {
      callbacks: [
        {
          onEpochEnd() {
            most = device.memory.used;
          },
        },
      ],
    });
    expect(most).toBeGreaterThan(4e6);
    expect(most).toBeLessThan(12e6);
    await net.predict({ data: x.data.subarray(0, 100 * width), shape: [100, width] });
    expect(device.memory.used).toBeLessThan(2e6);
  });

  it("may be more than the device could hold", async () => {
    const engine = engineOf({ residentBytes: 2 ** 20, maximumBytes: 2 ** 24 });
    const count = 9000; // 18 MB
    const x = { data: new Float32Array(count * 512).fill(0.5), shape: [count, 512] };
    const a = input({ shape: [512] });
    const net = model({ inputs: a, outputs: dense({ units: 1 }).apply(a), engine, seed: 1 });
    net.compile({ optimizer: optimizers.sgd({ learningRate: 1e-3 }), loss: "meanSquaredError" });
    await net.fit(x, new Float32Array(count).fill(1), { batchSize: 100 });
    const { data } = await net.predict(x);
    expect(data).toHaveLength(count);
    expect(data.every((value) => Math.abs(value - 1) < 0.5)).toBe(true);
  });

  it.each([-1, Number.NaN])("is refused with a limit of %s bytes", (residentBytes) => {
    expect(() => new Engine({ residentBytes })).toThrow(
      `engine: residentBytes must be at least 0, got ${residentBytes}`,
    );
  });
});
