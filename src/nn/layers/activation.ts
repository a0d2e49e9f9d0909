import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  type Activation as ActivationEntry,
  type ActivationInput,
  resolveActivation,
} from "../activations.ts";
import type { CallContext } from "../context.ts";
import { Layer, type LayerOptions, layerDefaults } from "../layer.ts";
import { settings } from "../options.ts";

/** Options of `layers.activation`. */
export interface ActivationOptions extends LayerOptions {
  readonly activation: ActivationInput;
}

/**
 * An activation as a layer of its own; the shape stays.
 *
 * @throws NameError where the activation is not known
 * @example layers.activation({ activation: "elu" })
 */
export class Activation extends Layer {
  static override readonly className: string = "Activation";

  readonly activation: ActivationEntry;

  constructor(options: ActivationOptions) {
    const defaults = { ...layerDefaults, activation: undefined };
    const given = settings<ActivationOptions, typeof defaults>(options, defaults, "Activation");
    super(given);
    this.activation = resolveActivation(given.activation, this.label);
  }

  call(x: Tensor, context: CallContext): Tensor {
    return context.activate(this.activation, x);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `Activation`. */
export const activation = (options: ActivationOptions): Activation => new Activation(options);
