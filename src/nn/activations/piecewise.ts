/**
 * Activations of straight pieces and parabolas. A NaN stays in all of them. (Keras makes 0 of it in
 * relu with a threshold and, on JAX, in both shrinks, and `defaultValue` in threshold.) At kinks
 * the slope is Keras's; where its backends differ, JAX's, but that of sparseSigmoid is 0 at both
 * ends, as on PyTorch: JAX has half.
 */
import { clip } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { activation } from "../activation.ts";
import { number, optional } from "../fields.ts";

/** Options of `activations.relu`. */
export interface ReluOptions {
  /** Slope below the threshold. Default: 0. */
  readonly negativeSlope?: number;
  /** The largest value; at least 0. Default: none. */
  readonly maxValue?: number;
  /** Inputs up to it count as negative. Default: 0. */
  readonly threshold?: number;
}

/** Options of `activations.leakyRelu`. */
export interface LeakyReluOptions {
  /** Slope below 0. Default: 0.2 (the layer `leakyRelu` has 0.3, PyTorch 0.01). */
  readonly negativeSlope?: number;
}

/** Options of `activations.softShrink` and `activations.hardShrink`. */
export interface ShrinkOptions {
  /** Inputs this near to 0 become 0; at least 0. Default: 0.5. */
  readonly threshold?: number;
}

/** Options of `activations.threshold`. */
export interface ThresholdOptions {
  /** Inputs above it stay. */
  readonly threshold: number;
  /** What others become. */
  readonly defaultValue: number;
}

const shrink = { threshold: number(0.5, { from: 0 }) };

export const piecewise = {
  /** f(x) = x. */
  linear: activation()("linear", {}, () => (x) => x),

  /**
   * Rectified linear unit: max(x, 0); its slope at 0 is 0, and a NaN stays. With options: x where
   * x > threshold, else negativeSlope (x - threshold), and at most maxValue.
   *
   * @throws ValueError where maxValue is negative
   */
  relu: activation<ReluOptions>()(
    "relu",
    {
      negativeSlope: number(0),
      maxValue: optional(number(undefined, { from: 0 })),
      threshold: number(0),
    },
    (options) => (x) => relu(x, options),
  ),

  /** min(max(x, 0), 6). */
  relu6: activation()("relu6", {}, () => relu6),

  /** x where x >= 0, else negativeSlope x. */
  leakyRelu: activation<LeakyReluOptions>()(
    "leakyRelu",
    { negativeSlope: number(0.2) },
    ({ negativeSlope }) =>
      (x) =>
        leaky(x, negativeSlope),
  ),

  /** x limited to [-1, 1]; the slope is 1 at both ends. */
  hardTanh: activation()("hardTanh", {}, () => hardTanh),

  /** min(max(x + 3, 0), 6) / 6, as in Keras 3 and PyTorch; tf_keras had 0.2 x + 0.5, limited. */
  hardSigmoid: activation()("hardSigmoid", {}, () => hardSigmoid),

  /**
   * x hardSigmoid(x), also called hard swish. Howard et al., "Searching for MobileNetV3", 2019,
   * https://arxiv.org/abs/1905.02244.
   */
  hardSilu: activation()("hardSilu", {}, () => (x) => x.multiply(hardSigmoid(x))),

  /**
   * x where |x| > threshold, else 0.
   *
   * @throws ValueError where threshold is negative
   */
  hardShrink: activation<ShrinkOptions>()(
    "hardShrink",
    shrink,
    ({ threshold }) =>
      (x) =>
        x.absolute().lessEqual(threshold).where(0, x),
  ),

  /**
   * x - threshold above the threshold, x + threshold below minus it, else 0.
   *
   * @throws ValueError where threshold is negative
   */
  softShrink: activation<ShrinkOptions>()("softShrink", shrink, ({ threshold }) => (x) => {
    const outside = x.less(0).where(x.add(threshold), x.subtract(threshold));
    return x.absolute().lessEqual(threshold).where(0, outside);
  }),

  /**
   * x where x > threshold, else defaultValue.
   *
   * @throws ValueError where one of the two is missing
   */
  threshold: activation<ThresholdOptions>()(
    "threshold",
    { threshold: number(), defaultValue: number() },
    ({ threshold, defaultValue }) =>
      (x) =>
        x.lessEqual(threshold).where(defaultValue, x),
  ),

  /** 0 up to -1, (x + 1)^2 / 4 up to 1, then x. */
  sparsePlus: activation()("sparsePlus", {}, () => (x) => {
    const middle = x.add(1).square().multiply(0.25);
    return x.lessEqual(-1).where(0, x.less(1).where(middle, x));
  }),

  /** (x + 1) / 2, limited to [0, 1]: the slope of sparsePlus. */
  sparseSigmoid: activation()("sparseSigmoid", {}, () => (x) => clip(x.add(1), 0, 2).multiply(0.5)),
};

function relu(
  x: Tensor,
  {
    negativeSlope,
    maxValue,
    threshold,
  }: { negativeSlope: number; maxValue: number | undefined; threshold: number },
): Tensor {
  if (negativeSlope !== 0 && maxValue === undefined && threshold === 0)
    return leaky(x, negativeSlope);
  const kept = threshold === 0 ? x.maximum(0) : x.lessEqual(threshold).where(0, x);
  const limited = maxValue === undefined ? kept : limit(kept, maxValue, threshold);
  if (negativeSlope === 0) return limited;
  const below = x.negate().add(threshold).maximum(0);
  return limited.subtract(below.multiply(negativeSlope));
}

/**
 * Limited to [0, maxValue]. Keras takes the mean of both slopes where a number is on a limit, but
 * in relu6, which it calls for 6, 0.
 */
function limit(kept: Tensor, maxValue: number, threshold: number): Tensor {
  if (maxValue === 6 && threshold === 0) return kept.minimum(6);
  const upper = kept.equal(maxValue).where(kept.add(maxValue).multiply(0.5), kept);
  const limited = kept.greater(maxValue).where(maxValue, upper);
  // Only what is kept above a negative threshold can still be negative.
  if (threshold >= 0) return limited;
  return kept.less(0).where(0, kept.equal(0).where(kept.multiply(0.5), limited));
}

const leaky = (x: Tensor, slope: number): Tensor => x.greaterEqual(0).where(x, x.multiply(slope));

const relu6 = (x: Tensor): Tensor => clip(x, 0, 6);

const hardSigmoid = (x: Tensor): Tensor => relu6(x.add(3)).multiply(1 / 6);

const hardTanh = (x: Tensor): Tensor => x.greater(1).where(1, x.less(-1).where(-1, x));
