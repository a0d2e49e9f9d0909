/** The TensorBoard callback in fits: what is on the disk when, and after what. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { endFaults, faults, withFaults } from "../src/host/faults.case.ts";
import {
  callbacks,
  DataError,
  Engine,
  type FitOptions,
  layers,
  type Model,
  metrics,
  optimizers,
  schedules,
  sequential,
  type Tensor,
} from "../src/index.ts";
import { readEvents } from "../src/logs/tensorboard/index.ts";

vi.mock("#host", async (original) => withFaults(await original()));

const engine = new Engine({ threads: 1 });
const root = mkdtempSync(join(tmpdir(), "tensor-board-"));
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});
afterEach(() => {
  endFaults();
  vi.restoreAllMocks();
});

const x = { data: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)), shape: [30, 2] };
const y = Float32Array.from({ length: 30 }, (_, i) => Math.cos(3 * i));

function makeModel(): Model {
  const model = sequential([layers.dense({ units: 1, inputShape: [2] })], { seed: 3, engine });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: "mse" });
  return model;
}

/** Three steps an epoch, the last 12 rows held out. */
const train = (model: Model, options: FitOptions) =>
  model.fit(x, y, { batchSize: 6, validationSplit: 0.4, ...options });

const newFolder = () => mkdtempSync(join(root, "fit-"));
const filesIn = (folder: string) => readdirSync(folder).map((name) => join(folder, name));

/** `step tag` of all values of a file, and their numbers. */
function valuesIn(path: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const { step, values } of readEvents(readFileSync(path), path))
    for (const { tag, tensor } of values) {
      const key = `${step} ${tag}`;
      expect(found.has(key)).toBe(false);
      found.set(key, Number((tensor!.data as ArrayLike<number>)[0]));
    }
  return found;
}

const only = (folder: string): string => {
  const [path, ...others] = filesIn(folder);
  expect(others).toEqual([]);
  return path;
};

