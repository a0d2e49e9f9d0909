/** Weights and the optimizer's state as Keras's HDF5 groups: `layers/dense_1/vars/0`. */
import { arrayFor, type TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import type { H5Dataset, H5Group } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import { pathsOf } from "../../model/topology.ts";
import type { AnyLayer } from "../../nn/layer.ts";
import { Normalization } from "../../nn/layers/normalization.ts";
import { NameCounter, toSnakeCase } from "../../nn/names.ts";
import type { OptimizerEntry } from "../../nn/optimizer.ts";
import type { Variable } from "../../tensor/variable.ts";
import { checkedValues, groupAt, type Source } from "./checks.ts";
import type { NetValues } from "./net-values.ts";
import type { WrittenOptimizer } from "./optimizer-config.ts";

/** Keras 2.13 had this name for the layers of functional models. */
const oldLayers = "_layer_checkpoint_dependencies";

const group = (
  children: Record<string, H5Group | H5Dataset>,
  attributes: H5Group["attributes"] = {},
): H5Group => ({ kind: "group", attributes, children });

const dataset = (shape: readonly number[], data: TypedArray): H5Dataset => ({
  kind: "dataset",
  shape,
  data,
  attributes: {},
});

const varsOf = (name: string, sets: readonly H5Dataset[]): H5Group =>
  group(Object.fromEntries(sets.map((one, i) => [`${i}`, one])), { name });

/**
 * What Keras has in `model.weights.h5`, and alone as `.weights.h5`.
 *
 * @param optimizer undefined without one
 */
export function kerasWeights(
  net: Net,
  values: NetValues,
  optimizer: WrittenOptimizer | undefined,
): H5Group {
  const { layers } = net.topology;
  const groups = pathsOf(layers).map((path, i): [string, H5Group] => {
    const sets = layers[i].weights.map((weight) =>
      dataset(weight.shape, typed(values.of(weight), isCount(layers[i], weight))),
    );
    return [path, group({ vars: varsOf(layers[i].name, sets) })];
  });
  return group({
    layers: group(Object.fromEntries(groups)),
    ...(optimizer && { optimizer: optimizerVars(net, values, optimizer) }),
    vars: varsOf(net.name, []),
  });
}

/** Keras counts in int32. */
export const typed = (data: TypedArray, isWhole: boolean): TypedArray => {
  const copy = arrayFor(isWhole ? "int32" : "float32", data.length);
  copy.set(data);
  return copy;
};

/** Whether a weight counts: Keras has integers for it. */
export const isCount = (layer: AnyLayer, weight: Variable): boolean =>
  (layer as unknown) instanceof Normalization && weight.path.endsWith("/count");

/** The state of the optimizer as Keras's group. */
export function optimizerVars(net: Net, values: NetValues, optimizer: WrittenOptimizer): H5Group {
  const { config, entries } = optimizer;
  const { name } = (typeof config === "object" ? config.config : {}) as { name?: unknown };
  const sets = stateSets(net, values, entries);
  return group({
    vars: varsOf(typeof name === "string" ? name : net.compiled!.optimizer.name, sets),
  });
}

function stateSets(net: Net, values: NetValues, entries: readonly OptimizerEntry[]): H5Dataset[] {
  const { iterations } = net.compiled!.optimizer;
  const count = values.countOf(iterations);
  return entries.map(({ variable, value }) => {
    if (!variable) return dataset([], Float32Array.of(value!(count)));
    return dataset(variable.shape, typed(values.of(variable), variable === iterations));
  });
}

/**
 * The values that a file has for a model's weights.
 *
 * @throws DataError, ShapeError where one is missing, too many, of another shape or not finite
 */
export function readLayers(net: Net, root: H5Group, source: Source): Map<Variable, TypedArray> {
  const { layers } = net.topology;
  const found = new Map<Variable, TypedArray>();
  const [places, groups] = layerGroups(root, source.who);
  const paths = places === oldLayers ? oldPaths(groups, layers) : pathsOf(layers);
  for (const [i, layer] of layers.entries()) {
    const place = `${places}/${paths[i]}/vars`;
    const vars = groupAt(groups, paths[i], "vars");
    for (const [k, weight] of layer.weights.entries())
      found.set(weight, checkedValues(datasetIn(vars, k), weight, `${place}/${k}`, source));
    const count = layer.weights.length;
    const extra = Object.keys(vars?.children ?? {}).find((key) => !isIndex(key, count));
    if (extra !== undefined)
      throw tooMany(`${place}/${extra}`, `${layer.label} has ${count}`, source);
  }
  const known = new Set(paths);
  for (const name of Object.keys(groups?.children ?? {}))
    if (!known.has(name) && Object.keys(groupAt(groups, name, "vars")?.children ?? {}).length > 0)
      throw tooMany(`${places}/${name}`, `the model has ${paths.join(", ")}`, source);
  return found;
}

/**
 * Where a file has the layers: Keras 2.13 met those with weights twice, and counted them twice, so that
 * its second dense layer is `dense_2`.
 */
function oldPaths(groups: H5Group | undefined, layers: readonly AnyLayer[]): string[] {
  const counter = new NameCounter();
  const twice = layers.map((layer) => {
    const stem = toSnakeCase(layer.className);
    const path = counter.next(stem);
    if (layer.weights.length > 0) counter.next(stem);
    return path;
  });
  const isThere = (path: string, i: number) =>
    layers[i].weights.length === 0 || groupAt(groups, path) !== undefined;
  const plain = pathsOf(layers);
  return !plain.every(isThere) && twice.every(isThere) ? twice : plain;
}

const isIndex = (key: string, count: number): boolean =>
  Array.from({ length: count }, (_, i) => `${i}`).includes(key);

const datasetIn = (vars: H5Group | undefined, index: number): H5Dataset | undefined => {
  const key = `${index}`;
  const child = vars && Object.hasOwn(vars.children, key) ? vars.children[key] : undefined;
  return child?.kind === "dataset" ? child : undefined;
};

function layerGroups(root: H5Group, who: string): [string, H5Group | undefined] {
  for (const name of ["layers", oldLayers]) {
    const found = groupAt(root, name);
    if (found) return [name, found];
  }
  if (Object.hasOwn(root.children, "vars")) return ["layers", undefined];
  throw new DataError({
    who,
    expected: "must hold weights as Keras 3 saves them, in a group layers",
    received: `groups ${Object.keys(root.children).join(", ") || "of none"}`,
  });
}

const tooMany = (place: string, fix: string, { who }: Source) =>
  new DataError({
    who,
    expected: "must hold the weights of this model and no others",
    received: `${place}`,
    fix: `Make the model with the same layers as the one that was saved: ${fix}.`,
  });

/** The state of an optimizer in a file. */
export interface OptimizerSets {
  /** Its name: Keras's own of its class, unless the user gave another. */
  readonly name: string;
  /** In order; undefined where one is missing. */
  readonly sets: readonly (H5Dataset | undefined)[];
}

/** The optimizer's state; undefined where the file has none. */
export function optimizerSets(root: H5Group): OptimizerSets | undefined {
  const vars = groupAt(root, "optimizer", "vars");
  if (!vars) return undefined;
  const keys = Object.keys(vars.children);
  const numbers = keys.map(Number).filter((key) => key < 2 * keys.length);
  const length = Math.max(keys.length, ...numbers.map((key) => key + 1));
  const sets = Array.from({ length }, (_, i) => datasetIn(vars, i));
  const { name } = vars.attributes;
  return { name: typeof name === "string" ? name : "", sets };
}
