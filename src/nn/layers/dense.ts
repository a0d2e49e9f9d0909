import { ShapeError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Variable } from "../../tensor/variable.ts";
import { type Activation, type ActivationInput, resolveActivation } from "../activations.ts";
import type { CallContext } from "../context.ts";
import { type Initializer, type InitializerInput, resolveInitializer } from "../initializers.ts";
import { Layer, type LayerOptions, layerDefaults } from "../layer.ts";
import { checkBoolean, checkWhole, settings } from "../options.ts";

/** Options of `layers.dense`. */
export interface DenseOptions extends LayerOptions {
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

  readonly units: number;
  readonly activation: Activation;
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
  kernel!: Variable;
  bias: Variable | undefined;

  constructor(options: DenseOptions) {
    const given = settings<DenseOptions, typeof defaults>(options, defaults, "Dense");
    super(given);
    checkWhole(given.units, "units", this.label);
    checkBoolean(given.useBias, "useBias", this.label);
    this.units = given.units;
    this.activation = resolveActivation(given.activation, this.label);
    this.useBias = given.useBias;
    this.kernelInitializer = resolveInitializer(given.kernelInitializer, this.label);
    this.biasInitializer = resolveInitializer(given.biasInitializer, this.label);
  }

  override build(inputShape: Shape): void {
    const inputs = inputShape.at(-1);
    if (inputs === undefined)
      throw new ShapeError({
        who: this.label,
        expected: "inputs of at least one dimension beside the batch",
        received: formatShape(inputShape),
      });
    const { units, kernelInitializer, biasInitializer } = this;
    const kernel = { name: "kernel", shape: [inputs, units], initializer: kernelInitializer };
    this.kernel = this.addWeight(kernel);
    if (this.useBias)
      this.bias = this.addWeight({ name: "bias", shape: [units], initializer: biasInitializer });
  }

  call(x: Tensor, context: CallContext): Tensor {
    const product = x.matmul(context.trace.read(this.kernel));
    const sum = this.bias ? product.add(context.trace.read(this.bias)) : product;
    return context.activate(this.activation, sum);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.units];
  }
}

const defaults = {
  ...layerDefaults,
  units: undefined,
  activation: "linear",
  useBias: true,
  kernelInitializer: "glorotUniform",
  biasInitializer: "zeros",
} as const;

/** Makes a `Dense`. */
export const dense = (options: DenseOptions): Dense => new Dense(options);
