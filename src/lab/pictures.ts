/** The pictures of a run. */
import { describe, ValueError } from "../base/errors.ts";
import { loadCifar10Advised } from "../data/cifar10.ts";
import { isCifar10Cached } from "../data/cifar10-files.ts";
import { embeddedPictures } from "../data/embedded.ts";
import type { ImageDataset, ImageSplit } from "../data/images.ts";
import { hashOf } from "./judging.ts";
import { type DatasetName, defaults } from "./settings.ts";

/** Pictures with a fingerprint. */
export interface Pictures extends ImageDataset {
  /** SHA-256 of pixels and labels: training, validation, test. */
  readonly sha256: string;
}

/** What the pictures are chosen by. */
export interface PictureOptions {
  /** Default: `auto`. */
  readonly dataset?: DatasetName | undefined;
  /** The folder with CIFAR-10's binary files. */
  readonly folder?: string | undefined;
  /** Train on so many pictures only, the first ones. Default: all. */
  readonly limit?: number | undefined;
  /** Ends a download. */
  readonly signal?: AbortSignal | undefined;
}

/** What else there is for those who use the command. */
const commandAdvice =
  "Name the folder with its six files by --data DIR or ANTLER_DATA, or train on the embedded " +
  "pictures: --dataset embedded.";

/**
 * Loads or makes the pictures; undefined where the signal ended it. CIFAR-10 comes from the folder,
 * else from the cache, else it is downloaded.
 *
 * @throws DataError for CIFAR-10 that cannot be had, and for files that are missing or broken
 * @throws ValueError for a limit that is not a whole number from 1 to the number of pictures
 */
export async function picturesOf(options: PictureOptions): Promise<Pictures | undefined> {
  const pictures = await load(options);
  if (!pictures) return undefined;
  const { train, validation, test } = pictures;
  const arrays = [train, validation, test].flatMap(({ x, y }) => [x, y]);
  return { ...pictures, sha256: await hashOf(arrays) };
}

async function load(options: PictureOptions): Promise<ImageDataset | undefined> {
  const { folder, limit, signal } = options;
  if ((await resolvedDataset(options)) === "embedded") {
    const all = await embeddedPictures();
    return limit === undefined ? all : { ...all, train: firstOf(all.train, limit) };
  }
  try {
    return await loadCifar10Advised({ folder: folder ?? "", limit, signal }, commandAdvice);
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  }
}

/** What `auto` is: CIFAR-10 where a folder is given or the cache has it; nothing is downloaded. */
export async function resolvedDataset({
  dataset = defaults.dataset,
  folder,
}: Pick<PictureOptions, "dataset" | "folder">): Promise<"cifar10" | "embedded"> {
  if (dataset !== "auto") return dataset;
  return folder || (await isCifar10Cached()) ? "cifar10" : "embedded";
}

function firstOf({ x, y }: ImageSplit, count: number): ImageSplit {
  const [all, ...shape] = x.shape;
  if (!Number.isSafeInteger(count) || count < 1 || count > all)
    throw new ValueError({
      who: "embedded pictures",
      expected: `limit must be a whole number from 1 to ${all}`,
      received: describe(count),
    });
  const size = x.data.length / all;
  return {
    x: { data: x.data.slice(0, count * size), shape: [count, ...shape] },
    y: { data: y.data.slice(0, count), shape: [count] },
  };
}
