/** What callbacks are given, watch and tell. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { MetricInput } from "../../nn/metrics.ts";
import { metrics } from "../../nn/metrics.ts";
import { optimizers } from "../../nn/optimizers.ts";
import { schedules } from "../../nn/schedules.ts";
import { FakeModel, replay } from "./callbacks.case.ts";
import * as callbacks from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "callbacks-"));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

describe("options", () => {
  const { earlyStopping, reduceLROnPlateau, csvLogger, learningRateScheduler } = callbacks;
  it.each([
    [
      () => earlyStopping({ patiense: 3 } as never),
      'EarlyStopping: option names must be known, got "patiense". Did you mean "patience"?',
    ],
    [
      () => earlyStopping({ patience: -1 }),
      "EarlyStopping: patience must be a whole number of at least 0, got -1.",
    ],
    [() => earlyStopping({ minDelta: Number.NaN }), "minDelta must be a finite number, got NaN."],
    [() => earlyStopping({ baseline: "1" as never }), 'baseline must be a finite number, got "1".'],
    [() => earlyStopping({ monitor: "" }), 'monitor must be a text, got "".'],
    [
      () => earlyStopping({ mode: "mx" as never }),
      'EarlyStopping: mode must be one of "auto", "min", "max", got "mx". Did you mean "max"?',
    ],
    [() => earlyStopping({ verbose: 2 as never }), "verbose must be 0 or 1, got 2."],
    [() => earlyStopping({ restoreBestWeights: 1 as never }), "must be true or false, got 1."],
    [() => earlyStopping({ startFromEpoch: 0.5 }), "startFromEpoch must be a whole number"],
    [() => reduceLROnPlateau({ factor: 1 }), "ReduceLROnPlateau: factor must be in [0, 1), got 1."],
    [
      () => reduceLROnPlateau({ minLr: -1 }),
      "minLr must be a finite number of at least 0, got -1.",
    ],
    [() => reduceLROnPlateau({ cooldown: 1.5 }), "cooldown must be a whole number"],
    [
      () => learningRateScheduler(0.1 as never),
      "LearningRateScheduler: schedule must be a function of the epoch and the rate, got 0.1. " +
        "Example: callbacks.learningRateScheduler((epoch, rate) => 0.9 * rate)",
    ],
    [() => learningRateScheduler((_, rate) => rate, { verbose: 3 as never }), "must be 0 or 1"],
    [() => csvLogger(""), 'CSVLogger: filename must be a text, got "".'],
    [
      () => csvLogger("a.csv", { separator: ", " }),
      "CSVLogger: separator must be one character, neither a quote nor a line end",
    ],
    [() => csvLogger("a.csv", { separator: '"' }), "separator must be one character"],
    [() => csvLogger("a.csv", { append: "yes" as never }), "append must be true or false"],
    [
      () => callbacks.terminateOnNaN({ raise: true } as never),
      'got "raise". Known names: raiseError.',
    ],
    [
      () => callbacks.lambdaCallback({ onEpochEnds: () => 0 } as never),
      'LambdaCallback: option names must be known, got "onEpochEnds". Did you mean "onEpochEnd"?',
    ],
    [
      () => callbacks.lambdaCallback({ onEpochEnd: 5 as never }),
      "LambdaCallback: onEpochEnd must be a function, got 5.",
    ],
  ])("that are impossible are told: %#", (make, message) => {
    expect(make).toThrow(message);
  });

  it("make the classes", () => {
    expect(earlyStopping()).toBeInstanceOf(callbacks.EarlyStopping);
    expect(reduceLROnPlateau()).toBeInstanceOf(callbacks.ReduceLROnPlateau);
    expect(csvLogger("a.csv")).toBeInstanceOf(callbacks.CSVLogger);
    expect(callbacks.progbarLogger()).toBeInstanceOf(callbacks.ProgbarLogger);
    expect(callbacks.lambdaCallback()).toBeInstanceOf(callbacks.LambdaCallback);
  });
});

describe("a monitor", () => {
  const best = async (monitor: string, model: FakeModel, key: string) => {
    const callback = callbacks.earlyStopping({ monitor, patience: 9 });
    await replay(callback, model, [{ [key]: 2 }, { [key]: 1 }, { [key]: 3 }]);
    return callback.best;
  };
  const single = (...list: MetricInput[]) => new FakeModel(list);

  it("is spelt our way or Keras's, and goes its way", async () => {
    expect(await best("valLoss", single(), "valLoss")).toBe(1);
    expect(await best("val_loss", single(), "valLoss")).toBe(1);
    expect(await best("val_accuracy", single("accuracy"), "valAccuracy")).toBe(3);
    expect(await best("val_mae", single("mae"), "valMae")).toBe(1);
    expect(await best("auc2", single(metrics.auc({ name: "auc2" })), "auc2")).toBe(3);
    expect(await best("valF1Score_1", single("f1Score"), "valF1Score_1")).toBe(3);
    expect(await best("val_f1_score_1", single("f1Score"), "valF1Score_1")).toBe(3);
    const two = new FakeModel(["accuracy"], ["digit", "kind"]);
    expect(await best("val_digit_loss", two, "valDigitLoss")).toBe(1);
    expect(await best("valKindAccuracy", two, "valKindAccuracy")).toBe(3);
  });

  it("whose direction nobody knows needs a mode", async () => {
    const own: MetricInput = function score(_, yPred) {
      return yPred;
    };
    for (const [monitor, model, name] of [
      ["val_score", single(own), "score"],
      ["valMean", single("mean"), "mean"],
      ["truePositives", single("truePositives"), "truePositives"],
      ["valAccuracy", single("mse"), "mse"],
    ] as const)
      await expect(best(monitor, model, monitor)).rejects.toThrow(
        'EarlyStopping: mode must be "min" or "max" for a monitor whose direction is not known, ' +
          `got "auto" for "${monitor}". Example: { mode: "max" } where more is better. ` +
          `The model has loss, ${name}.`,
      );
    const callback = callbacks.earlyStopping({ monitor: "val_score", mode: "max", patience: 9 });
    await replay(callback, single(own), [{ valScore: 1 }, { valScore: 2 }]);
    expect(callback.best).toBe(2);
  });

  it("that is not in the logs is told once a fit", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const callback = callbacks.earlyStopping();
    const model = new FakeModel();
    const rows = [{ loss: 1, accuracy: 0 }, { loss: 2 }, { loss: 3 }];
    await replay(callback, model, rows);
    expect(warn.mock.calls).toEqual([
      [
        'EarlyStopping: monitor must be in the logs, got "valLoss". In the logs: loss, accuracy. ' +
          "Epochs without it do not count.",
      ],
    ]);
    expect(model.stopTraining).toBe(false);
    await replay(callback, model, rows);
    expect(warn).toHaveBeenCalledTimes(2);
  });
});

describe("callbacks", () => {
  it("tell what they do", async () => {
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    const rows = [{ loss: 1 }, { loss: 2 }, { loss: 3 }];
    const common = { monitor: "loss", patience: 2, verbose: 1 } as const;
    await replay(
      callbacks.earlyStopping({ ...common, restoreBestWeights: true }),
      new FakeModel(),
      rows,
    );
    await replay(callbacks.reduceLROnPlateau({ ...common, factor: 0.5 }), new FakeModel(), rows);
    const halve = callbacks.learningRateScheduler((_, rate) => rate / 2, { verbose: 1 });
    await replay(halve, new FakeModel(), [{ loss: 1 }]);
    expect(log.mock.calls.flat()).toEqual([
      "Epoch 3: early stopping",
      "Restoring model weights from the end of the best epoch: 1.",
      "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.005.",
      "\nEpoch 1: LearningRateScheduler setting learning rate to 0.005.",
    ]);
  });

  it("lower a schedule by its factor, down to the bound", async () => {
    const model = new FakeModel();
    const learningRate = schedules.constant({ learningRate: 0.1 });
    const optimizer = optimizers.sgd({ learningRate });
    Object.assign(model, { optimizer });
    const callback = callbacks.reduceLROnPlateau({
      monitor: "loss",
      patience: 1,
      factor: 0.5,
      minLr: 0.03,
    });
    const factors: number[] = [];
    const rows = [{ loss: 1 }, { loss: 1 }, { loss: 1 }, { loss: 1 }];
    await replay(callback, model, rows, () => factors.push(optimizer.rateFactor));
    expect(factors.map((one) => Number(one.toFixed(12)))).toEqual([1, 0.5, 0.3, 0.3]);
    expect(optimizer.schedule).toBeDefined();
    const fixed = callbacks.learningRateScheduler((_, rate) => rate);
    await expect(replay(fixed, model, rows)).rejects.toThrow(
      "LearningRateScheduler: an optimizer whose learning rate is a number, got one with the schedule",
    );
  });

  it("refuse a rate that is none", async () => {
    for (const rate of [Number.NaN, -1, undefined, Promise.resolve(1)]) {
      const callback = callbacks.learningRateScheduler(() => rate as never);
      await expect(replay(callback, new FakeModel(), [{ loss: 1 }])).rejects.toThrow(
        "LearningRateScheduler: the schedule must return a finite number of at least 0, got",
      );
    }
  });

  it("that raise errors tell the batch", () => {
    const callback = callbacks.terminateOnNaN({ raiseError: true });
    callback.onTrainBatchEnd(3, { loss: 1 });
    expect(() => callback.onTrainBatchEnd(4, { loss: Number.NaN })).toThrow(
      "TerminateOnNaN: the loss must be finite, got NaN at batch 4. A lower learning rate",
    );
  });

  it("made of functions have those hooks only, with themselves as this", async () => {
    const seen: unknown[] = [];
    const callback = callbacks.lambdaCallback({
      onEpochEnd(this: unknown, epoch) {
        seen.push(this, epoch);
      },
    });
    expect(callback.onTrainBatchEnd).toBeUndefined();
    expect(callback.onlyReadsLogs).toBe(false);
    await replay(callback, new FakeModel(), [{ loss: 1 }]);
    expect(seen).toEqual([callback, 0]);
  });
});

describe("a CSV file", () => {
  const path = join(folder, "log.csv");

  it("that is there gives the columns, and what has none is told once", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await replay(callbacks.csvLogger(path), new FakeModel(), [{ loss: 1, valLoss: 2 }]);
    const rows = [
      { loss: 0.5, learningRate: 0.1 },
      { loss: 0.25, learningRate: 0.1 },
    ];
    const more = callbacks.csvLogger(path, { append: true });
    await replay(more, new FakeModel(), rows, undefined, 1);
    expect(readFileSync(path, "utf8")).toBe(
      "epoch,loss,val_loss\r\n0,1.0,2.0\r\n1,0.5,NA\r\n2,0.25,NA\r\n",
    );
    expect(warn.mock.calls).toEqual([[`CSVLogger: ${path} has no column for learning_rate.`]]);
  });

  it("of another kind is left alone", async () => {
    const other = join(folder, "other.csv");
    writeFileSync(other, "a;b\n");
    const callback = callbacks.csvLogger(other, { append: true });
    await expect(replay(callback, new FakeModel(), [{ loss: 1 }])).rejects.toThrow(
      `CSVLogger ${other}: a first column "epoch", got "a;b". Choose another file`,
    );
    expect(readFileSync(other, "utf8")).toBe("a;b\n");
  });

  it("that cannot be written fails before the first epoch", async () => {
    const callback = callbacks.csvLogger(join(folder, "none", "log.csv"));
    callback.onEpochEnd = () => Promise.reject(new Error("too late"));
    await expect(replay(callback, new FakeModel(), [{ loss: 1 }])).rejects.toThrow(
      "must be a writable file",
    );
  });
});
