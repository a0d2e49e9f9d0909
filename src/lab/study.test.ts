import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { embeddedPictures } from "../data/embedded.ts";
import { epochsOf } from "./cifar10.case.ts";
import type { LabEvent, TableEvent } from "./events.ts";
import { cifar10Study, type StudyOptions } from "./study.ts";

/** A few pictures in place of thousands. */
vi.mock("../data/embedded.ts", async (original) => {
  const { embeddedPictures } = await original<typeof import("../data/embedded.ts")>();
  const pictures = await embeddedPictures({ train: 128, validation: 64, test: 64 });
  return { embeddedPictures: vi.fn(async () => pictures) };
});

let out: string;
beforeEach(async () => {
  vi.clearAllMocks();
  out = await mkdtemp(join(tmpdir(), "antler-study-"));
});
afterEach(() => rm(out, { recursive: true }));

const small: StudyOptions = { dataset: "embedded", limit: 32, epochs: 1, threads: 1 };
const grid = { variants: ["alpha", "onecycle"], seed: 5, seeds: 2 } as const;

async function study(options: StudyOptions) {
  const events: LabEvent[] = [];
  const onEvent = (event: LabEvent) => events.push(event);
  const results = await cifar10Study({ ...small, out, ...options, onEvent });
  return { events, names: events.map(({ event }) => event), results };
}

describe("a study", () => {
  it("trains each net with each seed, on pictures that it loads once, and ends with a table", async () => {
    const { events, names, results } = await study(grid);
    const one = ["run", "start", "epoch", "result"];
    expect(names).toEqual([...one, ...one, ...one, ...one, "table"]);
    expect(events.filter(({ event }) => event === "run")).toEqual([
      { event: "run", variant: "alpha", seed: 5, run: 1, runs: 4 },
      { event: "run", variant: "onecycle", seed: 5, run: 2, runs: 4 },
      { event: "run", variant: "alpha", seed: 6, run: 3, runs: 4 },
      { event: "run", variant: "onecycle", seed: 6, run: 4, runs: 4 },
    ]);
    expect(embeddedPictures).toHaveBeenCalledTimes(1);
    expect(results).toHaveLength(4);
    expect(await readdir(out)).toHaveLength(4);
    const table = events.at(-1) as TableEvent;
    expect(table).toMatchObject({ runs: 4, dataset: "embedded", limit: 32 });
    expect(table.rows.map(({ variant, seeds }) => [variant, seeds])).toEqual([
      ["alpha", [5, 6]],
      ["mc", [5, 6]],
      ["onecycle", [5, 6]],
    ]);
    const [first, , third] = results;
    expect(table.rows[0].accuracy.mean).toBeCloseTo((first.valAccuracy + third.valAccuracy) / 2, 9);
    // What counts from the start of the process would grow from run to run.
    expect(results[3].secondsToFirstStep).toBeLessThan(results[3].seconds);
  });

  it("goes on where it was interrupted, in the middle of the third run", async () => {
    const controller = new AbortController();
    let begun = 0;
    const stop = { onEpochBegin: () => ++begun === 6 && controller.abort() };
    const two = { ...grid, epochs: 2 };
    const { signal } = controller;
    const first = await study({ ...two, signal, callbacks: [stop] });
    expect(first.results).toHaveLength(2);
    expect(first.names.at(-1)).toBe("epoch");
    const second = await study({ ...two, resume: true });
    const untrained = ["run", "result"];
    expect(second.names).toEqual([
      ...untrained,
      ...untrained,
      ...["run", "start", "resume", "epoch", "result"],
      ...["run", "start", "epoch", "epoch", "result"],
      "table",
    ]);
    expect(second.results.slice(0, 2)).toEqual(first.results);
    expect(epochsOf(second.events)[0]).toMatchObject({ variant: "alpha", seed: 6, epoch: 2 });
    // A net is the same whatever was made before it in the process.
    await rm(out, { recursive: true });
    const whole = await study({ ...two, variants: ["alpha"], seed: 6, seeds: 1 });
    expect(whole.results[0].weightsHash).toBe(second.results[2].weightsHash);
  });

  it("checks all its runs before the first one begins", async () => {
    const controller = new AbortController();
    const stop = { onEpochBegin: (epoch: number) => epoch === 1 && controller.abort() };
    const { signal } = controller;
    const last = { variants: ["onecycle"], seed: 6, epochs: 2 } as const;
    await study({ ...last, signal, callbacks: [stop] });
    const events: LabEvent[] = [];
    const attempt = study({
      ...grid,
      epochs: 3,
      resume: true,
      onEvent: (event) => events.push(event),
    });
    await expect(attempt).rejects.toThrow(
      /onecycle-seed6-[0-9a-f]{8}: an unfinished run with --epochs 2 goes on .* got --epochs 3\./,
    );
    expect(events).toEqual([]);
  });

  it("refuses seeds that there are not", async () => {
    await expect(study({ seed: Number.MAX_SAFE_INTEGER, seeds: 2 })).rejects.toThrow(
      "lab: all seeds must be below 2^53, got 2 from 9007199254740991 on.",
    );
  });
});
