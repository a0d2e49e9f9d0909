/** Models as Keras's config objects: what connects the layers, and what the model is trained with. */
import type { Shape } from "../base/shape.ts";
import type { Json } from "../nn/fields.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { serializeLayer } from "../nn/layer-registry.ts";
import { InputLayer } from "../nn/layers/input.ts";
import type { Serialized } from "../nn/serialization.ts";
import { compileConfig } from "./compile-config.ts";
import type { Functional } from "./functional.ts";
import type { Net } from "./net.ts";
import { Sequence } from "./sequence.ts";
import { nodeIndices, type TopologyNode } from "./topology.ts";

type Config = { readonly [key: string]: Json };

/** A model in Keras's form. */
export interface ModelConfig extends Serialized {
  readonly config: Config;
  /** What Keras builds the model with. */
  readonly build_config?: Config;
  /** What it is trained with; absent before `compile`. */
  readonly compile_config?: Config;
}

const batched = (shape: Shape): Json => [null, ...shape];

/**
 * The model as Keras 3 writes it, without weights.
 *
 * @param compile what it is trained with, where that is to be written otherwise
 */
export function modelConfig(
  net: Net,
  compile = net.compiled && compileConfig(net.compiled),
): ModelConfig {
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
    ...(compile && { compile_config: compile }),
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
  // Of the application: a shared layer may see several shapes.
  const shapeOf = (node: Functional["nodes"][number]) => node.tensor.shape;
  const tensor = (node: Functional["nodes"][number]): Json => ({
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
