import type { Tensor } from "../../tensor/tensor.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The product of all inputs, number by number; samples broadcast.
 *
 * @throws ShapeError where the inputs do not broadcast
 * @example layers.multiply().apply([a, b])
 */
export class Multiply extends Merge {
  static override readonly className: string = "Multiply";
  protected readonly factory = "multiply";

  protected merge([first, ...others]: readonly [Tensor, ...Tensor[]]): Tensor {
    return others.reduce((product, x) => product.multiply(x), first);
  }
}

/** Makes a `Multiply`. */
export const multiply = (options: MergeOptions = {}): Multiply => new Multiply(options);
