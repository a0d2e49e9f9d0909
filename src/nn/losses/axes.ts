/** What losses do along one dimension of their predictions, which is never the batch. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/**
 * The mean of each sample over a dimension. Values `[batch]` have none to take it over and stay:
 * each counts as one sample. (Keras takes the whole array for one sample.)
 */
export function meanOver(values: Tensor, axis: number, who: string): Tensor {
  if (values.rank === 1 && (axis === -1 || axis === 1)) return values;
  return values.mean(positionOf(values, axis, who));
}

/** The tensor with a dimension moved to the end; `[classes]` alone is one sample. */
export function withLast(x: Tensor, axis: number, who: string): Tensor {
  if (axis === -1) return x;
  const at = positionOf(x, axis, who);
  const others = x.shape.map((_, i) => i).filter((i) => i !== at);
  return x.transpose([...others, at]);
}

function positionOf({ rank, shape }: Tensor, axis: number, who: string): number {
  const at = axis < 0 ? axis + rank : axis;
  if (at > 0 && at < rank) return at;
  throw new ShapeError({
    who,
    expected:
      `axis must be a dimension of the predictions ${formatShape(shape)} ` +
      "but the first, the batch",
    received: `${axis}`,
  });
}
