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
import { type SeedOptions, seedFields } from "./noise.ts";

/** Options of `layers.gaussianDropout`. */
export interface GaussianDropoutOptions extends LayerOptions, ActivityOptions, SeedOptions {
  /** That of the dropout with noise of the same variance, in [0, 1). */
  readonly rate: number;
}

/**
 * Multiplies by normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)): in `fit`
 * only, elsewhere it is the identity.
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014,
 * section 10, https://jmlr.org/papers/v15/srivastava14a.html.
 *
 * @throws ValueError where rate is not in [0, 1) (Keras takes 1 too, and then fails when called)
 * @example layers.gaussianDropout({ rate: 0.1 })
 */
export class GaussianDropout extends Layer {
  static override readonly className: string = "GaussianDropout";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    ...seedFields,
    rate: number(
      undefined,
      { from: 0, below: 1 },
      "Example: layers.gaussianDropout({ rate: 0.1 })",
    ),
  };

  declare readonly options: ValuesOf<typeof GaussianDropout.fields>;

  constructor(options: GaussianDropoutOptions) {
    super(options);
  }

  get rate(): number {
    return this.options.rate;
  }

  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    const { rate, seed } = this.options;
    if (!sampling || rate === 0) return x;
    const deviation = Math.sqrt(rate / (1 - rate));
    return x.multiply(random.normal(x, "noise", seed).multiply(deviation).add(1));
  }

  override selfNormalizing(): SelfNormalizing {
    return this.rate === 0 ? {} : otherNoise("it multiplies by noise");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `GaussianDropout`. */
export const gaussianDropout = (options: GaussianDropoutOptions): GaussianDropout =>
  new GaussianDropout(options);
