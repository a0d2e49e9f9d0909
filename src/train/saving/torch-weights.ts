/** Weights as safetensors, with the names and layouts of PyTorch's `state_dict`. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError, ValueError } from "../../base/errors.ts";
import type { HostArray } from "../../base/host-array.ts";
import { sizeOf } from "../../base/shape.ts";
import { readSafetensors, writeSafetensors } from "../../formats/safetensors.ts";
import type { Net } from "../../model/net.ts";
import type { Variable } from "../../tensor/variable.ts";
import { checkedValues, type Source } from "./checks.ts";
import { type NetValues, readNet } from "./net-values.ts";
import { type TorchWeight, torchWeights } from "./torch-names.ts";

/** A weight and its full name: `dense_1.weight`. */
interface Entry extends TorchWeight {
  readonly full: string;
}

/** Weights by module: one for each layer with weights. */
type Modules = readonly { readonly name: string; readonly weights: readonly TorchWeight[] }[];

/**
 * A model's weights as the bytes of a safetensors file. Names are `<layer>.weight` and so on, those
 * that `torch.nn.Sequential(OrderedDict([("dense", torch.nn.Linear(...)), ...]))` has.
 *
 * @throws StateError before the model is built, ValueError where two weights have one name
 */
export async function torchBytes(net: Net): Promise<Uint8Array<ArrayBuffer>> {
  const values = await readNet(net, "saveWeights");
  const tensors = new Map<string, HostArray>();
  for (const entry of entriesOf(modulesOf(net))) {
    if (tensors.has(entry.full))
      throw new ValueError({
        who: "saveWeights",
        expected: "names of weights must differ in a .safetensors file",
        received: `"${entry.full}" twice`,
        fix: "Name the layers otherwise: layers.dense({ name: ... }).",
      });
    tensors.set(entry.full, { data: written(net, values, entry), shape: entry.shape });
  }
  return writeSafetensors({ tensors, metadata: { format: "pt" } });
}

const modulesOf = (net: Net): Modules =>
  net.topology.layers
    .map((layer) => ({ name: layer.name, weights: torchWeights(layer) }))
    .filter(({ weights }) => weights.length > 0);

const entriesOf = (modules: Modules): Entry[] =>
  modules.flatMap(({ name, weights }) =>
    weights.map((weight) => ({ ...weight, full: `${name}.${weight.name}` })),
  );

function written(net: Net, values: NetValues, entry: TorchWeight): TypedArray {
  const { variable, shape, neutral, isTransposed } = entry;
  if (variable) {
    const data = values.of(variable);
    return isTransposed ? transposed(data, shape[1]) : data;
  }
  if (neutral !== undefined) return new Float32Array(sizeOf(shape)).fill(neutral);
  return Int32Array.of(values.countOf(net.step));
}

/** Rows of `columns` numbers become columns of the result, of which each row has that many. */
function transposed(data: TypedArray, rows: number): TypedArray {
  const columns = data.length / rows;
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = data[row * columns + column];
  return result;
}

/**
 * The values that a safetensors file has for a model's weights. Modules have the names of layers, or
 * numbers as in the `state_dict` of a `torch.nn.Sequential`: these count for the layers with weights
 * in their order. `num_batches_tracked` may be missing.
 *
 * @throws DataError, ShapeError where one is missing, too many, ambiguous, of another shape or not
 *   finite
 */
export function readTorchWeights(
  net: Net,
  bytes: Uint8Array,
  source: Source,
): Map<Variable, TypedArray> {
  const { who } = source;
  const { tensors } = readSafetensors(bytes, who);
  const modules = modulesOf(net);
  const numbered = numberedAs(modules, tensors.keys());
  const named = entriesOf(modules);
  const fits = (entries: readonly Entry[]) => doFit(entries, tensors);
  const isByName = fits(named);
  const isByNumber = numbered !== undefined && fits(numbered);
  if (isByName && isByNumber && !sameNames(named, numbered))
    throw new DataError({
      who,
      expected: "must hold names of layers, or numbers of modules",
      received: `names that are both, for other layers each: ${listed(tensors.keys())}`,
      fix: "Name the model's layers otherwise.",
    });
  if (!isByName && !isByNumber) throw otherNames(named, tensors, who);
  const found = new Map<Variable, TypedArray>();
  for (const entry of isByName ? named : numbered!)
    readEntry(entry, tensors.get(entry.full), found, source);
  return found;
}

/** The modules with the numbers in a file instead of their names, if it has numbers for all. */
function numberedAs(modules: Modules, names: Iterable<string>): Entry[] | undefined {
  const numbers = new Set<string>();
  for (const name of names) {
    const number = /^(0|[1-9]\d{0,8})\./.exec(name)?.[1];
    if (number === undefined) return undefined;
    numbers.add(number);
  }
  if (numbers.size !== modules.length) return undefined;
  const inOrder = [...numbers].sort((a, b) => Number(a) - Number(b));
  return entriesOf(modules.map(({ weights }, i) => ({ name: inOrder[i], weights })));
}

const isOptional = ({ variable }: TorchWeight): boolean => variable === undefined;

function doFit(entries: readonly Entry[], tensors: ReadonlyMap<string, HostArray>): boolean {
  const known = new Set(entries.map(({ full }) => full));
  const isWhole = entries.every((entry) => isOptional(entry) || tensors.has(entry.full));
  return isWhole && [...tensors.keys()].every((name) => known.has(name));
}

const sameNames = (a: readonly Entry[], b: readonly Entry[]): boolean =>
  a.every(({ full }, i) => full === b[i].full);

/** Names for a message: the first ones of many. */
function listed(names: Iterable<string>): string {
  const all = [...names];
  const more = all.length > 40 ? `, ... (${all.length})` : "";
  return all.slice(0, 40).join(", ") + more || "none";
}

function otherNames(
  entries: readonly Entry[],
  tensors: ReadonlyMap<string, HostArray>,
  who: string,
): DataError {
  const needed = entries.filter((entry) => !isOptional(entry)).map(({ full }) => full);
  return new DataError({
    who,
    expected: `must hold ${listed(needed)}, or numbers of modules in place of the layers' names`,
    received: listed(tensors.keys()),
    fix: "Name the model's layers as the modules, or rename the tensors.",
  });
}

function readEntry(
  { full, variable, shape, isTransposed, neutral }: Entry,
  tensor: HostArray | undefined,
  found: Map<Variable, TypedArray>,
  source: Source,
): void {
  if (variable) {
    const { path, dtype } = variable;
    const values = checkedValues(tensor, { path, dtype, shape }, full, source);
    found.set(variable, isTransposed ? transposed(values, shape[0]) : values);
    return;
  }
  if (!tensor) return;
  const values = checkedValues(tensor, { path: full, dtype: "float32", shape }, full, source);
  if (neutral === undefined || values.every((value) => value === neutral)) return;
  throw new DataError({
    who: source.who,
    expected: `${full} must be ${neutral} everywhere, for the layer has none`,
    received: "other numbers",
    fix: "Make the layer with scale: true and center: true.",
  });
}
