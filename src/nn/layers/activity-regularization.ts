import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { CallContext } from "../context.ts";
import { number, type ValuesOf } from "../fields.ts";
import { Layer, type LayerOptions, layerFields } from "../layer.ts";
import { breaks, type SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.activityRegularization`. */
export interface ActivityRegularizationOptions extends LayerOptions {
  /** Factor of the sum of absolute values; at least 0. Default: 0. */
  readonly l1?: number;
  /** Factor of the sum of squares; at least 0. Default: 0. */
  readonly l2?: number;
}

/**
 * The identity, which adds l1 sum|x| + l2 sum(x^2) of a batch, divided by its samples, to the loss.
 *
 * @throws ValueError where l1 or l2 is negative
 * @example layers.activityRegularization({ l2: 1e-4 })
 */
export class ActivityRegularization extends Layer {
  static override readonly className: string = "ActivityRegularization";

  static override readonly fields = {
    ...layerFields,
    l1: number(0, { from: 0 }),
    l2: number(0, { from: 0 }),
  };

  declare readonly options: ValuesOf<typeof ActivityRegularization.fields>;

  constructor(options: ActivityRegularizationOptions = {}) {
    super(options);
  }

  call(x: Tensor, context: CallContext): Tensor {
    const { l1, l2 } = this.options;
    const samples = x.shape[0]!;
    if (l1 > 0)
      context.addLoss(
        x
          .absolute()
          .sum()
          .multiply(l1 / samples),
      );
    if (l2 > 0)
      context.addLoss(
        x
          .square()
          .sum()
          .multiply(l2 / samples),
      );
    return x;
  }

  override selfNormalizing(): SelfNormalizing {
    return breaks(
      "it penalizes activations, and so moves them away from variance 1",
      "Leave it out.",
    );
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `ActivityRegularization`. */
export const activityRegularization = (
  options: ActivityRegularizationOptions = {},
): ActivityRegularization => new ActivityRegularization(options);
