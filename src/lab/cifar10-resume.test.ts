import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Callback } from "../train/callbacks.ts";
import { bitsOf, epochsOf, recordIn, runSmall } from "./cifar10.case.ts";
import type { Cifar10Options } from "./cifar10.ts";
import type { EpochEvent } from "./events.ts";

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
afterEach(() => rm(out, { recursive: true }));
const run = (options: Cifar10Options = {}) => runSmall({ out, ...options });

describe("cifar10 with resume", () => {
  const options = { variant: "alpha", epochs: 4 } as const;
  /** Ends the run in an epoch, from 0. */
  async function interrupt(epoch: number, more: Cifar10Options = options) {
    const controller = new AbortController();
    const stop = { onEpochBegin: (begun: number) => begun === epoch && controller.abort() };
    return run({ ...more, signal: controller.signal, callbacks: [stop], resume: true });
  }

  it("ends as if it had never been interrupted", async () => {
    const whole = await run(options);
    await rm(whole.result.folder, { recursive: true });
    const first = await interrupt(1);
    const second = await interrupt(3);
    const third = await run({ ...options, resume: true, threads: 2 });
    expect(first.names).toEqual(["start", "epoch"]);
    expect(second.names).toEqual(["start", "resume", "epoch", "epoch"]);
    expect(third.names).toEqual(["start", "resume", "epoch", "result"]);
    const scores = (all: EpochEvent[]) => all.map(({ seconds, msPerStep, ...rest }) => rest);
    expect(scores([first, second, third].flatMap(({ events }) => epochsOf(events)))).toEqual(
      scores(epochsOf(whole.events)),
    );
    expect(bitsOf(third.result)).toEqual(bitsOf(whole.result));
    const { bestEpoch, valLoss, valAccuracy } = whole.result;
    const before = epochsOf(whole.events).slice(0, 3);
    const best = before.reduce((a, b) => (b.valLoss < a.valLoss ? b : a));
    expect(third.events[1]).toMatchObject({ epoch: 4, bestEpoch: best.epoch });
    expect({ bestEpoch, valLoss, valAccuracy }).toMatchObject({ bestEpoch: expect.any(Number) });
    const { times, status } = await recordIn(third.result.folder);
    expect(status).toBe("finished");
    expect(times.sessions.map(({ fromEpoch }) => fromEpoch)).toEqual([1, 2, 4]);
    expect(await readdir(out)).toHaveLength(1);
  });

  it("begins anew where no epoch was finished", async () => {
    const { events } = await interrupt(0);
    const { names, result } = await run({ ...options, epochs: 4, resume: true });
    expect(names).toEqual(["start", ...Array(4).fill("epoch"), "result"]);
    expect(result.folder).toBe((events[0] as { folder: string }).folder);
    expect((await recordIn(result.folder)).times.sessions).toHaveLength(1);
    expect(await readdir(join(result.folder, "logs", "train"))).toHaveLength(1);
  });

  it("tells the result of a finished run again, from wherever it is now", async () => {
    const { result } = await run(options);
    const moved = `${out}-moved`;
    await mkdir(moved);
    try {
      const name = result.folder.slice(out.length + 1);
      for (const file of ["run.json", "last.keras"])
        await mkdir(join(moved, name), { recursive: true }).then(async () =>
          writeFile(join(moved, name, file), await readFile(join(result.folder, file))),
        );
      const again = await run({ ...options, resume: true, out: moved });
      expect(again.events).toEqual([{ ...result, folder: join(moved, name) }]);
    } finally {
      await rm(moved, { recursive: true });
    }
  });

  it("of a fit that was over, but not judged, judges it", async () => {
    const { result } = await run(options);
    const record = await recordIn(result.folder);
    const running = { ...record, status: "running", results: null, weightsHash: null };
    await writeFile(join(result.folder, "run.json"), JSON.stringify(running));
    const { names, result: judged } = await run({ ...options, resume: true });
    expect(names).toEqual(["start", "resume", "result"]);
    expect(bitsOf(judged)).toEqual(bitsOf(result));
  });

  it("is refused where version or pictures are others, or a model is gone or broken", async () => {
    const { events } = await interrupt(1);
    const { folder } = events[0] as { folder: string };
    const record = await recordIn(folder);
    const change = (more: object) =>
      writeFile(join(folder, "run.json"), JSON.stringify({ ...record, ...more }));
    const { antler } = record.versions;
    await change({ versions: { ...record.versions, antler: "0.0.1" } });
    await expect(run({ ...options, resume: true })).rejects.toThrow(
      `${folder}: antler 0.0.1, which began the run, got antler ${antler}. Begin another run`,
    );
    const other = "f".repeat(64);
    await change({ data: { ...record.data, sha256: other } });
    await expect(run({ ...options, resume: true })).rejects.toThrow(
      `${folder}: the pictures that the run began with (SHA-256 ${other}), got others (SHA-256 ` +
        `${record.data.sha256}). Begin another run without --resume.`,
    );
    await change({});
    const best = join(folder, "best.keras");
    const bytes = await readFile(best);
    await rm(best);
    await expect(run({ ...options, resume: true })).rejects.toThrow(
      `${best}: must be the model of the best epoch so far, got no such file. Begin another run`,
    );
    await writeFile(best, bytes.subarray(0, bytes.length / 2));
    await expect(run({ ...options, resume: true })).rejects.toThrow(
      `${best}: must be the model of the best epoch so far, got a broken file ("End of central ` +
        'directory not found"). Begin another run without --resume.',
    );
    await writeFile(best, bytes);
    const last = join(folder, "last.keras");
    const state = await readFile(last);
    await writeFile(last, "");
    await expect(run({ ...options, resume: true })).rejects.toThrow(
      `${last}: must be the state after the last whole epoch, got a broken file ("File format is not ` +
        'recognized"). Begin another run without --resume.',
    );
    await writeFile(last, state);
    expect((await run({ ...options, resume: true })).result.epochs).toBe(4);
  });

  it("goes on after a file could not be written", async () => {
    const whole = await run(options);
    await rm(whole.result.folder, { recursive: true });
    const { folder } = whole.result;
    // In place of a full disk: nothing can be renamed to a folder that is not empty.
    const csv = join(folder, "history.csv");
    const block: Callback = {
      async onEpochBegin(epoch) {
        if (epoch !== 2) return;
        await rm(csv);
        await mkdir(join(csv, "full"), { recursive: true });
      },
    };
    const rows = (text: string) => text.split("\n").slice(0, 3).join("\n");
    const kept: string[] = [];
    const keep: Callback = {
      onEpochBegin: async (epoch) => {
        if (epoch === 2) kept.push(await readFile(csv, "utf8"));
      },
    };
    const failing = run({ ...options, callbacks: [keep, block] });
    await expect(failing).rejects.toThrow(csv);
    expect(await recordIn(folder)).toMatchObject({
      status: "failed",
      error: expect.stringContaining(csv),
    });
    await rm(csv, { recursive: true });
    await writeFile(csv, kept[0]);
    const { result, names } = await run({ ...options, resume: true });
    expect(names).toEqual(["start", "resume", "epoch", "epoch", "result"]);
    expect(bitsOf(result)).toEqual(bitsOf(whole.result));
    expect(rows(await readFile(csv, "utf8"))).toBe(rows(kept[0]));
  });
});
