export type { ArchiveProgress } from "./archive.ts";
export { type Cifar10Options, cifar10ClassNames, cifar10Name, loadCifar10 } from "./cifar10.ts";
export type { Cifar10Source } from "./cifar10-files.ts";
export {
  type EmbeddedOptions,
  embeddedClassNames,
  embeddedName,
  embeddedPictures,
} from "./embedded.ts";
export type { ImageDataset, ImageSplit } from "./images.ts";
