/** What models leave behind: no memory, no compiled programs, no iterators. */
import { afterAll, describe, expect, it } from "vitest";
import type { Dataset } from "../base/dataset.ts";
import type { HostArray } from "../base/host-array.ts";
import { compile } from "../compile/compile.ts";
import { add } from "../nn/layers/add.ts";
import { batchNormalization } from "../nn/layers/batch-normalization.ts";
import { dense } from "../nn/layers/dense.ts";
import { dropout } from "../nn/layers/dropout.ts";
import { input } from "../nn/layers/input.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import { WasmDevice } from "../runtime/wasm.ts";
import { model } from "./functional.ts";

const settings = { threads: 1, fma: false, shared: true };
const device = new WasmDevice({
  ...settings,
  compile: (computation) => compile(computation, settings),
});
const engine = new Engine({}, device);
afterAll(() => engine.close());

const rows = 40;
const x: HostArray = {
  data: Float32Array.from({ length: rows * 8 }, (_, i) => Math.sin(i * 1.7)),
  shape: [rows, 8],
};
const y: HostArray = {
  data: Float32Array.from({ length: rows }, (_, i) => Math.cos(i)),
  shape: [rows, 1],
};
const y2: HostArray = { data: Uint8Array.from({ length: rows }, (_, i) => i % 3), shape: [rows] };

/** Two inputs, two outputs, a shared layer, noise and moving statistics. */
function make(seed: number) {
  const [a, b] = [input({ shape: [8], name: "a" }), input({ shape: [8], name: "b" })];
  const shared = dense({ units: 64, activation: "elu" });
  const joined = add().apply([shared.apply(a), shared.apply(b)]);
  const hidden = dropout({ rate: 0.2 }).apply(batchNormalization().apply(joined));
  const value = dense({ units: 1, name: "value" }).apply(hidden);
  const kind = dense({ units: 3, activation: "softmax", name: "kind" }).apply(hidden);
  const net = model({ inputs: [a, b], outputs: [value, kind], seed, engine });
  net.compile({
    optimizer: optimizers.nadam(),
    loss: { value: "meanSquaredError", kind: "sparseCategoricalCrossentropy" },
    metrics: { kind: ["accuracy"] },
  });
  return net;
}

const part = ({ data, shape }: HostArray, from: number, to: number): HostArray => {
  const size = data.length / shape[0];
  return { data: data.slice(from * size, to * size), shape: [to - from, ...shape.slice(1)] };
};

const set = (ends: readonly number[]): Dataset => ({
  size: rows,
  async *[Symbol.asyncIterator]() {
    for (const [i, to] of ends.entries()) {
      const rowsOf = (array: HostArray) => part(array, ends[i - 1] ?? 0, to);
      yield { x: [rowsOf(x), rowsOf(x)], y: [rowsOf(y), rowsOf(y2)] };
    }
  },
});

describe("functional models", () => {
  it("compile nothing new in five fits, in other models, and in data sets", async () => {
    const options = {
      batchSize: 16,
      validationData: [
        [x, x],
        [y, y2],
      ] as const,
    };
    await make(0).fit([x, x], [y, y2], options);
    // A train step and a test step, each for a whole batch and the last one.
    expect(engine.compilations).toBe(4);
    for (let seed = 1; seed < 6; seed++) {
      const net = make(seed);
      await net.fit([x, x], [y, y2], options);
      await net.fit(set([5, 7, 30, rows]), undefined, { ...options, epochs: 2 });
      await net.evaluate(set([17, rows]), undefined, { batchSize: 16 });
    }
    expect(engine.compilations).toBe(4);
  });

  it("150 made, trained and dropped leave nothing", async () => {
    const used: number[] = [];
    const dropped: WeakRef<object>[] = [];
    for (let k = 0; k < 150; k++) {
      const net = make(k);
      await net.fit(k % 2 === 0 ? set([20, rows]) : [x, x], k % 2 === 0 ? undefined : [y, y2], {
        batchSize: 20,
      });
      used.push(device.memory.taken);
      dropped.push(new WeakRef(net), new WeakRef(net.layers[3]), new WeakRef(net.weights[0]));
      if (k % 50 === 49) {
        await new Promise((resolve) => setTimeout(resolve));
        global.gc!();
      }
    }
    // All of them together would need four times as much.
    expect(used.at(-1)).toBe(used[30]);
    await new Promise((resolve) => setTimeout(resolve));
    global.gc!();
    expect(dropped.filter((reference) => reference.deref()).length).toBeLessThan(10);
  });
});
