/** Functions of tensors that need no row of their own. */
import { ShapeError, ValueError } from "../base/errors.ts";
import { formatShape } from "../base/shape.ts";
import { alignTo, padded } from "./dimensions.ts";
import { Tensor } from "./tensor.ts";
import type { Trace } from "./trace.ts";

/** log(sum(exp(x))) over the last dimension, kept; shifted by the largest, so it never overflows. */
export function logSumExp(x: Tensor): Tensor {
  const largest = x.max(-1, true).stopGradient();
  return x.subtract(largest).exponential().sum(-1, true).logarithm().add(largest);
}

/** log(1 + e^x), without overflow; its gradient is sigmoid(x) everywhere. */
export const softplus = (x: Tensor): Tensor => x.softplus();

/** log(sigmoid(x)) = -softplus(-x): no logarithm of a 0 far below 0. */
export const logSigmoid = (x: Tensor): Tensor => x.negate().softplus().negate();

/** What `moments` returns, in one shape. */
export interface Moments {
  readonly mean: Tensor;
  /** The mean squared deviation from the mean (divided by the count, not by one less). */
  readonly variance: Tensor;
}

/** Mean and variance over dimensions (default: all); the variance from deviations, so none cancel. */
export function moments(x: Tensor, dimensions?: number | readonly number[], keep = false): Moments {
  const mean = x.mean(dimensions, true);
  const variance = x.subtract(mean).square().mean(dimensions, keep);
  return { mean: keep ? mean : x.mean(dimensions), variance };
}

/** The mean squared deviation from the mean over dimensions (default: all). */
export const variance = (
  x: Tensor,
  dimensions?: number | readonly number[],
  keep = false,
): Tensor => moments(x, dimensions, keep).variance;

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

/**
 * Tensors one after the other along one dimension, in which alone their shapes may differ; the numbers
 * are copied exactly.
 *
 * @throws ValueError for no tensors or several dtypes, ShapeError for shapes that do not fit
 */
export function concatenate(tensors: readonly Tensor[], dimension: number): Tensor {
  const who = "concatenate";
  const [first, ...others] = tensors;
  if (!first) throw new ValueError({ who, expected: "at least one tensor", received: "none" });
  const position = dimension < 0 ? dimension + first.rank : dimension;
  if (!Number.isInteger(position) || position < 0 || position >= first.rank)
    throw new ShapeError({
      who,
      expected: `a dimension from ${-first.rank} to ${first.rank - 1}`,
      received: `${dimension}`,
    });
  for (const { dtype, shape } of others) {
    if (dtype !== first.dtype)
      throw new ValueError({
        who,
        expected: "tensors of one dtype",
        received: `${first.dtype} and ${dtype}`,
        fix: "Use cast() first.",
      });
    const fits = shape.length === first.rank;
    if (!fits || shape.some((size, i) => i !== position && size !== first.shape[i]))
      throw new ShapeError({
        who,
        expected: `shapes that differ in dimension ${dimension} alone`,
        received: `${formatShape(first.shape)} and ${formatShape(shape)}`,
      });
  }
  return others.length === 0 ? first : joined(tensors, position);
}

/** Each tensor padded to the whole, and a choice by position among them. */
function joined(tensors: readonly Tensor[], position: number): Tensor {
  const [first] = tensors as [Tensor];
  const { trace } = first;
  const { graph } = trace;
  const starts = [0];
  for (const { shape } of tensors) starts.push(starts.at(-1)! + shape[position]!);
  const axis = graph.axis(starts.at(-1)!);
  const index = graph.make("index", [], { axes: [axis] });
  const along = first.dimensions.map((_, i) => (i === position ? axis : undefined));
  const positions = new Tensor(trace, index, along);
  return tensors
    .map((tensor, i) => {
      // In the axes of the first, so that nothing stands between a choice and a pad.
      const aligned = alignTo(graph, tensor, first, first.dimensions);
      const { node, dimensions } = padded(graph, aligned, position, axis, starts[i]!);
      return { start: starts[i]!, tensor: new Tensor(trace, node, dimensions) };
    })
    .reduceRight((after, before) => ({
      start: before.start,
      tensor: positions.less(after.start).where(before.tensor, after.tensor),
    })).tensor;
}

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
