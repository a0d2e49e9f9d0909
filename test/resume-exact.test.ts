/** Fits that end in the middle and go on, in one process: bit for bit as if they had not ended. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  type Callback,
  callbacks,
  DataError,
  type Dataset,
  Engine,
  type FitOptions,
  layers,
  loadModel,
  type Optimizer,
  optimizers,
  StateError,
  schedules,
  sequential,
  ValueError,
} from "../src/index.ts";
import type { FitState } from "../src/train/fit-control.ts";
import { RunningFit } from "../src/train/resume/running-fit.ts";

const engine = new Engine({ threads: 1 });
const base = mkdtempSync(join(tmpdir(), "resume-"));
let folder = base;
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

const rows = 70;
const wave = (count: number, step: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(step * i));
const x = { data: wave(rows * 6, 1.3), shape: [rows, 6] };
const y = Float32Array.from({ length: rows }, (_, i) => Math.abs(i * 7) % 3);
const oneHot = {
  data: Float32Array.from({ length: rows * 3 }, (_, i) => Number(y[Math.floor(i / 3)] === i % 3)),
  shape: [rows, 3],
};

interface Setup {
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

function makeModel({ optimizer, units = 8, isOneHot, on = engine }: Setup) {
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
class Crash implements Callback {
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

const list = (arrays: readonly { data: ArrayLike<number> }[]) =>
  arrays.map(({ data }) => Array.from(data));

async function run(setup: Setup, crashAt = Number.POSITIVE_INFINITY): Promise<Ended> {
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
async function interrupted(setup: Setup, crashes: readonly number[]) {
  let steps = 0;
  for (const at of crashes) {
    await expect(run(setup, at)).rejects.toThrow("crash");
    steps += at;
  }
  const ended = await run(setup);
  return { ...ended, steps: steps + ended.steps };
}

async function expectSame(setup: Setup, crashes: readonly number[], mostRepeated: number) {
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

const stops = () => [
  callbacks.earlyStopping({ monitor: "loss", patience: 2, restoreBestWeights: true }),
  callbacks.reduceLROnPlateau({ monitor: "loss", patience: 1, minDelta: 0.1, factor: 0.3 }),
  callbacks.csvLogger(join(folder, "log.csv")),
  callbacks.modelCheckpoint(join(folder, "best.keras"), { monitor: "loss", saveBestOnly: true }),
];

/** Chunks of uneven sizes. */
const chunked = (): Dataset => ({
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

const cases: Record<string, Setup & { readonly most?: number }> = {
  "arrays with validation": { fit: { validationSplit: 0.2 } },
  "other callbacks": { fit: { validationSplit: 0.2, epochs: 9 }, more: stops },
  "steps of an epoch": { fit: { stepsPerEpoch: 3 } },
  "more steps of an epoch than there are": { fit: { stepsPerEpoch: 7, epochs: 4 } },
  "no shuffling": { fit: { shuffle: false, seed: 77 } },
  "a data set": { data: chunked },
  "a data set of unknown size": { data: () => ({ ...chunked(), size: undefined }) },
  "steps of an epoch of a data set": { data: chunked, fit: { stepsPerEpoch: 3, epochs: 7 } },
  "a schedule": {
    optimizer: () =>
      optimizers.sgd({
        learningRate: schedules.exponentialDecay({
          initialLearningRate: 0.1,
          decaySteps: 3,
          decayRate: 0.7,
        }),
      }),
    more: () => [callbacks.reduceLROnPlateau({ monitor: "loss", patience: 0, minDelta: 9 })],
  },
  "rates by epoch, classes, few validations": {
    backup: { saveFreq: 2 },
    fit: { validationSplit: 0.2, validationFreq: [2, 5], classWeight: { 0: 2, 2: 0.5 } },
    more: () => [
      callbacks.learningRateScheduler((epoch, rate) => rate * (epoch % 2 ? 0.7 : 0.9)),
      callbacks.reduceLROnPlateau({ patience: 0, minDelta: 9, factor: 0.5 }),
      callbacks.terminateOnNaN(),
    ],
    most: 2,
  },
  "averages and accumulation": {
    optimizer: () =>
      optimizers.adamW({ useEma: true, emaMomentum: 0.9, gradientAccumulationSteps: 2 }),
  },
  "every third step": {
    backup: { saveFreq: 3 },
    fit: { validationSplit: 0.2 },
    isOneHot: true,
    more: stops,
    most: 3,
  },
  "every step": { backup: { saveFreq: 1 }, fit: { epochs: 3 }, more: stops, most: 1 },
  "every second step of a data set": { backup: { saveFreq: 2 }, data: chunked, most: 2 },
  "every step, and steps of an epoch": {
    backup: { saveFreq: 1 },
    fit: { stepsPerEpoch: 3, epochs: 4 },
    most: 1,
  },
  "every step of a data set, and steps of an epoch": {
    backup: { saveFreq: 1, doubleCheckpoint: true },
    data: chunked,
    fit: { stepsPerEpoch: 3, epochs: 4 },
    most: 1,
  },
};

describe("a fit that goes on", () => {
  for (const [name, { most = 7, ...setup }] of Object.entries(cases))
    it(`ends as one that was not interrupted: ${name}`, async () => {
      await expectSame(setup, [2, 7, 3], most);
    });
});

/** A fit that crashed in its third epoch, to go on from. */
async function crashed(setup: Setup = {}): Promise<void> {
  await expect(run(setup, 12)).rejects.toThrow("crash");
}

const file = () => join(folder, "backup", "latest.keras");

describe("a fit that is another one", () => {
  const first: Setup = {
    fit: {
      validationSplit: 0.2,
      sampleWeight: { data: wave(rows, 0.1).map(Math.abs), shape: [rows] },
    },
    backup: { identity: { version: "1", seed: 3, zero: -0 } },
    more: () => [callbacks.earlyStopping({ patience: 3 })],
  };
  const other = (change: Setup): Setup => ({
    ...first,
    ...change,
    fit: { ...first.fit, ...change.fit },
  });
  const changes: [string, Setup, string][] = [
    [
      "batchSize",
      other({ fit: { batchSize: 8 } }),
      "fit batchSize 16 as in the interrupted fit, got 8",
    ],
    ["seed", other({ fit: { seed: 9 } }), "fit seed 5 as in the interrupted fit, got 9"],
    ["shuffle", other({ fit: { shuffle: false } }), "fit shuffle true as"],
    ["stepsPerEpoch", other({ fit: { stepsPerEpoch: 2 } }), "fit stepsPerEpoch null as"],
    ["initialEpoch", other({ fit: { initialEpoch: 1 } }), "fit initialEpoch 0 as"],
    ["classWeight", other({ fit: { classWeight: { 1: 2 } } }), "fit classWeight null as"],
    ["validationSplit", other({ fit: { validationSplit: 0.3 } }), "fit validationSplit 0.2 as"],
    ["validationFreq", other({ fit: { validationFreq: [1, 3] } }), "fit validationFreq 1 as"],
    ["sampleWeight", other({ fit: { sampleWeight: y } }), 'data sampleWeight[0] "float32 [56] '],
    [
      "a layer",
      other({ units: 9 }),
      "model layers[1].config.units 8 as in the interrupted fit, got 9",
    ],
    [
      "the optimizer",
      other({ optimizer: () => optimizers.nadam({ learningRate: 0.02, beta1: 0.8 }) }),
      "compile optimizer.config.beta_1 0.9 as in the interrupted fit, got 0.8",
    ],
    [
      "the learning rate",
      other({ optimizer: () => optimizers.nadam({ learningRate: 0.3 }) }),
      "compile optimizer.config.learning_rate 0.02 as in the interrupted fit, got 0.3",
    ],
    [
      "identity",
      other({ backup: { identity: { version: "1", seed: 4, zero: 0 } } }),
      "identity seed 3 as",
    ],
    [
      "no identity",
      other({ backup: {} }),
      'identity version "1" as in the interrupted fit, got undefined',
    ],
    [
      "no callback",
      other({ more: () => [] }),
      'callbacks ["EarlyStopping"] as in the interrupted fit, got []',
    ],
    [
      "a callback that remembers nothing",
      other({
        more: () => [
          ...first.more!(),
          callbacks.terminateOnNaN(),
          callbacks.learningRateScheduler((_, r) => r),
        ],
      }),
      'callbacks ["EarlyStopping"] as in the interrupted fit, got ["EarlyStopping","TerminateOnNaN",' +
        '"LearningRateScheduler"]',
    ],
    [
      "an option of a callback",
      other({ more: () => [callbacks.earlyStopping({ patience: 4 })] }),
      "callbacks[0] EarlyStopping patience 3 as in the interrupted fit, got 4",
    ],
    [
      "fewer epochs",
      other({ fit: { epochs: 1 } }),
      "fit epochs of at least 2, which are done, got 1. Ask for more epochs, or remove this file to",
    ],
  ];

  it("is refused with what differs and both values", async () => {
    await crashed(first);
    const before = readFileSync(file());
    for (const [, setup, text] of changes) {
      const failed = run(setup);
      await expect(failed).rejects.toThrow(ValueError);
      await expect(failed).rejects.toThrow(`BackupAndRestore ${file()}: ${text}`);
    }
    await expect(run(other({ fit: { seed: 9 } }))).rejects.toThrow(
      "got 9. Repeat the fit as it was, or remove this file to begin anew.",
    );
    expect(readFileSync(file()).equals(before)).toBe(true);
    await run(first);
  });

  it("is refused for other data, of training and of validation", async () => {
    const validationData = [x, { data: y, shape: [rows] }] as const;
    const fit = { validationData };
    await crashed({ fit });
    const changed = x.data.slice();
    changed[0] += 1e-3;
    const moved = { data: changed, shape: x.shape };
    await expect(run({ fit: { validationData: [moved, validationData[1]] } })).rejects.toThrow(
      'validation x[0] "float32 [70, 6] ',
    );
    const kept = x.data[0];
    x.data[0] = changed[0];
    const original = { ...x, data: x.data.with(0, kept) };
    const failed = run({ fit: { validationData: [original, validationData[1]] } });
    await expect(failed).rejects.toThrow('data x[0] "float32 [70, 6] ');
    x.data[0] = kept;
  });

  it("is refused with other arithmetic, and with other threads goes on", async () => {
    const whole = await run({});
    await crashed();
    const [unfused, two] = [new Engine({ threads: 1, fma: false }), new Engine({ threads: 2 })];
    await expect(run({ on: unfused })).rejects.toThrow(
      "device fma true as in the interrupted fit, got false",
    );
    const { weights } = await run({ on: two });
    expect(weights).toEqual(whole.weights);
    await Promise.all([unfused.close(), two.close()]);
  });

  it("may have more epochs, and then goes on after its end", async () => {
    const setup = { backup: { deleteCheckpoint: false } };
    await run({ ...setup, fit: { epochs: 3 } });
    const again = await run({ ...setup, fit: { epochs: 3 } });
    expect(again.steps).toBe(0);
    const longer = await run({ ...setup, fit: { epochs: 5 } });
    rmSync(folder, { recursive: true });
    expect({ ...longer, steps: 25 }).toEqual(await run({ ...setup, fit: { epochs: 5 } }));
  });
});

describe("a state", () => {
  it("is gone after a fit that finished, with its folder; other files stay", async () => {
    await crashed();
    expect(readdirSync(join(folder, "backup"))).toEqual(["latest.keras"]);
    await run({});
    expect(existsSync(join(folder, "backup"))).toBe(false);
    await crashed();
    writeFileSync(join(folder, "backup", "mine"), "");
    await run({});
    expect(readdirSync(join(folder, "backup"))).toEqual(["mine"]);
  });

  it("stays where a signal ended the fit, which then goes on", async () => {
    const whole = await run({});
    const controller = new AbortController();
    const abort = callbacks.lambdaCallback({
      onEpochEnd: (epoch) => epoch === 2 && controller.abort(),
    });
    const cut = await run({ fit: { signal: controller.signal }, more: () => [abort] });
    expect(cut.epoch).toEqual([0, 1, 2]);
    expect(existsSync(file())).toBe(true);
    expect((await run({})).weights).toEqual(whole.weights);
  });

  it("ends at once where early stopping had ended the fit, with the best weights", async () => {
    const more = () => [
      callbacks.earlyStopping({
        monitor: "loss",
        mode: "max",
        patience: 1,
        restoreBestWeights: true,
      }),
    ];
    const setup = { more, backup: { deleteCheckpoint: false } };
    const whole = await run(setup);
    expect(whole.epoch.length).toBeLessThan(6);
    const again = await run({ ...setup, fit: { epochs: 9 } });
    expect(again).toEqual({ ...whole, steps: 0 });
  });

  it.each([[undefined], [5], [[1]]])("of a callback is an object, not %s", async (found) => {
    const own = { getState: () => found, setState: () => undefined } as Callback;
    await expect(run({ more: () => [own] })).rejects.toThrow(
      "getState of a callback: a state must be an object, got ",
    );
    expect(existsSync(file())).toBe(false);
  });

  it("lets the same model go on in the same process", async () => {
    const whole = await run({ more: stops });
    rmSync(folder, { recursive: true });
    const model = makeModel({});
    const train = (crash: Crash) => {
      const backup = callbacks.backupAndRestore(join(folder, "backup"));
      const all = [backup, crash, ...stops()];
      return model.fit(x, y, { epochs: 6, batchSize: 16, callbacks: all });
    };
    // The plateau has lowered the rate by then.
    await expect(train(new Crash(22))).rejects.toThrow("crash");
    expect(model.optimizer.learningRate).toBeLessThan(0.02);
    const { history } = await train(new Crash(999));
    expect(history).toEqual(whole.history);
    expect(list(await model.getWeights())).toEqual(whole.weights);
  });

  it("is a model that loads, with the optimizer", async () => {
    await crashed();
    const model = await loadModel(file(), { engine });
    expect(model.optimizer.iterations.hostValue).toEqual(Uint32Array.of(10));
    await model.fit(x, y);
  });

  it("that is broken is an error, or the one before is taken", async () => {
    await crashed();
    const bytes = readFileSync(file());
    for (const broken of [
      bytes.subarray(0, bytes.length / 2),
      bytes.subarray(1),
      Buffer.alloc(0),
    ]) {
      writeFileSync(file(), broken);
      await expect(run({})).rejects.toThrow(DataError);
      await expect(run({})).rejects.toThrow(`BackupAndRestore ${file()}: `);
    }
    rmSync(folder, { recursive: true });
    const setup = { backup: { doubleCheckpoint: true } };
    const whole = await run(setup);
    await crashed(setup);
    expect(readdirSync(join(folder, "backup")).sort()).toEqual([
      "latest.keras",
      "latest.keras.bkp",
    ]);
    writeFileSync(file(), bytes.subarray(0, 100));
    const { steps, weights } = await run(setup);
    expect(steps).toBe(whole.steps - 5);
    expect(weights).toEqual(whole.weights);
  });

  it("without a fit in it is an error", async () => {
    const model = makeModel({});
    mkdirSync(join(folder, "backup"), { recursive: true });
    await model.save(file());
    await expect(run({})).rejects.toThrow(
      `BackupAndRestore ${file()}: must hold the state of a fit, antler/fit.json, got a model ` +
        "without one. Choose another folder or fileName.",
    );
  });

  it("whose best model is lost says so", async () => {
    const path = join(folder, "best.keras");
    const options = { monitor: "loss", saveBestOnly: true };
    const more = () => [callbacks.modelCheckpoint(path, options)];
    await crashed({ more });
    rmSync(path);
    await expect(run({ more })).rejects.toThrow(
      `ModelCheckpoint ${path}: the best model must be there, as when the state of the fit was ` +
        "saved, got no file. It was lost meanwhile: bring it back, or begin the fit anew.",
    );
  });

  it("whose log is lost says so", async () => {
    const more = () => [callbacks.csvLogger(join(folder, "log.csv"))];
    await crashed({ more });
    const text = readFileSync(join(folder, "log.csv"), "utf8");
    writeFileSync(join(folder, "log.csv"), text.slice(0, 20));
    await expect(run({ more })).rejects.toThrow(
      `CSVLogger ${join(folder, "log.csv")}: the file must have the ${text.length} bytes that were ` +
        "there when the state was saved, got 20 bytes. It was lost or changed meanwhile: bring it " +
        "back, or begin the fit anew.",
    );
    rmSync(join(folder, "log.csv"));
    await expect(run({ more })).rejects.toThrow("got no file.");
    writeFileSync(join(folder, "log.csv"), `${text}6,half a r`);
    await run({ more });
    expect(readFileSync(join(folder, "log.csv"), "utf8").split("\r\n")).toHaveLength(8);
  });
});

describe("a folder", () => {
  it("that another fit uses is refused at once; a dead process's lock is taken over", async () => {
    const inside = callbacks.lambdaCallback({
      onEpochEnd: async () => {
        await expect(run({})).rejects.toThrow(StateError);
        await expect(run({})).rejects.toThrow(
          `BackupAndRestore ${file()}.lock: no other fit may use the folder, got one that runs. ` +
            "Wait for it to end, or choose another folder.",
        );
      },
    });
    await run({ fit: { epochs: 1 }, more: () => [inside] });
    mkdirSync(join(folder, "backup"), { recursive: true });
    const dead = { pid: 2 ** 22 + 1, machine: hostname(), token: "x" };
    writeFileSync(`${file()}.lock`, JSON.stringify(dead));
    await run({ fit: { epochs: 1 } });
  });
});

describe("near misses", () => {
  it("are seen: another order of samples, rate or count of a callback", async () => {
    const whole = await run({ more: stops });
    const changes: [string, (state: FitState) => object][] = [
      ["nothing", () => ({})],
      ["rate", ({ learningRate }) => ({ learningRate: learningRate! * 1.001 })],
      ["place", ({ position }) => ({ position: { ...position, order: 1 } })],
      ["last epoch", ({ epoch }) => ({ epoch: epoch - 1 })],
      ["plateau", ({ callbacks: all }) => ({ callbacks: all.with(1, { ...all[1], best: null }) })],
    ];
    for (const [name, change] of changes) {
      rmSync(folder, { recursive: true });
      await expect(run({ more: stops }, 22)).rejects.toThrow("crash");
      const original = RunningFit.prototype.resume;
      vi.spyOn(RunningFit.prototype, "resume").mockImplementation(function (
        this: RunningFit,
        state,
        restore,
        who,
      ) {
        return original.call(this, { ...state, ...change(state) }, restore, who);
      });
      const { weights, history } = await run({ more: stops });
      vi.restoreAllMocks();
      if (name === "nothing") expect(weights).toEqual(whole.weights);
      else expect({ name, history }).not.toEqual({ name, history: whole.history });
    }
  });
});
