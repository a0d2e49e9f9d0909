/**
 * `count` orthonormal vectors of `length` numbers, made of random ones by Gram and Schmidt's
 * process: what QR gives with a positive diagonal of R, so that the result is uniform over all such
 * sets. In doubles; a vector that loses nine tenths of its length is freed of the others once more,
 * because what is left has lost a digit by then ("twice is enough", Giraud et al., 2005).
 *
 * @param draws `count` vectors, one after the other; `count` is at most `length`
 */
export function orthonormal(draws: Float32Array, count: number, length: number): Float64Array {
  const vectors = Float64Array.from(draws);
  const at = (i: number) => vectors.subarray(i * length, (i + 1) * length);
  const others: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const vector = at(i);
    const before = dot(vector, vector);
    for (const other of others) remove(vector, other);
    if (dot(vector, vector) < 0.01 * before) for (const other of others) remove(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    for (let j = 0; j < length; j++) vector[j] /= norm;
    others.push(vector);
  }
  return vectors;
}

/** Takes from `vector` its part along `unit`. */
function remove(vector: Float64Array, unit: Float64Array): void {
  const share = dot(vector, unit);
  for (let j = 0; j < vector.length; j++) vector[j] -= share * unit[j];
}

/** Four sums side by side: a processor adds them at the same time. */
function dot(a: Float64Array, b: Float64Array): number {
  const { length } = a;
  const whole = length - (length % 4);
  let [p, q, r, s] = [0, 0, 0, 0];
  for (let j = 0; j < whole; j += 4) {
    p += a[j] * b[j];
    q += a[j + 1] * b[j + 1];
    r += a[j + 2] * b[j + 2];
    s += a[j + 3] * b[j + 3];
  }
  for (let j = whole; j < length; j++) p += a[j] * b[j];
  return p + q + (r + s);
}
