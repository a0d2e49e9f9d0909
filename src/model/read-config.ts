/** Models of config objects: those of Keras 3, tf_keras and Antler. */
import { DataError, describe } from "../base/errors.ts";
import type { CustomObjects } from "../nn/fields.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { deserializeLayer } from "../nn/layer-registry.ts";
import { InputLayer } from "../nn/layers/input.ts";
import { namedConfig } from "../nn/serialization.ts";
import { SymbolicTensor, setSymbolicShape } from "../nn/symbolic.ts";
import { Functional } from "./functional.ts";
import { Sequence } from "./sequence.ts";

/** A model's topology, of a config. */
export interface ConfiguredModel {
  readonly topology: Sequence | Functional;
  readonly name: string;
  readonly hasListOfOutputs: boolean;
}

type ConfigObject = Readonly<Record<string, unknown>>;

const who = "modelFromJson";

/**
 * The layers of a config of Keras 3, tf_keras or Antler, connected and unbuilt.
 *
 * @throws DataError where it is no such config, NameError for a class that is not known
 */
export function configuredModel(value: unknown, custom: CustomObjects): ConfiguredModel {
  const { name: className, config } = namedConfig(value, who);
  const name = typeof config.name === "string" ? config.name : className.toLowerCase();
  if (className === "Sequential")
    return { topology: readSequence(config, custom), name, hasListOfOutputs: false };
  if (className === "Functional" || className === "Model")
    return { ...readFunctional(config, custom), name };
  throw new DataError({
    who,
    expected: "a model of class Sequential or Functional",
    received: describe(className),
  });
}

function readSequence(config: ConfigObject, custom: CustomObjects): Sequence {
  const layers = listOf(config.layers, "layers").map((layer) => readLayer(layer, custom));
  const first = layers[0];
  const shape = config.build_input_shape ?? config.batch_input_shape;
  const isKnown = first instanceof InputLayer || first?.inputShape !== undefined;
  // A model that was built by its data has its shape beside the layers.
  if (!isKnown && first && Array.isArray(shape)) {
    const input = new InputLayer({ shape: shape.slice(1) });
    return new Sequence([input, ...layers]);
  }
  return new Sequence(layers);
}

/** A layer, and neither of the other things that Keras has among a model's layers. */
function readLayer(value: unknown, custom: CustomObjects): AnyLayer {
  const { module, class_name: className, config } = (value ?? {}) as ConfigObject;
  const name = describe((config as ConfigObject | undefined)?.name);
  if (className === "Functional" || className === "Sequential" || className === "Model")
    throw new DataError({
      who,
      expected: "a model whose parts are layers",
      received: `the model ${name} (${className}) among them`,
      fix: "Connect its layers to the outer model's, then write the config again.",
    });
  if (typeof module === "string" && /^keras(\.src)?\.ops\b/.test(module))
    throw new DataError({
      who,
      expected: "a model whose parts are layers",
      received: `the operation ${name} (${className}) among them`,
      fix: "Use a layer in its place, such as Add for a + b.",
    });
  return deserializeLayer(value, custom);
}

/** Where a tensor comes from: layer, application, output. */
type History = readonly [layer: string, node: number];

interface Call {
  readonly inputs: readonly History[];
  readonly isList: boolean;
}

function readFunctional(
  config: ConfigObject,
  custom: CustomObjects,
): Omit<ConfiguredModel, "name"> {
  const entries = listOf(config.layers, "layers") as ConfigObject[];
  const layers = new Map<string, AnyLayer>();
  const calls = new Map<string, Call[]>();
  for (const entry of entries) {
    const layer = readLayer(entry, custom);
    const name = typeof entry.name === "string" ? entry.name : layer.name;
    layers.set(name, layer);
    calls.set(name, listOf(entry.inbound_nodes ?? [], "inbound_nodes").map(readCall));
  }
  const made = new Map<string, SymbolicTensor>();
  const making = new Set<string>();
  const tensorOf = ([name, index]: History): SymbolicTensor => {
    const key = `${name}/${index}`;
    const known = made.get(key);
    if (known) return known;
    const layer = layers.get(name);
    if (!layer || making.has(key)) fail(`layers to be connected without a circle`, key);
    making.add(key);
    const tensor = connect(layer!, calls.get(name)![index], key, tensorOf);
    made.set(key, tensor);
    return tensor;
  };
  // In the order of the file, so that shared layers are applied in theirs.
  for (const [name, own] of calls)
    for (let i = 0; i < Math.max(own.length, 1); i++) tensorOf([name, i]);
  const inputs = readEnds(config.input_layers, "input_layers");
  const outputs = readEnds(config.output_layers, "output_layers");
  const topology = new Functional(inputs.list.map(tensorOf), outputs.list.map(tensorOf));
  return { topology, hasListOfOutputs: outputs.isList };
}

function connect(
  layer: AnyLayer,
  call: Call | undefined,
  key: string,
  tensorOf: (history: History) => SymbolicTensor,
): SymbolicTensor {
  if (layer instanceof InputLayer) {
    const tensor = new SymbolicTensor(layer, [], false);
    setSymbolicShape(tensor, layer.inputShape!);
    return tensor;
  }
  if (!call || call.inputs.length === 0) return fail("inbound_nodes of every layer", key);
  return new SymbolicTensor(layer, call.inputs.map(tensorOf), call.isList);
}

/** One application: Keras 3's `{ args, kwargs }`, or tf_keras's `[[layer, node, tensor, {}], ...]`. */
function readCall(value: unknown): Call {
  if (Array.isArray(value)) {
    for (const [, , , kwargs] of value.map((one) => listOf(one, "inbound_nodes")))
      checkNoArguments(kwargs);
    const inputs = value.map(readHistory);
    return { inputs, isList: inputs.length > 1 };
  }
  const { args, kwargs } = (value ?? {}) as { args?: unknown; kwargs?: unknown };
  const [first, ...others] = listOf(args, "args of inbound_nodes");
  if (others.some((one) => one !== null))
    fail("layers to be called on a tensor or a list of tensors", `${others.length} more arguments`);
  checkNoArguments(kwargs);
  const isList = Array.isArray(first);
  return { inputs: (isList ? first : [first]).map(readTensor), isList };
}

/** A model decides by itself whether it trains; masks are not there. */
function checkNoArguments(kwargs: unknown): void {
  for (const [name, value] of Object.entries(kwargs ?? {}))
    if (value !== null)
      fail("layers to be called without arguments", `${name}: ${describe(value)}`);
}

function readTensor(value: unknown): History {
  const { config } = (value ?? {}) as { config?: { keras_history?: unknown } };
  return readHistory(config?.keras_history);
}

function readHistory(value: unknown): History {
  const [name, index, output] = listOf(value, "keras_history");
  if (typeof name !== "string" || !Number.isSafeInteger(index) || output !== 0)
    return fail("keras_history to be [layer, node, 0]", describe(value));
  return [name, index as number];
}

/** `["input", 0, 0]`, a list of such, or an object of them, which Keras takes in order of its keys. */
function readEnds(value: unknown, what: string): { list: History[]; isList: boolean } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return { list: entries.map(([, one]) => readHistory(one)), isList: true };
  }
  const all = listOf(value, what);
  if (typeof all[0] === "string") return { list: [readHistory(all)], isList: false };
  // A list of one is what tf_keras writes for one alone, and what Keras takes for that.
  return { list: all.map(readHistory), isList: all.length > 1 };
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  return fail(`${what} to be a list`, describe(value));
}

function fail(expected: string, received: string): never {
  throw new DataError({ who, expected, received });
}
