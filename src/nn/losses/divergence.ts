/** Losses of distributions that are no cross-entropy. */
import { clip } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { meanOver } from "./axes.ts";
import { loss } from "./entry.ts";
import { epsilon } from "./stable.ts";

export const divergences = {
  /**
   * sum(target log(target / prediction)) over the last dimension, both clipped to [1e-7, 1]: the
   * Kullback-Leibler divergence of distributions.
   */
  klDivergence: loss()("klDivergence", "shares", {}, () => (yTrue, yPred) => {
    const [target, p] = [yTrue, yPred].map((y: Tensor) => clip(y, epsilon, 1));
    return target.multiply(target.divide(p).logarithm()).sum(-1);
  }),

  /**
   * prediction - target log(prediction + 1e-7), its mean over the last dimension: the negative
   * log-likelihood of counts with a predicted rate, but for log(target!).
   */
  poisson: loss()("poisson", "counts", {}, () => (yTrue, yPred) => {
    const values = yPred.subtract(yTrue.multiply(yPred.add(epsilon).logarithm()));
    return meanOver(values, -1, "loss poisson");
  }),
};
