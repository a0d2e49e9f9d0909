/**
 * How a functional model is drawn: each application of a layer to tensors is a node; a model is made
 * of what lies between its inputs and its outputs. Nothing is computed and no weight made here: that
 * comes with the model, which knows the seed and the paths.
 */
import { StateError, ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";

/** What a node of the drawing knows of its layer; models know that it is a `Layer`. */
export interface Applicable {
  readonly label: string;
}

/** What a layer makes of its inputs, in a model that is being connected. */
export class SymbolicTensor {
  /** The layer that makes it. */
  readonly layer: Applicable;
  /** What the layer was applied to; none for an input of a model. */
  readonly inputs: readonly SymbolicTensor[];
  /** Whether the layer gets its inputs as a list. */
  readonly isList: boolean;
  /** Counts all applications in order. */
  readonly id: number;

  constructor(layer: Applicable, inputs: readonly SymbolicTensor[], isList: boolean) {
    this.layer = layer;
    this.inputs = inputs;
    this.isList = isList;
    this.id = nextId++;
  }

  /** Shape of one sample. Known for inputs, and for other tensors once a model was made of them. */
  get shape(): Shape {
    const shape = shapes.get(this);
    if (shape) return shape;
    throw new StateError({
      who: this.layer.label,
      expected: "a tensor whose shape is known",
      received: "one whose model is not made yet",
      fix: "Shapes are known once model({ inputs, outputs }) has connected the layers.",
    });
  }
}

let nextId = 0;
const shapes = new WeakMap<SymbolicTensor, Shape>();

/** For models: notes the shape of one sample of a tensor. */
export function setSymbolicShape(tensor: SymbolicTensor, shape: Shape): void {
  shapes.set(tensor, shape);
}

/** The layer applied to symbolic tensors; undefined where these are none. */
export function applySymbolically(layer: Applicable, x: unknown): SymbolicTensor | undefined {
  if (x instanceof SymbolicTensor) return new SymbolicTensor(layer, [x], false);
  if (!Array.isArray(x) || !x.some((one) => one instanceof SymbolicTensor)) return undefined;
  const stray = x.findIndex((one) => !(one instanceof SymbolicTensor));
  if (stray >= 0)
    throw new ValueError({
      who: layer.label,
      expected: "a list of tensors of a model",
      received: `something else at ${stray}`,
    });
  return new SymbolicTensor(layer, x as SymbolicTensor[], true);
}
