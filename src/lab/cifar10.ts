/** The exercise as an experiment: one net, trained on pictures, its best epoch judged on test pictures. */
import { now, processStart } from "#host";
import { loadModel } from "../api/load-model.ts";
import type { Sequential } from "../api/sequential.ts";
import { Engine } from "../runtime/engine.ts";
import type { Callback } from "../train/callbacks.ts";
import type { LabEvent, LintEvent, ResultEvent } from "./events.ts";
import { hashOf, judge } from "./judging.ts";
import { type Pictures, picturesOf, resolvedDataset } from "./pictures.ts";
import { progressOf, type RunProgress } from "./progress.ts";
import { checkGround, RecordKeeper } from "./record-keeper.ts";
import { Recorder, rounded } from "./recorder.ts";
import { openRun, type RunFolder } from "./run-folder.ts";
import { type RunIdentity, runIdentity } from "./run-identity.ts";
import {
  type DatasetName,
  defaults,
  monteCarloSamples,
  trainings,
  type VariantName,
} from "./settings.ts";
import { train } from "./training.ts";
import { prepareVariant, variantModel } from "./variants.ts";

/** What a run is a function of, where it is written, and who listens to it. */
export interface Cifar10Options {
  /** Default: `elu`. */
  readonly variant?: VariantName | undefined;
  /** At most so many. Default: the variant's own. */
  readonly epochs?: number | undefined;
  /** Default: the variant's own. */
  readonly batchSize?: number | undefined;
  /** Default: the variant's own. */
  readonly learningRate?: number | undefined;
  /** Of weights, order and noise; the same seed gives the same bits. Default: 1. */
  readonly seed?: number | undefined;
  /** Default: the engine's, one for each processor. */
  readonly threads?: number | undefined;
  /**
   * Default: `auto`: CIFAR-10 where a folder is given or the cache has it, else the embedded
   * pictures. `cifar10` downloads it where it is in neither.
   */
  readonly dataset?: DatasetName | undefined;
  /** The folder with CIFAR-10's binary files. */
  readonly folder?: string | undefined;
  /** Train on so many pictures only, the first ones. Default: all. */
  readonly limit?: number | undefined;
  /** The folder in which the run gets one of its own. Default: `antler-lab/cifar10`. */
  readonly out?: string | undefined;
  /** Whether it goes on in the latest folder of a run with the same options. Default: false. */
  readonly resume?: boolean | undefined;
  /** Told of start, epochs and result. */
  readonly onEvent?: ((event: LabEvent) => void) | undefined;
  /** For the fit, beside the run's own. */
  readonly callbacks?: readonly Callback[] | undefined;
  /** Ends the run; the epoch that runs is lost. */
  readonly signal?: AbortSignal | undefined;
}

/** What the runs of a study share. */
export interface SharedRun {
  /** The pictures, loaded by the first run; undefined where the signal ended it. */
  pictures(): Promise<Pictures | undefined>;
  /** The time that this run's seconds to the first step count from. */
  readonly clockStart: number;
}

/**
 * Trains a net of exercise 8 as its document does and returns its result; undefined where the signal
 * ended the run. The first 5,000 training pictures of CIFAR-10 are its validation set. The model of
 * the epoch with the lowest validation loss is loaded from its file and judged (of `onecycle` the last
 * one); everything that the run leaves is in a folder of its own in `out`. With `resume` it goes on
 * after the last whole epoch that is there, and ends as if it had never been interrupted; of a finished
 * run it returns the result.
 *
 * @throws ValueError for an option that is none, and where `resume` finds an unfinished run with other
 *   options; DataError for pictures or run folders that are missing, broken or cannot be written;
 *   StateError where another process works in the folder, or the run was begun by another version or
 *   another kind of machine
 * @example
 * const result = await cifar10({ epochs: 3, seed: 1, onEvent: (event) => console.log(event) });
 */
