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
import type { SelfNormalizing } from "../self-normalizing.ts";
import { likeNoise, type NoiseShapeOptions, noiseShapeFields } from "./noise.ts";

/** Options of `layers.alphaDropout`. */
export interface AlphaDropoutOptions extends LayerOptions, ActivityOptions, NoiseShapeOptions {
  /** The share of numbers that fall to SELU's lowest value, in [0, 1). */
  readonly rate: number;
}

/** What SELU approaches far below 0: -scale alpha (Klambauer et al., 2017). */
const saturation = -1.0507009873554805 * 1.6732632423543772;

/** Above it, `checkSelfNormalizing` advises to take less. */
const mostUsualRate = 0.2;

/**
 * Dropout for nets of SELUs: a random share of the inputs falls to s = -1.7581, what SELU approaches
 * far below 0, and all are then mapped by a x + b, so that inputs of mean 0 and variance 1 stay so.
 * With rate r: a = ((1 - r) (1 + r s^2))^(-1/2), b = -a s r. In `fit` only, elsewhere it is the
 * identity.
 * Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017,
 * https://arxiv.org/abs/1706.02515.
 *
 * @throws ValueError where rate is not in [0, 1) (Keras takes 1 too, and then fails when called)
 * @example layers.alphaDropout({ rate: 0.1 })
 */
export class AlphaDropout extends Layer {
  static override readonly className: string = "AlphaDropout";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    ...noiseShapeFields,
    rate: number(undefined, { from: 0, below: 1 }, "Example: layers.alphaDropout({ rate: 0.1 })"),
  };

  declare readonly options: ValuesOf<typeof AlphaDropout.fields>;

  constructor(options: AlphaDropoutOptions) {
    super(options);
  }

  get rate(): number {
    return this.options.rate;
  }

  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    const { rate, noiseShape, seed } = this.options;
    if (!sampling || rate === 0) return x;
    const a = 1 / Math.sqrt((1 - rate) * (1 + rate * saturation ** 2));
    const b = -a * saturation * rate;
    const like = likeNoise(x, noiseShape, this.label);
    const kept = random.uniform(like, "noise", seed).greaterEqual(rate);
    return kept.where(x.multiply(a).add(b), a * saturation + b);
  }

  override selfNormalizing(): SelfNormalizing {
    if (this.rate <= mostUsualRate) return {};
    const best = "rates of 0.05 and 0.1 did best in Klambauer et al. (2017)";
    return { advice: [`Its rate is ${this.rate}; ${best}.`] };
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `AlphaDropout`. */
export const alphaDropout = (options: AlphaDropoutOptions): AlphaDropout =>
  new AlphaDropout(options);
