import { ShapeError } from "../../base/errors.ts";
import { formatShape, type Shape, sameShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Field, type Json, keyed, shape, text, type ValuesOf } from "../fields.ts";
import { Layer, layerFields } from "../layer.ts";
import type { SelfNormalizing } from "../self-normalizing.ts";
import { SymbolicTensor, setSymbolicShape } from "../symbolic.ts";

/** Options of `input`. */
export interface InputOptions {
  /** Shape of one sample, without the batch. */
  readonly shape: Shape;
  /** Unique within a model. Default: `input_layer`, counted. */
  readonly name?: string;
  /** What the data comes in is decided by the data; Keras's files have this. Default: `float32`. */
  readonly dtype?: string;
}

/** Keras writes the batch too: `[null, 32, 32, 3]`. */
const sampleShapeField: Field<Shape> = {
  ...keyed("batch_shape", shape(), ["batch_input_shape", "shape"]),
  write: (value) => [null, ...value],
  parse: (value: Json) => (Array.isArray(value) && value[0] === null ? value.slice(1) : value),
};

/**
 * Where a model takes its data. Made by `input()`; as the first layer of a sequential model it
 * builds the model, and `model.layers` leaves it out, as in Keras.
 *
 * @example sequential([layers.input({ shape: [4] }), layers.dense({ units: 1 })])
 */
export class InputLayer extends Layer {
  static override readonly className: string = "InputLayer";

  static override readonly fields = {
    name: layerFields.name,
    shape: sampleShapeField,
    dtype: text("float32"),
  };

  declare readonly options: ValuesOf<typeof InputLayer.fields>;

  constructor(options: InputOptions) {
    super(options);
  }

  /** Shape of one sample. */
  override get inputShape(): Shape {
    return this.options.shape;
  }

  override build(inputShape: Shape): void {
    if (sameShape(inputShape, this.inputShape)) return;
    throw new ShapeError({
      who: this.label,
      expected: `inputs of shape ${formatShape(this.inputShape)}`,
      received: formatShape(inputShape),
    });
  }

  call(x: Tensor): Tensor {
    return x;
  }

  override selfNormalizing(): SelfNormalizing {
    return {};
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `InputLayer`, for the start of a sequential model. */
export const inputLayer = (options: InputOptions): InputLayer => new InputLayer(options);

/**
 * An input of a functional model: apply layers to it, then make `model({ inputs, outputs })`.
 *
 * @throws ShapeError for a shape that is none
 * @example
 * const x = input({ shape: [4] });
 * const y = layers.dense({ units: 1 }).apply(x);
 * const net = model({ inputs: x, outputs: y });
 */
export function input(options: InputOptions): SymbolicTensor {
  const tensor = new SymbolicTensor(new InputLayer(options), [], false);
  setSymbolicShape(tensor, options.shape);
  return tensor;
}
