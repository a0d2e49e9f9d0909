import type { HostArray } from "../base/host-array.ts";

/** A set of pictures with their classes. */
export interface ImageSplit {
  /**
   * Pixels, bytes 0 to 255, shape [n, height, width, 3]: rows from the top, channels red, green,
   * blue.
   */
  readonly x: HostArray & { readonly data: Uint8Array<ArrayBuffer> };
  /** Classes, counted from 0, shape [n]. */
  readonly y: HostArray & { readonly data: Uint8Array<ArrayBuffer> };
}

/** Pictures to train with, to choose with and to judge with, and the names of their classes. */
export interface ImageDataset {
  /** What the data is called in records and messages. */
  readonly name: string;
  readonly train: ImageSplit;
  readonly validation: ImageSplit;
  readonly test: ImageSplit;
  /** The name of each class, by its number. */
  readonly classNames: readonly string[];
}

/** Sides of all pictures here, in pixels. */
export const IMAGE_SIDE = 32;
/** Pixels of a picture. */
export const IMAGE_PIXELS = IMAGE_SIDE * IMAGE_SIDE;
/** Bytes of a picture: a red, a green and a blue one for each pixel. */
export const IMAGE_BYTES = 3 * IMAGE_PIXELS;

/** An empty (black, class 0) split of `count` pictures, to be filled. */
export function emptySplit(count: number): ImageSplit {
  return {
    x: { data: new Uint8Array(count * IMAGE_BYTES), shape: [count, IMAGE_SIDE, IMAGE_SIDE, 3] },
    y: { data: new Uint8Array(count), shape: [count] },
  };
}
