/** Callbacks in real fits. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import {
  type ArrayInput,
  callbacks,
  Engine,
  type FitOptions,
  History,
  layers,
  optimizers,
  sequential,
} from "../src/index.ts";

const engine = new Engine({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "callbacks-"));
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const x = { data: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)), shape: [30, 2] };
const y = Float32Array.from({ length: 30 }, (_, i) => Math.cos(3 * i));

function makeModel(learningRate = 0.1) {
  const model = sequential([layers.dense({ units: 1, inputShape: [2] })], { seed: 3, engine });
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: "mse", metrics: ["mae"] });
  return model;
}

type Made = ReturnType<typeof makeModel>;
const train = (model: Made, options: FitOptions, data: ArrayInput = x) =>
  model.fit(data, y, { batchSize: 10, validationSplit: 0.4, ...options });

describe("in a fit", () => {
  it("early stopping ends it and gives back the best weights", async () => {
    // So high a rate overshoots, more with every epoch.
    const model = makeModel(2.2);
    const seen: number[][] = [];
    const keep = callbacks.lambdaCallback({
      onEpochEnd: async () => {
        const weights = await model.getWeights();
        seen.push(weights.flatMap(({ data }) => [...data]));
      },
    });
    const stop = callbacks.earlyStopping({ patience: 3, restoreBestWeights: true });
    const { history } = await train(model, { epochs: 50, callbacks: [keep, stop] });
    const best = history.valLoss.indexOf(Math.min(...history.valLoss));
    expect(history.valLoss).toHaveLength(best + 4);
    expect([stop.bestEpoch, stop.stoppedEpoch]).toEqual([best, best + 3]);
    const now = (await model.getWeights()).flatMap(({ data }) => [...data]);
    expect(now).toEqual(seen[best]);
    expect(now).not.toEqual(seen.at(-1));
    // It can be used again.
    const again = await train(model, { epochs: 1, callbacks: [stop] });
    expect(again.history.loss).toHaveLength(1);
    expect(stop.stoppedEpoch).toBe(0);
  });

  it("the history is the model's from the start, and of a fit that failed", async () => {
    const model = makeModel();
    const own = new History();
    const seen: number[][] = [];
    const watch = callbacks.lambdaCallback({
      onEpochEnd: (epoch) => {
        seen.push([...model.history!.epoch]);
        if (epoch === 2) throw new Error("enough");
      },
    });
    await expect(train(model, { epochs: 9, callbacks: [watch, own] })).rejects.toThrow("enough");
    expect(seen).toEqual([[], [0], [0, 1]]);
    expect(model.history!.history.valLoss).toHaveLength(2);
    expect(own.history).toEqual(model.history!.history);
    // One of the user's begins anew, as in Keras.
    const history = await train(model, { epochs: 1, callbacks: [own] });
    expect(model.history).toBe(history);
    expect(own.epoch).toEqual([0]);
  });

  it("a plateau lowers the rate, and the history has the epochs' rates", async () => {
    const model = makeModel(0.5);
    const reduce = callbacks.reduceLROnPlateau({ factor: 0.5, patience: 1, minDelta: 1000 });
    const { history } = await train(model, { epochs: 4, callbacks: [reduce] });
    expect(history.learningRate).toEqual([0.5, 0.5, 0.25, 0.125]);
    expect(model.optimizer.learningRate).toBe(0.0625);
  });

  it("a scheduler sets the rate that is trained with", async () => {
    const model = makeModel();
    const rates = [0.1, 0.01, 0];
    const schedule = callbacks.learningRateScheduler((epoch) => rates[epoch]);
    const { history } = await train(model, { epochs: 3, callbacks: [schedule] });
    expect(history.learningRate).toEqual(rates);
    // With rate 0 nothing is learnt.
    expect(history.valLoss[2]).toBe(history.valLoss[1]);
    expect(history.valLoss[1]).not.toBe(history.valLoss[0]);
  });

  it("a loss that is not finite ends it at that very step", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const run = async (...list: NonNullable<FitOptions["callbacks"]>) => {
      const model = makeModel(1e18);
      const losses: number[] = [];
      const reader = callbacks.lambdaCallback({
        onlyReadsLogs: true,
        onTrainBatchEnd: (_, logs) => losses.push(logs.loss),
      });
      await train(model, { epochs: 2, batchSize: 2, callbacks: [...list, reader] });
      const [iterations] = await engine.read([model.optimizer.iterations]);
      return { losses, steps: iterations[0] };
    };
    const { losses, steps } = await run(callbacks.terminateOnNaN());
    expect(steps).toBe(losses.length);
    expect(losses.map(Number.isFinite)).toEqual([...losses.slice(1).map(() => true), false]);
    expect(log.mock.calls).toEqual([[`\nBatch ${steps - 1}: Invalid loss, terminating training`]]);
    expect((await run()).steps).toBe(18);
    expect(steps).toBeLessThan(9);
    await expect(run(callbacks.terminateOnNaN({ raiseError: true }))).rejects.toThrow(
      `TerminateOnNaN: the loss must be finite, got Infinity at batch ${steps - 1}.`,
    );
  });

  it("functions are called in Keras's order", async () => {
    const seen: string[] = [];
    const hook = (name: string) => () => seen.push(name);
    const callback = callbacks.lambdaCallback({
      onTrainBegin: hook("train"),
      onEpochBegin: hook("epoch"),
      onTrainBatchBegin: hook("batch"),
      onTrainBatchEnd: hook("batch end"),
      onTestBegin: hook("test"),
      onTestEnd: hook("test end"),
      onEpochEnd: hook("epoch end"),
      onTrainEnd: hook("train end"),
    });
    await train(makeModel(), { epochs: 1, callbacks: [callback] });
    const batches = ["batch", "batch end", "batch", "batch end"];
    const test = ["test", "test end"];
    expect(seen).toEqual(["train", "epoch", ...batches, ...test, "epoch end", "train end"]);
  });

  it("a CSV file gets the history", async () => {
    const path = join(folder, "fit.csv");
    const { history } = await train(makeModel(), {
      epochs: 3,
      callbacks: [callbacks.csvLogger(path)],
    });
    const [header, ...rows] = readFileSync(path, "utf8").trimEnd().split("\r\n");
    expect(header).toBe("epoch,loss,mae,val_loss,val_mae");
    const { loss, mae, valLoss, valMae } = history;
    expect(rows.map((row) => row.split(",").map(Number))).toEqual(
      [0, 1, 2].map((i) => [i, ...[loss[i], mae[i], valLoss[i], valMae[i]]]),
    );
  });

  it("a progress bar shows what others add", async () => {
    const texts: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      texts.push(String(text));
      return true;
    });
    const schedule = callbacks.learningRateScheduler((_, rate) => rate);
    const list = [schedule, callbacks.progbarLogger()];
    await train(makeModel(), { epochs: 2, callbacks: list });
    vi.restoreAllMocks();
    const lines = texts.join("").split("\n");
    expect(lines[0]).toBe("Epoch 1/2");
    expect(lines[1]).toMatch(/2\/2 ━{20} .*\/step - learningRate: 0\.1000 - loss: .* - valLoss: /);
  });
});
