/** What callbacks throw, and disks that fill: a fit ends with it, old files stay, the model is usable. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { endFaults, faults, withFaults } from "../src/host/faults.case.ts";
import type { Host } from "../src/host/host.ts";
import {
  type Callback,
  callbacks,
  DataError,
  Engine,
  layers,
  loadModel,
  sequential,
} from "../src/index.ts";

vi.mock("#host", async (original) => withFaults(await original<Host>()));

const engine = new Engine({ threads: 1 });
const base = mkdtempSync(join(tmpdir(), "errors-"));
let folder = base;
let folders = 0;
afterAll(async () => {
  await engine.close();
  rmSync(base, { recursive: true });
});
beforeEach(() => {
  folder = join(base, `${folders++}`);
});
afterEach(() => {
  endFaults();
  vi.restoreAllMocks();
});

const x = { data: Float32Array.from({ length: 64 }, (_, i) => Math.sin(i)), shape: [32, 2] };
const y = Float32Array.from({ length: 32 }, (_, i) => Math.cos(i));

function makeModel() {
  const model = sequential(
    [layers.dense({ units: 2, inputShape: [2] }), layers.dense({ units: 1 })],
    {
      seed: 2,
      engine,
    },
  );
  model.compile({ optimizer: "adam", loss: "mse", metrics: ["mae"] });
  return model;
}

const train = (model: ReturnType<typeof makeModel>, list: readonly Callback[], epochs = 4) =>
  model.fit(x, y, { batchSize: 8, epochs, validationSplit: 0.25, callbacks: list });

/** After a fit that failed, all that a user may do works. */
async function expectUsable(model: ReturnType<typeof makeModel>): Promise<void> {
  const weights = await model.getWeights();
  for (const { data } of weights) for (const value of data) expect(value).toBeTypeOf("number");
  await model.setWeights(weights);
  expect(Number.isFinite((await model.evaluate(x, y)).loss)).toBe(true);
  expect((await model.predict(x)).shape).toEqual([32, 1]);
  model.compile({ optimizer: "adam", loss: "mse" });
  const { history } = await train(model, [], 1);
  expect(history.loss).toHaveLength(1);
}

describe("a callback that throws", () => {
  const hooks = [
    ...(["onTrainBegin", "onEpochBegin", "onTrainBatchBegin", "onTrainBatchEnd"] as const),
    ...(["onTestBegin", "onTestBatchBegin", "onTestBatchEnd", "onTestEnd"] as const),
    ...(["onEpochEnd", "onTrainEnd", "nextStop", "close"] as const),
  ];
  it.each(hooks)("in %s ends the fit with its error", async (hook) => {
    const model = makeModel();
    const error = new Error(`in ${hook}`);
    const closed: string[] = [];
    const first = callbacks.lambdaCallback({ close: () => closed.push("first") });
    const last = callbacks.lambdaCallback({ close: () => closed.push("last") });
    for (const isAsync of [false, true]) {
      if (isAsync && hook === "nextStop") continue;
      const thrower = {
        [hook]: () => {
          if (isAsync) return Promise.reject(error);
          throw error;
        },
      };
      await expect(train(model, [first, thrower, last])).rejects.toBe(error);
      expect(closed.splice(0)).toEqual(["first", "last"]);
      await expectUsable(model);
    }
  });

  it("and then again when it is closed, is told of the first error", async () => {
    const model = makeModel();
    const thrower = callbacks.lambdaCallback({
      onEpochEnd: () => Promise.reject(new Error("first")),
      close: () => Promise.reject(new Error("second")),
    });
    await expect(train(model, [thrower])).rejects.toThrow("first");
    await expectUsable(model);
  });

  it.each(hooks)("in %s of a fit that goes on, leaves the state", async (hook) => {
    const backup = () => callbacks.backupAndRestore(folder);
    const crash = callbacks.lambdaCallback({
      onEpochEnd: (epoch) => {
        if (epoch === 2) throw new Error("crash");
      },
    });
    await expect(train(makeModel(), [crash, backup()])).rejects.toThrow("crash");
    const state = readFileSync(join(folder, "latest.keras"));
    const model = makeModel();
    const thrower = {
      [hook]: () => {
        throw new Error(hook);
      },
    };
    await expect(train(model, [thrower, backup()])).rejects.toThrow(hook);
    // Its lock is gone. After the last epoch there is another state, or none.
    const isLate = ["onTrainEnd", "close"].includes(hook);
    if (!isLate) {
      expect(readdirSync(folder)).toEqual(["latest.keras"]);
      expect(readFileSync(join(folder, "latest.keras")).equals(state)).toBe(true);
    }
    await expectUsable(model);
    const ended = await train(makeModel(), [backup()]);
    expect(ended.epoch).toEqual([0, 1, 2, 3]);
  });
});

