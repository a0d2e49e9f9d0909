/** What PyTorch calls the weights of layers, and how it lays them out. */
import type { Shape } from "../../base/shape.ts";
import type { AnyLayer } from "../../nn/layer.ts";
import {
  BatchNormalization,
  Dense,
  LayerNormalization,
  PReLU,
  RMSNormalization,
} from "../../nn/layers/index.ts";
import type { Variable } from "../../tensor/variable.ts";

/** A weight as PyTorch has it. */
export interface TorchWeight {
  /** Behind the module's name: `weight`, `running_mean`. */
  readonly name: string;
  readonly shape: Shape;
  /** What holds it; absent: a number or array that PyTorch has and the layer here has not. */
  readonly variable?: Variable;
  /** Whether its two dimensions are swapped: a kernel `[inputs, units]` is `[units, inputs]` there. */
  readonly isTransposed?: boolean;
  /** What every element of one without a variable is; undefined: a count of steps. */
  readonly neutral?: number;
}

type Names = Readonly<Record<string, string>>;

const affine: Names = { gamma: "weight", beta: "bias" };

/** PyTorch's names for Keras's, of layers that PyTorch has too. */
const classes: readonly (readonly [new (...options: never[]) => AnyLayer, Names])[] = [
  [Dense as never, { kernel: "weight", bias: "bias" }],
  [
    BatchNormalization as never,
    { ...affine, moving_mean: "running_mean", moving_variance: "running_var" },
  ],
  [LayerNormalization as never, affine],
  [RMSNormalization as never, { scale: "weight" }],
  [PReLU as never, { alpha: "weight" }],
];

const isA = (layer: AnyLayer, one: new (...options: never[]) => AnyLayer): boolean =>
  layer instanceof one;

/** The count of batches that a batch normalization saw. */
const batchCount = "num_batches_tracked";

/** A layer's weights in PyTorch's order; those that PyTorch has no name for keep Keras's. */
export function torchWeights(layer: AnyLayer): TorchWeight[] {
  const names = classes.find(([one]) => isA(layer, one))?.[1] ?? {};
  const own = layer.weights.map((variable): TorchWeight => {
    const keras = tailOf(layer, variable);
    const isTransposed = keras === "kernel" && isA(layer, Dense as never);
    const { shape } = variable;
    return {
      name: Object.hasOwn(names, keras) ? names[keras] : keras,
      shape: isTransposed ? [shape[1], shape[0]] : shape,
      variable,
      isTransposed,
    };
  });
  return [...own, ...added(layer, own)];
}

/** The weight's name in its layer: `kernel`. */
function tailOf(layer: AnyLayer, { path }: Variable): string {
  const isBelow = layer.path !== undefined && path.startsWith(`${layer.path}/`);
  return isBelow ? path.slice(layer.path.length + 1) : path;
}

/**
 * What PyTorch's modules have besides. A batch normalization there has weight and bias, or neither;
 * a layer normalization has no bias alone.
 */
function added(layer: AnyLayer, own: readonly TorchWeight[]): TorchWeight[] {
  const isBatch = isA(layer, BatchNormalization as never);
  if (!isBatch && !isA(layer, LayerNormalization as never)) return [];
  const [weight, bias] = ["weight", "bias"].map((name) => own.find((one) => one.name === name));
  const more: TorchWeight[] = [];
  if (bias && !weight) more.push({ name: "weight", shape: bias.shape, neutral: 1 });
  if (isBatch && weight && !bias) more.push({ name: "bias", shape: weight.shape, neutral: 0 });
  if (isBatch) more.push({ name: batchCount, shape: [] });
  return more;
}
