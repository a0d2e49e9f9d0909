import { describe, ShapeError } from "../../base/errors.ts";
import { formatShape, type Shape, sizeOf } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Field, ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import type { SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.reshape`. */
export interface ReshapeOptions extends LayerOptions, ActivityOptions {
  /** The new shape of a sample, without the batch; one -1 is what remains. */
  readonly targetShape: Shape;
}

const targetField: Field<Shape> = {
  read: (value, name, who) => {
    const isSize = (size: unknown) => Number.isSafeInteger(size) && (size as number) >= 1;
    const rest = Array.isArray(value) ? value.filter((size) => size !== -1) : undefined;
    if (rest?.every(isSize) && (value as Shape).length - rest.length <= 1)
      return [...(value as Shape)];
    throw new ShapeError({
      who,
      expected: `${name} must be an array of whole numbers of at least 1, one of which may be -1`,
      received: describe(value),
      fix: "Example: targetShape: [8, -1], without the batch.",
    });
  },
};

/**
 * The same numbers of each sample, row-major, in another shape; no number is moved.
 *
 * @throws ShapeError where a sample has another number of numbers
 * @example layers.reshape({ targetShape: [32, -1, 3] })
 */
export class Reshape extends Layer {
  static override readonly className: string = "Reshape";

  static override readonly fields = { ...layerFields, ...activityFields, targetShape: targetField };

  declare readonly options: ValuesOf<typeof Reshape.fields>;

  constructor(options: ReshapeOptions) {
    super(options);
  }

  override build(inputShape: Shape): void {
    this.computeOutputShape(inputShape);
  }

  call(x: Tensor): Tensor {
    return x.reshape([x.shape[0], ...this.computeOutputShape(x.shape.slice(1))]);
  }

  override selfNormalizing(): SelfNormalizing {
    return {};
  }

  override computeOutputShape(inputShape: Shape): Shape {
    const { targetShape } = this.options;
    const size = sizeOf(inputShape);
    const known = sizeOf(targetShape.filter((n) => n !== -1));
    const shape = targetShape.map((n) => (n === -1 ? size / known : n));
    if (sizeOf(shape) === size && shape.every(Number.isSafeInteger)) return shape;
    throw new ShapeError({
      who: this.label,
      expected: `inputs whose numbers fill its targetShape ${formatShape(targetShape)}`,
      received: `shape ${formatShape(inputShape)}, ${size} numbers`,
    });
  }
}

/** Makes a `Reshape`. */
export const reshape = (options: ReshapeOptions): Reshape => new Reshape(options);
