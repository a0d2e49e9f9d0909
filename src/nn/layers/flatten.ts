import { type Shape, sizeOf } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { choice, type ValuesOf } from "../fields.ts";
import {
  type ActivityOptions,
  activityFields,
  Layer,
  type LayerOptions,
  layerFields,
} from "../layer.ts";
import type { SelfNormalizing } from "../self-normalizing.ts";

/** Options of `layers.flatten`. */
export interface FlattenOptions extends LayerOptions, ActivityOptions {
  /**
   * The order of the numbers: `channelsLast` as they lie; `channelsFirst` takes inputs `[channels,
   * ...]` and puts the channel last, so that both give the same. Default: `channelsLast`.
   */
  readonly dataFormat?: "channelsLast" | "channelsFirst";
}

/**
 * All numbers of a sample in one dimension, row-major: `[batch, ...shape]` -> `[batch, size]`.
 *
 * @example layers.flatten({ inputShape: [32, 32, 3] })
 */
export class Flatten extends Layer {
  static override readonly className: string = "Flatten";

  static override readonly fields = {
    ...layerFields,
    ...activityFields,
    dataFormat: choice(["channelsLast", "channelsFirst"], "channelsLast", {
      channelsLast: "channels_last",
      channelsFirst: "channels_first",
    }),
  };

  declare readonly options: ValuesOf<typeof Flatten.fields>;

  constructor(options: FlattenOptions = {}) {
    super(options);
  }

  call(x: Tensor): Tensor {
    const isFirst = this.options.dataFormat === "channelsFirst" && x.rank > 2;
    const order = x.dimensions.map((_, i) => i).slice(2);
    const last = isFirst ? x.transpose([0, ...order, 1]) : x;
    return last.reshape([x.shape[0], sizeOf(x.shape.slice(1))]);
  }

  override selfNormalizing(): SelfNormalizing {
    return {};
  }

  override computeOutputShape(inputShape: Shape): Shape {
    return [sizeOf(inputShape)];
  }
}

/** Makes a `Flatten`. */
export const flatten = (options: FlattenOptions = {}): Flatten => new Flatten(options);
