/** Layers connected as one likes: several inputs and outputs, shared layers, parts of other models. */
import { describe, ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { ForwardPass } from "../nn/context.ts";
import { type AnyLayer, Layer, type LayerInput } from "../nn/layer.ts";
import { InputLayer } from "../nn/layers/input.ts";
import { SymbolicTensor, setSymbolicShape } from "../nn/symbolic.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { following } from "./blame.ts";
import {
  assignNames,
  buildLayer,
  callLayer,
  checkSameShapes,
  nameGivenTwice,
  type Port,
  pathsOf,
  type Topology,
  type TopologyNode,
  weightPathsOf,
} from "./topology.ts";

const who = "model";

/** One application of a layer. */
interface Node extends TopologyNode {
  readonly tensor: SymbolicTensor;
  readonly layer: AnyLayer;
  readonly inputs: readonly Node[];
}

/** What lies between inputs and outputs. */
export class Functional implements Topology {
  readonly className = "Functional";
  readonly layers: readonly AnyLayer[];
  readonly nodes: readonly Node[];
  readonly knownInputShapes: readonly Shape[];
  readonly #inputTensors: readonly SymbolicTensor[];
  readonly #outputTensors: readonly SymbolicTensor[];
  readonly #shapes = new Map<SymbolicTensor, Shape>();
  #built = false;

  /**
   * @throws ValueError where an output hangs on an input that is not among `inputs`, or an input is
   *   used by none of the outputs
   */
  constructor(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[]) {
    checkTensors(inputs, "inputs");
    checkTensors(outputs, "outputs");
    this.#inputTensors = inputs;
    this.#outputTensors = outputs;
    this.nodes = nodesBetween(inputs, outputs);
    this.layers = layersInOrder(this.nodes, outputs);
    const twice = nameGivenTwice(this.layers);
    if (twice !== undefined)
      throw new ValueError({
        who,
        expected: "names of layers must differ",
        received: `two layers named "${twice}"`,
      });
    assignNames(this.layers);
    this.knownInputShapes = inputs.map(({ shape }) => shape);
  }

  get inputs(): readonly Port[] {
    return portsOf(this.#inputTensors);
  }

  get outputs(): readonly Port[] {
    return portsOf(this.#outputTensors);
  }

  /** Positions among `nodes` of the inputs and outputs, for files. */
  get ends(): { inputs: readonly Node[]; outputs: readonly Node[] } {
    const nodeOf = (tensor: SymbolicTensor) => this.nodes.find((node) => node.tensor === tensor)!;
    return { inputs: this.#inputTensors.map(nodeOf), outputs: this.#outputTensors.map(nodeOf) };
  }

  get built(): boolean {
    return this.#built;
  }

  get inputShapes(): readonly Shape[] {
    return this.knownInputShapes;
  }

  get outputShapes(): readonly Shape[] {
    return this.#outputTensors.map((tensor) => this.#shapes.get(tensor)!);
  }

  outputShapeOf(layer: AnyLayer): Shape | undefined {
    const node = this.nodes.find((one) => one.layer === layer);
    return node && this.#shapes.get(node.tensor);
  }

  build(inputShapes: readonly Shape[], seed: number): void {
    checkSameShapes(this.knownInputShapes, inputShapes);
    if (this.#built) return;
    const weightPaths = weightPathsOf(this.layers);
    const paths = new Map(this.layers.map((layer, i) => [layer, weightPaths[i]]));
    const shapes = new Map<SymbolicTensor, Shape>();
    const fresh: AnyLayer[] = [];
    try {
      for (const { layer, tensor, inputs } of this.nodes) {
        if (!layer.built) fresh.push(layer);
        const given = inputs.map((input) => shapes.get(input.tensor)!);
        const own = tensor.isList ? given : (given[0] ?? layer.inputShape!);
        const before = inputs.map((input) => input.layer.label).join(" and ");
        const shape = following(before || undefined, () =>
          buildLayer(layer, own, paths.get(layer)!, seed),
        );
        shapes.set(tensor, shape);
      }
    } catch (error) {
      for (const layer of fresh) layer.unbuild();
      throw error;
    }
    for (const [tensor, shape] of shapes) {
      this.#shapes.set(tensor, shape);
      setSymbolicShape(tensor, shape);
    }
    this.#built = true;
  }

  call(given: readonly Tensor[], pass: ForwardPass): Tensor[] {
    const paths = pathsOf(this.layers);
    const values = new Map<SymbolicTensor, Tensor>();
    for (const [i, tensor] of this.#inputTensors.entries()) values.set(tensor, given[i]);
    // A shared layer has one context: its second application draws other noise.
    const contexts = new Map(
      this.layers.map((layer, i) => [layer, pass.contextOf(paths[i])] as const),
    );
    for (const { layer, tensor, inputs } of this.nodes) {
      if (values.has(tensor)) continue;
      const list = inputs.map((input) => values.get(input.tensor)!);
      const x: LayerInput = tensor.isList ? list : list[0];
      values.set(tensor, callLayer(layer, x, contexts.get(layer)!, this.#shapes.get(tensor)!));
    }
    return this.#outputTensors.map((tensor) => values.get(tensor)!);
  }
}

const layerOf = (tensor: SymbolicTensor): AnyLayer => tensor.layer as unknown as AnyLayer;

function checkTensors(tensors: readonly SymbolicTensor[], name: string): void {
  const isGood =
    Array.isArray(tensors) &&
    tensors.length > 0 &&
    tensors.every((tensor) => tensor instanceof SymbolicTensor && tensor.layer instanceof Layer);
  if (!isGood)
    throw new ValueError({
      who,
      expected: `${name} must be tensors that input() and layers' apply() returned`,
      received: describe(tensors),
      fix: "Example: const x = input({ shape: [4] }); model({ inputs: x, outputs: layer.apply(x) })",
    });
  if (new Set(tensors).size !== tensors.length)
    throw new ValueError({ who, expected: `each of ${name} once`, received: "one twice" });
}

/** All applications from the inputs on, each after what it needs; in the order they were made. */
function nodesBetween(
  inputs: readonly SymbolicTensor[],
  outputs: readonly SymbolicTensor[],
): Node[] {
  const nodes = new Map<SymbolicTensor, Node>();
  const used = new Set<SymbolicTensor>();
  const pending = [...outputs];
  const found = new Set<SymbolicTensor>();
  while (pending.length > 0) {
    const tensor = pending.pop()!;
    if (found.has(tensor)) continue;
    found.add(tensor);
    if (inputs.includes(tensor)) {
      used.add(tensor);
      continue;
    }
    if (tensor.inputs.length === 0)
      throw new ValueError({
        who,
        expected: "every output must hang on the inputs alone",
        received: `${layerOf(tensor).label}, which is needed and is not among the inputs`,
        fix: "Add it to inputs, or connect the layers to another input.",
      });
    pending.push(...tensor.inputs);
  }
  const unused = inputs.find((input) => !used.has(input));
  if (unused)
    throw new ValueError({
      who,
      expected: "every input must be connected to an output",
      received: `${layerOf(unused).label}, which leads to none`,
    });
  // A tensor can only be made of earlier ones, so their numbers are an order.
  for (const tensor of [...found].sort((a, b) => a.id - b.id)) {
    const isInput = inputs.includes(tensor);
    const layer = layerOf(tensor);
    if (isInput && !(layer instanceof InputLayer))
      throw new ValueError({
        who,
        expected: "inputs must be what input() returned",
        received: `the output of ${layer.label}`,
      });
    const before = isInput ? [] : tensor.inputs.map((input) => nodes.get(input)!);
    nodes.set(tensor, { tensor, layer, inputs: before, isList: tensor.isList });
  }
  return [...nodes.values()];
}

/**
 * Keras's order (keras/src/ops/function.py, `map_graph`): by depth, the farthest from the outputs
 * first; layers of one depth in the order in which a walk from the outputs leaves them.
 */
function layersInOrder(nodes: readonly Node[], outputs: readonly SymbolicTensor[]): AnyLayer[] {
  const rank = new Map<AnyLayer, number>();
  const depths = new Map<Node, number>();
  const ordered: Node[] = [];
  const done = new Set<Node>();
  const visit = (node: Node): void => {
    if (done.has(node)) return;
    done.add(node);
    if (!rank.has(node.layer)) rank.set(node.layer, rank.size);
    for (const input of node.inputs) visit(input);
    ordered.push(node);
  };
  for (const output of outputs) visit(nodes.find((node) => node.tensor === output)!);
  const layerDepths = new Map<AnyLayer, number>();
  for (const node of ordered.reverse()) {
    const depth = Math.max(depths.get(node) ?? 0, layerDepths.get(node.layer) ?? 0);
    layerDepths.set(node.layer, depth);
    depths.set(node, depth);
    for (const input of node.inputs) depths.set(input, Math.max(depth + 1, depths.get(input) ?? 0));
  }
  const layers = [...layerDepths.keys()];
  return layers.sort(
    (a, b) => layerDepths.get(b)! - layerDepths.get(a)! || rank.get(a)! - rank.get(b)!,
  );
}

/** Each end's name: its layer's, counted where a layer has several. */
function portsOf(tensors: readonly SymbolicTensor[]): Port[] {
  const counts = new Map<string, number>();
  return tensors.map((tensor) => {
    const { name } = layerOf(tensor);
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return { name: count === 0 ? name : `${name}_${count}` };
  });
}
