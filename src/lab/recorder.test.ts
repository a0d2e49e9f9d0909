import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { optimizers } from "../nn/optimizers.ts";
import type { TrainedModel } from "../train/callbacks.ts";
import type { FitControl } from "../train/fit-control.ts";
import { History } from "../train/history.ts";
import type { LabEvent } from "./events.ts";
import { Recorder } from "./recorder.ts";

const logs = { loss: 1, accuracy: 0.25, valLoss: 2, valAccuracy: 0.5 };

function recorderOf(history = new History(), isResumed = false) {
  const events: LabEvent[] = [];
  const recorder = new Recorder({
    variant: "elu",
    seed: 1,
    dataset: "embedded",
    folder: "out/elu",
    start: 0,
    clockStart: 500,
    emit: (event) => events.push(event),
  });
  recorder.model = {
    optimizer: optimizers.nadam(),
    layers: [] as const,
  } as unknown as TrainedModel;
  recorder.fit = { history, isResumed } as FitControl;
  recorder.params = {
    epochs: 3,
    steps: 10,
    batchSize: 1,
    samples: 10,
    validationSamples: 4,
    seed: 1,
    device: "wasm",
    threads: 1,
    fma: true,
  };
  return { recorder, events };
}

/** One epoch of 100 ms and 50 ms of validation. */
function runEpoch(recorder: Recorder, epoch: number): void {
  recorder.onEpochBegin();
  vi.advanceTimersByTime(10);
  recorder.onTrainBatchEnd();
  vi.advanceTimersByTime(90);
  recorder.onTestBegin();
  vi.advanceTimersByTime(50);
  recorder.onEpochEnd(epoch, logs);
}

describe("Recorder", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"], now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tells of start and epochs, with their times", () => {
    const { recorder, events } = recorderOf();
    vi.advanceTimersByTime(1000);
    recorder.onTrainBegin();
    runEpoch(recorder, 0);
    expect(events).toEqual([
      expect.objectContaining({ event: "start", train: 10, validation: 4, folder: "out/elu" }),
      expect.objectContaining({ event: "epoch", epoch: 1, ...logs, seconds: 0.15, msPerStep: 10 }),
    ]);
    expect(recorder.secondsToFirstStep).toBe(0.51);
    expect(recorder.epochSeconds).toBe(0.15);
    expect(recorder.seconds).toBe(1.15);
  });

  it("goes on with its times, and tells how far the run was", () => {
    const first = recorderOf();
    first.recorder.onTrainBegin();
    runEpoch(first.recorder, 0);
    const state = first.recorder.getState();
    vi.setSystemTime(0);
    const history = new History();
    history.add(0, logs);
    const { recorder, events } = recorderOf(history, true);
    recorder.setState(JSON.parse(JSON.stringify(state)));
    const before = recorder.seconds;
    recorder.onTrainBegin();
    runEpoch(recorder, 1);
    expect(events[1]).toEqual({
      event: "resume",
      variant: "elu",
      seed: 1,
      epoch: 2,
      bestEpoch: 1,
      valLoss: 2,
      valAccuracy: 0.5,
    });
    expect(recorder.epochSeconds).toBeCloseTo(0.3);
    expect(recorder.seconds - before).toBeCloseTo(0.15);
    expect(recorder.secondsToFirstStep).toBe(first.recorder.secondsToFirstStep);
  });

  it("has a state before the first step, too", () => {
    const { recorder } = recorderOf();
    const { recorder: other } = recorderOf();
    other.setState(JSON.parse(JSON.stringify(recorder.getState())));
    expect(other.secondsToFirstStep).toBeNaN();
  });
});
