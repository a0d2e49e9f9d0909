import { describe, ShapeError, ValueError } from "../../base/errors.ts";
import { formatShape, type Shape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Field, ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import type { SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.permute`. */
export interface PermuteOptions extends LayerOptions, ActivityOptions {
  /** Each dimension of a sample once, in the new order. The first one is 1, as in Keras. */
  readonly dims: readonly number[];
}

const dimsField: Field<readonly number[]> = {
  read: (value, name, who) => {
    if (Array.isArray(value) && value.every((_, i) => value.includes(i + 1))) return [...value];
    throw new ValueError({
      who,
      expected: `${name} must be an array that has each whole number from 1 on once`,
      received: describe(value),
      fix: "Example: dims: [2, 1] swaps the two dimensions of a sample.",
    });
  },
};

/**
 * The dimensions of each sample in another order: output dimension i is input dimension dims[i].
 *
 * @throws ValueError where dims is no permutation, ShapeError where inputs have another rank
 * @example layers.permute({ dims: [2, 1] })
 */
export class Permute extends Layer {
  static override readonly className: string = "Permute";

  static override readonly fields = { ...layerFields, ...activityFields, dims: dimsField };

  declare readonly options: ValuesOf<typeof Permute.fields>;

  constructor(options: PermuteOptions) {
    super(options);
  }

  override build(inputShape: Shape): void {
    const { dims } = this.options;
    if (inputShape.length === dims.length) return;
    throw new ShapeError({
      who: this.label,
      expected: `inputs of ${dims.length} dimensions beside the batch, as dims [${dims.join(", ")}] says`,
      received: formatShape(inputShape),
    });
  }

  call(x: Tensor): Tensor {
    return x.transpose([0, ...this.options.dims]);
  }

  override selfNormalizing(): SelfNormalizing {
    return {};
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return this.options.dims.map((i) => inputShape[i - 1]);
  }
}

/** Makes a `Permute`. */
export const permute = (options: PermuteOptions): Permute => new Permute(options);
