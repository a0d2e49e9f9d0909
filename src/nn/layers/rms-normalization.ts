import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { CallContext } from "../context.ts";
import { number, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherNormalization, type SelfNormalizing } from "../self-normalizing.ts";
import { type Axes, axesField, positionsOf, spread } from "./axes.ts";

/** Options of `layers.rmsNormalization`. */
export interface RMSNormalizationOptions extends LayerOptions, ActivityOptions {
  /** The dimensions over which each sample is normalized. Default: -1, the last. */
  readonly axis?: Axes;
  /** Added to the mean square before the root; above 0. Default: 1e-6. */
  readonly epsilon?: number;
}

/**
 * y = scale x / sqrt(mean(x^2) + epsilon), the mean over `axis`, the same in `fit` and outside.
 * Weights: scale, of the sizes along `axis` (Keras takes only the last dimensions as `axis`).
 * Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019,
 * https://arxiv.org/abs/1910.07467.
 *
 * @throws ShapeError where the inputs have no such dimensions
 * @example layers.rmsNormalization()
 */
export class RMSNormalization extends Layer {
  static override readonly className: string = "RMSNormalization";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    axis: axesField(-1),
    epsilon: number(1e-6, { above: 0 }),
  };

  declare readonly options: ValuesOf<typeof RMSNormalization.fields>;
  scale!: Variable;

  constructor(options: RMSNormalizationOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    const shape = this.#positions(inputShape).map((position) => inputShape[position - 1]);
    this.scale = this.addWeight({ name: "scale", shape, initializer: "ones" });
  }

  call(x: Tensor, { trace }: CallContext): Tensor {
    const positions = this.#positions(x.shape.slice(1));
    const meanSquare = x.square().mean(positions, true);
    const inverse = meanSquare.add(this.options.epsilon).squareRoot().reciprocal();
    return x.multiply(inverse).multiply(spread(trace.read(this.scale), positions, x.rank));
  }

  override selfNormalizing(): SelfNormalizing {
    return otherNormalization();
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  #positions(inputShape: Shape): number[] {
    return positionsOf(this.options.axis, inputShape, this.label);
  }
}

/** Makes an `RMSNormalization`. */
export const rmsNormalization = (options: RMSNormalizationOptions = {}): RMSNormalization =>
  new RMSNormalization(options);