describe("a fit", () => {
  it("writes its history, epoch by epoch, readable at once", async () => {
    const folder = newFolder();
    const model = makeModel();
    model.compile({
      optimizer: optimizers.sgd({
        learningRate: schedules.exponentialDecay({
          initialLearningRate: 0.1,
          decaySteps: 3,
          decayRate: 0.5,
        }),
      }),
      loss: "mse",
    });
    const seen: number[] = [];
    const look = callbacks.lambdaCallback({
      onEpochEnd: () => {
        seen.push(valuesIn(only(join(folder, "train"))).size);
      },
    });
    const board = callbacks.tensorBoard(folder);
    const { history } = await train(model, { epochs: 3, callbacks: [board, look] });
    // The graph, and each epoch a loss and a rate.
    expect(seen).toEqual([3, 5, 7]);
    const own = valuesIn(only(join(folder, "train")));
    const held = valuesIn(only(join(folder, "validation")));
    for (let epoch = 0; epoch < 3; epoch++) {
      expect(own.get(`${epoch} epoch_loss`)).toBe(Math.fround(history.loss[epoch]));
      // The rate of the step that comes next, as in Keras.
      expect(own.get(`${epoch} epoch_learning_rate`)).toBeCloseTo(0.1 / 2 ** (epoch + 1), 8);
      const loss = Math.fround(history.valLoss[epoch]);
      expect(held.get(`${epoch} epoch_loss`)).toBe(loss);
      expect(held.get(`${3 * (epoch + 1)} evaluation_loss_vs_iterations`)).toBe(loss);
    }
    expect(held.size).toBe(6);
  });

  it("writes the graph as the model's JSON", async () => {
    const folder = newFolder();
    const model = makeModel();
    await train(model, { callbacks: [callbacks.tensorBoard(folder)] });
    const path = only(join(folder, "train"));
    const [, graph] = readEvents(readFileSync(path), path);
    expect(graph.values[0]).toMatchObject({
      tag: "keras",
      plugin: "graph_keras_model",
      pluginContent: "1",
    });
    const [text] = graph.values[0].tensor!.data as readonly Uint8Array[];
    expect(new TextDecoder().decode(text)).toBe(model.toJson());
  });

  it("a second one begins new files, and counts its batches anew", async () => {
    const folder = newFolder();
    const model = makeModel();
    const board = callbacks.tensorBoard(folder, { updateFreq: "batch" });
    await train(model, { epochs: 2, callbacks: [board] });
    await train(model, { epochs: 1, callbacks: [board] });
    const sizes = filesIn(join(folder, "train")).map((path) => {
      const keys = [...valuesIn(path).keys()].filter((key) => key.includes("batch_loss"));
      return keys.map((key) => Number.parseInt(key, 10));
    });
    expect(sizes.sort((a, b) => a.length - b.length)).toEqual([
      [1, 2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
    const held = filesIn(join(folder, "validation")).flatMap((path) => [...valuesIn(path).keys()]);
    expect(held).toContain("9 evaluation_loss_vs_iterations");
  });

  it("tells steps in a second", async () => {
    const folder = newFolder();
    const board = callbacks.tensorBoard(folder, { updateFreq: 2, writeStepsPerSecond: true });
    await train(makeModel(), { epochs: 2, callbacks: [board] });
    const found = [...valuesIn(only(join(folder, "train")))].filter(([key]) =>
      key.includes("second"),
    );
    expect(found.map(([key]) => key)).toEqual([
      "2 batch_steps_per_second",
      "0 epoch_steps_per_second",
      "4 batch_steps_per_second",
      "6 batch_steps_per_second",
      "1 epoch_steps_per_second",
    ]);
    for (const [, value] of found) expect(value > 0 && value < 1e8).toBe(true);
  });

  it("keeps names of the user's own", async () => {
    const folder = newFolder();
    const model = makeModel();
    const named = ["F1", "value", "my_metric", "2nd"].map((name) =>
      metrics.meanAbsoluteError({ name }),
    );
    model.compile({ optimizer: "sgd", loss: "mse", metrics: named });
    await train(model, { callbacks: [callbacks.tensorBoard(folder, { writeGraph: false })] });
    const names = ["loss", "F1", "value", "my_metric", "2nd"];
    const epochTags = names.map((name) => `0 epoch_${name}`);
    const own = [...valuesIn(only(join(folder, "train"))).keys()];
    expect(own).toEqual([...epochTags, "0 epoch_learning_rate"]);
    const held = [...valuesIn(only(join(folder, "validation"))).keys()];
    const tested = names.map((name) => `3 evaluation_${name}_vs_iterations`);
    expect(held).toEqual([...tested, ...epochTags]);
  });

  it("without validation has one run", async () => {
    const folder = newFolder();
    await makeModel().fit(x, y, { callbacks: [callbacks.tensorBoard(folder)] });
    expect(readdirSync(folder)).toEqual(["train"]);
  });

  it("of a part that no file can hold has no graph, and says so", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const twice = (tensor: Tensor) => tensor.multiply(2);
    const dense = layers.dense({ units: 1, activation: twice, inputShape: [2] });
    const model = sequential([dense], { engine });
    model.compile({ optimizer: "sgd", loss: "mse" });
    const folder = newFolder();
    await train(model, { callbacks: [callbacks.tensorBoard(folder)] });
    expect([...valuesIn(only(join(folder, "train"))).keys()]).toEqual([
      "0 epoch_loss",
      "0 epoch_learning_rate",
    ]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/^TensorBoard: the graph is left out\. .*Register it/);
  });
});

describe("bad places", () => {
  it("a folder that cannot be made ends the fit before its first step", async () => {
    const path = join(newFolder(), "file");
    writeFileSync(path, "");
    const model = makeModel();
    const fit = train(model, { callbacks: [callbacks.tensorBoard(path)] });
    await expect(fit).rejects.toThrow(
      `${join(path, "train")}: must be a folder that can be made, got ENOTDIR.`,
    );
    expect(model.optimizer.iterations.hostValue?.[0] ?? 0).toBe(0);
  });

  it("a full disk ends the fit; what was written before is whole", async () => {
    const folder = newFolder();
    const model = makeModel();
    const fill = callbacks.lambdaCallback({
      onEpochBegin: (epoch) => {
        if (epoch === 2) faults.room = 50;
      },
    });
    const board = callbacks.tensorBoard(folder, { updateFreq: "batch" });
    const error = await train(model, { epochs: 5, callbacks: [fill, board] }).catch((e) => e);
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toMatch(/tfevents\.[^:]*: must be a writable file, got ENOSPC\.$/);
    expect(error.message).toContain(folder);
    const keys = [...valuesIn(only(join(folder, "train"))).keys()];
    expect(keys.at(-1)).toBe("1 epoch_learning_rate");
    endFaults();
    expect((await train(model, { callbacks: [board] })).history.loss).toHaveLength(1);
  });

  it("a fit that fails leaves the batches that it has made", async () => {
    const folder = newFolder();
    const board = callbacks.tensorBoard(folder, { updateFreq: "batch" });
    const fail = {
      onTrainBatchEnd: (batch: number) => {
        if (batch === 1) throw new Error("enough");
      },
    };
    const fit = train(makeModel(), { callbacks: [board, fail] });
    await expect(fit).rejects.toThrow("enough");
    const keys = [...valuesIn(only(join(folder, "train"))).keys()];
    expect(keys).toEqual(["0 keras", "1 batch_loss", "2 batch_loss"]);
  });
});

describe("a fit that goes on", () => {
  const options = { updateFreq: "batch", histogramFreq: 2 } as const;

  /** A fit of two epochs, the state after the first, and what is in the files then. */
  async function stopped(folder: string) {
    const model = makeModel();
    const board = callbacks.tensorBoard(folder, options);
    const states: Awaited<ReturnType<typeof board.getState>>[] = [];
    const files: Map<string, Buffer>[] = [];
    const keep = callbacks.lambdaCallback({
      onEpochEnd: async () => {
        states.push(await board.getState());
        const paths = readdirSync(folder).flatMap((run) => filesIn(join(folder, run)));
        files.push(new Map(paths.map((path) => [path, readFileSync(path)])));
      },
    });
    await train(model, { epochs: 2, callbacks: [board, keep] });
    return { model, states, files };
  }

  it("goes on in its files, without what came after the state", async () => {
    const folder = newFolder();
    const { model, states, files } = await stopped(folder);
    const whole = newFolder();
    await train(makeModel(), { epochs: 3, callbacks: [callbacks.tensorBoard(whole, options)] });
    const board = callbacks.tensorBoard(folder, options);
    board.setState(JSON.parse(JSON.stringify(states[0])));
    await train(model, { initialEpoch: 1, epochs: 3, callbacks: [board] });
    for (const run of ["train", "validation"]) {
      const path = only(join(folder, run));
      const before = files[0].get(path)!;
      expect(readFileSync(path).subarray(0, before.length)).toEqual(before);
      const keys = [...valuesIn(path).keys()];
      // The model itself was not set back: its count of steps goes on from the second epoch.
      const expected = [...valuesIn(only(join(whole, run))).keys()].map((key) =>
        key.replace(/^([69])( eval)/, (_, step, rest) => `${Number(step) + 3}${rest}`),
      );
      expect(keys).toEqual(expected);
    }
  });

  it("from a state before its first validation has no value twice", async () => {
    const folder = newFolder();
    const board = callbacks.tensorBoard(folder);
    const states: unknown[] = [];
    const keep = {
      onTrainBatchEnd: async () => {
        states.push(await board.getState());
      },
    };
    const model = makeModel();
    await train(model, { epochs: 2, callbacks: [board, keep] });
    const again = callbacks.tensorBoard(folder);
    again.setState(states[0] as never);
    expect(states[0]).toMatchObject({ validationBytes: 0 });
    await train(model, { epochs: 1, callbacks: [again] });
    expect([...valuesIn(only(join(folder, "validation"))).keys()]).toEqual([
      "9 evaluation_loss_vs_iterations",
      "0 epoch_loss",
    ]);
  });

  it("tells the steps in a second of the rest of an epoch", async () => {
    const folder = newFolder();
    const make = () => [
      callbacks.backupAndRestore(join(folder, "backup"), { saveFreq: 1 }),
      callbacks.tensorBoard(folder, { writeStepsPerSecond: true }),
    ];
    const crash = {
      onTrainBatchEnd: (batch: number) => {
        if (batch === 1) throw new Error("crash");
      },
    };
    await expect(train(makeModel(), { callbacks: [...make(), crash] })).rejects.toThrow("crash");
    const began = performance.now();
    // Since the start of the process there was less than a step in two seconds.
    vi.spyOn(performance, "now").mockImplementation(() => 1e9 + Date.now());
    await train(makeModel(), { callbacks: make() });
    vi.restoreAllMocks();
    const most = performance.now() - began;
    const all = readdirSync(join(folder, "train")).map((name) => join(folder, "train", name));
    const [found] = all
      .flatMap((path) => [...valuesIn(path)])
      .filter(([key]) => /per_second/.test(key));
    expect(Number(found[1])).toBeGreaterThan(1000 / most);
  });

  it("warns where a file is gone, and begins a new one", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const folder = newFolder();
    const { model, states } = await stopped(folder);
    const lost = only(join(folder, "validation"));
    rmSync(lost);
    const board = callbacks.tensorBoard(folder, options);
    board.setState(states[1]);
    await train(model, { initialEpoch: 2, epochs: 3, callbacks: [board] });
    expect(warn.mock.calls).toEqual([
      [`TensorBoard: ${lost} is not there any more; a new file is begun.`],
    ]);
    expect([...valuesIn(only(join(folder, "validation"))).keys()]).toContain("2 epoch_loss");
  });

  it("is refused where a file is shorter than it was", async () => {
    const folder = newFolder();
    const { model, states } = await stopped(folder);
    const path = only(join(folder, "train"));
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    const board = callbacks.tensorBoard(folder, options);
    board.setState(states[1]);
    await expect(train(model, { callbacks: [board] })).rejects.toThrow(
      `TensorBoard ${path}: the file must have the ${states[1].trainBytes} bytes that were there when the ` +
        "state was saved, got 100 bytes. It was lost or changed meanwhile: bring it back, or begin the fit",
    );
    // The state counts for one fit only.
    await train(model, { callbacks: [board] });
    expect(filesIn(join(folder, "train"))).toHaveLength(2);
  });
});
