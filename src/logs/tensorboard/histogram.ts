/** The edges and count of a bucket. */
type Bucket = readonly [left: number, right: number, count: number];

const bucketCount = 30;

/**
 * A histogram as TensorBoard wants it: 30 buckets of equal width from the least to the greatest
 * value, `[left edge, right edge, count]` one after the other, all in doubles. Where all values are
 * the same, all edges are, and the last bucket has them; of no values, all is 0. NaN and infinities
 * are left out. (TensorFlow's histogram of them has NaN for edges, which TensorBoard does not draw.)
 *
 * Rounding is that of `tf.summary.histogram`:
 * https://github.com/tensorflow/tensorboard/blob/master/tensorboard/plugins/histogram/summary_v2.py
 */
export function histogramOf(values: ArrayLike<number>): Float64Array {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let size = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    size++;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (size === 0) return new Float64Array(3 * bucketCount);
  const range = most - least;
  if (range === 0) return flatten((i) => [most, most, i === bucketCount - 1 ? size : 0]);
  const counts = new Float64Array(bucketCount);
  const width = range / bucketCount;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    counts[Math.min(Math.floor((value - least) / width), bucketCount - 1)]++;
  }
  const edge = (i: number) => (i === bucketCount ? most : least + width * i);
  return flatten((i) => [edge(i), edge(i + 1), counts[i]]);
}

function flatten(bucket: (i: number) => Bucket): Float64Array {
  const buckets = new Float64Array(3 * bucketCount);
  for (let i = 0; i < bucketCount; i++) buckets.set(bucket(i), 3 * i);
  return buckets;
}
