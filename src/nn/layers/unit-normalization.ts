import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherNormalization, type SelfNormalizing } from "../self-normalizing.ts";
import { type Axes, axesField, positionsOf } from "./axes.ts";

/** Options of `layers.unitNormalization`. */
export interface UnitNormalizationOptions extends LayerOptions, ActivityOptions {
  /** The dimensions over which the squares are summed; the batch is 0. Default: -1, the last. */
  readonly axis?: Axes;
}

/** Below this a length is taken as this, so that zeros stay zeros. */
const shortest = 1e-12;

/**
 * x divided by its length over the dimensions at `positions`. A sum of squares below shortest^2
 * counts as that: there the gradient is that of a division by a constant, where Keras's is NaN at 0.
 */
export function unit(x: Tensor, positions: readonly number[], least = shortest): Tensor {
  const squares = x.square().sum(positions, true);
  return x.multiply(
    squares
      .maximum(least ** 2)
      .squareRoot()
      .reciprocal(),
  );
}

/**
 * Scales each sample to length 1: x / sqrt(sum(x^2)), the sum over `axis`. Samples of zeros stay.
 *
 * @throws ShapeError where the inputs have no such dimensions
 * @example layers.unitNormalization()
 */
export class UnitNormalization extends Layer {
  static override readonly className: string = "UnitNormalization";

  static override readonly fields = { ...layerFields, ...activityFields, axis: axesField(-1) };

  declare readonly options: ValuesOf<typeof UnitNormalization.fields>;

  constructor(options: UnitNormalizationOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    this.#positions(inputShape);
  }

  call(x: Tensor): Tensor {
    return unit(x, this.#positions(x.shape.slice(1)));
  }

  override selfNormalizing(): SelfNormalizing {
    return otherNormalization();
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  #positions(inputShape: Shape): number[] {
    return positionsOf(this.options.axis, inputShape, this.label, { batch: true });
  }
}

/** Makes a `UnitNormalization`. */
export const unitNormalization = (options: UnitNormalizationOptions = {}): UnitNormalization =>
  new UnitNormalization(options);
