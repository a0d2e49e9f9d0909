/** Focal cross-entropies: what is predicted well already counts less. */
import { softmax } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, dimension, number } from "../fields.ts";
import { meanOver, withLast } from "./axes.ts";
import {
  type BinaryCrossentropyOptions,
  binaryTerms,
  type CategoricalCrossentropyOptions,
  smoothBinary,
  smoothShares,
} from "./crossentropy.ts";
import { labelSmoothing, loss } from "./entry.ts";
import { clipShares, focalFactor } from "./stable.ts";

/** Options of `losses.binaryFocalCrossentropy`. */
export interface BinaryFocalCrossentropyOptions extends BinaryCrossentropyOptions {
  /** Whether targets 1 count alpha times and targets 0 (1 - alpha) times. Default: false. */
  readonly applyClassBalancing?: boolean;
  /** In [0, 1]; without `applyClassBalancing` it changes nothing, as in Keras. Default: 0.25. */
  readonly alpha?: number;
  /** At least 0; the larger, the less do good predictions count. Default: 2. */
  readonly gamma?: number;
}

/** Options of `losses.categoricalFocalCrossentropy`. */
export interface CategoricalFocalCrossentropyOptions extends CategoricalCrossentropyOptions {
  /** What all is multiplied by, at least 0. Default: 0.25. */
  readonly alpha?: number;
  /** At least 0; the larger, the less do good predictions count. Default: 2. */
  readonly gamma?: number;
}

export const focalLosses = {
  /**
   * (1 - q)^gamma times the binary cross-entropy, q the probability given to the target; its mean
   * over `axis`. Lin et al., "Focal Loss for Dense Object Detection", 2017,
   * https://arxiv.org/abs/1708.02002. As in Keras probabilities are clipped to [1e-7, 1 - 1e-7],
   * with `fromLogits` too: it does not go back to the logits.
   *
   * @throws ValueError where alpha or labelSmoothing is outside [0, 1], or gamma below 0
   */
  binaryFocalCrossentropy: loss<BinaryFocalCrossentropyOptions>()(
    "binaryFocalCrossentropy",
    "shares",
    {
      applyClassBalancing: boolean(false),
      alpha: number(0.25, { from: 0, to: 1 }),
      gamma: number(2, { from: 0 }),
      fromLogits: boolean(false),
      labelSmoothing: labelSmoothing(),
      axis: dimension(-1),
    },
    ({ applyClassBalancing, alpha, gamma, fromLogits, labelSmoothing, axis }) =>
      (yTrue, yPred) => {
        const target = smoothBinary(yTrue, labelSmoothing);
        const rest = target.negate().add(1);
        const p = fromLogits ? yPred.sigmoid() : yPred;
        const given = target.multiply(p).add(rest.multiply(p.negate().add(1)));
        const focal = focalFactor(given, gamma).multiply(binaryTerms(target, p));
        const share = target.multiply(alpha).add(rest.multiply(1 - alpha));
        const values = applyClassBalancing ? share.multiply(focal) : focal;
        return meanOver(values, axis, "loss binaryFocalCrossentropy");
      },
  ),

  /**
   * alpha sum((1 - p)^gamma (-target log p)) over the classes. Lin et al. 2017 (see
   * `binaryFocalCrossentropy`). As in Keras probabilities are divided by their sum and clipped to
   * [1e-7, 1 - 1e-7], with `fromLogits` too: it does not go back to the logits.
   *
   * @throws ValueError where labelSmoothing is outside [0, 1], or alpha or gamma below 0
   */
  categoricalFocalCrossentropy: loss<CategoricalFocalCrossentropyOptions>()(
    "categoricalFocalCrossentropy",
    "shares",
    {
      alpha: number(0.25, { from: 0 }),
      gamma: number(2, { from: 0 }),
      fromLogits: boolean(false),
      labelSmoothing: labelSmoothing(),
      axis: dimension(-1),
    },
    ({ alpha, gamma, fromLogits, labelSmoothing, axis }) =>
      (yTrue, yPred) => {
        const last = (x: Tensor) => withLast(x, axis, "loss categoricalFocalCrossentropy");
        const p = clipShares(fromLogits ? softmax(last(yPred)) : last(yPred));
        const terms = smoothShares(last(yTrue), labelSmoothing).multiply(p.logarithm()).negate();
        return focalFactor(p, gamma).multiply(alpha).multiply(terms).sum(-1);
      },
  ),
};
