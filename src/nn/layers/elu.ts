import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activations } from "../activations.ts";
import type { CallContext } from "../context.ts";
import { number, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { otherActivation, type SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.elu`. */
export interface ELUOptions extends LayerOptions, ActivityOptions {
  /** Minus the value that the function approaches far below 0. Default: 1. */
  readonly alpha?: number;
}

/**
 * Exponential linear unit: x where x > 0, else alpha (exp(x) - 1); see `activations.elu`.
 *
 * @throws ValueError where alpha is not a finite number
 * @example layers.elu()
 */
export class ELU extends Layer {
  static override readonly className: string = "ELU";

  static override readonly fields = { ...layerFields, ...activityFields, alpha: number(1) };

  declare readonly options: ValuesOf<typeof ELU.fields>;

  constructor(options: ELUOptions = {}) {
    super(options);
  }

  call(x: Tensor, context: CallContext): Tensor {
    return context.activate(activations.elu({ alpha: this.options.alpha }), x);
  }

  override selfNormalizing(): SelfNormalizing {
    return otherActivation("ELU");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `ELU`. */
export const elu = (options: ELUOptions = {}): ELU => new ELU(options);
