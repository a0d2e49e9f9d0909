/** Fits that end in the middle and go on, for tests in one process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, vi } from "vitest";
import {
  type Callback,
  callbacks,
  type Dataset,
  Engine,
  type FitOptions,
  layers,
  type Optimizer,
  optimizers,
  sequential,
} from "../../src/index.ts";

export const engine = new Engine({ threads: 1 });
const base = mkdtempSync(join(tmpdir(), "resume-"));
export let folder = base;
let folders = 0;
afterAll(async () => {
  await engine.close();
  rmSync(base, { recursive: true });
});
beforeEach(() => {
  folder = join(base, `${folders++}`);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

export const rows = 70;
export const wave = (count: number, step: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(step * i));
export const x = { data: wave(rows * 6, 1.3), shape: [rows, 6] };
export const y = Float32Array.from({ length: rows }, (_, i) => Math.abs(i * 7) % 3);
const oneHot = {
  data: Float32Array.from({ length: rows * 3 }, (_, i) => Number(y[Math.floor(i / 3)] === i % 3)),
  shape: [rows, 3],
};

export interface Setup {
  readonly optimizer?: () => Optimizer;
  readonly fit?: FitOptions;
  readonly backup?: callbacks.BackupAndRestoreOptions;
  readonly more?: () => Callback[];
  readonly data?: () => Dataset;
  readonly units?: number;
  readonly on?: Engine;
  /** With metrics of several sums, and of several numbers. */
  readonly isOneHot?: boolean;
}

export function makeModel({ optimizer, units = 8, isOneHot, on = engine }: Setup) {
  const model = sequential(
    [
      layers.dense({ units, activation: "relu", inputShape: [6] }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    { seed: 5, engine: on },
  );
  model.compile({
    optimizer: optimizer?.() ?? optimizers.nadam({ learningRate: 0.02 }),
    loss: isOneHot ? "categoricalCrossentropy" : "sparseCategoricalCrossentropy",
    metrics: isOneHot ? ["auc", "f1Score"] : ["accuracy"],
  });
  return model;
}

interface Ended {
  readonly history: Record<string, number[]>;
  readonly epoch: readonly number[];
  readonly weights: readonly number[][];
  readonly state: readonly number[][];
  readonly steps: number;
}

/** Counts steps; throws in the middle of step `at`, after `at` whole ones. */
export class Crash implements Callback {
  steps = 0;
  readonly addsLogs = [];
  readonly onlyReadsLogs = true;
  readonly #at: number;
  constructor(at: number) {
    this.#at = at;
  }
  nextStop(step: number) {
    return step;
  }
  onTrainBatchEnd() {
    this.steps++;
    if (this.steps === this.#at) throw new Error("crash");
  }
}

export const list = (arrays: readonly { data: ArrayLike<number> }[]) =>
  arrays.map(({ data }) => Array.from(data));

export async function run(setup: Setup, crashAt = Number.POSITIVE_INFINITY): Promise<Ended> {
  const model = makeModel(setup);
  const crash = new Crash(crashAt);
  const backup = callbacks.backupAndRestore(join(folder, "backup"), setup.backup);
  const options = {
    epochs: 6,
    batchSize: 16,
    ...setup.fit,
    callbacks: [backup, crash, ...(setup.more?.() ?? [])],
  };
  const { data } = setup;
  const { history, epoch } = data
    ? await model.fit(data(), undefined, options)
    : await model.fit(x, setup.isOneHot ? oneHot : y, options);
  const state = await Promise.all(
    [...model.optimizer.variables, ...model.net.counters].map((one) => one.read()),
  );
  const weights = list(await model.getWeights());
  return { history, epoch, weights, state: list(state), steps: crash.steps };
}

/** Runs until it is through, crashing after each of these steps; the steps of all attempts. */
export async function interrupted(setup: Setup, crashes: readonly number[]) {
  let steps = 0;
  for (const at of crashes) {
    await expect(run(setup, at)).rejects.toThrow("crash");
    steps += at;
  }
  const ended = await run(setup);
  return { ...ended, steps: steps + ended.steps };
}

export async function expectSame(setup: Setup, crashes: readonly number[], mostRepeated: number) {
  const whole = await run(setup);
  rmSync(folder, { recursive: true, force: true });
  const parts = await interrupted(setup, crashes);
  expect(parts.history).toEqual(whole.history);
  expect(parts.epoch).toEqual(whole.epoch);
  expect(parts.weights).toEqual(whole.weights);
  expect(parts.state).toEqual(whole.state);
  expect(parts.steps).toBeGreaterThan(whole.steps);
  expect(parts.steps - whole.steps).toBeLessThanOrEqual(crashes.length * mostRepeated);
}

export const stops = () => [
  callbacks.earlyStopping({ monitor: "loss", patience: 2, restoreBestWeights: true }),
  callbacks.reduceLROnPlateau({ monitor: "loss", patience: 1, minDelta: 0.1, factor: 0.3 }),
  callbacks.csvLogger(join(folder, "log.csv")),
  callbacks.modelCheckpoint(join(folder, "best.keras"), { monitor: "loss", saveBestOnly: true }),
];

/** Chunks of uneven sizes. */
export const chunked = (): Dataset => ({
  size: rows,
  [Symbol.asyncIterator]: async function* () {
    for (const [from, to] of [
      [0, 20],
      [20, 25],
      [25, 70],
    ])
      yield {
        x: { data: x.data.slice(from * 6, to * 6), shape: [to - from, 6] },
        y: { data: y.slice(from, to), shape: [to - from] },
      };
  },
});

/** A fit that crashed in its third epoch, to go on from. */
export async function crashed(setup: Setup = {}): Promise<void> {
  await expect(run(setup, 12)).rejects.toThrow("crash");
}

export const file = () => join(folder, "backup", "latest.keras");
