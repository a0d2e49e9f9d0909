/** Values as TensorBoard's own parts write and show them. */
import type { SummaryValue } from "./events.ts";
import { histogramOf } from "./histogram.ts";
import { encodePng, type Picture } from "./png.ts";
import { textTensor } from "./tensors.ts";

/** Kept at most of the pictures under a tag, as by `tf.summary.image`. */
const mostPictures = 3;

/** A number, kept as float32. */
export const scalarSummary = (tag: string, value: number): SummaryValue => ({
  tag,
  plugin: "scalars",
  pluginContent: "",
  tensor: { dtype: "float32", shape: [], data: [value] },
});

/** How the values are distributed (see `histogramOf`). */
export const histogramSummary = (tag: string, values: ArrayLike<number>): SummaryValue => ({
  tag,
  plugin: "histograms",
  pluginContent: "",
  tensor: { dtype: "float64", shape: [30, 3], data: histogramOf(values) },
});

/** Pictures of one size: its width, its height, and the first three of them. */
export async function imageSummary(
  tag: string,
  pictures: readonly Picture[],
): Promise<SummaryValue> {
  const [{ width, height }] = pictures;
  const shown = await Promise.all(pictures.slice(0, mostPictures).map(encodePng));
  const texts = [String(width), String(height), ...shown];
  const tensor = textTensor(texts, [texts.length]);
  return { tag, plugin: "images", pluginContent: "", tensor };
}

/** A model in Keras's form, as JSON: the graph that TensorBoard calls conceptual. */
export const modelSummary = (tag: string, json: string): SummaryValue => ({
  tag,
  plugin: "graph_keras_model",
  pluginContent: "1",
  tensor: textTensor([json], []),
});
