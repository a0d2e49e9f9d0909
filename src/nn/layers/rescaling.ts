import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { CallContext } from "../context.ts";
import type { ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  type BuildContext,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import { breaks, type SelfNormalizing, type SelfNormalizingSignal } from "../self-normalizing.ts";
import { checkBroadcasts, FixedTensor, type Numbers, numbersField } from "./fixed-numbers.ts";

/** Options of `layers.rescaling`. */
export interface RescalingOptions extends LayerOptions, ActivityOptions {
  /** What inputs are multiplied by: a number, or an array that broadcasts to a sample. */
  readonly scale: Numbers;
  /** What is added then, as `scale`. Default: 0. */
  readonly offset?: Numbers;
}

/**
 * y = scale x + offset. Bytes stay bytes on the device until the step that takes them.
 *
 * @throws ValueError where scale or offset holds no finite numbers
 * @example layers.rescaling({ scale: 1 / 127.5, offset: -1 })
 */
export class Rescaling extends Layer {
  static override readonly className: string = "Rescaling";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    scale: numbersField(),
    offset: numbersField(0),
  };

  declare readonly options: ValuesOf<typeof Rescaling.fields>;
  #scale!: FixedTensor;
  #offset: FixedTensor | undefined;

  constructor(options: RescalingOptions) {
    super(options);
  }

  override build(inputShape: Shape, { path }: BuildContext): void {
    const { scale, offset } = this.options;
    checkBroadcasts(scale.shape, inputShape, "scale", this.label);
    checkBroadcasts(offset.shape, inputShape, "offset", this.label);
    this.#scale = new FixedTensor(scale, `${path}/scale`);
    const isNone = offset.data.every((one) => one === 0);
    this.#offset = isNone ? undefined : new FixedTensor(offset, `${path}/offset`);
  }

  call(x: Tensor, { trace }: CallContext): Tensor {
    const scaled = x.multiply(this.#scale.read(trace));
    return this.#offset ? scaled.add(this.#offset.read(trace)) : scaled;
  }

  override selfNormalizing(previous: SelfNormalizingSignal): SelfNormalizing {
    if (previous === "inputs" || previous === "standardized") return { makes: "inputs" };
    return breaks("it scales what SELU has normalized", "Scale the model's inputs only.");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `Rescaling`. */
export const rescaling = (options: RescalingOptions): Rescaling => new Rescaling(options);
