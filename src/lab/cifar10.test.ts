import { describe, expect, it, vi } from "vitest";
import type { Callback } from "../train/callbacks.ts";
import { type Cifar10Options, cifar10 } from "./cifar10.ts";
import type { LabEvent, ResultEvent } from "./events.ts";

/** A few pictures in place of thousands. */
vi.mock("../data/embedded.ts", async (original) => {
  const { embeddedPictures } = await original<typeof import("../data/embedded.ts")>();
  const pictures = await embeddedPictures({ train: 128, validation: 64, test: 64 });
  return { embeddedPictures: async () => pictures };
});

const small: Cifar10Options = { dataset: "embedded", limit: 96, epochs: 1, threads: 1 };

async function run(options: Cifar10Options = {}) {
  const events: LabEvent[] = [];
  const result = await cifar10({ ...small, ...options, onEvent: (event) => events.push(event) });
  return { events, result: result! };
}

/** Makes the weights useless after the first epoch. */
const spoil: Callback = {
  onEpochEnd() {
    this.model!.optimizer.learningRate = 1;
  },
};

describe("cifar10", () => {
  it("tells of start, epochs and result", async () => {
    const { events } = await run({ epochs: 2 });
    expect(events.map(({ event }) => event)).toEqual(["start", "epoch", "epoch", "result"]);
    expect(events[0]).toEqual({
      event: "start",
      variant: "elu",
      seed: 1,
      dataset: "embedded",
      train: 96,
      validation: 64,
      parameters: 500210,
      device: "wasm",
      threads: 1,
      fma: expect.any(Boolean),
    });
    expect(events[1]).toMatchObject({ epoch: 1, learningRate: 5e-5 });
    expect(events.at(-1)).toMatchObject({
      epochs: 2,
      weightsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it("judges the best epoch's weights, and hashes the last ones", async () => {
    const one = await run();
    const two = await run({ epochs: 2, callbacks: [spoil] });
    const scores = ({ bestEpoch, valLoss, valAccuracy, testLoss, testAccuracy }: ResultEvent) => ({
      bestEpoch,
      valLoss,
      valAccuracy,
      testLoss,
      testAccuracy,
    });
    expect(two.result.bestEpoch).toBe(1);
    expect(scores(two.result)).toEqual(scores(one.result));
    expect(two.result.weightsHash).not.toBe(one.result.weightsHash);
  });

  it("is a function of the seed, not of the threads", async () => {
    const { result } = await run();
    const again = await run({ threads: 2 });
    const other = await run({ seed: 2 });
    expect(again.result.weightsHash).toBe(result.weightsHash);
    expect(other.result.weightsHash).not.toBe(result.weightsHash);
  });

  it("has no result where its signal ends it", async () => {
    const controller = new AbortController();
    const stop = { onEpochBegin: () => controller.abort() };
    const { events, result } = await run({ signal: controller.signal, callbacks: [stop] });
    expect(result).toBeUndefined();
    expect(events.map(({ event }) => event)).toEqual(["start"]);
  });

  it.each([
    [{ limit: 129 }, "embedded pictures: limit must be a whole number from 1 to 128"],
    [{ limit: 0 }, "embedded pictures: limit must be a whole number from 1 to 128"],
    [{ dataset: "cifar10" as const }, "CIFAR-10: the folder with its binary files must be given"],
    [{ threads: 0 }, "engine: threads must be a whole number from 1 to 256"],
    [{ learningRate: -1 }, "nadam"],
  ])("refuses %o", async (options, message) => {
    await expect(run(options)).rejects.toThrow(message);
  });
});
