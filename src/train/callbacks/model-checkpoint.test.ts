/** What is saved, when and under which name: as Keras (tools/golden/checkpoints.py). */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Logs } from "../../model/totals.ts";
import type { LogKeys } from "../fit-control.ts";
import { FakeModel, ourLogs, ourOptions } from "./callbacks.case.ts";
import { ModelCheckpoint, modelCheckpoint } from "./model-checkpoint.ts";
import { Monitor } from "./monitor.ts";

const saved = vi.hoisted(() => [] as [string, string][]);
vi.mock("../saving/save.ts", () => ({
  saveModel: async (_: unknown, path: string) => void saved.push(["model", path]),
  saveWeights: async (_: unknown, path: string) => void saved.push(["weights", path]),
}));

const folder = mkdtempSync(join(tmpdir(), "checkpoints-"));
afterAll(() => rmSync(folder, { recursive: true }));
let printed = "";
beforeEach(() => {
  saved.length = 0;
  printed = "";
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "log").mockImplementation((text) => {
    printed += `${text}\n`;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Num = number | string;
type Options = Record<string, number | string | boolean>;
interface Found {
  readonly filepath: string;
  readonly options: Options;
  readonly paths: [string, string][];
  readonly best: Num | null;
  readonly printed: string;
  readonly warnings: number;
}
interface Golden {
  readonly sequences: Record<string, (Num | null)[]>;
  readonly epochs: (Found & { readonly sequence: string; readonly key: string })[];
  readonly steps: (Found & { readonly fits: number[][]; readonly losses: number[][] })[];
  readonly endings: [string, boolean, boolean][];
}
const golden: Golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../tools/golden/checkpoints.json"), "utf8"),
);

/** What a case comes to: paths, the best value, what is told. */
const found = (callback: ModelCheckpoint) => ({
  paths: [...saved],
  best: callback.best,
  printed,
  warned: vi.mocked(console.warn).mock.calls.length > 0,
});

const expected = ({ paths, best, printed: told, warnings }: Found) => ({
  paths,
  best: best === null ? undefined : Number(best),
  // Keys are told as they were given.
  printed: told.replaceAll("val_loss", "valLoss"),
  warned: warnings > 0,
});

async function epochs({ sequence, key, filepath, options }: Golden["epochs"][number], more = {}) {
  saved.length = 0;
  printed = "";
  const callback = new ModelCheckpoint(filepath, { ...ourOptions(options), ...more });
  callback.model = new FakeModel().trained;
  await callback.onTrainBegin();
  for (const [epoch, value] of golden.sequences[sequence].entries()) {
    callback.onEpochBegin(epoch);
    await callback.onEpochEnd!(
      epoch,
      ourLogs({ loss: 1, ...(value !== null && { [key]: value }) }),
    );
  }
  return found(callback);
}

/** Steps as fit tells them: several in a call, up to the callback's stop. */
async function steps(one: Golden["steps"][number], perCall: number) {
  const { fits, losses, filepath, options } = one;
  saved.length = 0;
  printed = "";
  const callback = new ModelCheckpoint(filepath, ourOptions(options));
  callback.model = new FakeModel().trained;
  let calls = 0;
  for (const sizes of fits) {
    await callback.onTrainBegin();
    for (const [epoch, size] of sizes.entries()) {
      callback.onEpochBegin(epoch);
      for (let step = 0; step < size; ) {
        const to = Math.min(callback.nextStop!(step), step + perCall - 1, size - 1);
        calls++;
        for (; step <= to; step++) {
          const before = saved.length;
          await callback.onTrainBatchEnd!(step, { loss: losses[epoch][step] });
          // It sees the model only where the call ends.
          if (saved.length > before) expect(step).toBe(to);
        }
      }
    }
  }
  return { ...found(callback), calls };
}

describe("ModelCheckpoint", () => {
  const title = ({ filepath, options }: Found) => `${filepath} ${JSON.stringify(options)}`;

  it.each(golden.epochs.map((one) => [`${one.sequence} ${title(one)}`, one] as const))(
    "saves after epochs as Keras: %s",
    async (_, one) => {
      expect(await epochs(one)).toEqual(expected(one));
    },
  );

  it.each(golden.steps.map((one) => [`${JSON.stringify(one.fits)} ${title(one)}`, one] as const))(
    "saves after steps as Keras: %s",
    async (_, one) => {
      for (const perCall of [1, 3, 100]) {
        const { calls, ...rest } = await steps(one, perCall);
        expect(rest).toEqual(expected(one));
        const all = one.fits.flat();
        const whole = all.reduce((sum, size) => sum + size, 0);
        if (perCall === 100) expect(calls).toBeLessThanOrEqual(all.length + saved.length);
        if (perCall === 1) expect(calls).toBe(whole);
      }
    },
  );

  it("is rejected by these sequences with the wrong direction, threshold or comparison", async () => {
    const misses = async (more: object) => {
      let count = 0;
      for (const one of golden.epochs) {
        const { paths, best } = await epochs(one, more);
        const same = expected(one);
        if (JSON.stringify([paths, best]) !== JSON.stringify([same.paths, same.best])) count++;
      }
      return count;
    };
    expect(await misses({})).toBe(0);
    expect(await misses({ mode: "max" })).toBeGreaterThan(5);
    expect(await misses({ initialValueThreshold: 0.8 })).toBeGreaterThan(5);
    expect(await misses({ saveBestOnly: false })).toBeGreaterThan(10);
    vi.spyOn(Monitor.prototype, "isImprovement").mockImplementation(
      (value, reference) => reference === undefined || value < reference,
    );
    // In doubles instead of float32, and always down.
    expect(await misses({})).toBeGreaterThan(1);
  });

  it.each(golden.endings)(
    "takes the endings that Keras takes: %s, weights: %s",
    (path, weights, ok) => {
      const make = () => modelCheckpoint(path, { saveWeightsOnly: weights });
      // Keras writes a whole model under the name of weights alone.
      if (ok && (weights || path !== "a.weights.h5")) make();
      else expect(make).toThrow("ModelCheckpoint: filepath must end in ");
    },
  );

  it("says which endings and takes one more for weights", () => {
    expect(() => modelCheckpoint("a.txt")).toThrow(
      'ModelCheckpoint: filepath must end in .keras or .h5, got "a.txt". ' +
        'Example: callbacks.modelCheckpoint("best.keras", { saveBestOnly: true })',
    );
    expect(() => modelCheckpoint("a.weights.h5")).toThrow(
      'must end in .keras or .h5, got "a.weights.h5". ' +
        "Set saveWeightsOnly: true, or choose .keras for the whole model.",
    );
    expect(() => modelCheckpoint("a.keras", { saveWeightsOnly: true })).toThrow(
      'filepath must end in .weights.h5 or .safetensors with saveWeightsOnly, got "a.keras".',
    );
    modelCheckpoint("a.safetensors", { saveWeightsOnly: true });
  });

  it.each([
    ["{epoch", "each { of a pattern needs its }, got a single {"],
    ["epoch}", "each { of a pattern needs its }, got a single }"],
    ["{}", 'a field of a pattern must be {key} or {key:format}, got "{}"'],
    ["{0}", "a field of a pattern must be {key} or {key:format}"],
    ["{logs.loss}", "a field of a pattern must be {key} or {key:format}"],
    ["{loss!r}", "a field of a pattern must be {key} or {key:format}"],
    ["{loss:2.f}", "a format must be "],
    ["{loss:d}", "a format of type d is for epoch and batch only"],
    ["{epoch:.2d}", "a format of a whole number has no precision"],
    ["{loss:/>20.3f}", 'numbers in a pattern must not make folders, got "/" to fill them up with'],
    ["{epoch:\\>20}", "numbers in a pattern must not make folders"],
  ])("refuses the pattern %s", (pattern, text) => {
    expect(() => modelCheckpoint(`${pattern}.keras`)).toThrow(
      `ModelCheckpoint "${pattern}.keras": ${text}`,
    );
  });

  it.each([
    [{ saveFreq: 0 }, 'saveFreq must be "epoch" or a whole number of steps of at least 1, got 0.'],
    [{ saveFreq: "batch" as never }, 'saveFreq must be "epoch" or a whole number of steps'],
    [{ saveFreq: 1.5 }, "saveFreq must be"],
    [{ initialValueThreshold: Number.NaN }, "initialValueThreshold must be a finite number"],
    [{ saveBestOnli: true } as never, 'Did you mean "saveBestOnly"?'],
  ])("refuses the options %j", (options, text) => {
    expect(() => modelCheckpoint("a.keras", options)).toThrow(text);
  });

  /** As a fit with these keys begins. */
  async function begin(pattern: string, options: object, keys: Partial<LogKeys> = {}) {
    const callback = modelCheckpoint(pattern, options);
    const model = new FakeModel();
    callback.model = model.trained;
    const batch = ["loss", "f1Score"];
    const logKeys = {
      batch,
      epoch: [...batch, "valLoss", "valF1Score"],
      isComplete: true,
      ...keys,
    };
    callback.fit = { logKeys } as never;
    await callback.onTrainBegin();
    return callback;
  }

  it("knows unknown keys before training, in either spelling", async () => {
    for (const key of ["loss", "val_loss", "valLoss", "epoch", "f1Score_0", "val_f1_score_2"])
      await begin(`{${key}}.keras`, {});
    await expect(begin("{val_acc:.2f}.keras", {})).rejects.toThrow(
      'ModelCheckpoint "{val_acc:.2f}.keras": keys of the pattern must be epoch or in the logs, ' +
        'got "val_acc". Known keys: epoch, loss, f1Score, valLoss, valF1Score.',
    );
    await expect(begin("{batch}.keras", {})).rejects.toThrow(
      'got "batch". Known keys: epoch, loss',
    );
    await begin("{batch}.keras", { saveFreq: 3 });
    // After a step nothing is validated, whatever callbacks add.
    const steps = begin("{val_loss}.keras", { saveFreq: 3 }, { isComplete: false });
    await expect(steps).rejects.toThrow('got "val_loss". Known keys: epoch, batch, loss, f1Score.');
    const late = await begin(join(folder, "{mine}.keras"), {}, { isComplete: false });
    await expect(late.onEpochEnd!(0, { loss: 1 })).rejects.toThrow(
      'got "mine". Known keys: epoch, loss.',
    );
    await late.onEpochEnd!(0, { loss: 1, mine: 3 });
    expect(saved).toEqual([["model", join(folder, "3.0.keras")]]);
  });

  it("makes folders that are in the path", async () => {
    const logs: Logs = { loss: 0.25 };
    const callback = await begin(join(folder, "a/b{epoch}/{loss:.1f}.keras"), {});
    await callback.onEpochEnd!(0, logs);
    await callback.onEpochEnd!(1, logs);
    expect(readdirSync(join(folder, "a"))).toEqual(["b1", "b2"]);
    expect(statSync(join(folder, "a/b1")).isDirectory()).toBe(true);
    expect(saved[1]).toEqual(["model", join(folder, "a/b2/0.2.keras")]);
  });

  it("goes on from a state", async () => {
    for (const one of golden.steps.filter(({ fits }) => fits.length === 1)) {
      const {
        fits: [sizes],
        losses,
      } = one;
      let callback = new ModelCheckpoint(one.filepath, ourOptions(one.options));
      saved.length = 0;
      printed = "";
      callback.model = new FakeModel().trained;
      await callback.onTrainBegin();
      for (const [epoch, size] of sizes.entries()) {
        callback.onEpochBegin(epoch);
        for (let step = 0; step < size; step++) {
          await callback.onTrainBatchEnd!(step, { loss: losses[epoch][step] });
          const state = JSON.parse(JSON.stringify(callback.getState()));
          callback = new ModelCheckpoint(one.filepath, ourOptions(one.options));
          callback.model = new FakeModel().trained;
          // Nothing was written here: what was lost is another test's.
          callback.setState({ ...state, hasSaved: false });
          await callback.onTrainBegin();
        }
      }
      expect(found(callback)).toEqual(expected(one));
    }
  });
});
