/** Weights by layers' names, as in whole models of `.h5` and in weights of Keras 2. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import type { H5Group } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import type { AnyLayer } from "../../nn/layer.ts";
import type { Variable } from "../../tensor/variable.ts";
import { checkedValues, type Source } from "./checks.ts";
import { isCount, typed } from "./keras-weights.ts";
import {
  datasetAt,
  groupFor,
  groupIn,
  hasList,
  type OpenGroup,
  openGroup,
  putDataset,
  putList,
  readList,
} from "./legacy-tree.ts";
import type { NetValues } from "./net-values.ts";

/** Keras's group for weights of the model itself, of which models here have none. */
const topLevel = "top_level_model_weights";

/** Whether these are weights by layers' names. */
export const hasLayerNames = (root: H5Group): boolean => hasList(root, "layer_names");

/** A layer's weights in a file. */
interface SavedLayer {
  readonly name: string;
  readonly group: H5Group;
  readonly weightNames: readonly string[];
}

/**
 * The values that such a group has for a model's weights. Layers with weights go by their names
 * where file and model have the same ones, else in the order of `layer_names`, as in Keras; a
 * layer's weights go in the order of its `weight_names`.
 *
 * @param place the group's path in the file, for messages
 * @throws DataError, ShapeError where one is missing, too many, of another shape or not finite
 */
export function readLegacyLayers(
  net: Net,
  root: H5Group,
  place: string,
  source: Source,
): Map<Variable, TypedArray> {
  const { who } = source;
  const saved = savedLayers(root, place, source);
  const layers = net.topology.layers.filter(({ weights }) => weights.length > 0);
  if (saved.length !== layers.length)
    throw new DataError({
      who,
      expected: `must hold weights of ${layers.length} layers (${namesOf(layers)})`,
      received: `${saved.length} (${namesOf(saved)})`,
      fix: "Make the model with the same layers as the one that was saved.",
    });
  const byName = new Map(saved.map((one) => [one.name, one]));
  const isByName = layers.every(({ name }) => byName.has(name));
  const found = new Map<Variable, TypedArray>();
  for (const [i, layer] of layers.entries()) {
    const { name, group, weightNames } = isByName ? byName.get(layer.name)! : saved[i];
    const where = joined(place, name);
    checkCount(layer, weightNames, where, who);
    for (const [k, weight] of layer.weights.entries()) {
      const set = datasetAt(group, weightNames[k]);
      found.set(weight, checkedValues(set, weight, `${where}/${weightNames[k]}`, source));
    }
  }
  return found;
}

const joined = (place: string, name: string): string => (place === "" ? name : `${place}/${name}`);

const namesOf = (list: readonly { readonly name: string }[]): string =>
  list.map(({ name }) => name).join(", ") || "none";

/** The layers with weights, in the file's order. */
function savedLayers(root: H5Group, place: string, source: Source): SavedLayer[] {
  const { who } = source;
  const at = (name: string): SavedLayer => {
    const group = groupIn(root, name, source);
    const weightNames = readList(group, "weight_names", joined(place, name), who);
    return { name, group, weightNames };
  };
  const own = root.children[topLevel];
  if (own && at(topLevel).weightNames.length > 0)
    throw new DataError({
      who,
      expected: "must hold weights of layers",
      received: `weights of the model itself in ${joined(place, topLevel)}`,
      fix: "Move them into a layer before the model is saved.",
    });
  const names = readList(root, "layer_names", place || "the file", who);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new DataError({
      who,
      expected: "layer_names must differ",
      received: `"${twice}" twice`,
    });
  return names.map(at).filter(({ weightNames }) => weightNames.length > 0);
}

function checkCount(
  { label, weights }: AnyLayer,
  names: readonly string[],
  where: string,
  who: string,
): void {
  if (names.length === weights.length) return;
  throw new DataError({
    who,
    expected: `${where} must have ${weights.length} weights for ${label} (${tails(weights)})`,
    received: `${names.length} (${names.join(", ")})`,
    fix: "Make the model with the same layers as the one that was saved.",
  });
}

const tails = (weights: readonly Variable[]): string =>
  weights.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)).join(", ");

/** Keras's `model_weights`. */
export function legacyWeights(net: Net, values: NetValues, version: string): OpenGroup {
  const { layers } = net.topology;
  const root = openGroup();
  putList(root, "layer_names", layerNames(net));
  root.attributes.backend = "antler";
  root.attributes.keras_version = version;
  // In order of the names, as in Keras: a name may be the beginning of another one's path.
  for (const name of layerNames(net).sort()) putList(groupFor(root, name), "weight_names", []);
  for (const layer of layers) {
    const group = groupFor(root, layer.name);
    const named = layer.weights.map((weight) => [nameOf(net, layer, weight), weight] as const);
    putList(
      group,
      "weight_names",
      named.map(([name]) => name),
    );
    for (const [name, weight] of named)
      putDataset(group, name, weight.shape, typed(values.of(weight), isCount(layer, weight)));
  }
  putList(groupFor(root, topLevel), "weight_names", []);
  return root;
}

const layerNames = (net: Net): string[] => net.topology.layers.map(({ name }) => name);

/** Keras's path of a weight: `sequential/dense/kernel`, in functional models `dense/kernel`. */
function nameOf(net: Net, layer: AnyLayer, { path }: Variable): string {
  const start = layer.path !== undefined && path.startsWith(`${layer.path}/`);
  const own = start ? path.slice(layer.path.length + 1) : path;
  const scope = net.topology.className === "Sequential" ? `${net.name}/` : "";
  return `${scope}${layer.name}/${own}`;
}
