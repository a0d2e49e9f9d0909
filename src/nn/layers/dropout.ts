import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { CallContext } from "../context.ts";
import { Layer, type LayerOptions, layerDefaults } from "../layer.ts";
import { checkNumber, settings } from "../options.ts";

/** Options of `layers.dropout`. */
export interface DropoutOptions extends LayerOptions {
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

  readonly rate: number;

  constructor(options: DropoutOptions) {
    const defaults = { ...layerDefaults, rate: undefined };
    const given = settings<DropoutOptions, typeof defaults>(options, defaults, "Dropout");
    super(given);
    const example = "Example: layers.dropout({ rate: 0.1 })";
    checkNumber(given.rate, "rate", this.label, { from: 0, to: 1 }, example);
    this.rate = given.rate;
  }

  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    const { rate } = this;
    if (!sampling || rate === 0) return x;
    const kept = random.uniform(x).greaterEqual(rate);
    return kept.where(x.multiply(rate === 1 ? 0 : 1 / (1 - rate)), 0);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `Dropout`. */
export const dropout = (options: DropoutOptions): Dropout => new Dropout(options);
