/** Turns the hooks of a fit into a run's events, and measures its time. */
import { now } from "#host";
import type { Logs } from "../model/totals.ts";
import {
  type CallbackState,
  readState,
  type StatefulCallback,
  value,
  written,
} from "../train/callbacks/state.ts";
import type { FitParams, TrainedModel } from "../train/callbacks.ts";
import type { FitControl } from "../train/fit-control.ts";
import type { EpochEvent, LabEvent } from "./events.ts";
import { progressOf } from "./progress.ts";

/** A time to four digits after the point: more would be noise. */
export const rounded = (time: number): number => Math.round(time * 1e4) / 1e4;

/** What the events say of their run. */
export interface RecorderOptions {
  readonly variant: string;
  readonly seed: number;
  readonly dataset: string;
  readonly folder: string;
  /** The time that the run's seconds count from. */
  readonly start: number;
  /** The time that the seconds to the first step count from. */
  readonly clockStart: number;
  emit(event: LabEvent): void;
}

const stateFields = { seconds: value, epochSeconds: value, secondsToFirstStep: value };

/**
 * Goes first among the callbacks, so that an epoch's training time has the others' hooks in it. In a
 * run that goes on, its times go on.
 */
export class Recorder implements StatefulCallback {
  // It reads a clock and logs.
  readonly onlyReadsLogs = true;
  readonly addsLogs = [];
  model?: TrainedModel;
  params?: FitParams;
  fit?: FitControl;
  secondsToFirstStep = Number.NaN;
  /** Wall time of all whole epochs. */
  epochSeconds = 0;
  /** Wall time of the processes before this one, up to the ends of their last whole epochs. */
  #secondsBefore = 0;
  readonly #options: RecorderOptions;
  #epochStart = 0;
  #trainMilliseconds = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Wall time of the run so far. */
  get seconds(): number {
    return this.#secondsBefore + (now() - this.#options.start) / 1000;
  }

  onTrainBegin(): void {
    const { variant, seed, dataset, folder, emit } = this.#options;
    const { model, params, fit } = this;
    const run = { variant, seed };
    emit({
      event: "start",
      ...run,
      dataset,
      train: params!.samples,
      validation: params!.validationSamples,
      parameters: model!.layers
        .flatMap((layer) => layer.trainableWeights)
        .reduce((sum, weight) => sum + weight.size, 0),
      device: params!.device,
      threads: params!.threads,
      fma: params!.fma,
      folder,
    });
    const before = fit?.isResumed ? progressOf(fit.history) : undefined;
    if (before) emit({ event: "resume", ...run, epoch: before.epochs + 1, ...before.best });
  }

  onEpochBegin(): void {
    this.#epochStart = now();
  }

  onTrainBatchEnd(): void {
    if (!Number.isNaN(this.secondsToFirstStep)) return;
    this.secondsToFirstStep = rounded((now() - this.#options.clockStart) / 1000);
  }

  onTestBegin(): void {
    this.#trainMilliseconds = now() - this.#epochStart;
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    const { loss, accuracy, valLoss, valAccuracy } = logs;
    const event: EpochEvent = {
      event: "epoch",
      variant: this.#options.variant,
      seed: this.#options.seed,
      epoch: epoch + 1,
      loss,
      accuracy,
      valLoss,
      valAccuracy,
      learningRate: this.model!.optimizer.learningRate,
      seconds: rounded((now() - this.#epochStart) / 1000),
      msPerStep: rounded(this.#trainMilliseconds / this.params!.steps),
    };
    this.epochSeconds += event.seconds;
    this.#options.emit(event);
  }

  getState(): CallbackState {
    const { seconds, epochSeconds, secondsToFirstStep } = this;
    return { seconds, epochSeconds, secondsToFirstStep: written(secondsToFirstStep) };
  }

  setState(state: CallbackState): void {
    const found = readState(stateFields, state, "Recorder setState");
    this.#secondsBefore = found.seconds ?? 0;
    this.epochSeconds = found.epochSeconds ?? 0;
    this.secondsToFirstStep = found.secondsToFirstStep ?? Number.NaN;
  }
}
