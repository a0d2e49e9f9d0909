/** Functions of tensors that need no row of their own. */
import type { Tensor } from "./tensor.ts";
import type { Trace } from "./trace.ts";

/** log(sum(exp(x))) over the last dimension, kept; shifted by the largest, so it never overflows. */
export function logSumExp(x: Tensor): Tensor {
  const largest = x.max(-1, true).stopGradient();
  return x.subtract(largest).exponential().sum(-1, true).logarithm().add(largest);
}

/** exp(x_i) / sum_j exp(x_j) over the last dimension. */
export function softmax(x: Tensor): Tensor {
  const e = x.subtract(x.max(-1, true).stopGradient()).exponential();
  return e.divide(e.sum(-1, true));
}

/** log(softmax(x)) over the last dimension, without the rounding of the softmax. */
export function logSoftmax(x: Tensor): Tensor {
  const shifted = x.subtract(x.max(-1, true).stopGradient());
  return shifted.subtract(shifted.exponential().sum(-1, true).logarithm());
}

/** x limited to [low, high]; a NaN stays. Gradient 0 outside. */
export const clip = (x: Tensor, low: number, high: number): Tensor => x.maximum(low).minimum(high);

/** [..., classes]: 1 where the last dimension's index equals the label `[...]`, else 0. */
export function oneHot(trace: Trace, labels: Tensor, like: Tensor): Tensor {
  return isClass(trace, labels, like).cast("float32");
}

/** [..., classes]: whether the last dimension's index equals the label `[...]` (uint32). */
export function isClass(trace: Trace, labels: Tensor, like: Tensor): Tensor {
  return trace.indexAlong(like, -1).equal(labels.expandDimension(-1));
}

/** The first position of the largest number along the last dimension, as uint32. */
export function argmax(trace: Trace, x: Tensor): Tensor {
  const last = trace.constant(x.shape.at(-1)! - 1, "uint32");
  const backwards = last.subtract(trace.indexAlong(x, -1));
  const largest = x.equal(x.max(-1, true));
  return last.subtract(largest.where(backwards, trace.constant(0, "uint32")).max(-1));
}
