import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activations } from "../activations.ts";
import type { CallContext } from "../context.ts";
import { number, optional, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherActivation, type SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.relu`. */
export interface ReLUOptions extends LayerOptions, ActivityOptions {
  /** The largest output; at least 0. Default: none. */
  readonly maxValue?: number;
  /** The slope below the threshold; at least 0. Default: 0. */
  readonly negativeSlope?: number;
  /** Where the function begins to be the identity; at least 0. Default: 0. */
  readonly threshold?: number;
}

/**
 * Rectified linear unit: min(x, maxValue) where x >= threshold, else negativeSlope (x - threshold).
 *
 * @throws ValueError where an option is negative
 * @example layers.relu({ maxValue: 6 })
 */
export class ReLU extends Layer {
  static override readonly className: string = "ReLU";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    maxValue: optional(number(undefined, { from: 0 })),
    negativeSlope: number(0, { from: 0 }),
    threshold: number(0, { from: 0 }),
  };

  declare readonly options: ValuesOf<typeof ReLU.fields>;

  constructor(options: ReLUOptions = {}) {
    super(options);
  }

  call(x: Tensor, context: CallContext): Tensor {
    const { maxValue, negativeSlope, threshold } = this.options;
    const limit = maxValue === undefined ? {} : { maxValue };
    return context.activate(activations.relu({ ...limit, negativeSlope, threshold }), x);
  }

  override selfNormalizing(): SelfNormalizing {
    return otherActivation("ReLU");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `ReLU`. */
export const relu = (options: ReLUOptions = {}): ReLU => new ReLU(options);
