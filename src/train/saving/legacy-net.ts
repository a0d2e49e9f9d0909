/** Whole models as `.h5`: Keras's older form, of Keras 3 and of tf_keras (Keras 2). */
import { DataError } from "../../base/errors.ts";
import { type H5Group, writeHdf5 } from "../../formats/hdf5.ts";
import { compileConfig } from "../../model/compile-config.ts";
import { modelConfig } from "../../model/config.ts";
import type { Net } from "../../model/net.ts";
import { configText } from "../../nn/config-text.ts";
import { type AntlerEntry, antlerEntry, readAntlerEntry } from "./antler-entry.ts";
import { groupAt, type Source } from "./checks.ts";
import { counterValues, kerasVersion, writeAll } from "./keras-archive.ts";
import { type LoadNetOptions, netOfConfig } from "./keras-net.ts";
import { optimizerSets, optimizerVars } from "./keras-weights.ts";
import { hasModel, legacyConfig, readLegacyConfig } from "./legacy-config.ts";
import { readLegacyOptimizer } from "./legacy-optimizer.ts";
import { groupIn, openGroup } from "./legacy-tree.ts";
import { hasLayerNames, legacyWeights, readLegacyLayers } from "./legacy-weights.ts";
import { readNet } from "./net-values.ts";
import { writtenOptimizer } from "./optimizer-config.ts";
import { type OptimizerState, readOptimizer } from "./optimizer-state.ts";

/** The group with what Keras's `.h5` has no place for, and Keras does not look at. */
const ownGroup = "antler";
const ownAttribute = "model";
const weightsGroup = "model_weights";

/**
 * A model as the bytes of a `.h5`, as Keras 3 and tf_keras read it.
 *
 * The optimizer's state is not in Keras's group `optimizer_weights`, but in one of our own: Keras 3
 * loads such a group, also of its own files, into an optimizer that it built for no weights, and then
 * cannot train. Without it, it trains on with a fresh optimizer; and here nothing is lost.
 *
 * @throws StateError before the model is built, ValueError where a user's own part is not registered
 */
export async function legacyBytes(net: Net): Promise<Uint8Array<ArrayBuffer>> {
  const values = await readNet(net, "save");
  const { compiled } = net;
  const optimizer = writtenOptimizer(net, values);
  const config = modelConfig(net, compiled && compileConfig(compiled, optimizer!.config));
  const { model, training } = legacyConfig(config);
  const root = openGroup();
  root.attributes.keras_version = kerasVersion;
  root.attributes.backend = "antler";
  root.attributes.model_config = configText(model);
  if (training) root.attributes.training_config = configText(training);
  root.children[weightsGroup] = legacyWeights(net, values, kerasVersion);
  const own = antlerEntry(net, values, optimizer?.full);
  const attributes = { [ownAttribute]: new TextDecoder().decode(own) };
  const children = optimizer ? { optimizer: optimizerVars(net, values, optimizer) } : {};
  const group: H5Group = { kind: "group", attributes, children };
  return writeHdf5({ ...root, children: { ...root.children, [ownGroup]: group } });
}

/**
 * The model in a `.h5`, with weights, optimizer and counters as they were.
 *
 * @throws DataError, ShapeError where it is broken; NameError for an unknown class
 */
export async function legacyNet(root: H5Group, options: LoadNetOptions, who: string): Promise<Net> {
  const config = readLegacyConfig(root, who);
  const antler = readOwn(root, who);
  const net = await netOfConfig(config, options, who, antler, root);
  if (!net.topology.built)
    throw new DataError({
      who,
      expected: "must hold a model whose input shape is known",
      received: "one without",
      fix: "Save it after it was built, or make it here and load the weights alone.",
    });
  const source = { who, allowNonFinite: options.allowNonFinite };
  const values = readLegacyLayers(net, groupIn(root, weightsGroup, source), weightsGroup, source);
  const state = net.compiled && legacyState(net, root, source);
  for (const [counter, count] of counterValues(net, antler)) values.set(counter, count);
  await writeAll(net, values, state);
  return net;
}

/** Whether an HDF5 file is of this form: a whole model, or weights by layers' names. */
export const isLegacy = (root: H5Group): boolean => hasModel(root) || hasLayerNames(root);

/** The weights in a whole model, or weights by layers' names alone. */
export function legacyLayers(net: Net, root: H5Group, source: Source) {
  const inner = groupAt(root, weightsGroup);
  return inner
    ? readLegacyLayers(net, inner, weightsGroup, source)
    : readLegacyLayers(net, root, "", source);
}

/**
 * The optimizer's state in a whole model: ours, or Keras's; undefined where there is none.
 *
 * @throws DataError, ShapeError where it does not fit
 */
export function legacyState(net: Net, root: H5Group, source: Source): OptimizerState | undefined {
  const own = groupAt(root, ownGroup);
  const found = own && optimizerSets(own);
  if (!found) return readLegacyOptimizer(net, root, source);
  return readOptimizer(net, found.sets, source);
}

function readOwn(root: H5Group, who: string): AntlerEntry | undefined {
  const text = groupAt(root, ownGroup)?.attributes[ownAttribute];
  if (text === undefined) return undefined;
  return readAntlerEntry(new TextEncoder().encode(`${text}`), who);
}
