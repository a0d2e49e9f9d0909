import { type Shape, sizeOf } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { Layer, type LayerOptions, layerDefaults } from "../layer.ts";
import { settings } from "../options.ts";

/**
 * All numbers of a sample in one dimension, row-major: `[batch, ...shape]` -> `[batch, size]`.
 *
 * @example layers.flatten({ inputShape: [32, 32, 3] })
 */
export class Flatten extends Layer {
  static override readonly className: string = "Flatten";

  constructor(options: LayerOptions = {}) {
    super(settings(options, layerDefaults, "Flatten"));
  }

  call(x: Tensor): Tensor {
    return x.reshape([x.shape[0], sizeOf(x.shape.slice(1))]);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [sizeOf(inputShape)];
  }
}

/** Makes a `Flatten`. */
export const flatten = (options: LayerOptions = {}): Flatten => new Flatten(options);
