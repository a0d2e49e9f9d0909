import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activations } from "../activations.ts";
import type { CallContext } from "../context.ts";
import type { ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherActivation, type SelfNormalizing } from "../self-normalizing.ts";
import { type Axes, axesField, positionsOf } from "./axes.ts";

/** Options of `layers.softmax`. */
export interface SoftmaxOptions extends LayerOptions, ActivityOptions {
  /**
   * The dimension along which the outputs sum to 1, or several together. The batch is 0, negative
   * ones count from the end. Default: -1.
   */
  readonly axis?: Axes;
}

/**
 * exp(x_i) / sum_j exp(x_j), shifted so that it never overflows. As a model's output it lets
 * cross-entropy be computed from the logits.
 *
 * @throws ShapeError where the inputs have no such dimension
 * @example layers.softmax()
 */
export class Softmax extends Layer {
  static override readonly className: string = "Softmax";

  static override readonly fields = { ...layerFields, ...activityFields, axis: axesField(-1) };

  declare readonly options: ValuesOf<typeof Softmax.fields>;

  constructor(options: SoftmaxOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    this.#positions(inputShape);
  }

  call(x: Tensor, context: CallContext): Tensor {
    const positions = this.#positions(x.shape.slice(1));
    const [first, ...others] = positions;
    if (others.length === 0) {
      const axis = first - x.rank;
      return context.activate(axis === -1 ? "softmax" : activations.softmax({ axis }), x);
    }
    const e = x.subtract(x.max(positions, true).stopGradient()).exponential();
    return e.divide(e.sum(positions, true));
  }

  override selfNormalizing(): SelfNormalizing {
    return otherActivation("softmax");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  #positions(inputShape: Shape): number[] {
    return positionsOf(this.options.axis, inputShape, this.label, { batch: true });
  }
}

/** Makes a `Softmax`. */
export const softmax = (options: SoftmaxOptions = {}): Softmax => new Softmax(options);
