/** The data sets under the names that users see: `datasets.cifar10()`, `datasets.embedded()`. */
export type { ArchiveProgress } from "./archive.ts";
export { type Cifar10Options, loadCifar10 as cifar10 } from "./cifar10.ts";
export type { Cifar10Source } from "./cifar10-files.ts";
export { type EmbeddedOptions, embeddedPictures as embedded } from "./embedded.ts";
export type { ImageDataset, ImageSplit } from "./images.ts";
