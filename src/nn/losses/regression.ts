/** Losses of numbers: how far predictions are from targets. */
import type { Tensor } from "../../tensor/tensor.ts";
import { dimension, number } from "../fields.ts";
import { meanOver, withLast } from "./axes.ts";
import { type LossOptions, loss } from "./entry.ts";
import { epsilon, unitVectors } from "./stable.ts";

/** Options of `losses.huber`. */
export interface HuberOptions extends LossOptions {
  /** The error up to which the loss is quadratic; above 0. Default: 1. */
  readonly delta?: number;
}

/** Options of `losses.cosineSimilarity`. */
export interface CosineSimilarityOptions extends LossOptions {
  /** The dimension of the vectors' components; not the batch. Default: -1. */
  readonly axis?: number;
}

/** A loss that is the mean over the last dimension of a function of target and prediction. */
const meanOf = (name: string, call: (yTrue: Tensor, yPred: Tensor) => Tensor) =>
  loss()(
    name,
    "output",
    {},
    () => (yTrue, yPred) => meanOver(call(yTrue, yPred), -1, `loss ${name}`),
  );

export const regressionLosses = {
  /** (target - prediction)^2, its mean over the last dimension. */
  meanSquaredError: meanOf("meanSquaredError", (yTrue, yPred) => yPred.subtract(yTrue).square()),

  /** |target - prediction|, its mean over the last dimension; its slope at 0 is 0. */
  meanAbsoluteError: meanOf("meanAbsoluteError", (yTrue, yPred) =>
    yPred.subtract(yTrue).absolute(),
  ),

  /** 100 |target - prediction| / max(|target|, 1e-7), its mean over the last dimension. */
  meanAbsolutePercentageError: meanOf("meanAbsolutePercentageError", (yTrue, yPred) =>
    yPred.subtract(yTrue).divide(yTrue.absolute().maximum(epsilon)).absolute().multiply(100),
  ),

  /**
   * (log(1 + target) - log(1 + prediction))^2, its mean over the last dimension. Numbers below
   * 1e-7 count as 1e-7, negative ones too; the gradient is 0 there.
   */
  meanSquaredLogarithmicError: meanOf("meanSquaredLogarithmicError", (yTrue, yPred) => {
    const logarithm = (y: Tensor) => y.maximum(epsilon).log1p();
    return logarithm(yPred).subtract(logarithm(yTrue)).square();
  }),

  /**
   * e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, with e = prediction - target; its
   * mean over the last dimension. Huber, "Robust Estimation of a Location Parameter", 1964,
   * https://doi.org/10.1214/aoms/1177703732.
   *
   * @throws ValueError unless delta is above 0
   */
  huber: loss<HuberOptions>()(
    "huber",
    "output",
    { delta: number(1, { above: 0 }) },
    ({ delta }) =>
      (yTrue, yPred) => {
        const error = yPred.subtract(yTrue);
        const size = error.absolute();
        const linear = size.multiply(delta).subtract(delta ** 2 / 2);
        const values = size.lessEqual(delta).where(error.square().multiply(0.5), linear);
        return meanOver(values, -1, "loss huber");
      },
  ),

  /**
   * log(cosh(prediction - target)), its mean over the last dimension: about e^2 / 2 for small
   * errors e and |e| - log 2 for large ones.
   */
  logCosh: meanOf("logCosh", (yTrue, yPred) => {
    const error = yPred.subtract(yTrue);
    return error.add(error.multiply(-2).softplus()).subtract(Math.LN2);
  }),

  /**
   * -cos of the angle between target and prediction along `axis`: -1 where they point the same way,
   * 1 where they are opposite, 0 where one of them is 0. Keras's gradient is NaN for a prediction
   * of 0; here it is finite.
   *
   * @throws ShapeError where `axis` is the batch
   */
  cosineSimilarity: loss<CosineSimilarityOptions>()(
    "cosineSimilarity",
    "output",
    { axis: dimension(-1) },
    ({ axis }) =>
      (yTrue, yPred) => {
        const unit = (y: Tensor) => unitVectors(withLast(y, axis, "loss cosineSimilarity"));
        return unit(yTrue).multiply(unit(yPred)).sum(-1).negate();
      },
  ),
};
