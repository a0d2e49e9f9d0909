import { fileSize, joinPath, readInto } from "#host";
import { DataError } from "../base/errors.ts";
import {
  type Cifar10FilesOptions,
  cifar10Files,
  FILE_BYTES,
  findCifar10,
  IMAGES_PER_FILE,
  libraryAdvice,
  RECORD_BYTES,
  TRAINING_FILES,
} from "./cifar10-files.ts";
import {
  emptySplit,
  IMAGE_BYTES,
  IMAGE_PIXELS,
  type ImageDataset,
  type ImageSplit,
} from "./images.ts";
import { checkCount } from "./options.ts";

/** What CIFAR-10 is called in records and messages. */
export const cifar10Name = "cifar10";

/** The classes of CIFAR-10, in the order of their labels. */
export const cifar10ClassNames: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];

const TRAINING_IMAGES = TRAINING_FILES.length * IMAGES_PER_FILE;

export interface Cifar10Options extends Cifar10FilesOptions {
  /** How many images from the start of the training files are the validation set; default 5000. */
  readonly validation?: number | undefined;
  /** Take only so many training images, the first ones after the validation set; default all. */
  readonly limit?: number | undefined;
}

/**
 * Loads CIFAR-10 from the official binary version (`data_batch_1.bin` to `data_batch_5.bin` and
 * `test_batch.bin`, 10,000 images each): x is uint8 [n, 32, 32, 3], channels last, y is uint8 [n].
 * Train and test are as published. The sizes and labels of all six files are checked before
 * anything is returned, also under `limit`. Takes the memory of what it returns (184 MB for all)
 * and of one file (31 MB).
 *
 * The files come from `folder`; without one, from the user's cache; without them there, they are
 * downloaded to it once (170 MB) and their SHA-256 is checked. Keras downloads, too, and keeps its
 * files in `~/.keras`.
 *
 * Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009,
 * https://www.cs.toronto.edu/~kriz/cifar.html
 *
 * @throws DataError naming the file, if one is missing, has another size or a label above 9; if the
 * archive cannot be had (no network, no room) or is not what it should be
 * @throws ValueError if `validation` or `limit` are not whole numbers in their range, or another
 * option is none
 * @example
 * const { train, validation, test } = await datasets.cifar10({ validation: 5000 });
 */
export function loadCifar10(options: Cifar10Options = {}): Promise<ImageDataset> {
  return loadCifar10Advised(options, libraryAdvice);
}

/** The same, with what errors advise where the files cannot be had. */
export async function loadCifar10Advised(
  options: Cifar10Options,
  advice: string,
): Promise<ImageDataset> {
  const { validation: validationCount = 5000 } = options;
  checkCount("loadCifar10", "validation", validationCount, 0, TRAINING_IMAGES - 1);
  const rest = TRAINING_IMAGES - validationCount;
  const { limit: trainCount = rest } = options;
  checkCount("loadCifar10", "limit", trainCount, 1, rest);

  const folder = await findCifar10(options, advice);
  for (const name of cifar10Files) await checkSize(joinPath(folder, name));

  const validation = emptySplit(validationCount);
  const train = emptySplit(trainCount);
  const test = emptySplit(IMAGES_PER_FILE);
  const file = new Uint8Array(FILE_BYTES);
  let start = 0; // The number of the file's first image among all training images.
  for (const name of TRAINING_FILES) {
    await readRecords(joinPath(folder, name), file);
    place(file, start, validation);
    place(file, start - validationCount, train);
    start += IMAGES_PER_FILE;
  }
  await readRecords(joinPath(folder, "test_batch.bin"), file);
  place(file, 0, test);
  return { name: cifar10Name, train, validation, test, classNames: cifar10ClassNames };
}

async function checkSize(path: string): Promise<void> {
  const size = await fileSize(path);
  if (size === FILE_BYTES) return;
  const verdict = size === undefined || size < FILE_BYTES ? "truncated" : "padded";
  throw new DataError({
    who: path,
    expected: `must be a CIFAR-10 file of exactly ${FILE_BYTES} bytes`,
    received: size === undefined ? "no such file" : `${size} bytes (it is ${verdict})`,
    fix: `All of ${cifar10Files[0]} to ${cifar10Files[4]} and ${cifar10Files[5]} of the binary version are needed.`,
  });
}

/** Reads a whole file into `file` and checks its labels. */
async function readRecords(path: string, file: Uint8Array): Promise<void> {
  const count = await readInto(path, file, 0);
  if (count !== FILE_BYTES) {
    throw new DataError({
      who: path,
      expected: `must give ${FILE_BYTES} bytes`,
      received: `${count} bytes (it changed while it was read)`,
    });
  }
  for (let record = 0; record < IMAGES_PER_FILE; record++) {
    const label = file[record * RECORD_BYTES];
    if (label >= cifar10ClassNames.length) {
      throw new DataError({
        who: path,
        expected: `labels must be 0 to ${cifar10ClassNames.length - 1}`,
        received: `${label} in record ${record} (counted from 0)`,
        fix: "The file is broken; get it again.",
      });
    }
  }
}

/**
 * Copies the records of a file to a split, as far as they belong to it: record r is the split's
 * image `offset + r`.
 */
function place(file: Uint8Array, offset: number, split: ImageSplit): void {
  const labels = split.y.data;
  const words = new Uint32Array(split.x.data.buffer);
  const first = Math.max(0, -offset);
  const end = Math.min(IMAGES_PER_FILE, labels.length - offset);
  for (let record = first; record < end; record++) {
    const at = record * RECORD_BYTES;
    labels[offset + record] = file[at];
    interleave(file, at + 1, words, ((offset + record) * IMAGE_BYTES) / 4);
  }
}

/**
 * Makes pixels [32, 32, 3] of planes [3, 32, 32]. Four pixels are written as three words, lowest
 * byte first as in all of the project's memory: less than half the time of writing bytes.
 */
function interleave(file: Uint8Array, start: number, words: Uint32Array, offset: number): void {
  let out = offset;
  for (let red = start; red < start + IMAGE_PIXELS; red += 4) {
    const green = red + IMAGE_PIXELS;
    const blue = green + IMAGE_PIXELS;
    words[out] = file[red] | (file[green] << 8) | (file[blue] << 16) | (file[red + 1] << 24);
    words[out + 1] =
      file[green + 1] | (file[blue + 1] << 8) | (file[red + 2] << 16) | (file[green + 2] << 24);
    words[out + 2] =
      file[blue + 2] | (file[red + 3] << 8) | (file[green + 3] << 16) | (file[blue + 3] << 24);
    out += 3;
  }
}
