import type { Tensor } from "../../tensor/tensor.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The sum of all inputs, number by number; samples broadcast.
 *
 * @throws ShapeError where the inputs do not broadcast
 * @example layers.add().apply([a, b])
 */
export class Add extends Merge {
  static override readonly className: string = "Add";
  protected readonly factory = "add";

  protected merge([first, ...others]: readonly [Tensor, ...Tensor[]]): Tensor {
    return others.reduce((sum, x) => sum.add(x), first);
  }
}

/** Makes an `Add`. */
export const add = (options: MergeOptions = {}): Add => new Add(options);
