/**
 * `count` orthonormal vectors of `length` numbers, made of random ones by Gram and Schmidt's
 * process: what QR gives with a positive diagonal of R, so that the result is uniform over all such
 * sets. Doubles, and each vector is freed of the others twice ("twice is enough", Giraud et al.,
 * 2005).
 *
 * @param draws `count` vectors, one after the other; `count` is at most `length`
 */
export function orthonormal(draws: Float32Array, count: number, length: number): Float64Array {
  const vectors = Float64Array.from(draws);
  for (let i = 0; i < count; i++) {
    const vector = vectors.subarray(i * length, (i + 1) * length);
    for (let pass = 0; pass < 2; pass++)
      for (let k = 0; k < i; k++) {
        const other = vectors.subarray(k * length, (k + 1) * length);
        const share = dot(vector, other);
        for (let j = 0; j < length; j++) vector[j] -= share * other[j];
      }
    const norm = Math.sqrt(dot(vector, vector));
    for (let j = 0; j < length; j++) vector[j] /= norm;
  }
  return vectors;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}
