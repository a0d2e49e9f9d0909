/** Models as Keras's config objects: what connects the layers, and what the model is trained with. */
import { DataError, describe } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { CustomObjects, Json } from "../nn/fields.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { deserializeLayer, serializeLayer } from "../nn/layer-registry.ts";
import { InputLayer } from "../nn/layers/input.ts";
import { namedConfig, type Serialized } from "../nn/serialization.ts";
import { SymbolicTensor, setSymbolicShape } from "../nn/symbolic.ts";
import { compileConfig } from "./compile-config.ts";
import { Functional } from "./functional.ts";
import type { Net } from "./net.ts";
import { Sequence } from "./sequence.ts";
import type { TopologyNode } from "./topology.ts";

type Config = { readonly [key: string]: Json };

/** A model in Keras's form. */
export interface ModelConfig extends Serialized {
  readonly config: Config;
  /** What Keras builds the model with. */
  readonly build_config?: Config;
  /** What it is trained with; absent before `compile`. */
  readonly compile_config?: Config;
}

/** A model's topology, of a config. */
export interface ConfiguredModel {
  readonly topology: Sequence | Functional;
  readonly name: string;
  readonly hasListOfOutputs: boolean;
}

const batched = (shape: Shape): Json => [null, ...shape];

/** The model as Keras 3 writes it, without weights. */
export function modelConfig(net: Net): ModelConfig {
  const { topology } = net;
  const isSequential = topology instanceof Sequence;
  const config = isSequential
    ? sequenceConfig(net, topology)
    : functionalConfig(net, topology as Functional);
  const shapes = topology.built ? topology.inputShapes : undefined;
  return {
    module: isSequential ? "keras" : "keras.src.models.functional",
    class_name: topology.className,
    config,
    registered_name: isSequential ? null : "Functional",
    ...(shapes && { build_config: { input_shape: shapesJson(shapes) } }),
    ...(net.compiled && { compile_config: compileConfig(net.compiled) }),
  };
}

const shapesJson = (shapes: readonly Shape[]): Json =>
  shapes.length === 1 ? batched(shapes[0]) : shapes.map(batched);

function sequenceConfig(net: Net, sequence: Sequence): Config {
  const [inputShape] = sequence.knownInputShapes ?? [];
  const first = sequence.inputLayer ?? (inputShape && new InputLayer({ shape: inputShape }));
  const shapes = sequence.layers.map((_, i) =>
    i === 0 ? inputShape : sequence.outputShapeOf(sequence.layers[i - 1]),
  );
  return {
    name: net.name,
    trainable: true,
    dtype: "float32",
    layers: [
      ...(first ? [inputJson(first, sequence)] : []),
      ...sequence.layers.map((layer, i) => layerJson(layer, shapes[i] && batched(shapes[i]))),
    ],
    ...(inputShape && { build_input_shape: batched(inputShape) }),
  };
}

/** The input of a sequential model; one that was only a shape gets a name that is free. */
function inputJson(layer: InputLayer, { layers }: Sequence): Json {
  const taken = new Set(layers.map(({ name }) => name));
  let name = layer.name;
  for (let i = 1; taken.has(name); i++) name = `${layer.name}_${i}`;
  const serialized = serializeLayer(layer);
  return json({ ...serialized, config: { ...(serialized.config as Config), name } });
}

function layerJson(layer: AnyLayer, inputShape: Json | undefined): Config {
  const build = inputShape === undefined ? {} : { build_config: { input_shape: inputShape } };
  return json({ ...serializeLayer(layer), ...build }) as Config;
}

const json = (value: unknown): Json => value as Json;

function functionalConfig(net: Net, topology: Functional): Config {
  const { nodes, ends, layers } = topology;
  const indices = nodeIndices(nodes);
  const history = (node: TopologyNode): Json => [node.layer.name, indices.get(node)!, 0];
  const shapeOf = (node: TopologyNode) => topology.outputShapeOf(node.layer)!;
  const tensor = (node: TopologyNode): Json => ({
    class_name: "__keras_tensor__",
    config: { shape: batched(shapeOf(node)), dtype: "float32", keras_history: history(node) },
  });
  const listed = (list: readonly TopologyNode[], isList: boolean): Json =>
    isList ? list.map(history) : history(list[0]);
  return {
    name: net.name,
    trainable: true,
    layers: layers.map((layer) => {
      const own = nodes.filter((node) => node.layer === layer && node.inputs.length > 0);
      const [first] = own;
      const shapes = first?.inputs.map(shapeOf);
      const inputShape = shapes && (first.isList ? shapes.map(batched) : batched(shapes[0]));
      return {
        ...layerJson(layer, inputShape),
        name: layer.name,
        inbound_nodes: own.map((node) => ({
          args: node.isList ? [node.inputs.map(tensor)] : [tensor(node.inputs[0])],
          kwargs: {},
        })),
      };
    }),
    input_layers: listed(ends.inputs, ends.inputs.length > 1),
    output_layers: listed(ends.outputs, net.hasListOfOutputs),
  };
}

/** Counts each layer's applications, as Keras does. */
function nodeIndices(nodes: readonly TopologyNode[]): Map<TopologyNode, number> {
  const counts = new Map<AnyLayer, number>();
  return new Map(
    nodes.map((node) => {
      const index = counts.get(node.layer) ?? 0;
      counts.set(node.layer, index + 1);
      return [node, index] as const;
    }),
  );
}

// ------------------------------------------------------------------------------------- reading

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

function readSequence(config: Readonly<Record<string, unknown>>, custom: CustomObjects): Sequence {
  const layers = listOf(config.layers, "layers").map((layer) => deserializeLayer(layer, custom));
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

/** Where a tensor comes from: layer, application, output. */
type History = readonly [layer: string, node: number];

interface Call {
  readonly inputs: readonly History[];
  readonly isList: boolean;
}

function readFunctional(
  config: Readonly<Record<string, unknown>>,
  custom: CustomObjects,
): Omit<ConfiguredModel, "name"> {
  const entries = listOf(config.layers, "layers") as Readonly<Record<string, unknown>>[];
  const layers = new Map<string, AnyLayer>();
  const calls = new Map<string, Call[]>();
  for (const entry of entries) {
    const layer = deserializeLayer(entry, custom);
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
    const inputs = value.map(readHistory);
    return { inputs, isList: inputs.length > 1 };
  }
  const { args } = (value ?? {}) as { args?: unknown };
  const [first] = listOf(args, "args of inbound_nodes");
  const isList = Array.isArray(first);
  return { inputs: (isList ? first : [first]).map(readTensor), isList };
}

function readTensor(value: unknown): History {
  const { config } = (value ?? {}) as { config?: { keras_history?: unknown } };
  return readHistory(config?.keras_history);
}

function readHistory(value: unknown): History {
  const [name, index] = listOf(value, "keras_history");
  if (typeof name !== "string" || !Number.isSafeInteger(index))
    return fail("keras_history to be [layer, node, tensor]", describe(value));
  return [name, index as number];
}

/** `["input", 0, 0]`, or a list of such. */
function readEnds(value: unknown, what: string): { list: History[]; isList: boolean } {
  const all = listOf(value, what);
  if (typeof all[0] === "string") return { list: [readHistory(all)], isList: false };
  return { list: all.map(readHistory), isList: all.length > 1 || what === "output_layers" };
}

function listOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  return fail(`${what} to be a list`, describe(value));
}

function fail(expected: string, received: string): never {
  throw new DataError({ who, expected, received });
}
