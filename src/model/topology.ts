/** How layers make a model: here, one after the other. */
import { describe, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sameShape } from "../base/shape.ts";
import { type CallContext, ForwardPass } from "../nn/context.ts";
import { checkOutput, Layer, probeBatch } from "../nn/layer.ts";
import { NameCounter, toSnakeCase } from "../nn/names.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";
import { blaming, following } from "./blame.ts";

/** A model's layers and how they are connected: what the step graph, summary and files ask. */
export interface Topology {
  /** In the order of the model's weights. */
  readonly layers: readonly Layer[];
  /** Shape of one input sample, if it is known before any data comes. */
  readonly knownInputShape: Shape | undefined;
  readonly built: boolean;
  /** Shape of one input sample. Throws a StateError before `build`. */
  readonly inputShape: Shape;
  /** Shape of one output sample. Throws a StateError before `build`. */
  readonly outputShape: Shape;
  /** Makes the layers' weights from (seed, path), and checks that the layers fit together. */
  build(inputShape: Shape, seed: number): void;
  /** Records the layers: `[batch, ...inputShape]` -> `[batch, ...outputShape]`. */
  call(x: Tensor, pass: ForwardPass): Tensor;
  /** Shape of one output sample of a layer; undefined before `build`. */
  outputShapeOf(layer: Layer): Shape | undefined;
}

/** Layers one after the other. */
export class Sequence implements Topology {
  readonly #layers: Layer[] = [];
  /** Shapes of one output sample of the layers that are built. */
  #shapes: Shape[] = [];
  #inputShape: Shape | undefined;

  constructor(layers: readonly Layer[]) {
    if (!Array.isArray(layers))
      throw new ValueError({
        who: "sequential",
        expected: "layers must be an array",
        received: describe(layers),
      });
    for (const layer of layers) this.#append(layer);
    assignNames(this.#layers);
  }

  get layers(): readonly Layer[] {
    return this.#layers;
  }

  get knownInputShape(): Shape | undefined {
    return this.#inputShape ?? this.#layers[0]?.inputShape;
  }

  get built(): boolean {
    return this.#inputShape !== undefined && this.#shapes.length === this.#layers.length;
  }

  get inputShape(): Shape {
    return this.#inputShape ?? notBuilt();
  }

  get outputShape(): Shape {
    return (this.built ? this.#shapes.at(-1) : undefined) ?? notBuilt();
  }

  outputShapeOf(layer: Layer): Shape | undefined {
    return this.#shapes[this.#layers.indexOf(layer)];
  }

  /** Adds a layer at the end; the next `build` builds it. */
  add(layer: Layer): void {
    this.#append(layer);
    assignNames(this.#layers);
  }

  /** Takes back the last layer that `add` added, where it could not be built. */
  removeLast(): void {
    this.#layers.pop();
  }

  #append(layer: Layer): void {
    const who = "sequential";
    if (!(layer instanceof Layer))
      throw new ValueError({
        who,
        expected: "its parts must be layers",
        received: `${describe(layer)} at ${this.#layers.length}`,
        fix: "Example: sequential([layers.dense({ units: 10, inputShape: [4] })])",
      });
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

  build(inputShape: Shape, seed: number): void {
    if (this.#layers.length === 0)
      throw new ValueError({ who: "sequential", expected: "at least one layer", received: "none" });
    if (this.#inputShape && !sameShape(this.#inputShape, inputShape))
      throw new StateError({
        who: "build",
        expected: `the model is built for inputs of shape ${formatShape(this.#inputShape)}`,
        received: formatShape(inputShape),
      });
    const paths = pathsOf(this.#layers);
    const shapes = [...this.#shapes];
    const fresh: Layer[] = [];
    try {
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
  }

  call(x: Tensor, pass: ForwardPass): Tensor {
    const paths = pathsOf(this.#layers);
    let y = x;
    for (const [i, layer] of this.#layers.entries())
      y = callLayer(layer, y, pass.contextOf(paths[i]), this.#shapes[i] ?? notBuilt());
    return y;
  }
}

/** Each layer's class, counted by class: `dense`, `dropout`, `dense_1`. */
function pathsOf(layers: readonly Layer[]): string[] {
  const counter = new NameCounter();
  return layers.map((layer) => counter.next(toSnakeCase(layer.className)));
}

/** Names for layers without a given one; a name from another model stays where it can. */
function assignNames(layers: readonly Layer[]): void {
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

/** Builds a layer, tries it once, and returns the shape of one output sample. */
function buildLayer(layer: Layer, inputShape: Shape, path: string, seed: number): Shape {
  return blaming(layer.label, () => {
    layer.buildFor(inputShape, { path, seed });
    const shape: unknown = layer.computeOutputShape(inputShape);
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
      throw new ShapeError({
        who: layer.label,
        expected: "computeOutputShape must return whole numbers of at least 1, without the batch",
        received: describe(shape),
      });
    const trace = new Trace();
    const x = trace.input("x", "float32", [probeBatch, ...inputShape]);
    const scalar = (name: string) => trace.input(name, "uint32", []);
    const source = () => ({
      seed: scalar("seed"),
      seedHigh: scalar("seedHigh"),
      step: scalar("step"),
    });
    const pass = new ForwardPass({ trace, sampling: true, batchStatistics: true, source });
    callLayer(layer, x, pass.contextOf(path), shape);
    return shape;
  });
}

function callLayer(layer: Layer, x: Tensor, context: CallContext, shape: Shape): Tensor {
  return blaming(layer.label, () => {
    const y = layer.call(x, context);
    checkOutput(layer, y, x.shape.slice(1), x.shape[0], shape);
    return y;
  });
}

function notBuilt(): never {
  throw new StateError({
    who: "model",
    expected: "it must be built",
    received: "a model whose input shape is not known yet",
    fix: "Give the first layer an inputShape, or call model.build(inputShape).",
  });
}
