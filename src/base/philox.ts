/**
 * Random numbers without state: Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror
 * and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), and the project's addressing
 * of its bits, which host and device share:
 *
 *   a stream is (seed, path)
 *   key      = [low 32 bits of seed, streamHash(path)]
 *   counter  = [element >>> 2, step, 0, high bits of seed]
 *   the bits of (stream, step, element) are output word (element & 3)
 */

import { describe, ValueError } from "./errors.ts";
import { inverseNormal } from "./inverse-normal.ts";

// Multipliers and Weyl increments (Salmon et al. 2011, section 4.1; Random123, philox.h): the
// increments are the golden ratio and sqrt(3) - 1.
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const ROUNDS = 10;

/**
 * The constants of Philox 4x32-10, for devices: the multipliers of words 0 and 2 of the counter,
 * the increments of the two key words per round, and the number of rounds.
 */
export const philoxConstants = {
  // Not exported one by one: the engine does not fold exported constants into the loop below.
  multipliers: [M0, M1],
  increments: [W0, W1],
  rounds: ROUNDS,
} as const;

const INVERSE_2_32 = 2 ** -32;

/**
 * One block: encrypts the 128-bit `counter` (four u32) under the 64-bit `key` (two u32) and
 * writes four random u32 to `out` from `offset` on.
 */
export function philox4x32(
  counter: ArrayLike<number>,
  key: ArrayLike<number>,
  out: Uint32Array,
  offset = 0,
): void {
  block(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out, offset);
}

function block(
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
  out: Uint32Array,
  offset: number,
): void {
  // Everything stays a signed 32-bit integer: as doubles, the loop takes a third longer.
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(c0, M0 >>> 16, M0 & 0xffff);
    const high1 = multiplyHigh(c2, M1 >>> 16, M1 & 0xffff);
    const low0 = Math.imul(c0, M0);
    const low1 = Math.imul(c2, M1);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + (W0 | 0)) | 0;
    k1 = (k1 + (W1 | 0)) | 0;
  }
  out[offset] = c0;
  out[offset + 1] = c1;
  out[offset + 2] = c2;
  out[offset + 3] = c3;
}

/** Upper 32 bits of the unsigned product a * (2^16 high + low), by long multiplication. */
function multiplyHigh(a: number, high: number, low: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  // Neither sum exceeds 2^32 - 1, as (2^16 - 1)^2 + 2 (2^16 - 1) = 2^32 - 1.
  const middle = (Math.imul(aHigh, low) + (Math.imul(aLow, low) >>> 16)) | 0;
  const carry = (Math.imul(aLow, high) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, high) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/**
 * FNV-1a, 32 bits, of the path's UTF-8 bytes (Fowler, Noll, Vo): the second key word of the stream
 * `path`.
 */
export function streamHash(path: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/**
 * Throws a ValueError unless `seed` is a whole number in [0, 2^53).
 *
 * @param who names the caller in the error
 */
export function checkSeed(seed: number, who: string): void {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ValueError({
      who,
      expected: "seed must be a whole number in [0, 2^53)",
      received: describe(seed),
      fix: "Example: seed: 42",
    });
  }
}

/** The key of the stream (seed, path): [low 32 bits of seed, streamHash(path)]. */
export function streamKey(seed: number, path: string): readonly [number, number] {
  return [seed >>> 0, streamHash(path)];
}

/** The bits of `seed` above the low 32 (at most 21 of them): the last word of every counter. */
export function seedHigh(seed: number): number {
  return Math.floor(seed * INVERSE_2_32);
}

/**
 * Random bits of the elements 0 to count - 1 of a stream at a step, one u32 each. A pure function
 * of its arguments; a longer draw begins with the shorter one.
 *
 * @param seed whole number in [0, 2^53)
 * @param path the stream, for example `dense_3/kernel`
 * @param step u32
 * @throws ValueError if the seed is none
 */
export function randomBits(seed: number, path: string, step: number, count: number): Uint32Array {
  // Whole blocks are written; the view cuts the rest off.
  const bits = new Uint32Array(Math.ceil(count / 4) * 4);
  fillRandomBits(seed, path, step, bits);
  return bits.subarray(0, count);
}

/** As `randomBits`, but fills an array that is there, whose length must be a multiple of 4. */
export function fillRandomBits(seed: number, path: string, step: number, out: Uint32Array): void {
  checkSeed(seed, "random draw");
  const [key0, key1] = streamKey(seed, path);
  const high = seedHigh(seed);
  for (let element = 0; element < out.length; element += 4) {
    block(element >>> 2, step, 0, high, key0, key1, out, element);
  }
}

/**
 * The float32 in [0, 1) of random bits: (bits >>> 8) * 2^-24, exact, so host and device agree on
 * it.
 */
export function toUniform(bits: number): number {
  return (bits >>> 8) * 2 ** -24;
}

/** Uniform draws in [0, 1), one per element of the stream (see `randomBits`). */
export function uniform(seed: number, path: string, step: number, count: number): Float32Array {
  const bits = randomBits(seed, path, step, count);
  const draws = new Float32Array(count);
  for (let i = 0; i < count; i++) draws[i] = toUniform(bits[i]);
  return draws;
}

/**
 * Standard normal draws, by the inverse of the cumulative distribution at (bits + 1/2) / 2^32:
 * one u32 per element, values within +-6.4.
 */
export function normal(seed: number, path: string, step: number, count: number): Float32Array {
  const bits = randomBits(seed, path, step, count);
  const draws = new Float32Array(count);
  for (let i = 0; i < count; i++) draws[i] = inverseNormal((bits[i] + 0.5) * INVERSE_2_32);
  return draws;
}

/** P(Z < -2) of a standard normal Z. */
const TAIL_AT_2 = 0.02275013194817921;

/**
 * Standard normal draws cut off at two standard deviations, by the inverse of the cumulative
 * distribution over [P(Z < -2), P(Z < 2)]: one u32 per element and no rejection. Their own
 * standard deviation is 0.87962566, by which an initializer divides to reach a given one.
 */
export function truncatedNormal(
  seed: number,
  path: string,
  step: number,
  count: number,
): Float32Array {
  const bits = randomBits(seed, path, step, count);
  const draws = new Float32Array(count);
  const scale = (1 - 2 * TAIL_AT_2) * INVERSE_2_32;
  for (let i = 0; i < count; i++) draws[i] = inverseNormal(TAIL_AT_2 + (bits[i] + 0.5) * scale);
  return draws;
}

/**
 * The numbers 0 to n - 1 in random order: a Fisher-Yates shuffle whose exchange partner of place
 * i is floor(bits * (i + 1) / 2^32). The bias of that is below n / 2^32 per exchange (1e-5 for
 * 50,000 rows).
 */
export function permutation(seed: number, path: string, step: number, n: number): Uint32Array {
  const bits = randomBits(seed, path, step, n);
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const j = Math.floor(bits[i] * INVERSE_2_32 * (i + 1));
    // "Inside-out": place i gets what stood at j, and j gets the new number.
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}
