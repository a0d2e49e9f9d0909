/** Options of `fit`, and their checks. */
import type { Dataset } from "../base/dataset.ts";
import { describe, ValueError } from "../base/errors.ts";
import { checkSeed } from "../base/philox.ts";
import { isDataset, type WeightOptions } from "../model/data.ts";
import type { DataInput } from "../model/rows.ts";
import { checkBoolean, checkNumber, checkWhole, settings } from "../nn/options.ts";
import type { Callback } from "./callbacks.ts";

/** Options of `fit`. */
export interface FitOptions extends WeightOptions {
  /** Samples in a step; the last step of an epoch has what is left. Default: 32. */
  readonly batchSize?: number;
  /** The epoch at which training ends, from 0: with `initialEpoch` 0 their count. Default: 1. */
  readonly epochs?: number;
  /** The first epoch's number, for a fit that goes on. Default: 0. */
  readonly initialEpoch?: number;
  /** Steps that make an epoch; the next one goes on in the data. Default: all of the data. */
  readonly stepsPerEpoch?: number;
  /**
   * `[x, y]` or `[x, y, sampleWeight]`, or a `Dataset`, evaluated after each epoch: `valLoss` and so
   * on.
   */
  readonly validationData?:
    | readonly [DataInput, DataInput]
    | readonly [DataInput, DataInput, DataInput]
    | Dataset;
  /**
   * The share of the samples, in (0, 1), that is not trained but validated on: the last ones, before
   * any shuffling. Default: none.
   */
  readonly validationSplit?: number;
  /** Samples in a step of validation. Default: as `batchSize`. */
  readonly validationBatchSize?: number;
  /** Validates after every so many epochs, or after the epochs in this list. Default: 1. */
  readonly validationFreq?: number | readonly number[];
  /** Steps of each validation. Default: all of its data. */
  readonly validationSteps?: number;
  /**
   * Whether each epoch takes the samples in a new order, by (seed, epochs so far). A `Dataset` is
   * shuffled within each chunk. Default: true.
   */
  readonly shuffle?: boolean;
  /** Of order and noise, a whole number in [0, 2^53). Default: the model's seed. */
  readonly seed?: number;
  /**
   * 0: silent; 1: a bar that is drawn again on a terminal, its last state elsewhere; 2: a line for
   * each epoch. To the standard output, in a page to the console. Default: 0 (Keras: 1).
   */
  readonly verbose?: 0 | 1 | 2;
  /**
   * Ends the fit after the running call (about 20 ms), also while a chunk loads, with the history so
   * far: that of whole epochs.
   */
  readonly signal?: AbortSignal | undefined;
  /** Objects with hooks, called in this order. Default: none. */
  readonly callbacks?: readonly Callback[];
}

export type FitSettings = ReturnType<typeof fitSettings>;

/** Options with the defaults filled in, checked. */
export function fitSettings(options: FitOptions, modelSeed: number) {
  const defaults = {
    batchSize: 32,
    epochs: 1,
    initialEpoch: 0,
    stepsPerEpoch: undefined,
    validationData: undefined,
    validationSplit: undefined,
    validationBatchSize: undefined,
    validationFreq: 1 as number | readonly number[],
    validationSteps: undefined,
    sampleWeight: undefined,
    classWeight: undefined,
    shuffle: true,
    seed: modelSeed,
    verbose: 0 as 0 | 1 | 2,
    signal: undefined,
    callbacks: [],
  };
  const given = settings<FitOptions, typeof defaults>(options, defaults, "fit");
  for (const name of ["batchSize", "epochs"] as const) checkWhole(given[name], name, "fit");
  for (const name of ["stepsPerEpoch", "validationBatchSize", "validationSteps"] as const)
    if (given[name] !== undefined) checkWhole(given[name], name, "fit");
  checkWhole(given.initialEpoch, "initialEpoch", "fit", 0);
  checkFrequency(given.validationFreq);
  checkBoolean(given.shuffle, "shuffle", "fit");
  checkSeed(given.seed, "fit");
  if (![0, 1, 2].includes(given.verbose))
    throw new ValueError({
      who: "fit",
      expected: "verbose must be 0, 1 or 2",
      received: describe(given.verbose),
    });
  checkValidation(given.validationData, given.validationSplit);
  const { signal } = given;
  const isSignal =
    typeof signal?.aborted === "boolean" && typeof signal.addEventListener === "function";
  if (signal !== undefined && !isSignal)
    throw new ValueError({
      who: "fit",
      expected: "signal must be an AbortSignal",
      received: describe(signal),
      fix: "Pass controller.signal of an AbortController.",
    });
  return given;
}

function checkFrequency(frequency: unknown): void {
  if (!Array.isArray(frequency)) checkWhole(frequency, "validationFreq", "fit");
  else for (const epoch of frequency) checkWhole(epoch, "an epoch in validationFreq", "fit");
}

function checkValidation(data: FitOptions["validationData"], split: number | undefined): void {
  if (
    data !== undefined &&
    !isDataset(data) &&
    (!Array.isArray(data) || ![2, 3].includes(data.length))
  )
    throw new ValueError({
      who: "fit",
      expected: "validationData must be [x, y], [x, y, sampleWeight] or a Dataset",
      received: describe(data),
    });
  if (split === undefined) return;
  checkNumber(split, "validationSplit", "fit", { above: 0, below: 1 });
  if (data !== undefined)
    throw new ValueError({
      who: "fit",
      expected: "validationData or validationSplit",
      received: "both",
    });
}
