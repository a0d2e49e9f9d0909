/** How layers make a model: what the step graph, summary and files ask of it. */
import { describe, ShapeError, StateError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import { type CallContext, ForwardPass } from "../nn/context.ts";
import {
  type AnyLayer,
  checkOutput,
  formatShapes,
  type LayerInput,
  probeInputs,
} from "../nn/layer.ts";
import { calledOn } from "../nn/layer-apply.ts";
import { NameCounter, toSnakeCase } from "../nn/names.ts";
import { penaltyOf } from "../nn/regularizers.ts";
import { inputSource } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";
import { blaming } from "./blame.ts";

/** A place where data goes in or comes out. */
export interface Port {
  /** The name of its layer: for data given by name, and in the names of logs. */
  readonly name: string;
}

/** A layer applied to what others made: a row of the summary, a node of the graph. */
export interface TopologyNode {
  readonly layer: AnyLayer;
  /** The nodes that it gets its inputs from; none for an input of the model. */
  readonly inputs: readonly TopologyNode[];
  /** Whether the layer gets its inputs as a list. */
  readonly isList: boolean;
}

/** A model's layers and how they are connected. Shapes are those of one sample. */
export interface Topology {
  /** Keras's class of models of this kind. */
  readonly className: "Sequential" | "Functional";
  /** In the order of the model's weights. */
  readonly layers: readonly AnyLayer[];
  /** Every application of a layer, in an order that can be computed. */
  readonly nodes: readonly TopologyNode[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Shapes of the inputs, if they are known before any data comes. */
  readonly knownInputShapes: readonly Shape[] | undefined;
  readonly built: boolean;
  /** Throws a StateError before `build`. */
  readonly inputShapes: readonly Shape[];
  /** Throws a StateError before `build`. */
  readonly outputShapes: readonly Shape[];
  /** Makes the layers' weights from (seed, path), and checks that the layers fit together. */
  build(inputShapes: readonly Shape[], seed: number): void;
  /** Takes back a build for data that turned out to be bad; absent: it is built from the start. */
  unbuild?(): void;
  /** Records the layers: one tensor `[batch, ...shape]` for each input and output. */
  call(inputs: readonly Tensor[], pass: ForwardPass): Tensor[];
  /** Shape of one output sample of a layer; undefined before `build`. */
  outputShapeOf(layer: AnyLayer): Shape | undefined;
}

/**
 * Each layer's class, counted by class: `dense`, `dropout`, `dense_1`. Noise is drawn from these
 * paths.
 */
export function pathsOf(layers: readonly AnyLayer[]): string[] {
  const counter = new NameCounter();
  return layers.map((layer) => counter.next(toSnakeCase(layer.className)));
}

/**
 * Paths for weights: those of layers that another model built stay theirs, and no other layer takes
 * one of them, which would mean the same draws.
 */
export function weightPathsOf(layers: readonly AnyLayer[]): string[] {
  const taken = new Set(layers.flatMap(({ path }) => path ?? []));
  const counter = new NameCounter(taken);
  return layers.map((layer) => layer.path ?? counter.next(toSnakeCase(layer.className)));
}

/** Names for layers without a given one; a name from another model stays where it can. */
export function assignNames(layers: readonly AnyLayer[]): void {
  const unnamed = layers.filter((layer) => layer.givenName === undefined);
  const taken = new Set(layers.flatMap((layer) => layer.givenName ?? []));
  const fresh = unnamed.filter(({ assignedName }) => {
    if (assignedName === undefined || taken.has(assignedName)) return true;
    taken.add(assignedName);
    return false;
  });
  const counter = new NameCounter(taken);
  for (const layer of fresh) layer.assignName(counter.next(toSnakeCase(layer.className)));
}

/** Which application of its layer each node is, as files and summaries count them. */
export function nodeIndices(nodes: readonly TopologyNode[]): Map<TopologyNode, number> {
  const counts = new Map<AnyLayer, number>();
  return new Map(
    nodes.map((node) => {
      const index = counts.get(node.layer) ?? 0;
      counts.set(node.layer, index + 1);
      return [node, index] as const;
    }),
  );
}

/** The name that two of the layers were both given, if there is one. */
export function nameGivenTwice(layers: readonly AnyLayer[]): string | undefined {
  const names = layers.flatMap((layer) => layer.givenName ?? []);
  return names.find((name, i) => names.indexOf(name) !== i);
}

/**
 * Builds a layer, tries it once, and returns the shape of one output sample.
 *
 * @param shapes of its inputs: a list for a layer that takes a list
 */
export function buildLayer(
  layer: AnyLayer,
  shapes: Shape | readonly Shape[],
  path: string,
  seed: number,
): Shape {
  return blaming(layer.label, () => {
    layer.buildFor(shapes as never, { path, seed });
    const shape: unknown = layer.computeOutputShape(shapes as never);
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
      throw new ShapeError({
        who: layer.label,
        expected: "computeOutputShape must return whole numbers of at least 1, without the batch",
        received: describe(shape),
      });
    const trace = new Trace();
    const inputs = probeInputs(trace, shapes);
    const source = () => inputSource(trace);
    const pass = new ForwardPass({ trace, sampling: true, batchStatistics: true, source });
    callLayer(layer, inputs, pass.contextOf(path), shape);
    return shape;
  });
}

/** Records a layer, and what it adds to the loss by its activity regularizer. */
export function callLayer(
  layer: AnyLayer,
  inputs: LayerInput,
  context: CallContext,
  shape: Shape,
): Tensor {
  return blaming(layer.label, () => {
    const list = Array.isArray(inputs) ? (inputs as Tensor[]) : [inputs as Tensor];
    const shapes = list.map((x) => x.shape.slice(1));
    const y = calledOn(layer, inputs as never, context);
    checkOutput(layer, y, Array.isArray(inputs) ? shapes : shapes[0]!, list[0]!.shape[0]!, shape);
    const { activityRegularizer } = layer;
    if (activityRegularizer)
      context.addLoss(penaltyOf(activityRegularizer, y).multiply(1 / y.shape[0]!));
    return y;
  });
}

/** Throws a StateError unless the shapes are those that the model is built for. */
export function checkSameShapes(known: readonly Shape[], given: readonly Shape[]): void {
  if (formatShapes(known) === formatShapes(given)) return;
  throw new StateError({
    who: "build",
    expected: `the model is built for inputs of shape ${formatShapes(known)}`,
    received: formatShapes(given),
  });
}

export function notBuilt(): never {
  throw new StateError({
    who: "model",
    expected: "it must be built",
    received: "a model whose input shape is not known yet",
    fix: "Give the first layer an inputShape, or call model.build(inputShape).",
  });
}
