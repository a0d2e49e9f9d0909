import { ShapeError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { type Activation, type ActivationInput, activationKind } from "../activations.ts";
import type { ConstraintInput } from "../constraints.ts";
import type { CallContext } from "../context.ts";
import { boolean, type ValuesOf, whole } from "../fields.ts";
import { type Initializer, type InitializerInput, initializerKind } from "../initializers.ts";
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
import {
  otherActivation,
  type SelfNormalizing,
  type SelfNormalizingProblem,
} from "../self-normalizing.ts";
import { partField } from "../serialization.ts";
import { only } from "./only.ts";

/** Options of `layers.dense`. */
export interface DenseOptions extends LayerOptions, ActivityOptions {
  /** Size of the last dimension of the output; a whole number of at least 1. */
  readonly units: number;
  /** Applied to the result. Default: `linear`. */
  readonly activation?: ActivationInput;
  /** Whether a bias is added. Default: true. */
  readonly useBias?: boolean;
  /** Draws the kernel `[inputs, units]`. Default: `glorotUniform`. */
  readonly kernelInitializer?: InitializerInput;
  /** Draws the bias `[units]`. Default: `zeros`. */
  readonly biasInitializer?: InitializerInput;
  /** A penalty on the kernel. Default: none. */
  readonly kernelRegularizer?: RegularizerInput;
  /** A penalty on the bias. Default: none. */
  readonly biasRegularizer?: RegularizerInput;
  /** What the kernel becomes after each update. Default: none. */
  readonly kernelConstraint?: ConstraintInput;
  /** What the bias becomes after each update. Default: none. */
  readonly biasConstraint?: ConstraintInput;
}

/**
 * A fully connected layer: y = activation(x kernel + bias), `[batch, ..., inputs]` -> `[batch, ...,
 * units]`. Inputs of more than two dimensions are multiplied along the last one, as in Keras; put a
 * Flatten before it to use all numbers of a sample. Weights: kernel, bias.
 *
 * @throws ValueError where an option is impossible, NameError where a name is not known
 * @example layers.dense({ units: 100, activation: "elu", kernelInitializer: "heNormal" })
 */
export class Dense extends Layer {
  static override readonly className: string = "Dense";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    units: whole(),
    activation: partField(activationKind, "linear"),
    useBias: boolean(true),
    kernelInitializer: partField(initializerKind, "glorotUniform"),
    biasInitializer: partField(initializerKind, "zeros"),
    kernelRegularizer: regularizerField,
    biasRegularizer: regularizerField,
    kernelConstraint: constraintField,
    biasConstraint: constraintField,
    quantizationConfig: only(null, "Weights are float32 here."),
  };

  declare readonly options: ValuesOf<typeof Dense.fields>;
  kernel!: Variable;
  bias: Variable | undefined;

  constructor(options: DenseOptions) {
    super(options);
  }

  get units(): number {
    return this.options.units;
  }

  get activation(): Activation {
    return this.options.activation;
  }

  override build(inputShape: Shape): void {
    const inputs = inputShape.at(-1);
    if (inputs === undefined)
      throw new ShapeError({
        who: this.label,
        expected: "inputs of at least one dimension beside the batch",
        received: formatShape(inputShape),
      });
    const { units, useBias } = this.options;
    this.kernel = this.addWeight({
      name: "kernel",
      shape: [inputs, units],
      initializer: this.options.kernelInitializer,
      regularizer: this.options.kernelRegularizer,
      constraint: this.options.kernelConstraint,
    });
    if (!useBias) return;
    this.bias = this.addWeight({
      name: "bias",
      shape: [units],
      initializer: this.options.biasInitializer,
      regularizer: this.options.biasRegularizer,
      constraint: this.options.biasConstraint,
    });
  }

  call(x: Tensor, context: CallContext): Tensor {
    const product = x.matmul(context.trace.read(this.kernel));
    const sum = this.bias ? product.add(context.trace.read(this.bias)) : product;
    return context.activate(this.activation, sum);
  }

  override selfNormalizing(): SelfNormalizing {
    const { activation, kernelInitializer, biasInitializer, useBias } = this.options;
    const problems: SelfNormalizingProblem[] = [];
    if (!hasVarianceOfInputs(kernelInitializer))
      problems.push({
        problem: `its kernel is drawn by ${kernelInitializer.name}, not with variance 1 / inputs`,
        fix: 'Use kernelInitializer: "lecunNormal".',
      });
    if (useBias && !isZeros(biasInitializer))
      problems.push({
        problem: `its bias is drawn by ${biasInitializer.name}, so the mean does not start at 0`,
        fix: 'Use biasInitializer: "zeros".',
      });
    const { name } = activation;
    if (name === "linear") return { makes: "sums", problems };
    if (name === "selu") return { makes: "activations", problems };
    const other = otherActivation(name);
    return { ...other, problems: [...problems, ...other.problems!] };
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.units];
  }
}

/** Whether weights have variance 1 / fanIn: LeCun's, or variance scaling that says the same. */
function hasVarianceOfInputs({ name, options }: Initializer): boolean {
  if (name === "lecunNormal" || name === "lecunUniform") return true;
  return name === "varianceScaling" && options?.scale === 1 && options.mode === "fanIn";
}

const isZeros = ({ name, options }: Initializer): boolean =>
  name === "zeros" || (name === "constant" && options?.value === 0);

/** Makes a `Dense`. */
export const dense = (options: DenseOptions): Dense => new Dense(options);
