/** The pictures of a run. */
import { DataError, describe, ValueError } from "../base/errors.ts";
import { loadCifar10 } from "../data/cifar10.ts";
import { embeddedPictures } from "../data/embedded.ts";
import type { ImageDataset, ImageSplit } from "../data/images.ts";
import type { DatasetName } from "./settings.ts";

/** What the pictures are chosen by. */
export interface PictureOptions {
  readonly dataset: DatasetName;
  /** The folder with CIFAR-10's binary files. */
  readonly folder?: string | undefined;
  /** Train on so many pictures only, the first ones. Default: all. */
  readonly limit?: number | undefined;
}

/**
 * Loads or makes the pictures.
 *
 * @throws DataError for CIFAR-10 without a folder, and for files that are missing or broken
 * @throws ValueError for a limit that is not a whole number from 1 to the number of pictures
 */
export async function picturesOf(options: PictureOptions): Promise<ImageDataset> {
  const { dataset, folder, limit } = options;
  if (dataset === "embedded" || (dataset === "auto" && !folder)) {
    const all = await embeddedPictures();
    return limit === undefined ? all : { ...all, train: firstOf(all.train, limit) };
  }
  if (!folder)
    throw new DataError({
      who: "CIFAR-10",
      expected: "the folder with its binary files must be given",
      received: "none",
      fix: "Name it with --data DIR or the environment variable ANTLER_DATA.",
    });
  return loadCifar10({ folder, limit });
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
