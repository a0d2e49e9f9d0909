import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activations } from "../activations.ts";
import type { CallContext } from "../context.ts";
import { keyed, number, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherActivation, type SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.leakyRelu`. */
export interface LeakyReLUOptions extends LayerOptions, ActivityOptions {
  /**
   * The slope below 0; at least 0. Default: 0.3 (the activation `leakyRelu` has 0.2, PyTorch's layer
   * 0.01).
   */
  readonly negativeSlope?: number;
}

/**
 * Leaky rectified linear unit: x where x >= 0, else negativeSlope x.
 * Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013,
 * https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf.
 *
 * @throws ValueError where negativeSlope is negative
 * @example layers.leakyRelu({ negativeSlope: 0.1 })
 */
export class LeakyReLU extends Layer {
  static override readonly className: string = "LeakyReLU";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    negativeSlope: keyed("negative_slope", number(0.3, { from: 0 }), ["alpha"]),
  };

  declare readonly options: ValuesOf<typeof LeakyReLU.fields>;

  constructor(options: LeakyReLUOptions = {}) {
    super(options);
  }

  call(x: Tensor, context: CallContext): Tensor {
    const { negativeSlope } = this.options;
    return context.activate(activations.leakyRelu({ negativeSlope }), x);
  }

  override selfNormalizing(): SelfNormalizing {
    return otherActivation("leaky ReLU");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `LeakyReLU`. */
export const leakyRelu = (options: LeakyReLUOptions = {}): LeakyReLU => new LeakyReLU(options);
