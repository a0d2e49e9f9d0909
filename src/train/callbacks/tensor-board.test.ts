/** Options and states of the TensorBoard callback, and the pictures that it makes of weights. */
import { describe, expect, it } from "vitest";
import { floats, golden } from "../../logs/tensorboard/tensorboard.case.ts";
import { Callbacks } from "../callbacks.ts";
import { TensorBoard, tensorBoard } from "./tensor-board.ts";
import { picturesOf } from "./tensor-board-weights.ts";

describe("options", () => {
  it.each<[unknown, string]>([
    [{ updateFreq: 0 }, 'TensorBoard: updateFreq must be "batch", "epoch" or a whole number of'],
    [{ updateFreq: "step" }, 'or a whole number of at least 1, got "step".'],
    [{ histogramFreq: -1 }, "histogramFreq must be a whole number of at least 0, got -1."],
    [{ writeGraph: 1 }, "TensorBoard: writeGraph must be true or false, got 1."],
    [{ writeImages: "no" }, 'writeImages must be true or false, got "no".'],
    [
      { histogramFrq: 1 },
      'TensorBoard: option names must be known, got "histogramFrq". ' +
        'Did you mean "histogramFreq"?',
    ],
    [
      { profileBatch: 2 },
      `TensorBoard: must be given options that it has, got Keras's "profileBatch". ` +
        "Leave it out: `antler explain` and `writeStepsPerSecond` tell where time goes.",
    ],
    [{ embeddingsFreq: 1 }, `got Keras's "embeddingsFreq". Leave it out: histogramFreq writes`],
    [{ embeddingsMetadata: "a.tsv" }, `got Keras's "embeddingsMetadata". Leave it out`],
    [[], "TensorBoard: options must be an object"],
    [null, "TensorBoard: options must be an object, got null."],
  ])("%j", (options, message) => {
    expect(() => tensorBoard("logs", options as never)).toThrow(message);
  });

  it("a folder must be a text", () => {
    expect(() => tensorBoard("")).toThrow('TensorBoard: logDir must be a text, got "".');
    expect(() => tensorBoard({ logDir: "a" } as never)).toThrow("logDir must be a text, got");
    expect(tensorBoard()).toBeInstanceOf(TensorBoard);
  });

  it("only those who write batches have hooks for them", () => {
    const hooksOf = (options: object) => {
      const { onTrainBatchBegin, onTrainBatchEnd, onlyReadsLogs } = tensorBoard("logs", options);
      return [Boolean(onTrainBatchBegin), Boolean(onTrainBatchEnd), onlyReadsLogs];
    };
    expect(hooksOf({})).toEqual([false, false, true]);
    expect(hooksOf({ histogramFreq: 1, writeStepsPerSecond: true })).toEqual([false, false, true]);
    expect(hooksOf({ updateFreq: "batch" })).toEqual([false, true, true]);
    expect(hooksOf({ updateFreq: 5, writeStepsPerSecond: true })).toEqual([true, true, false]);
  });

  it("only those who take the time of batches stop the fit between them", () => {
    const stepsWith = (options: object) =>
      new Callbacks([tensorBoard("logs", options)], {} as never).stepsFrom("Train", 0);
    expect(stepsWith({ writeStepsPerSecond: true })).toBe(Number.POSITIVE_INFINITY);
    expect(stepsWith({ updateFreq: 2 })).toBe(Number.POSITIVE_INFINITY);
    expect(stepsWith({ updateFreq: 2, writeStepsPerSecond: true })).toBe(1);
  });
});

describe("states", () => {
  const state = {
    batch: 3,
    trainFile: "events.out.tfevents.1.a.2.3.v2",
    trainBytes: 10,
    validationFile: null,
    validationBytes: 0,
  };

  it.each<[object, string]>([
    [
      { ...state, trainFile: "../events.out.tfevents.1" },
      'TensorBoard setState: trainFile must be the name of an event file, got "../events.out',
    ],
    [{ ...state, validationFile: "events.out.tfevents./../a" }, "must be the name of an event"],
    [{ ...state, validationFile: "weights.h5" }, "validationFile must be the name of an event"],
    [{ ...state, trainBytes: -1 }, "trainBytes must be a whole number of at least 0, got -1."],
    [{ ...state, batch: undefined }, "batch must be a whole number of at least 0, got undefined."],
    [{ ...state, steps: 1 }, 'option names must be known, got "steps".'],
  ])("%j is refused", (given, message) => {
    expect(() => tensorBoard().setState(given as never)).toThrow(message);
  });

  it("before a fit there are no files", async () => {
    const callback = tensorBoard();
    callback.setState(state);
    expect(await tensorBoard().getState()).toEqual({
      batch: 0,
      trainFile: null,
      trainBytes: 0,
      validationFile: null,
      validationBytes: 0,
    });
  });
});

describe("pictures of weights", () => {
  it.each(golden.weights)("$name: as Keras's", ({ data, shape, image }) => {
    const found = picturesOf({ data: floats(data), shape });
    if (!image) {
      expect(found).toEqual([]);
      return;
    }
    const { width, height, channels, pixels } = image;
    // Of more than three, three are written.
    expect(Math.min(found.length, 3)).toBe(pixels.length);
    for (const [i, each] of pixels.entries())
      expect({ ...found[i], pixels: [...found[i].pixels] }).toEqual({
        width: Number(width),
        height: Number(height),
        channels,
        pixels: each,
      });
  });

  it("NaN is black, and an axis of nothing has none", () => {
    const data = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect([...picturesOf({ data, shape: [3] })[0].pixels]).toEqual([0, 255, 0]);
    expect(picturesOf({ data: new Float32Array(), shape: [0, 3] })).toEqual([]);
  });
});
