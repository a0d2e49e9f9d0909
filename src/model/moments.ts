/** Mean and variance of inputs, and whether they are about 0 and 1. */
import type { HostArray } from "../base/host-array.ts";
import { sizeOf } from "../base/shape.ts";
import type { SelfNormalizingProblem } from "../nn/self-normalizing.ts";

/** Mean and variance of some rows. */
export interface Moments {
  readonly rows: number;
  /** Over all numbers. */
  readonly mean: number;
  readonly variance: number;
  /** The mean square of the features' own means. */
  readonly offset: number;
}

const mostRows = 2000;

/** At most 2,000 rows, evenly from all of them. */
export function someRows({ data, shape }: HostArray): HostArray {
  const [rows, ...sample] = shape;
  if (rows <= mostRows) return { data, shape };
  const size = sizeOf(sample);
  const taken = new Float32Array(mostRows * size);
  for (let i = 0; i < mostRows; i++) {
    const from = Math.floor((i * rows) / mostRows) * size;
    taken.set(data.subarray(from, from + size), i * size);
  }
  return { data: taken, shape: [mostRows, ...sample] };
}

/** In doubles, the deviations around the mean. */
export function momentsOf({ data, shape }: HostArray): Moments {
  const [rows, ...sample] = shape;
  const size = sizeOf(sample);
  const means = new Float64Array(size);
  for (let i = 0; i < data.length; i++) means[i % size] += data[i] / rows;
  const mean = means.reduce((sum, one) => sum + one, 0) / size;
  let squares = 0;
  for (const value of data) squares += (value - mean) ** 2;
  const offset = means.reduce((sum, one) => sum + one ** 2, 0) / size;
  return { rows, mean, variance: squares / data.length, offset };
}

/**
 * What is wrong with inputs whose mean is not about 0 and variance not about 1: beyond 0.1 and 0.2, and
 * what few rows differ by chance. Features may not have means of their own either, not even ones that
 * cancel out.
 */
export function momentProblem(moments: Moments): SelfNormalizingProblem | undefined {
  const { rows, mean, variance, offset } = moments;
  const chance = 1 / Math.sqrt(rows);
  const isMean = Math.abs(mean) <= 0.1 + chance;
  const isVariance = Math.abs(variance - 1) <= 0.2 + chance;
  const isOffset = offset <= 0.1 + 3 / rows;
  if (isMean && isVariance && isOffset) return undefined;
  const fix =
    "Put layers.normalization() first and adapt it to the training data, or standardize the data.";
  if (isMean && isVariance)
    return {
      problem: `the features of its inputs have means of ${short(Math.sqrt(offset))} around 0`,
      fix,
    };
  return {
    problem: `its inputs have mean ${short(mean)} and variance ${short(variance)}, not 0 and 1`,
    fix,
  };
}

const short = (value: number): string => `${Number(value.toPrecision(3))}`;