describe("a disk", () => {
  const made: Record<string, () => [Callback, string]> = {
    modelCheckpoint: () => {
      const path = join(folder, "m.keras");
      return [callbacks.modelCheckpoint(path), path];
    },
    "modelCheckpoint of weights": () => {
      const path = join(folder, "m.weights.h5");
      return [callbacks.modelCheckpoint(path, { saveWeightsOnly: true }), path];
    },
    backupAndRestore: () => [callbacks.backupAndRestore(folder), join(folder, "latest.keras")],
    "backupAndRestore after steps": () => [
      callbacks.backupAndRestore(folder, { saveFreq: 2 }),
      join(folder, "latest.keras"),
    ],
  };
  for (const [name, make] of Object.entries(made))
    it.each(["ENOSPC", "EACCES"])(`that says %s ends a fit with ${name}`, async (code) => {
      const model = makeModel();
      const [callback, path] = make();
      let before: Buffer | undefined;
      const fill = callbacks.lambdaCallback({
        onEpochBegin: (epoch) => {
          if (epoch !== 2) return;
          before = readFileSync(path);
          Object.assign(faults, { room: 1000, code });
        },
      });
      const failed = train(model, [fill, callback]);
      await expect(failed).rejects.toThrow(DataError);
      await expect(failed).rejects.toThrow(`${path}: must be a writable file, got ${code}.`);
      expect(readFileSync(path).equals(before!)).toBe(true);
      expect(readdirSync(folder).filter((file) => file.endsWith(".tmp"))).toEqual([]);
      await expectUsable(model);
      endFaults();
      if (path.endsWith(".keras")) await (await loadModel(path, { engine })).predict(x);
      // There is room again: the fit goes on where it was.
      const { epoch } = await train(makeModel(), [make()[0]]);
      expect(epoch).toEqual([0, 1, 2, 3]);
    });

  it("without a folder to write in is an error before training", async () => {
    const model = makeModel();
    const file = join(base, "file");
    await callbacks.csvLogger(file).onTrainBegin();
    let steps = 0;
    const count = callbacks.lambdaCallback({ onTrainBatchEnd: () => steps++ });
    await expect(
      train(model, [count, callbacks.backupAndRestore(join(file, "x"))]),
    ).rejects.toThrow("must be a folder that can be made");
    expect(steps).toBe(0);
    expect(existsSync(join(file, "x"))).toBe(false);
    await expectUsable(model);
  });
});

describe("callbacks that save after epochs", () => {
  it("cost no call of the device, those that save after steps one each", async () => {
    const made: number[] = [];
    const load = engine.load.bind(engine);
    vi.spyOn(engine, "load").mockImplementation(async (...given) => {
      const execution = await load(...given);
      const run = execution.run.bind(execution);
      execution.run = (steps, inputs) => {
        made.push(steps);
        return run(steps, inputs);
      };
      return execution;
    });
    const calls = async (...list: Callback[]) => {
      rmSync(folder, { recursive: true, force: true });
      await makeModel().fit(x, y, { batchSize: 4, epochs: 3, callbacks: list });
      return made.splice(0);
    };
    const none = await calls();
    const epochs = await calls(
      callbacks.modelCheckpoint(join(folder, "m.keras"), { monitor: "loss", saveBestOnly: true }),
      callbacks.backupAndRestore(join(folder, "b")),
      callbacks.csvLogger(join(base, "log.csv")),
      callbacks.earlyStopping({ monitor: "loss", restoreBestWeights: true, patience: 9 }),
    );
    const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);
    expect([sum(none), sum(epochs)]).toEqual([24, 24]);
    // 8 steps an epoch: one call, or two where the first shows how fast they are.
    expect(none.length).toBeLessThan(12);
    expect(epochs.length).toBeLessThan(12);
    const steps = await calls(callbacks.backupAndRestore(join(folder, "b"), { saveFreq: 5 }));
    expect(sum(steps)).toBe(24);
    expect(steps.length).toBeLessThan(16);
    const each = await calls(callbacks.terminateOnNaN());
    expect(each).toEqual(Array(24).fill(1));
  });
});
