/** Weights as histograms and pictures, under Keras's tags. */
import type { HostArray } from "../../base/host-array.ts";
import {
  histogramSummary,
  imageSummary,
  type Picture,
  type SummaryValue,
} from "../../logs/tensorboard/index.ts";
import type { AnyLayer } from "../../nn/layer.ts";
import { readVariables, type Variable } from "../../tensor/variable.ts";
import type { TrainedModel } from "../callbacks.ts";

/** A histogram of each weight, layer by layer, and where it can be shown as one, a picture. */
export async function weightSummaries(
  { layers, net }: TrainedModel,
  withImages: boolean,
): Promise<SummaryValue[]> {
  // Keras builds the layers of a sequential model within a scope of its name.
  const scope = net.topology.className === "Sequential" ? `${net.name}/` : "";
  const named = layers.flatMap((layer) =>
    layer.weights.map((weight) => ({ weight, name: scope + nameOf(layer, weight) })),
  );
  const values = await readVariables(named.map(({ weight }) => weight));
  const summaries: SummaryValue[] = [];
  for (const [i, { name }] of named.entries()) {
    summaries.push(histogramSummary(`${name}/histogram`, values[i].data));
    const pictures = withImages ? picturesOf(values[i]) : [];
    if (pictures.length > 0) summaries.push(await imageSummary(`${name}/image`, pictures));
  }
  return summaries;
}

/** The weight's path by the layer's name, as Keras has it: `dense_1/kernel`. */
function nameOf(layer: AnyLayer, { path }: Variable): string {
  const own = `${layer.path}/`;
  const rest = path.startsWith(own) ? path.slice(own.length) : path;
  return `${layer.name}/${rest}`.replaceAll(":", "_");
}

/**
 * A weight as pictures, as Keras does: axes of one number dropped; a vector is a column, a matrix lies
 * on its longer side, of three axes the last one counts the pictures, and of four the first one, where
 * the last has 3 or 4 channels. Others have none.
 */
export function picturesOf({ data, shape }: HostArray): Picture[] {
  const sizes = shape.filter((size) => size !== 1);
  if (sizes.includes(0)) return [];
  if (sizes.length === 1) return [picture(sizes[0], 1, 1, (y) => data[y])];
  if (sizes.length === 2) {
    const [rows, columns] = sizes;
    return rows > columns
      ? [picture(columns, rows, 1, (y, x) => data[x * columns + y])]
      : [picture(rows, columns, 1, (y, x) => data[y * columns + x])];
  }
  if (sizes.length === 3) {
    const [height, width, count] = sizes;
    const of = (i: number) => (y: number, x: number) => data[(y * width + x) * count + i];
    return Array.from({ length: count }, (_, i) => picture(height, width, 1, of(i)));
  }
  const [count, height, width, channels] = sizes;
  if (sizes.length !== 4 || (channels !== 3 && channels !== 4)) return [];
  const of = (i: number) => (y: number, x: number, channel: number) =>
    data[((i * height + y) * width + x) * channels + channel];
  return Array.from({ length: count }, (_, i) => picture(height, width, channels, of(i)));
}

/** Numbers from 0, black, to 1; others are as the nearer of both. */
function picture(
  height: number,
  width: number,
  channels: number,
  valueAt: (y: number, x: number, channel: number) => number,
): Picture {
  const pixels = new Uint8Array(height * width * channels);
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let channel = 0; channel < channels; channel++)
        pixels[at++] = toByte(valueAt(y, x, channel));
  return { height, width, channels, pixels };
}

/** As `tf.image.convert_image_dtype` in float32; NaN is black. */
const toByte = (value: number): number =>
  Math.trunc(Math.min(Math.max(Math.fround(value * 255.5), 0), 255)) || 0;
