import type { Tensor } from "../../tensor/tensor.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The one of two numbers that comes after the other by `isBehind`. Equal ones share the gradient, as
 * in Keras and PyTorch; a NaN in either stays.
 */
export function extreme(a: Tensor, b: Tensor, isBehind: (x: Tensor, y: Tensor) => Tensor): Tensor {
  const half = a.multiply(0.5).add(b.multiply(0.5));
  const neither = isBehind(b, a).where(a, a.add(b));
  return isBehind(a, b).where(b, a.equal(b).where(half, neither));
}

/**
 * The largest of all inputs, number by number; samples broadcast. Of equal numbers both get half of
 * the gradient.
 *
 * @throws ShapeError where the inputs do not broadcast
 * @example layers.maximum().apply([a, b])
 */
export class Maximum extends Merge {
  static override readonly className: string = "Maximum";
  protected readonly factory = "maximum";

  protected merge([first, ...others]: readonly [Tensor, ...Tensor[]]): Tensor {
    return others.reduce((largest, x) => extreme(largest, x, (a, b) => a.less(b)), first);
  }
}

/** Makes a `Maximum`. */
export const maximum = (options: MergeOptions = {}): Maximum => new Maximum(options);
