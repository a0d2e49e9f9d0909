/** Fits that end in the middle and go on, in one process: bit for bit as if they had not ended. */
import { rmSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { callbacks, optimizers, schedules } from "../src/index.ts";
import type { FitState } from "../src/train/fit-control.ts";
import { RunningFit } from "../src/train/resume/running-fit.ts";
import { chunked, expectSame, folder, run, type Setup, stops } from "./resume/fits.ts";

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
