import { ShapeError } from "../../base/errors.ts";
import type { Shape } from "../../base/shape.ts";
import { concatenate as concatenated } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { dimension, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  formatShapes,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { joins, type SelfNormalizing } from "../self-normalizing.ts";
import { positionOf } from "./axes.ts";
import { checkList } from "./merge.ts";

/** Options of `layers.concatenate`. */
export interface ConcatenateOptions extends LayerOptions, ActivityOptions {
  /** The dimension along which inputs follow one another; not the batch, which is 0. Default: -1. */
  readonly axis?: number;
}

/**
 * All inputs one after the other along a dimension; in all others they have one size.
 *
 * @throws ShapeError where the other dimensions differ
 * @example layers.concatenate().apply([a, b])
 */
export class Concatenate extends Layer<readonly Tensor[]> {
  static override readonly className: string = "Concatenate";

  static override readonly fields = { ...layerFields, ...activityFields, axis: dimension(-1) };

  declare readonly options: ValuesOf<typeof Concatenate.fields>;

  constructor(options: ConcatenateOptions = {}) {
    super(options);
  }

  override build(shapes: readonly Shape[]): void {
    this.computeOutputShape(shapes);
  }

  call(inputs: readonly Tensor[]): Tensor {
    const [first] = inputs as readonly [Tensor, ...Tensor[]];
    const at = positionOf(this.options.axis, first.shape.slice(1), this.label);
    return inputs.length === 1 ? first : concatenated(inputs, at);
  }

  override selfNormalizing(): SelfNormalizing {
    return joins();
  }

  override computeOutputShape(shapes: readonly Shape[]): Shape {
    checkList(shapes, this.label, "concatenate()");
    const [first] = shapes as readonly [Shape, ...Shape[]];
    const at = positionOf(this.options.axis, first, this.label) - 1;
    const fits = (shape: Shape) =>
      shape.length === first.length && shape.every((size, i) => i === at || size === first[i]);
    if (!shapes.every(fits))
      throw new ShapeError({
        who: this.label,
        expected: `inputs of one shape except for dimension ${at + 1}`,
        received: formatShapes(shapes),
      });
    return first.with(
      at,
      shapes.reduce((sum, shape) => sum + shape[at]!, 0),
    );
  }
}

/** Makes a `Concatenate`. */
export const concatenate = (options: ConcatenateOptions = {}): Concatenate =>
  new Concatenate(options);
