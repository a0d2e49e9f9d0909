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

/** Options of `layers.gaussianNoise`. */
export interface GaussianNoiseOptions extends LayerOptions, ActivityOptions, SeedOptions {
  /** The standard deviation of the noise, in [0, 1] as in Keras. */
  readonly stddev: number;
}

/**
 * Adds normal noise of mean 0: in `fit` only, elsewhere it is the identity. The noise is a function
 * of (seed, the layer's path, the model's step count, the element).
 *
 * @throws ValueError where stddev is not in [0, 1]
 * @example layers.gaussianNoise({ stddev: 0.1 })
 */
export class GaussianNoise extends Layer {
  static override readonly className: string = "GaussianNoise";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    ...seedFields,
    stddev: number(undefined, { from: 0, to: 1 }, "Example: layers.gaussianNoise({ stddev: 0.1 })"),
  };

  declare readonly options: ValuesOf<typeof GaussianNoise.fields>;

  constructor(options: GaussianNoiseOptions) {
    super(options);
  }

  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    const { stddev, seed } = this.options;
    if (!sampling || stddev === 0) return x;
    return x.add(random.normal(x, "noise", seed).multiply(stddev));
  }

  override selfNormalizing(): SelfNormalizing {
    return this.options.stddev === 0 ? {} : otherNoise("it adds noise");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `GaussianNoise`. */
export const gaussianNoise = (options: GaussianNoiseOptions): GaussianNoise =>
  new GaussianNoise(options);
