/** Floats of 16 bits, of which JavaScript has no arrays. */

/**
 * IEEE 754 half precision (1 sign, 5 exponent and 10 fraction bits) to float32, exactly.
 */
export function fromFloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(halves.length);
  const floats = new Float32Array(words.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) words[i] = sign | 0x7f800000 | (fraction << 13);
    else if (exponent > 0) words[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else {
      floats[i] = fraction * 2 ** -24;
      words[i] |= sign;
    }
  }
  return floats;
}

/** bfloat16, the upper half of a float32, to float32. */
export function fromBfloat16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i] << 16;
  return new Float32Array(words.buffer);
}
