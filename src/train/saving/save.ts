/** A model to a file. */
import { fileSize, isDirectory, writeFileAtomic } from "#host";
import { DataError, describe, ValueError } from "../../base/errors.ts";
import { rewriteHdf5 } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import { checkBoolean, settings } from "../../nn/options.ts";
import { type ModelFormat, modelFormat, type WeightsFormat, weightsFormat } from "./endings.ts";
import { kerasBytes } from "./keras-archive.ts";
import { kerasWeights } from "./keras-weights.ts";
import { legacyBytes } from "./legacy-net.ts";
import { readNet } from "./net-values.ts";
import { writtenOptimizer } from "./optimizer-config.ts";
import { torchBytes } from "./torch-weights.ts";

/** Options of `save` and `saveWeights`. */
export interface SaveOptions {
  /** Whether a file that is there is replaced. Default: true. */
  readonly overwrite?: boolean;
}

/** The forms that `toBytes` knows: the endings of files. */
export type FileFormat = ModelFormat | WeightsFormat;

const writers: Record<FileFormat, (net: Net) => Promise<Uint8Array<ArrayBuffer>>> = {
  keras: (net) => kerasBytes(net),
  h5: legacyBytes,
  "weights.h5": weightsBytes,
  safetensors: torchBytes,
};

/**
 * Weights, and the state of an optimizer, as Keras's `.weights.h5`.
 *
 * @throws StateError before the model is built
 */
async function weightsBytes(net: Net): Promise<Uint8Array<ArrayBuffer>> {
  const values = await readNet(net, "saveWeights");
  return rewriteHdf5(kerasWeights(net, values, writtenOptimizer(net, values)));
}

/** A model as a file's bytes. Throws a ValueError for an unknown form. */
export function modelBytes(net: Net, format: FileFormat): Promise<Uint8Array<ArrayBuffer>> {
  if (Object.hasOwn(writers, format)) return writers[format](net);
  throw new ValueError({
    who: "toBytes",
    expected: `one of ${Object.keys(writers).join(", ")}`,
    received: describe(format),
  });
}

/**
 * Writes a model to a file, by its ending: `.keras`, `.h5`. After a crash there is the old file or
 * the new one.
 *
 * @throws ValueError for another ending, DataError where it cannot be written
 */
export function saveModel(net: Net, path: string, options: SaveOptions = {}): Promise<void> {
  return write(net, path, () => modelFormat(path, "save"), options, "save");
}

/** Writes a model's weights to a file, by its ending: `.weights.h5`, `.safetensors`. */
export function saveWeights(net: Net, path: string, options: SaveOptions = {}): Promise<void> {
  return write(net, path, () => weightsFormat(path, "saveWeights"), options, "saveWeights");
}

async function write(
  net: Net,
  path: string,
  formatOf: () => FileFormat,
  options: SaveOptions,
  who: string,
): Promise<void> {
  const { overwrite } = settings(options, { overwrite: true }, who);
  checkBoolean(overwrite, "overwrite", who);
  const format = formatOf();
  if (await isDirectory(path))
    throw new DataError({ who: path, expected: "must be a file", received: "a folder" });
  if (!overwrite && (await fileSize(path)) !== undefined)
    throw new DataError({
      who: path,
      expected: "must not be there yet with overwrite: false",
      received: "a file",
      fix: "Choose another path, or pass { overwrite: true }.",
    });
  await writeFileAtomic(path, await modelBytes(net, format));
}
