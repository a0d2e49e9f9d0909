/** Turns the hooks of a fit into a run's events, and keeps the best weights. */
import { now } from "#host";
import type { HostArray } from "../base/host-array.ts";
import type { Logs } from "../model/totals.ts";
import type { Callback, FitParams, TrainedModel } from "../train/callbacks.ts";
import type { EpochEvent, LabEvent } from "./events.ts";

/** A time to four digits after the point: more would be noise. */
export const rounded = (time: number): number => Math.round(time * 1e4) / 1e4;

/** What the events say of their run. */
export interface RecorderOptions {
  readonly variant: string;
  readonly seed: number;
  readonly dataset: string;
  /** The time that the seconds to the first step count from. */
  readonly clockStart: number;
  emit(event: LabEvent): void;
}

/** An epoch whose weights are kept. */
export interface BestEpoch {
  /** From 1. */
  readonly epoch: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
  readonly weights: readonly HostArray[];
}

/** Goes first among the callbacks, so that an epoch's training time has the others' hooks in it. */
export class Recorder implements Callback {
  // It reads a clock and logs; the weights only at the end of an epoch.
  readonly onlyReadsLogs = true;
  model?: TrainedModel;
  params?: FitParams;
  /** The epoch with the lowest validation loss so far. */
  best: BestEpoch | undefined;
  epochs = 0;
  secondsToFirstStep = Number.NaN;
  readonly #options: RecorderOptions;
  #epochStart = 0;
  #trainMilliseconds = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  onTrainBegin(): void {
    const { variant, seed, dataset, emit } = this.#options;
    const { model, params } = this.#fit();
    emit({
      event: "start",
      variant,
      seed,
      dataset,
      train: params.samples,
      validation: params.validationSamples,
      parameters: model.layers
        .flatMap((layer) => layer.trainableWeights)
        .reduce((sum, weight) => sum + weight.size, 0),
      device: params.device,
      threads: params.threads,
      fma: params.fma,
    });
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

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const { model, params } = this.#fit();
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
      learningRate: model.optimizer.learningRate,
      seconds: rounded((now() - this.#epochStart) / 1000),
      msPerStep: rounded(this.#trainMilliseconds / params.steps),
    };
    this.epochs++;
    if (!this.best || isLower(valLoss, this.best.valLoss)) {
      const weights = await model.getWeights();
      this.best = { epoch: event.epoch, valLoss, valAccuracy, weights };
    }
    this.#options.emit(event);
  }

  #fit(): { model: TrainedModel; params: FitParams } {
    return { model: this.model!, params: this.params! };
  }
}

/** A loss that is no number is the highest. */
const isLower = (a: number, b: number): boolean => a < b || (Number.isNaN(b) && !Number.isNaN(a));
