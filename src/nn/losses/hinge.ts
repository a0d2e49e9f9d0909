/** Losses of margins: 0 once a prediction is on the right side by far enough. */
import type { Tensor } from "../../tensor/tensor.ts";
import { meanOver } from "./axes.ts";
import { loss } from "./entry.ts";

/** max(1 - sign prediction, 0), with labels 0 taken for -1. */
function margin(yTrue: Tensor, yPred: Tensor): Tensor {
  const sign = yTrue.equal(0).where(-1, yTrue);
  return sign.multiply(yPred).negate().add(1).maximum(0);
}

export const hingeLosses = {
  /**
   * max(1 - target prediction, 0), its mean over the last dimension. Targets are -1 or 1; where all
   * are 0 or 1, 0 stands for -1.
   */
  hinge: loss()(
    "hinge",
    "signs",
    {},
    () => (yTrue, yPred) => meanOver(margin(yTrue, yPred), -1, "loss hinge"),
  ),

  /** max(1 - target prediction, 0)^2, its mean over the last dimension. Targets as of `hinge`. */
  squaredHinge: loss()(
    "squaredHinge",
    "signs",
    {},
    () => (yTrue, yPred) => meanOver(margin(yTrue, yPred).square(), -1, "loss squaredHinge"),
  ),

  /**
   * max(1 + the largest prediction of the wrong classes - that of the right class, 0). Targets are
   * one-hot rows. As in Keras the right class takes part in "the largest" with the value 0.
   */
  categoricalHinge: loss()("categoricalHinge", "binary", {}, () => (yTrue, yPred) => {
    const right = yTrue.multiply(yPred).sum(-1);
    const wrong = yTrue.negate().add(1).multiply(yPred).max(-1);
    return wrong.subtract(right).add(1).maximum(0);
  }),
};