export async function cifar10(
  options: Cifar10Options,
  shared?: SharedRun,
): Promise<ResultEvent | undefined> {
  const start = now();
  const { signal, learningRate, threads, out = defaults.out, resume = false } = options;
  const identity = await identityOf(options);
  const loading = now();
  const pictures = await (shared ? shared.pictures() : picturesOf(options));
  if (!pictures || signal?.aborted) return undefined;
  const clockStart = (shared?.clockStart ?? processStart()) + (now() - loading);
  const engine = new Engine({ threads });
  try {
    const { options: asked, seed } = identity;
    const model = variantModel(asked.variant, { seed, learningRate, engine });
    const folder = await openRun(out, identity, resume);
    try {
      await checkGround(folder, pictures);
      const finished = folder.record?.results;
      if (finished) {
        const result = { ...finished, folder: folder.path };
        options.onEvent?.(result);
        return result;
      }
      return await runIn({ folder, identity, model, engine, pictures, options, start, clockStart });
    } finally {
      await folder.release();
    }
  } finally {
    await engine.close();
  }
}

/** What is asked for, in full. Throws a ValueError for a seed that is none. */
export async function identityOf(options: Cifar10Options): Promise<RunIdentity> {
  const { variant = defaults.variant, seed = defaults.seed } = options;
  const { epochs, batchSize, learningRate, limit } = options;
  const dataset = await resolvedDataset(options);
  return runIdentity({ variant, seed, dataset, epochs, batchSize, learningRate, limit });
}

/** A run whose folder is open. */
interface OpenRun {
  readonly folder: RunFolder;
  readonly identity: RunIdentity;
  readonly model: Sequential;
  readonly engine: Engine;
  readonly pictures: Pictures;
  readonly options: Cifar10Options;
  readonly start: number;
  readonly clockStart: number;
}

async function runIn(run: OpenRun): Promise<ResultEvent | undefined> {
  const { folder, identity, model, pictures, options } = run;
  const { variant, learningRate, epochs, batchSize } = identity.options;
  const { seed } = identity;
  const recorder = new Recorder({
    variant,
    seed,
    dataset: pictures.name,
    folder: folder.path,
    start: run.start,
    clockStart: run.clockStart,
    emit: options.onEvent ?? (() => {}),
  });
  const keeper = new RecordKeeper(folder, identity, pictures);
  const signal = eitherOf(options.signal, folder.lost);
  try {
    const steps = epochs * Math.ceil(pictures.train.y.shape[0] / batchSize);
    await prepareVariant(model, variant, pictures.train.x, { learningRate, steps });
    const problems = await problemsOf(model, variant);
    if (problems.length > 0) options.onEvent?.({ event: "lint", variant, seed, problems });
    const { callbacks = [] } = options;
    const parts = { model, pictures, identity, folder, keeper, recorder, callbacks, signal };
    const history = await train(parts);
    folder.checkOwn();
    const progress = progressOf(history);
    if (signal.aborted || !progress) {
      await keeper.end("interrupted");
      return undefined;
    }
    const result = await resultOf(run, recorder, progress);
    await keeper.end("finished", result);
    options.onEvent?.(result);
    return result;
  } catch (error) {
    await keeper.fail(error);
    throw error;
  }
}

/** What keeps the net from normalizing itself, where it is built to. */
async function problemsOf(model: Sequential, variant: VariantName): Promise<LintEvent["problems"]> {
  if (!trainings[variant].normalizesItself) return [];
  return (await model.checkSelfNormalizing()).problems;
}

async function resultOf(
  { folder, identity, model, engine, pictures }: OpenRun,
  recorder: Recorder,
  { epochs, best }: RunProgress,
): Promise<ResultEvent> {
  const { seed } = identity;
  const { variant, batchSize } = identity.options;
  const weightsHash = await hashOf(await model.getWeights());
  const judged = await judge({
    model:
      trainings[variant].judged === "best"
        ? await loadModel(folder.file("best"), { engine, seed, allowNonFinite: true })
        : model,
    pictures,
    batchSize,
    monteCarlo: { samples: monteCarloSamples[variant], seed },
  });
  return {
    event: "result",
    variant,
    seed,
    epochs,
    bestEpoch: best.bestEpoch,
    ...judged,
    secondsToFirstStep: recorder.secondsToFirstStep,
    seconds: rounded(recorder.seconds),
    weightsHash,
    secondsPerEpoch: rounded(recorder.epochSeconds / epochs),
    validation: pictures.validation.y.data.length,
    folder: folder.path,
  };
}

/** Aborted as soon as one of them is. */
function eitherOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const either = new AbortController();
  const abort = () => either.abort();
  for (const signal of signals)
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  return either.signal;
}
