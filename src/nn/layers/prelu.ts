import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { ConstraintInput } from "../constraints.ts";
import type { CallContext } from "../context.ts";
import { type Field, optional, type ValuesOf } from "../fields.ts";
import { type InitializerInput, initializerKind } from "../initializers.ts";
import {
  type ActivityOptions,
  activityFields,
  constraintField,
  Layer,
  type LayerOptions,
  layerFields,
  regularizerField,
} from "../layer.ts";
import type { RegularizerInput } from "../regularizers.ts";
import { otherActivation, type SelfNormalizing } from "../self-normalizing.ts";
import { partField } from "../serialization.ts";
import { type Axes, axesField, positionsOf } from "./axes.ts";

/** Options of `layers.prelu`. */
export interface PReLUOptions extends LayerOptions, ActivityOptions {
  /** Draws the slopes. Default: `zeros`. */
  readonly alphaInitializer?: InitializerInput;
  /** A penalty on the slopes. Default: none. */
  readonly alphaRegularizer?: RegularizerInput;
  /** What the slopes become after each update. Default: none. */
  readonly alphaConstraint?: ConstraintInput;
  /** Dimensions of a sample along which one slope serves all; the first is 1. Default: none. */
  readonly sharedAxes?: Axes;
}

/** A list, as in Keras's configs. */
const sharedField: Field<readonly number[]> = {
  read: (value, name, who) => [axesField().read(value, name, who)].flat(),
};

/**
 * Parametric rectified linear unit: x where x > 0, else alpha x, with a learned alpha for each
 * number of a sample. Its slope at 0 is 0, as in Keras. Weights: alpha, of the shape of a sample,
 * 1 along sharedAxes.
 * He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852.
 *
 * @throws ShapeError where sharedAxes are not dimensions of a sample
 * @example layers.prelu({ sharedAxes: [1, 2] })
 */
export class PReLU extends Layer {
  static override readonly className: string = "PReLU";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    alphaInitializer: partField(initializerKind, "zeros"),
    alphaRegularizer: regularizerField,
    alphaConstraint: constraintField,
    sharedAxes: optional(sharedField),
  };

  declare readonly options: ValuesOf<typeof PReLU.fields>;
  alpha!: Variable;

  constructor(options: PReLUOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    const { sharedAxes = [], alphaInitializer } = this.options;
    const shared = positionsOf(sharedAxes, inputShape, this.label, { name: "sharedAxes" });
    this.alpha = this.addWeight({
      name: "alpha",
      shape: inputShape.map((size, i) => (shared.includes(i + 1) ? 1 : size)),
      initializer: alphaInitializer,
      regularizer: this.options.alphaRegularizer,
      constraint: this.options.alphaConstraint,
    });
  }

  call(x: Tensor, { trace }: CallContext): Tensor {
    return x.maximum(0).add(x.minimum(0).multiply(trace.read(this.alpha)));
  }

  override selfNormalizing(): SelfNormalizing {
    return otherActivation("PReLU");
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
}

/** Makes a `PReLU`. */
export const prelu = (options: PReLUOptions = {}): PReLU => new PReLU(options);
