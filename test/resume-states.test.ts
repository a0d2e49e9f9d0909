/** States of fits: which fit may go on from them, when they stay, what is wrong with some. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Callback,
  callbacks,
  DataError,
  Engine,
  loadModel,
  optimizers,
  StateError,
  ValueError,
} from "../src/index.ts";
import {
  Crash,
  crashed,
  engine,
  file,
  folder,
  list,
  makeModel,
  rows,
  run,
  type Setup,
  stops,
  wave,
  x,
  y,
} from "./resume/fits.ts";

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
