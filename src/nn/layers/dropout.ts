import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { CallContext } from "../context.ts";
import { number, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherNoise, type SelfNormalizing } from "../self-normalizing.ts";
import { likeNoise, type NoiseShapeOptions, noiseShapeFields } from "./noise.ts";

/** Options of `layers.dropout`. */
export interface DropoutOptions extends LayerOptions, ActivityOptions, NoiseShapeOptions {
  /** The share of numbers that become 0, in [0, 1]. */
  readonly rate: number;
}

/**
 * Sets a random share of its inputs to 0 and divides the others by 1 - rate, so that their
 * expectation stays ("inverted" dropout): in `fit` only, elsewhere it is the identity. Which
 * numbers fall is a function of (seed, the layer's path, the model's step count, the element).
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014,
 * https://jmlr.org/papers/v15/srivastava14a.html.
 *
 * @throws ValueError where rate is not in [0, 1]
 * @example layers.dropout({ rate: 0.1 })
 */
export class Dropout extends Layer {
  static override readonly className: string = "Dropout";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    ...noiseShapeFields,
    rate: number(undefined, { from: 0, to: 1 }, "Example: layers.dropout({ rate: 0.1 })"),
  };

  declare readonly options: ValuesOf<typeof Dropout.fields>;

  constructor(options: DropoutOptions) {
    super(options);
  }

  get rate(): number {
    return this.options.rate;
  }

  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    const { rate, noiseShape, seed } = this.options;
    if (!sampling || rate === 0) return x;
    const like = likeNoise(x, noiseShape, this.label);
    const kept = random.uniform(like, "noise", seed).greaterEqual(rate);
    return kept.where(x.multiply(rate === 1 ? 0 : 1 / (1 - rate)), 0);
  }

  override selfNormalizing(): SelfNormalizing {
    return this.rate === 0 ? {} : otherNoise("it drops to 0 and widens the rest");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `Dropout`. */
export const dropout = (options: DropoutOptions): Dropout => new Dropout(options);
