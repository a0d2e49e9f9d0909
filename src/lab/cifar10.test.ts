import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { serve, type TestServer } from "../data/archive.case.ts";
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
    [{ threads: 0 }, "engine: threads must be a whole number from 1 to 256"],
    [{ learningRate: -1 }, "nadam"],
  ])("refuses %o", async (options, message) => {
    await expect(run(options)).rejects.toThrow(message);
  });

  describe("without CIFAR-10 in a folder or the cache", () => {
    beforeEach(async () => {
      vi.stubEnv("XDG_CACHE_HOME", await mkdtemp(join(tmpdir(), "antler-lab-")));
    });
    afterEach(async () => {
      await server?.close();
      await rm(process.env.XDG_CACHE_HOME!, { recursive: true });
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    });
    let server: TestServer | undefined;
    const listen = async (stallAt: number) => {
      server = await serve(new Uint8Array(1000), { stallAt });
      vi.stubEnv("ANTLER_CIFAR10_URL", server.url);
      vi.stubEnv("ANTLER_CIFAR10_BYTES", "1000");
      return vi.spyOn(process.stderr, "write").mockReturnValue(true);
    };

    it("downloads nothing by auto", async () => {
      await listen(0);
      expect((await run({ dataset: "auto" })).events[0]).toMatchObject({ dataset: "embedded" });
      expect(server!.requests).toEqual([]);
    });

    it("tells of the command's options where the download fails", async () => {
      const told = await listen(0);
      await server!.close();
      const attempt = run({ dataset: "cifar10" });
      await expect(attempt).rejects.toThrow(/no network .*--data DIR .*--dataset embedded\.$/);
      expect(told).toHaveBeenCalledTimes(1);
    });

    it("has no result where its signal ends the download", async () => {
      await listen(500);
      const controller = new AbortController();
      const { signal } = controller;
      const attempt = run({ dataset: "cifar10", signal });
      await vi.waitFor(() => expect(server!.sent).toBe(500));
      controller.abort();
      expect(await attempt).toEqual({ events: [], result: undefined });
    });
  });
});
