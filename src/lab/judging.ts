/** What a trained net is worth: losses, accuracies and speed, and a fingerprint of weights. */
import { now, sha256OfChunks } from "#host";
import type { Model } from "../api/model.ts";
import type { HostArray } from "../base/host-array.ts";
import type { ImageDataset, ImageSplit } from "../data/images.ts";
import type { ResultEvent } from "./events.ts";
import { rounded } from "./recorder.ts";
import { evaluationBatchSize } from "./settings.ts";

/** What is judged, and by what. */
export interface JudgedParts {
  readonly model: Model;
  readonly pictures: ImageDataset;
  /** That of the fit: its validation is repeated in the same batches, for the same bits. */
  readonly batchSize: number;
  /** Passes of Monte Carlo dropout, and the seed of their noise; without samples there is none. */
  readonly monteCarlo: { readonly samples: number | undefined; readonly seed: number };
}

type Judged = Pick<
  ResultEvent,
  "valLoss" | "valAccuracy" | "mcAccuracy" | "testLoss" | "testAccuracy" | "microsecondsPerSample"
>;

/** Evaluates the model on validation and test pictures, and takes the time of it. */
export async function judge({
  model,
  pictures: { validation, test },
  batchSize,
  monteCarlo: { samples, seed },
}: JudgedParts): Promise<Judged> {
  const evaluate = ({ x, y }: ImageSplit, batchSize: number) => model.evaluate(x, y, { batchSize });
  const held = await evaluate(validation, batchSize);
  const noisy =
    samples === undefined
      ? {}
      : { mcAccuracy: await monteCarloAccuracy(model, validation, samples, seed) };
  const tested = await evaluate(test, evaluationBatchSize);
  await evaluate(validation, evaluationBatchSize);
  const start = now();
  await evaluate(validation, evaluationBatchSize);
  const microseconds = (now() - start) * 1000;
  return {
    valLoss: held.loss,
    valAccuracy: held.accuracy,
    ...noisy,
    testLoss: tested.loss,
    testAccuracy: tested.accuracy,
    microsecondsPerSample: rounded(microseconds / validation.y.data.length),
  };
}

async function monteCarloAccuracy(
  model: Model,
  { x, y }: ImageSplit,
  samples: number,
  seed: number,
): Promise<number> {
  const { mean } = await model.mcPredict(x, { samples, seed });
  return accuracyOf(mean, y);
}

/** The share of rows of probabilities, [n, classes], whose (first) largest one is of their label. */
export function accuracyOf(
  { data, shape: [count, classes] }: HostArray,
  labels: HostArray,
): number {
  let right = 0;
  for (let row = 0; row < count; row++) {
    let best = row * classes;
    for (let i = best + 1; i < (row + 1) * classes; i++) if (data[i] > data[best]) best = i;
    if (best - row * classes === labels.data[row]) right++;
  }
  return right / count;
}

/** SHA-256 of the bytes of all arrays, one after the other. */
export function hashOf(arrays: readonly HostArray[]): Promise<string> {
  return sha256OfChunks(bytesOf(arrays));
}

async function* bytesOf(arrays: readonly HostArray[]): AsyncIterable<Uint8Array> {
  for (const { data } of arrays)
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
