/** The exercise as an experiment: one net, trained on pictures, its best epoch judged on test pictures. */
import { now, processStart, sha256 } from "#host";
import type { Model } from "../api/model.ts";
import type { HostArray } from "../base/host-array.ts";
import type { ImageDataset, ImageSplit } from "../data/images.ts";
import { Engine } from "../runtime/engine.ts";
import type { Callback } from "../train/callbacks.ts";
import type { LabEvent, ResultEvent } from "./events.ts";
import { picturesOf } from "./pictures.ts";
import { Recorder, rounded } from "./recorder.ts";
import {
  type DatasetName,
  defaults,
  evaluationBatchSize,
  type Training,
  trainings,
  type VariantName,
} from "./settings.ts";
import { prepareVariant, variantModel } from "./variants.ts";

/** What a run is a function of, and who listens to it. */
export interface Cifar10Options {
  /** Default: `elu`. */
  readonly variant?: VariantName | undefined;
  /** Default: 100. */
  readonly epochs?: number | undefined;
  /** Default: 32. */
  readonly batchSize?: number | undefined;
  /** Default: the variant's own. */
  readonly learningRate?: number | undefined;
  /** Of weights and order; the same seed gives the same bits. Default: 1. */
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
  /** Told of start, epochs and result. */
  readonly onEvent?: ((event: LabEvent) => void) | undefined;
  /** For the fit, beside the run's own. */
  readonly callbacks?: readonly Callback[] | undefined;
  /** Ends the run; the epoch that runs is lost. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains a net of exercise 8 and returns its result; undefined where the signal ended the run. The
 * first 5,000 training pictures of CIFAR-10 are its validation set. The weights of the epoch with
 * the lowest validation loss are kept in memory and evaluated on the test pictures.
 *
 * @throws ValueError for an option that is none, DataError for pictures that are missing or broken
 * @example
 * const result = await cifar10({ epochs: 3, seed: 1, onEvent: (event) => console.log(event) });
 */
export async function cifar10(options: Cifar10Options): Promise<ResultEvent | undefined> {
  const start = now();
  const { variant = defaults.variant, seed = defaults.seed, threads, learningRate } = options;
  const engine = new Engine({ threads });
  try {
    const model = variantModel(variant, { seed, learningRate, engine });
    const loading = now();
    const { dataset = defaults.dataset, folder, limit } = options;
    const { signal } = options;
    const pictures = await picturesOf({ dataset, folder, limit, signal });
    if (!pictures || signal?.aborted) return undefined;
    const recorder = new Recorder({
      variant,
      seed,
      dataset: pictures.name,
      clockStart: processStart() + (now() - loading),
      emit: options.onEvent ?? (() => {}),
    });
    const training = trainingOf(options);
    const steps = training.epochs * Math.ceil(pictures.train.y.shape[0] / training.batchSize);
    await prepareVariant(model, variant, pictures.train.x, { learningRate, steps });
    await train(model, pictures, recorder, training, options);
    if (options.signal?.aborted || !recorder.best) return undefined;
    const weightsHash = await hashOf(await model.getWeights());
    await model.setWeights(recorder.best.weights);
    const judged = await judge(model, pictures);
    const result: ResultEvent = {
      event: "result",
      variant,
      seed,
      epochs: recorder.epochs,
      bestEpoch: recorder.best.epoch,
      valLoss: recorder.best.valLoss,
      valAccuracy: recorder.best.valAccuracy,
      ...judged,
      secondsToFirstStep: recorder.secondsToFirstStep,
      seconds: rounded((now() - start) / 1000),
      weightsHash,
    };
    options.onEvent?.(result);
    return result;
  } finally {
    await engine.close();
  }
}

/** Epochs and batch: those of the exercise, unless told otherwise. */
function trainingOf(options: Cifar10Options): Pick<Training, "epochs" | "batchSize"> {
  const usual = trainings[options.variant ?? defaults.variant];
  return {
    epochs: options.epochs ?? usual.epochs,
    batchSize: options.batchSize ?? usual.batchSize,
  };
}

function train(
  model: Model,
  { train, validation }: ImageDataset,
  recorder: Recorder,
  { epochs, batchSize }: Pick<Training, "epochs" | "batchSize">,
  { signal, ...options }: Cifar10Options,
): Promise<unknown> {
  return model.fit(train.x, train.y, {
    epochs,
    batchSize,
    validationData: [validation.x, validation.y],
    callbacks: [recorder, ...(options.callbacks ?? [])],
    ...(signal && { signal }),
  });
}

async function judge(model: Model, { validation, test }: ImageDataset) {
  const evaluate = ({ x, y }: ImageSplit) =>
    model.evaluate(x, y, { batchSize: evaluationBatchSize });
  const { loss, accuracy } = await evaluate(test);
  await evaluate(validation);
  const start = now();
  await evaluate(validation);
  const microseconds = (now() - start) * 1000;
  return {
    testLoss: loss,
    testAccuracy: accuracy,
    microsecondsPerSample: rounded(microseconds / validation.y.data.length),
  };
}

function hashOf(weights: readonly HostArray[]): Promise<string> {
  const parts = weights.map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return sha256(bytes);
}
