/** What the samples of Monte Carlo predict say together: mean, spread and entropies. */
import type { HostArray } from "../base/host-array.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { concatenated } from "./predict.ts";

/** What `mcPredict` returns for an output `[n, ...outputShape]`. Plain copies, float32. */
export interface McPrediction {
  /** The mean over the samples, for a classifier the mean probabilities: `[n, ...outputShape]`. */
  readonly mean: HostArray;
  /**
   * The standard deviation over the samples of each number, for a classifier of each class, divided
   * by their count as NumPy's `std`: `[n, ...outputShape]`.
   */
  readonly standardDeviation: HostArray;
  /**
   * H(mean_s p_s) in nats, the whole uncertainty: `[n]`, one for each distribution of the output.
   * Absent, as both below, where the output holds no distributions.
   */
  readonly predictiveEntropy?: HostArray;
  /** mean_s H(p_s) in nats, the uncertainty that is in the data: `[n]`. */
  readonly expectedEntropy?: HostArray;
  /** H(mean_s p_s) - mean_s H(p_s) in nats, at least 0, the uncertainty of the weights: `[n]`. */
  readonly mutualInformation?: HostArray;
}

/** How far the probabilities of a distribution may add up to something else than 1. */
const sumTolerance = 1e-3;

/** The samples of one output for some rows, added up. */
export class McTotals {
  readonly #rows: number;
  readonly #sampleShape: Shape;
  readonly #size: number;
  /** Numbers along the last dimension: those of a distribution, if it is one. */
  readonly #classes: number;
  /** The first sample: deviations from it lose no places where they are small. */
  readonly #first: Float32Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  readonly #entropies: Float64Array;
  readonly #counts: Uint32Array;
  #areDistributions: boolean;

  constructor(rows: number, sampleShape: Shape) {
    this.#rows = rows;
    this.#sampleShape = sampleShape;
    this.#size = sizeOf(sampleShape);
    this.#classes = sampleShape.at(-1) ?? 1;
    this.#first = new Float32Array(rows * this.#size);
    this.#sums = new Float64Array(rows * this.#size);
    this.#squares = new Float64Array(rows * this.#size);
    this.#entropies = new Float64Array((rows * this.#size) / this.#classes);
    this.#counts = new Uint32Array(rows);
    this.#areDistributions = sampleShape.length > 0;
  }

  /**
   * Adds a sample of `count` rows from `row` on.
   *
   * @param values of these rows, and maybe more
   * @param entropies of their distributions, absent where there can be none
   */
  add(row: number, count: number, values: Float32Array, entropies?: Float32Array): void {
    const [first, sums, squares] = [this.#first, this.#sums, this.#squares];
    const from = row * this.#size;
    const size = count * this.#size;
    if (this.#counts[row] === 0) first.set(values.subarray(0, size), from);
    for (let i = 0; i < size; i++) {
      const deviation = values[i] - first[from + i];
      sums[from + i] += deviation;
      squares[from + i] += deviation * deviation;
    }
    for (let i = 0; i < count; i++) this.#counts[row + i]++;
    if (!this.#areDistributions || !entropies) return;
    this.#areDistributions = areDistributions(values, size, this.#classes);
    const to = from / this.#classes;
    for (let i = 0; i < size / this.#classes; i++) this.#entropies[to + i] += entropies[i];
  }

  /** What the samples say. Every row must have had as many. */
  summary(): McPrediction {
    const samples = this.#counts[0];
    const mean = new Float64Array(this.#sums.length);
    const deviation = new Float32Array(mean.length);
    for (let i = 0; i < mean.length; i++) {
      const shift = this.#sums[i] / samples;
      mean[i] = this.#first[i] + shift;
      deviation[i] = Math.sqrt(Math.max(0, this.#squares[i] / samples - shift * shift));
    }
    const shape = [this.#rows, ...this.#sampleShape];
    const moments = {
      mean: { data: new Float32Array(mean), shape },
      standardDeviation: { data: deviation, shape },
    };
    if (!this.#areDistributions) return moments;
    const predictive = entropies(mean, this.#classes);
    const expected = this.#entropies.map((sum) => sum / samples);
    // Not below 0 but for rounding: entropy is concave.
    const mutual = predictive.map((entropy, i) => Math.max(0, entropy - expected[i]));
    const one = (data: Float64Array) => ({
      data: new Float32Array(data),
      shape: shape.slice(0, -1),
    });
    return {
      ...moments,
      predictiveEntropy: one(predictive),
      expectedEntropy: one(expected),
      mutualInformation: one(mutual),
    };
  }
}

/** Whether the numbers are probabilities, of `classes` that add up to 1, or of one thing each. */
function areDistributions(values: Float32Array, size: number, classes: number): boolean {
  for (let at = 0; at < size; at += classes) {
    let sum = 0;
    for (let i = at; i < at + classes; i++) {
      // A NaN is none.
      if (!(values[i] >= 0)) return false;
      sum += values[i];
    }
    if (!(classes === 1 ? sum <= 1 : Math.abs(sum - 1) <= sumTolerance)) return false;
  }
  return true;
}

/** -sum p log p of each `classes` numbers; of a single one that of p and 1 - p. */
function entropies(p: Float64Array, classes: number): Float64Array {
  const term = (x: number) => (x > 0 ? -x * Math.log(x) : 0);
  return Float64Array.from({ length: p.length / classes }, (_, row) => {
    if (classes === 1) return term(p[row]) + term(1 - p[row]);
    let sum = 0;
    for (let i = row * classes; i < (row + 1) * classes; i++) sum += term(p[i]);
    return sum;
  });
}

/** The summaries of rows one after the other: with entropies where all have them. */
export function joinedPredictions(parts: readonly McPrediction[]): McPrediction {
  if (parts.length === 1) return parts[0];
  const names = Object.keys(parts[0]) as (keyof McPrediction)[];
  const shared = names.filter((name) => parts.every((part) => part[name] !== undefined));
  // `fromEntries` forgets which names there are; mean and spread are in all parts.
  return Object.fromEntries(
    shared.map((name) => [name, concatenated(parts.map((part) => part[name]!))]),
  ) as unknown as McPrediction;
}
