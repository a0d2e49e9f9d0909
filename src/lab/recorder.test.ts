import { describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { optimizers } from "../nn/optimizers.ts";
import type { TrainedModel } from "../train/callbacks.ts";
import { Recorder } from "./recorder.ts";

/** Runs the hooks of a fit whose weights are the number of the epoch. */
async function record(valLosses: readonly number[]): Promise<Recorder> {
  const recorder = new Recorder({
    variant: "elu",
    seed: 1,
    dataset: "embedded",
    clockStart: 0,
    emit: () => {},
  });
  let weights: HostArray[] = [];
  const model: Pick<TrainedModel, "optimizer" | "getWeights" | "layers"> = {
    optimizer: optimizers.nadam(),
    layers: [],
    getWeights: async () => weights,
  };
  recorder.model = model as TrainedModel;
  recorder.params = {
    epochs: valLosses.length,
    steps: 1,
    batchSize: 1,
    samples: 1,
    validationSamples: 1,
    seed: 1,
    device: "wasm",
    threads: 1,
    fma: true,
  };
  for (const [epoch, valLoss] of valLosses.entries()) {
    weights = [{ data: Float32Array.of(epoch + 1), shape: [1] }];
    recorder.onEpochBegin();
    recorder.onTestBegin();
    await recorder.onEpochEnd(epoch, { loss: 1, accuracy: 0, valLoss, valAccuracy: valLoss / 10 });
  }
  return recorder;
}

describe("Recorder", () => {
  it.each([
    ["the lowest validation loss", [3, 1, 2], 2],
    ["the first of equal ones", [3, 2, 2], 2],
    ["a number before none", [Number.NaN, 5, Number.NaN], 2],
    ["the first where none is a number", [Number.NaN, Number.NaN], 1],
  ])("keeps the weights of the epoch with %s", async (_, valLosses, epoch) => {
    const { best, epochs } = await record(valLosses);
    expect(epochs).toBe(valLosses.length);
    expect(best?.epoch).toBe(epoch);
    expect(best?.valLoss).toBe(valLosses[epoch - 1]);
    expect(best?.valAccuracy).toBe(valLosses[epoch - 1] / 10);
    expect(best?.weights[0].data).toEqual(Float32Array.of(epoch));
  });
});
