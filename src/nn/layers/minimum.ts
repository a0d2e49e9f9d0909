import type { Tensor } from "../../tensor/tensor.ts";
import { extreme } from "./maximum.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The smallest of all inputs, number by number; samples broadcast. Of equal numbers both get half of
 * the gradient.
 *
 * @throws ShapeError where the inputs do not broadcast
 * @example layers.minimum().apply([a, b])
 */
export class Minimum extends Merge {
  static override readonly className: string = "Minimum";
  protected readonly factory = "minimum";

  protected merge([first, ...others]: readonly [Tensor, ...Tensor[]]): Tensor {
    return others.reduce((smallest, x) => extreme(smallest, x, (a, b) => b.less(a)), first);
  }
}

/** Makes a `Minimum`. */
export const minimum = (options: MergeOptions = {}): Minimum => new Minimum(options);
