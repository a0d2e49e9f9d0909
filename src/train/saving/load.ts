/** A model from a file. */
import { readFile } from "#host";
import type { TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import { readHdf5 } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import { requireBuilt } from "../../model/weights.ts";
import type { Variable } from "../../tensor/variable.ts";
import { entryName, readAntlerEntry } from "./antler-entry.ts";
import { fileError, type Source } from "./checks.ts";
import { contentOf } from "./endings.ts";
import { readKerasArchive, restoreNet, writeAll } from "./keras-archive.ts";
import { type LoadNetOptions, netOfConfig } from "./keras-net.ts";
import { optimizerSets, readLayers } from "./keras-weights.ts";
import { hasModel } from "./legacy-config.ts";
import { isLegacy, legacyLayers, legacyNet, legacyState } from "./legacy-net.ts";
import {
  checkSameOptimizer,
  type OptimizerState,
  OtherOptimizer,
  readOptimizer,
} from "./optimizer-state.ts";
import { readTorchWeights } from "./torch-weights.ts";

/** A path (not in a browser), or the bytes of a file. */
export type FileInput = string | Uint8Array | ArrayBuffer | Blob;

/** A file's bytes, and what it is called in messages. */
async function fileBytes(
  file: FileInput,
  who: string,
): Promise<{ bytes: Uint8Array; who: string }> {
  if (typeof file === "string" && file !== "") return { bytes: await readFile(file), who: file };
  if (file instanceof Uint8Array) return { bytes: file, who };
  if (file instanceof ArrayBuffer) return { bytes: new Uint8Array(file), who };
  if (typeof Blob !== "undefined" && file instanceof Blob) {
    const name = (file as Partial<File>).name;
    return { bytes: new Uint8Array(await file.arrayBuffer()), who: name || who };
  }
  throw fileError(who, file);
}

/**
 * The model in a file, told by its content: `.keras`, or a whole model as `.h5`.
 *
 * @throws DataError, ShapeError where it is broken; NameError for an unknown class
 */
export async function loadNet(file: FileInput, options: LoadNetOptions): Promise<Net> {
  const { bytes, who } = await fileBytes(file, "loadModel");
  const content = contentOf(bytes, who);
  if (content === "zip") return kerasNet(bytes, options, who);
  if (content === "safetensors") throw onlyWeights(who);
  const root = await readHdf5(bytes, { who });
  if (!hasModel(root)) throw onlyWeights(who);
  return legacyNet(root, options, who);
}

async function kerasNet(bytes: Uint8Array, options: LoadNetOptions, who: string): Promise<Net> {
  const archive = await readKerasArchive(bytes, who);
  const antler = readAntlerEntry(archive.extra.get(entryName), who);
  const net = await netOfConfig(archive.config, options, who, antler, archive.weights);
  // What was saved before it was built is loaded so.
  if (net.topology.built) await restoreNet(net, archive, who, options);
  return net;
}

const onlyWeights = (who: string) =>
  new DataError({
    who,
    expected: "must hold a whole model",
    received: "weights alone",
    fix: "Make the model first, then: await model.loadWeights(file).",
  });

/** How weights are loaded. */
export interface LoadWeightsSettings {
  /** Whether the optimizer's state is loaded too; undefined: where there is one that fits. */
  readonly optimizer: boolean | undefined;
  readonly allowNonFinite: boolean;
}

/**
 * Gives a model the weights in a file of any form, told by its content: all or nothing.
 *
 * @throws StateError before it is built, and while a fit runs outside of its hooks; DataError,
 *   ShapeError where the file is broken or does not fit
 */
export async function loadWeights(
  net: Net,
  file: FileInput,
  { optimizer, allowNonFinite }: LoadWeightsSettings,
): Promise<void> {
  net.checkMayWrite("loadWeights");
  requireBuilt(net, "loadWeights");
  const { bytes, who } = await fileBytes(file, "loadWeights");
  const source = { who, allowNonFinite };
  const { values, state } = await weightsIn(net, bytes, source);
  const chosen = chosenState(net, state, source, optimizer);
  net.checkMayWrite("loadWeights");
  await writeAll(net, values, chosen);
}

/** What a file of weights has for a model. */
interface FoundWeights {
  readonly values: Map<Variable, TypedArray>;
  /** The optimizer's state; undefined where the file has none. Throws where it does not fit. */
  state?(): OptimizerState | undefined;
}

async function weightsIn(net: Net, bytes: Uint8Array, source: Source): Promise<FoundWeights> {
  const { who } = source;
  const content = contentOf(bytes, who);
  if (content === "safetensors") return { values: readTorchWeights(net, bytes, source) };
  const root =
    content === "zip"
      ? (await readKerasArchive(bytes, who)).weights
      : await readHdf5(bytes, { who });
  if (isLegacy(root))
    return {
      values: legacyLayers(net, root, source),
      state: () => legacyState(net, root, source),
    };
  const found = optimizerSets(root);
  const state = (): OptimizerState => {
    checkSameOptimizer(net, found!.name, who);
    return readOptimizer(net, found!.sets, source);
  };
  return { values: readLayers(net, root, source), ...(found && { state }) };
}

/** As Keras does: the state of an optimizer that is of another kind is left, unless it is asked for. */
function chosenState(
  net: Net,
  state: FoundWeights["state"],
  source: Source,
  wanted: boolean | undefined,
): OptimizerState | undefined {
  if (wanted === false || (wanted === undefined && !net.compiled)) return undefined;
  try {
    const found = state?.();
    if (found || wanted === undefined) return found;
  } catch (error) {
    if (wanted === undefined && error instanceof OtherOptimizer) return undefined;
    throw error;
  }
  throw new DataError({
    who: source.who,
    expected: "must hold the state of an optimizer",
    received: "weights alone",
    fix: "Pass { optimizer: false }.",
  });
}
