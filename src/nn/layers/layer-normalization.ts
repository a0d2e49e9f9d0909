import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { ConstraintInput } from "../constraints.ts";
import type { CallContext } from "../context.ts";
import { boolean, number, type ValuesOf } from "../fields.ts";
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
import { otherNormalization, type SelfNormalizing } from "../self-normalizing.ts";
import { partField } from "../serialization.ts";
import { type Axes, axesField, positionOf, positionsOf, spread } from "./axes.ts";
import { only } from "./only.ts";

/** Options of `layers.layerNormalization`. */
export interface LayerNormalizationOptions extends LayerOptions, ActivityOptions {
  /** The dimensions over which each sample is normalized. Default: -1, the last. */
  readonly axis?: Axes;
  /** Added to the variance before the root; above 0. Default: 1e-3. */
  readonly epsilon?: number;
  /** Whether beta is added. Default: true. */
  readonly center?: boolean;
  /** Whether the result is multiplied by gamma. Default: true. */
  readonly scale?: boolean;
  /** Draws beta. Default: `zeros`. */
  readonly betaInitializer?: InitializerInput;
  /** Draws gamma. Default: `ones`. */
  readonly gammaInitializer?: InitializerInput;
  /** A penalty on beta. Default: none. */
  readonly betaRegularizer?: RegularizerInput;
  /** A penalty on gamma. Default: none. */
  readonly gammaRegularizer?: RegularizerInput;
  /** What beta becomes after each update. Default: none. */
  readonly betaConstraint?: ConstraintInput;
  /** What gamma becomes after each update. Default: none. */
  readonly gammaConstraint?: ConstraintInput;
}

/**
 * Layer normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with mean and
 * variance of each sample over `axis`, the same in `fit` and outside. PyTorch's epsilon is 1e-5.
 * Weights: gamma, beta, of the sizes along `axis`.
 * Ba, Kiros and Hinton, "Layer Normalization", 2016, https://arxiv.org/abs/1607.06450.
 *
 * @throws ShapeError where the inputs have no such dimensions
 * @example layers.layerNormalization()
 */
export class LayerNormalization extends Layer {
  static override readonly className: string = "LayerNormalization";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    axis: axesField(-1),
    epsilon: number(1e-3, { above: 0 }),
    center: boolean(true),
    scale: boolean(true),
    rmsScaling: only(false, "Use layers.rmsNormalization()."),
    betaInitializer: partField(initializerKind, "zeros"),
    gammaInitializer: partField(initializerKind, "ones"),
    betaRegularizer: regularizerField,
    gammaRegularizer: regularizerField,
    betaConstraint: constraintField,
    gammaConstraint: constraintField,
  };

  declare readonly options: ValuesOf<typeof LayerNormalization.fields>;
  gamma: Variable | undefined;
  beta: Variable | undefined;

  constructor(options: LayerNormalizationOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape): void {
    const { options } = this;
    // In the order of the axes as they are written: that of [-1, 1] is not that of the dimensions.
    const order = [this.options.axis].flat().sort((a, b) => a - b);
    const shape = order.map((axis) => inputShape[positionOf(axis, inputShape, this.label) - 1]!);
    this.#positions(inputShape);
    this.gamma = this.beta = undefined;
    if (options.scale)
      this.gamma = this.addWeight({
        name: "gamma",
        shape,
        initializer: options.gammaInitializer,
        regularizer: options.gammaRegularizer,
        constraint: options.gammaConstraint,
      });
    if (options.center)
      this.beta = this.addWeight({
        name: "beta",
        shape,
        initializer: options.betaInitializer,
        regularizer: options.betaRegularizer,
        constraint: options.betaConstraint,
      });
  }

  call(x: Tensor, { trace }: CallContext): Tensor {
    const positions = this.#positions(x.shape.slice(1));
    const sizes = positions.map((position) => x.shape[position]!);
    const read = (variable: Variable) =>
      spread(trace.read(variable).reshape(sizes), positions, x.rank);
    const mean = x.mean(positions, true);
    // The variance does not change with the mean that it is taken around: no gradient goes there.
    const variance = x.subtract(mean.stopGradient()).square().mean(positions, true);
    const inverse = variance.add(this.options.epsilon).squareRoot().reciprocal();
    const normalized = x.subtract(mean).multiply(inverse);
    const scaled = this.gamma ? normalized.multiply(read(this.gamma)) : normalized;
    return this.beta ? scaled.add(read(this.beta)) : scaled;
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

/** Makes a `LayerNormalization`. */
export const layerNormalization = (options: LayerNormalizationOptions = {}): LayerNormalization =>
  new LayerNormalization(options);
