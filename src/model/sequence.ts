/** Layers one after the other. */
import { describe, ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { ForwardPass } from "../nn/context.ts";
import { type AnyLayer, Layer } from "../nn/layer.ts";
import { InputLayer } from "../nn/layers/input.ts";
import { SymbolicTensor } from "../nn/symbolic.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { following } from "./blame.ts";
import {
  assignNames,
  buildLayer,
  callLayer,
  checkSameShapes,
  notBuilt,
  type Port,
  pathsOf,
  type Topology,
  type TopologyNode,
  weightPathsOf,
} from "./topology.ts";

/** A part of a sequential model: a layer, or at its start what `input()` made. */
export type SequencePart = AnyLayer | SymbolicTensor;

/** Layers one after the other. */
export class Sequence implements Topology {
  readonly className = "Sequential";
  readonly #layers: AnyLayer[] = [];
  /** The first part, where it only tells the shape of the inputs. */
  #inputLayer: InputLayer | undefined;
  /** Shapes of one output sample of the layers that are built. */
  #shapes: Shape[] = [];
  #inputShape: Shape | undefined;
  /** The layers that the last build made weights for. */
  #lastBuilt: readonly AnyLayer[] = [];

  constructor(parts: readonly SequencePart[]) {
    if (!Array.isArray(parts))
      throw new ValueError({
        who: "sequential",
        expected: "layers must be an array",
        received: describe(parts),
      });
    for (const part of parts) this.#append(part);
    assignNames(this.#layers);
  }

  get layers(): readonly AnyLayer[] {
    return this.#layers;
  }

  /** The layer made by `input()`, where the model began with one. */
  get inputLayer(): InputLayer | undefined {
    return this.#inputLayer;
  }

  get nodes(): readonly TopologyNode[] {
    const nodes: TopologyNode[] = [];
    for (const layer of this.#layers) nodes.push({ layer, inputs: nodes.slice(-1), isList: false });
    return nodes;
  }

  get inputs(): readonly Port[] {
    return [{ name: this.#inputLayer?.name ?? this.#layers[0]?.name ?? "input" }];
  }

  get outputs(): readonly Port[] {
    return [{ name: this.#layers.at(-1)?.name ?? "output" }];
  }

  get knownInputShapes(): readonly Shape[] | undefined {
    const first = this.#inputLayer ?? this.#layers[0];
    const shape = this.#inputShape ?? first?.inputShape;
    return shape && [shape];
  }

  get built(): boolean {
    return this.#inputShape !== undefined && this.#shapes.length === this.#layers.length;
  }

  get inputShapes(): readonly Shape[] {
    return [this.#inputShape ?? notBuilt()];
  }

  get outputShapes(): readonly Shape[] {
    return [(this.built ? this.#shapes.at(-1) : undefined) ?? notBuilt()];
  }

  outputShapeOf(layer: AnyLayer): Shape | undefined {
    return this.#shapes[this.#layers.indexOf(layer)];
  }

  /** Adds a layer at the end; the next `build` builds it. */
  add(part: SequencePart): void {
    this.#append(part);
    assignNames(this.#layers);
  }

  /** Takes back the last layer that `add` added, where it could not be built. */
  removeLast(): void {
    if (this.#layers.length === 0) this.#inputLayer = undefined;
    this.#layers.pop();
    this.#shapes.length = Math.min(this.#shapes.length, this.#layers.length);
  }

  #append(part: SequencePart): void {
    const who = "sequential";
    const isInput = part instanceof SymbolicTensor && part.layer instanceof InputLayer;
    const layer: unknown = isInput ? part.layer : part;
    if (!(layer instanceof Layer))
      throw new ValueError({
        who,
        expected: "its parts must be layers",
        received: `${describe(part)} at ${this.#layers.length}`,
        fix: "Example: sequential([layers.dense({ units: 10, inputShape: [4] })])",
      });
    if (layer instanceof InputLayer) return this.#begin(layer);
    if (this.#layers.includes(layer))
      throw new ValueError({ who, expected: "each layer once", received: `${layer.label} twice` });
    const { givenName } = layer;
    if (givenName !== undefined && this.#layers.some((other) => other.givenName === givenName))
      throw new ValueError({
        who,
        expected: "names of layers must differ",
        received: `two layers named "${givenName}"`,
      });
    this.#layers.push(layer);
  }

  #begin(layer: InputLayer): void {
    if (this.#layers.length > 0 || this.#inputLayer)
      throw new ValueError({
        who: "sequential",
        expected: "an input must be the first part",
        received: `${layer.label} at ${this.#layers.length}`,
      });
    this.#inputLayer = layer;
  }

  build([inputShape]: readonly Shape[], seed: number): void {
    if (this.#layers.length === 0)
      throw new ValueError({ who: "sequential", expected: "at least one layer", received: "none" });
    if (this.#inputShape) checkSameShapes([this.#inputShape], [inputShape]);
    const paths = weightPathsOf(this.#layers);
    const shapes = [...this.#shapes];
    const fresh: AnyLayer[] = [];
    try {
      this.#inputLayer?.build(inputShape);
      for (const [i, layer] of this.#layers.entries()) {
        if (i < shapes.length) continue;
        const before = shapes[i - 1] ?? inputShape;
        if (!layer.built) fresh.push(layer);
        const shape = following(this.#layers[i - 1]?.label, () =>
          buildLayer(layer, before, paths[i], seed),
        );
        shapes.push(shape);
      }
    } catch (error) {
      for (const layer of fresh) layer.unbuild();
      throw error;
    }
    this.#shapes = shapes;
    this.#inputShape = inputShape;
    this.#lastBuilt = fresh;
  }

  unbuild(): void {
    for (const layer of this.#lastBuilt) layer.unbuild();
    this.#lastBuilt = [];
    this.#shapes = [];
    this.#inputShape = undefined;
  }

  call([x]: readonly Tensor[], pass: ForwardPass): Tensor[] {
    const paths = pathsOf(this.#layers);
    let y = x;
    for (const [i, layer] of this.#layers.entries())
      y = callLayer(layer, y, pass.contextOf(paths[i]), this.#shapes[i] ?? notBuilt());
    return [y];
  }
}
