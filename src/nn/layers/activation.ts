import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import {
  type Activation as ActivationEntry,
  type ActivationInput,
  activationKind,
} from "../activations.ts";
import type { CallContext } from "../context.ts";
import type { ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import {
  breaks,
  otherActivation,
  type SelfNormalizing,
  type SelfNormalizingSignal,
} from "../self-normalizing.ts";
import { partField } from "../serialization.ts";

/** Options of `layers.activation`. */
export interface ActivationOptions extends LayerOptions, ActivityOptions {
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

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    activation: partField(activationKind),
  };

  declare readonly options: ValuesOf<typeof Activation.fields>;

  constructor(options: ActivationOptions) {
    super(options);
  }

  get activation(): ActivationEntry {
    return this.options.activation;
  }

  call(x: Tensor, context: CallContext): Tensor {
    return context.activate(this.activation, x);
  }

  override selfNormalizing(previous: SelfNormalizingSignal): SelfNormalizing {
    const { name } = this.activation;
    if (name !== "selu") return otherActivation(name);
    if (previous === "sums") return { makes: "activations" };
    return {
      makes: "activations",
      ...breaks(
        "there is no weighted sum before its SELU",
        "Put it right after a dense layer without an activation.",
      ),
    };
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes an `Activation`. */
export const activation = (options: ActivationOptions): Activation => new Activation(options);
