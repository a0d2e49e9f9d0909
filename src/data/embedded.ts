import { permutation, randomBits } from "../base/philox.ts";
import { drawPicture, WORDS_PER_PICTURE } from "./embedded-drawing.ts";
import { pictureClasses } from "./embedded-shapes.ts";
import { emptySplit, IMAGE_BYTES, type ImageDataset, type ImageSplit } from "./images.ts";

export const embeddedName = "embedded";
export const embeddedClassNames: readonly string[] = pictureClasses.map(({ name }) => name);

export function embeddedPictures({ seed = 1, train = 10000, validation = 2000, test = 2000 } = {}): ImageDataset {
  return {
    name: embeddedName,
    train: drawSplit(seed, "train", train),
    validation: drawSplit(seed, "validation", validation),
    test: drawSplit(seed, "test", test),
    classNames: embeddedClassNames,
  };
}

function drawSplit(seed: number, name: string, count: number): ImageSplit {
  const split = emptySplit(count);
  const order = permutation(seed, `embedded/${name}/order`, 0, count);
  for (let i = 0; i < count; i++) {
    const label = order[i] % pictureClasses.length;
    const bits = randomBits(seed, `embedded/${name}`, i, WORDS_PER_PICTURE);
    drawPicture(pictureClasses[label], bits, new Uint8ClampedArray(split.x.data.buffer, i * IMAGE_BYTES, IMAGE_BYTES));
    split.y.data[i] = label;
  }
  return split;
}
