/** Mean and variance of data that may not fit into memory, in doubles on the host. */
import type { DataChunk, Dataset } from "../../base/dataset.ts";
import { DataError, describe, ShapeError } from "../../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../../base/host-array.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../../base/shape.ts";

/** What `adapt` takes: an array of samples, or a data set whose inputs count. */
export type AdaptData = ArrayInput | Dataset;

/** Of all numbers of each feature; the variance divides by their count. */
export interface Statistics {
  /** Shape of one sample of the data. */
  readonly sampleShape: Shape;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** For each number of a sample, row-major, which feature it belongs to. */
export interface Features {
  readonly count: number;
  readonly of: Int32Array;
}

/** Samples that are summed together: their sums of squares are taken around their own mean. */
const rowsTogether = 64;

/**
 * The statistics of all samples, one pass over the data. Parts of some rows are taken around their
 * own mean and then joined (Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for
 * Computing Sample Variances", 1979), so nothing cancels.
 *
 * @param featuresOf what the features of samples of this shape are; throws where they do not fit
 * @throws DataError where there is no sample, or a number is not finite
 * @throws ShapeError where samples differ in shape
 */
export async function statisticsOf(
  data: AdaptData,
  featuresOf: (sampleShape: Shape) => Features,
  who: string,
): Promise<Statistics> {
  let running: Running | undefined;
  for await (const array of arraysOf(data, who)) {
    const [rows, ...sampleShape] = array.shape;
    if (rows === undefined)
      throw new ShapeError({ who, expected: "an array [samples, ...]", received: "shape []" });
    running ??= start(sampleShape, featuresOf(sampleShape));
    if (!sameShape(sampleShape, running.sampleShape))
      throw new ShapeError({
        who,
        expected: `all samples of shape ${formatShape(running.sampleShape)}, as the first ones`,
        received: formatShape(sampleShape),
      });
    for (let row = 0; row < rows; row += rowsTogether)
      join(running, array.data, row, Math.min(rows, row + rowsTogether));
  }
  if (!running || running.rows === 0)
    throw new DataError({ who, expected: "at least one sample", received: "none" });
  const { sampleShape, mean, squares, perRow, rows } = running;
  const variance = squares.map((sum, feature) => sum / (perRow[feature]! * rows));
  const bad = mean.findIndex((value, i) => !Number.isFinite(value + variance[i]!));
  if (bad >= 0)
    throw new DataError({
      who,
      expected: "finite numbers in the data",
      received: `some in feature ${bad} that are not`,
      fix: "Replace NaN and infinities first.",
    });
  return { sampleShape, mean, variance };
}

interface Running {
  readonly sampleShape: Shape;
  readonly features: Features;
  /** Numbers of a feature in one sample. */
  readonly perRow: Float64Array;
  rows: number;
  readonly mean: Float64Array;
  /** Sums of squared deviations from the mean. */
  readonly squares: Float64Array;
}

function start(sampleShape: Shape, features: Features): Running {
  const perRow = new Float64Array(features.count);
  for (const feature of features.of) perRow[feature]!++;
  const zeros = () => new Float64Array(features.count);
  return { sampleShape, features, perRow, rows: 0, mean: zeros(), squares: zeros() };
}

function join(running: Running, data: HostArray["data"], from: number, to: number): void {
  const { features, perRow, mean, squares } = running;
  const size = features.of.length;
  const rows = to - from;
  const partMean = new Float64Array(features.count);
  forEach(data, from, to, size, features.of, (value, feature) => {
    partMean[feature]! += value;
  });
  for (let f = 0; f < partMean.length; f++) partMean[f]! /= perRow[f]! * rows;
  const partSquares = new Float64Array(features.count);
  forEach(data, from, to, size, features.of, (value, feature) => {
    const deviation = value - partMean[feature]!;
    partSquares[feature]! += deviation * deviation;
  });
  const part = rows / (running.rows + rows);
  for (let f = 0; f < partMean.length; f++) {
    const step = partMean[f]! - mean[f]!;
    mean[f]! += step * part;
    squares[f]! += partSquares[f]! + step * step * part * running.rows * perRow[f]!;
  }
  running.rows += rows;
}

/** Calls `act` for each number of the rows, with its feature. */
function forEach(
  data: HostArray["data"],
  from: number,
  to: number,
  size: number,
  featureOf: Int32Array,
  act: (value: number, feature: number) => void,
): void {
  for (let row = from; row < to; row++) {
    const first = row * size;
    for (let i = 0; i < size; i++) act(data[first + i]!, featureOf[i]!);
  }
}

const isDataset = (data: unknown): data is Dataset =>
  typeof data === "object" && data !== null && Symbol.asyncIterator in data;

async function* arraysOf(data: AdaptData, who: string): AsyncGenerator<HostArray> {
  if (!isDataset(data)) {
    yield toHostArray(data, `${who} data`);
    return;
  }
  for await (const chunk of data) {
    const x: unknown = (chunk as Partial<DataChunk> | null)?.x;
    const list = Array.isArray(x) && typeof x[0] === "object" && "shape" in x[0] ? x : [x];
    if (list.length !== 1)
      throw new DataError({
        who,
        expected: "a data set of one input",
        received: `chunks of ${list.length}`,
      });
    if (x === undefined)
      throw new DataError({
        who,
        expected: "chunks { x, y } of the data set",
        received: describe(chunk),
      });
    yield toHostArray(list[0] as ArrayInput, `${who} data`);
  }
}

/** The features of samples of this shape: one for each place along the dimensions `kept`. */
export function featuresAlong(sampleShape: Shape, kept: readonly number[]): Features {
  const of = new Int32Array(sizeOf(sampleShape));
  const strides = sampleShape.map((_, i) => sizeOf(sampleShape.slice(i + 1)));
  const sizes = kept.map((i) => sampleShape[i]!);
  for (let place = 0; place < of.length; place++) {
    let feature = 0;
    for (const [k, i] of kept.entries()) {
      const index = Math.floor(place / strides[i]!) % sampleShape[i]!;
      feature = feature * sizes[k]! + index;
    }
    of[place] = feature;
  }
  return { count: sizeOf(sizes), of };
}
