import { readdirSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadModel } from "../api/load-model.ts";
import { Model } from "../api/model.ts";
import { serve, type TestServer } from "../data/archive.case.ts";
import type { Callback } from "../train/callbacks.ts";
import { bitsOf, epochsOf, recordIn, runSmall } from "./cifar10.case.ts";
import { type Cifar10Options, cifar10 } from "./cifar10.ts";
import type { LabEvent } from "./events.ts";
import { picturesOf } from "./pictures.ts";
import type { VariantName } from "./settings.ts";

/** A few pictures in place of thousands. */
vi.mock("../data/embedded.ts", async (original) => {
  const { embeddedPictures } = await original<typeof import("../data/embedded.ts")>();
  const pictures = await embeddedPictures({ train: 128, validation: 64, test: 64 });
  return { embeddedPictures: async () => pictures };
});

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "antler-lab-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(out, { recursive: true });
});
const run = (options: Cifar10Options = {}) => runSmall({ out, ...options });

/** Makes the weights useless after the first epoch. */
const spoil: Callback = {
  onEpochEnd() {
    this.model!.optimizer.learningRate = 1;
  },
};

describe("cifar10", () => {
  it("tells of start, epochs and result", async () => {
    const { events, names } = await run({ epochs: 2 });
    expect(names).toEqual(["start", "epoch", "epoch", "result"]);
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
      folder: expect.stringContaining(join(out, "elu-seed1-")),
    });
    expect(events[1]).toMatchObject({ epoch: 1, learningRate: 5e-5 });
    expect(events.at(-1)).toMatchObject({
      epochs: 2,
      weightsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      validation: 64,
    });
  });

  it("leaves models, history, logs and a record in a folder", async () => {
    const { result } = await run({ epochs: 2 });
    const { folder, weightsHash } = result;
    expect((await readdir(folder)).sort()).toEqual(
      ["best.keras", "history.csv", "last.keras", "logs", "run.json"].sort(),
    );
    for (const name of ["train", "validation"])
      expect(await readdir(join(folder, "logs", name))).toEqual([
        expect.stringMatching(/^events\.out\.tfevents\./),
      ]);
    const history = await readFile(join(folder, "history.csv"), "utf8");
    expect(history).toMatch(/^epoch,accuracy,loss,val_accuracy,val_loss\r?\n0,.*\r?\n1,.*\r?\n$/);
    const pictures = await picturesOf({ dataset: "embedded", limit: 96 });
    expect(await recordIn(folder)).toMatchObject({
      status: "finished",
      options: {
        variant: "elu",
        epochs: 2,
        batchSize: 32,
        learningRate: 5e-5,
        dataset: "embedded",
        limit: 96,
      },
      seed: 1,
      versions: { node: process.version },
      device: { name: "wasm", threads: 1, fma: expect.any(Boolean), cpu: expect.any(String) },
      data: { sha256: pictures!.sha256, train: 96, validation: 64, test: 64 },
      times: { ended: expect.any(String), sessions: [{ fromEpoch: 1 }] },
      results: result,
      weightsHash,
      error: null,
    });
  });

  it("has a record before anything else", async () => {
    let found: string[] = [];
    const onEvent = (event: LabEvent) => {
      if (event.event === "start") found = readdirSync(event.folder).sort();
    };
    await cifar10({ dataset: "embedded", limit: 32, epochs: 1, threads: 1, out, onEvent });
    expect(found).toEqual(["last.keras.lock", "run.json", "run.lock"]);
  });

  it("judges the best epoch's model, as its file has it, and hashes the last weights", async () => {
    const one = await run();
    const two = await run({ epochs: 2, callbacks: [spoil] });
    const { epochs, weightsHash, ...scores } = bitsOf(one.result);
    expect(bitsOf(two.result)).toMatchObject(scores);
    expect(two.result).toMatchObject({ epochs: 2, bestEpoch: 1 });
    expect(two.result.weightsHash).not.toBe(weightsHash);
    const { valLoss, valAccuracy } = epochsOf(two.events)[0];
    expect(two.result).toMatchObject({ valLoss, valAccuracy });
    const best = await loadModel(join(two.result.folder, "best.keras"));
    const { validation } = (await picturesOf({ dataset: "embedded" }))!;
    expect((await best.evaluate(validation.x, validation.y)).loss).toBe(valLoss);
  });

  it("stops twenty epochs after the best one", async () => {
    const { result } = await run({ epochs: 100, limit: 32, learningRate: 0 });
    expect(result).toMatchObject({ epochs: 21, bestEpoch: 1 });
  });

  it("of onecycle trains to the end and judges the last epoch", async () => {
    // Its rates rise to so much that the first epochs are the best ones.
    const options = { variant: "onecycle", epochs: 23, limit: 32, learningRate: 30 } as const;
    const { events, result } = await run(options);
    const epochs = epochsOf(events);
    expect(epochs).toHaveLength(23);
    expect(result.epochs).toBe(23);
    expect(result.bestEpoch).toBeLessThan(5);
    const { valLoss, valAccuracy } = epochs[22];
    expect([result.valLoss, result.valAccuracy]).toEqual([valLoss, valAccuracy]);
    expect(result.valLoss).not.toBe(epochs[result.bestEpoch - 1].valLoss);
  });

  it("measures Monte Carlo dropout of alpha only", async () => {
    const { result } = await run({ variant: "alpha" });
    expect(result.mcAccuracy).toBeGreaterThanOrEqual(0);
    expect(result.mcAccuracy! * 64).toBeCloseTo(Math.round(result.mcAccuracy! * 64), 9);
    expect((await run({ variant: "selu" })).result).not.toHaveProperty("mcAccuracy");
  });

  it("asks nets that are to normalize themselves whether they do", async () => {
    const lint = vi.spyOn(Model.prototype, "checkSelfNormalizing");
    const asked = async (variant: VariantName) => {
      lint.mockClear();
      const { names } = await run({ variant });
      expect(names).not.toContain("lint");
      return Promise.all(lint.mock.results.map(({ value }) => value));
    };
    for (const variant of ["selu", "alpha", "onecycle"] as const)
      expect(await asked(variant)).toMatchObject([{ passes: true, problems: [], unchecked: [] }]);
    for (const variant of ["elu", "bn"] as const) expect(await asked(variant)).toEqual([]);

    const problems = [{ layer: "dense_3", problem: "its activation is relu", fix: "Use selu." }];
    lint.mockResolvedValue({ passes: false, problems, unchecked: [], advice: [] });
    const { events } = await run({ variant: "selu" });
    expect(events[0]).toEqual({ event: "lint", variant: "selu", seed: 1, problems });
  });

  it("is a function of the seed, not of the threads", async () => {
    const { result } = await run();
    const again = await run({ threads: 2 });
    const other = await run({ seed: 2 });
    expect(again.result.weightsHash).toBe(result.weightsHash);
    expect(again.result.folder).toBe(`${result.folder}-2`);
    expect(other.result.weightsHash).not.toBe(result.weightsHash);
  });

  it("has no result where its signal ends it", async () => {
    const controller = new AbortController();
    const stop = { onEpochBegin: () => controller.abort() };
    const { names, result, events } = await run({ signal: controller.signal, callbacks: [stop] });
    expect(result).toBeUndefined();
    expect(names).toEqual(["start"]);
    const { folder } = events[0] as { folder: string };
    expect(await recordIn(folder)).toMatchObject({ status: "interrupted", results: null });
  });

  it.each([
    [{ limit: 129 }, "embedded pictures: limit must be a whole number from 1 to 128"],
    [{ limit: 0 }, "embedded pictures: limit must be a whole number from 1 to 128"],
    [{ threads: 0 }, "engine: threads must be a whole number from 1 to 256"],
    [{ learningRate: -1 }, "nadam"],
    [{ seed: -1 }, "lab: seed must be a whole number in [0, 2^53)"],
  ])("refuses %o, and leaves nothing", async (options, message) => {
    await expect(run(options)).rejects.toThrow(message);
    expect(await readdir(out)).toEqual([]);
  });
});

describe("without CIFAR-10 in a folder or the cache", () => {
  beforeEach(() => {
    vi.stubEnv("XDG_CACHE_HOME", join(out, "cache"));
  });
  afterEach(async () => {
    await server?.close();
    vi.unstubAllEnvs();
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
    expect(await attempt).toEqual({ events: [], names: [], result: undefined });
  });
});
