import type { Tensor } from "../../tensor/tensor.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The mean of all inputs, number by number; samples broadcast.
 *
 * @throws ShapeError where the inputs do not broadcast
 * @example layers.average().apply([a, b])
 */
export class Average extends Merge {
  static override readonly className: string = "Average";
  protected readonly factory = "average";

  protected merge([first, ...others]: readonly [Tensor, ...Tensor[]]): Tensor {
    return others.reduce((sum, x) => sum.add(x), first).divide(others.length + 1);
  }
}

/** Makes an `Average`. */
export const average = (options: MergeOptions = {}): Average => new Average(options);
