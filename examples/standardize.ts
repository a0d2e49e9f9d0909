/** X_means, X_stds and (X - X_means) / X_stds: the standardization of exercise 8, parts d to f. */
import type { HostArray } from "antler";

/** The mean and the deviation of each number of a sample, over all samples. */
export interface Statistics {
  readonly means: Float64Array;
  readonly stds: Float64Array;
}

/** `X.mean(axis=0)` and `X.std(axis=0)`: the deviation of the population, as NumPy's. */
export function statistics({ data, shape: [samples, ...sample] }: HostArray): Statistics {
  const size = sample.reduce((product, extent) => product * extent, 1);
  const means = new Float64Array(size);
  for (let i = 0; i < data.length; i += size)
    for (let j = 0; j < size; j++) means[j] += data[i + j] / samples;
  const stds = new Float64Array(size);
  for (let i = 0; i < data.length; i += size)
    for (let j = 0; j < size; j++) stds[j] += (data[i + j] - means[j]) ** 2 / samples;
  return { means, stds: stds.map(Math.sqrt) };
}

/** `(X - means) / stds`, as float32: what Keras makes of NumPy's doubles. */
export function standardize({ data, shape }: HostArray, { means, stds }: Statistics): HostArray {
  const scaled = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += means.length)
    for (let j = 0; j < means.length; j++) scaled[i + j] = (data[i + j] - means[j]) / stds[j];
  return { data: scaled, shape };
}
