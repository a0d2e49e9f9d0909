/** What Monte Carlo predict holds: blocks of rows, and copies of the weights. */
import { describe, expect, it, vi } from "vitest";
import { compile } from "../compile/compile.ts";
import * as layers from "../nn/layers/index.ts";
import { optimizers } from "../nn/optimizers.ts";
import { Engine } from "../runtime/engine.ts";
import { WasmDevice } from "../runtime/wasm.ts";
import { sequential } from "./sequential.ts";

describe("mcPredict", () => {
  it("takes inputs that are too many for one block in several", async () => {
    const engine = new Engine({ threads: 1 });
    const width = 2 ** 16;
    const model = sequential(
      [layers.dense({ units: 1, inputShape: [width] }), layers.dropout({ rate: 0.5 })],
      { seed: 3, engine },
    );
    const rows = 1100;
    const upload = vi.spyOn(engine, "upload");
    await model.mcPredict(
      { data: new Uint8Array(rows * width), shape: [rows, width] },
      { samples: 1 },
    );
    const given = upload.mock.calls.filter(([{ data }]) => data instanceof Uint8Array);
    const sizes = given.map(([{ data }]) => data.length);
    expect(sizes.length).toBe(2);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(rows * width);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 2 ** 20);
    await engine.close();
  });

  it("is of the weights of one moment while a fit runs, and gives their room back", async () => {
    const settings = { threads: 1, fma: false, shared: true };
    const device = new WasmDevice({ ...settings, compile: (one) => compile(one, settings) });
    const engine = new Engine({}, device);
    const ones = (...shape: number[]) => ({
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
      shape,
    });
    const dense = (activation: "tanh" | "linear") =>
      layers.dense({ units: 1, useBias: false, kernelInitializer: "ones", activation });
    // Next to no noise: rows and samples differ only where weights do.
    const model = sequential([dense("tanh"), layers.dropout({ rate: 1e-7 }), dense("linear")], {
      seed: 1,
      engine,
    });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1e-6 }), loss: "meanSquaredError" });
    const y = { data: new Float32Array(64).fill(30), shape: [64, 1] };
    const abort = new AbortController();
    const { signal } = abort;
    const fit = model.fit(ones(64, 1), y, { epochs: 1e5, batchSize: 1, verbose: 0, signal });
    const seen = new Set<number>();
    try {
      for (let call = 0; call < 20; call++) {
        const options = { samples: 8, batchSize: 2 };
        const { mean, standardDeviation } = await model.mcPredict(ones(500, 1), options);
        expect(new Set(mean.data).size).toBe(1);
        expect(standardDeviation.data.every((value) => value === 0)).toBe(true);
        seen.add(mean.data[0]);
      }
    } finally {
      abort.abort();
      await fit.catch(() => undefined);
    }
    expect(seen.size).toBeGreaterThan(5);
    const bytes = async () => {
      await model.mcPredict(ones(4, 1));
      await engine.read(model.net.weights); // What is given back is queued.
      return device.memory.used;
    };
    const before = await bytes();
    for (let call = 0; call < 10; call++) expect(await bytes()).toBe(before);
    await engine.close();
  });
});
