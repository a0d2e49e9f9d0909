import type { Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { ConstraintInput } from "../constraints.ts";
import type { CallContext } from "../context.ts";
import { boolean, dimension, type Field, number, type ValuesOf } from "../fields.ts";
import { drawInitial, type InitializerInput, initializerKind } from "../initializers.ts";
import {
  type ActivityOptions,
  activityFields,
  type BuildContext,
  constraintField,
  Layer,
  type LayerOptions,
  layerFields,
  regularizerField,
} from "../layer.ts";
import type { RegularizerInput } from "../regularizers.ts";
import { otherNormalization, type SelfNormalizing } from "../self-normalizing.ts";
import { partField } from "../serialization.ts";
import { gathered, othersOf, positionOf, spread } from "./axes.ts";
import { only } from "./only.ts";
import { clippingField, correction, type RenormClipping, type RenormState } from "./renorm.ts";

/** Options of `layers.batchNormalization`. */
export interface BatchNormalizationOptions extends LayerOptions, ActivityOptions {
  /** The dimension of the features, each with statistics of its own. Default: -1, the last. */
  readonly axis?: number;
  /** The share of the moving statistics that a batch leaves, in [0, 1]. Default: 0.99. */
  readonly momentum?: number;
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
  /** Draws the moving mean. Default: `zeros`. */
  readonly movingMeanInitializer?: InitializerInput;
  /** Draws the moving variance. Default: `ones`. */
  readonly movingVarianceInitializer?: InitializerInput;
  /** A penalty on beta. Default: none. */
  readonly betaRegularizer?: RegularizerInput;
  /** A penalty on gamma. Default: none. */
  readonly gammaRegularizer?: RegularizerInput;
  /** What beta becomes after each update. Default: none. */
  readonly betaConstraint?: ConstraintInput;
  /** What gamma becomes after each update. Default: none. */
  readonly gammaConstraint?: ConstraintInput;
  /**
   * Batch renormalization (Ioffe, 2017, https://arxiv.org/abs/1702.03275): batches are brought
   * closer to what inference will do. Default: false.
   */
  readonly renorm?: boolean;
  /** How far the correction of renorm may go. Default: any. */
  readonly renormClipping?: RenormClipping;
  /** The share of renorm's own moving statistics that a batch leaves, in [0, 1]. Default: 0.99. */
  readonly renormMomentum?: number;
}

/** tf_keras writes a list of one. */
const axisField: Field<number> = {
  ...dimension(-1),
  parse: (value) => (Array.isArray(value) && value.length === 1 ? value[0] : value),
};

const share = (initial: number) => number(initial, { from: 0, to: 1 });

/**
 * Batch normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each feature. In
 * `fit`, mean and variance are those of the batch (over all dimensions but `axis`), and the moving
 * ones become momentum old + (1 - momentum) new; in `evaluate` and `predict`, and in a frozen layer
 * (`trainable = false`), the moving ones are used and stay. The variance divides by the count
 * everywhere, as in Keras; PyTorch's running one divides by the count less one, its momentum is
 * 1 - momentum here, and its epsilon 1e-5. Weights: gamma, beta, moving_mean, moving_variance.
 * Ioffe and Szegedy, "Batch Normalization", 2015, https://arxiv.org/abs/1502.03167.
 *
 * @throws ShapeError where the inputs have no such dimension, ValueError for an impossible option
 * @example layers.batchNormalization({ momentum: 0.9 })
 */
export class BatchNormalization extends Layer {
  static override readonly className: string = "BatchNormalization";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    axis: axisField,
    momentum: share(0.99),
    epsilon: number(1e-3, { above: 0 }),
    center: boolean(true),
    scale: boolean(true),
    betaInitializer: partField(initializerKind, "zeros"),
    gammaInitializer: partField(initializerKind, "ones"),
    movingMeanInitializer: partField(initializerKind, "zeros"),
    movingVarianceInitializer: partField(initializerKind, "ones"),
    betaRegularizer: regularizerField,
    gammaRegularizer: regularizerField,
    betaConstraint: constraintField,
    gammaConstraint: constraintField,
    synchronized: only(false, "One process sees the whole batch here."),
    renorm: boolean(false),
    renormClipping: clippingField,
    renormMomentum: share(0.99),
  };

  declare readonly options: ValuesOf<typeof BatchNormalization.fields>;
  gamma: Variable | undefined;
  beta: Variable | undefined;
  movingMean!: Variable;
  movingVariance!: Variable;
  #renorm: RenormState | undefined;

  constructor(options: BatchNormalizationOptions = {}) {
    super(options);
  }

  override build(inputShape: Shape, context: BuildContext): void {
    const { options } = this;
    const shape = [inputShape[positionOf(options.axis, inputShape, this.label) - 1]];
    this.gamma = this.beta = this.#renorm = undefined;
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
    const moving = (name: string, initializer: InitializerInput) =>
      this.addWeight({ name, shape, initializer, trainable: false });
    const { movingMeanInitializer, movingVarianceInitializer } = options;
    this.movingMean = moving("moving_mean", movingMeanInitializer);
    this.movingVariance = moving("moving_variance", movingVarianceInitializer);
    if (!options.renorm) return;
    const stream = `${context.path}/moving_variance`;
    const deviation = () =>
      drawInitial(movingVarianceInitializer, shape, { seed: context.seed, stream }).map(Math.sqrt);
    this.#renorm = {
      movingDeviation: moving("moving_stddev", deviation),
      mean: moving("renorm_mean", movingMeanInitializer),
      deviation: moving("renorm_stddev", deviation),
    };
  }

  call(x: Tensor, { trace, batchStatistics }: CallContext): Tensor {
    const position = positionOf(this.options.axis, x.shape.slice(1), this.label);
    const read = (variable: Variable) => spread(trace.read(variable), [position], x.rank);
    const gamma = this.gamma && read(this.gamma);
    const beta = this.beta && read(this.beta);
    if (batchStatistics && this.trainable)
      return this.#byBatch(x, position, { trace, read, gamma, beta });
    const inverse = this.#inverse(read(this.movingVariance));
    const scaled = x.subtract(read(this.movingMean)).multiply(product(inverse, gamma));
    return beta ? scaled.add(beta) : scaled;
  }

  override selfNormalizing(): SelfNormalizing {
    return otherNormalization();
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }

  /**
   * By the statistics of the batch, which the moving ones follow. The variance does not change with
   * the mean that it is taken around (the deviations sum to 0), so its gradient ends there; that of
   * the mean comes in through the offset, whose value it leaves. So the gradient is one pass that
   * sums g and g (x - mean), and one that makes of them a multiply-add of g and x - mean.
   */
  #byBatch(x: Tensor, position: number, { trace, read, gamma, beta }: BatchParts): Tensor {
    const others = othersOf(x.rank, [position]);
    const mean = x.mean(others, true);
    const fixedMean = mean.stopGradient();
    const centered = x.subtract(fixedMean);
    const variance = centered.square().mean(others, true);
    const inverse = this.#inverse(variance);
    const update = (variable: Variable, value: Tensor, momentum: number) =>
      follow(trace, variable, gathered(value, [position]), momentum);
    const shift = fixedMean.subtract(mean);
    if (!this.#renorm) {
      update(this.movingMean, mean, this.options.momentum);
      update(this.movingVariance, variance, this.options.momentum);
      const scale = product(inverse, gamma);
      return centered.multiply(scale).add(sum(shift.multiply(scale), beta));
    }
    const { r, d } = this.#renormalize(this.#renorm, { mean, variance, read, update, trace });
    const scale = product(inverse.multiply(r), gamma);
    const offset = shift.multiply(scale).add(product(d, gamma));
    return centered.multiply(scale).add(sum(offset, beta));
  }

  /** Renorm's correction by the statistics before this batch, and their update by it. */
  #renormalize(state: RenormState, { mean, variance, read, update, trace }: RenormParts) {
    const { epsilon, momentum, renormMomentum, renormClipping } = this.options;
    const deviation = variance.add(epsilon).squareRoot();
    const known = { mean: read(state.mean), deviation: read(state.deviation) };
    const corrected = correction({ mean, deviation }, known, epsilon, renormClipping);
    update(state.mean, mean, renormMomentum);
    update(state.deviation, deviation, renormMomentum);
    update(this.movingMean, mean, momentum);
    update(state.movingDeviation, deviation, momentum);
    const moving = trace.read(state.movingDeviation);
    trace.assign(this.movingVariance, moving.square().subtract(epsilon).maximum(0));
    return corrected;
  }

  #inverse(variance: Tensor): Tensor {
    return variance.add(this.options.epsilon).squareRoot().reciprocal();
  }
}

interface BatchParts {
  readonly trace: Trace;
  readonly read: (variable: Variable) => Tensor;
  readonly gamma: Tensor | undefined;
  readonly beta: Tensor | undefined;
}

interface RenormParts extends Pick<BatchParts, "trace" | "read"> {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly update: (variable: Variable, value: Tensor, momentum: number) => void;
}

const product = (a: Tensor, b: Tensor | undefined): Tensor => (b ? a.multiply(b) : a);
const sum = (a: Tensor, b: Tensor | undefined): Tensor => (b ? a.add(b) : a);

/** variable = momentum variable + (1 - momentum) value. */
function follow(trace: Trace, variable: Variable, value: Tensor, momentum: number): void {
  const old = trace.read(variable).multiply(momentum);
  trace.assign(variable, old.add(value.multiply(1 - momentum)));
}

/** Makes a `BatchNormalization`. */
export const batchNormalization = (options: BatchNormalizationOptions = {}): BatchNormalization =>
  new BatchNormalization(options);
