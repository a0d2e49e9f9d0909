import type { Tensor } from "../../tensor/tensor.ts";
import { Merge, type MergeOptions } from "./merge.ts";

/**
 * The first of two inputs minus the second, number by number; samples broadcast.
 *
 * @throws ValueError where there are not two inputs, ShapeError where they do not broadcast
 * @example layers.subtract().apply([a, b])
 */
export class Subtract extends Merge {
  static override readonly className: string = "Subtract";
  protected readonly factory = "subtract";
  protected override readonly count = 2;

  protected merge([first, second]: readonly [Tensor, Tensor]): Tensor {
    return first.subtract(second);
  }
}

/** Makes a `Subtract`. */
export const subtract = (options: MergeOptions = {}): Subtract => new Subtract(options);
