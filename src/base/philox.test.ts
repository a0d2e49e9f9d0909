import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ValueError } from "./errors.ts";
import {
  checkSeed,
  normal,
  permutation,
  philox4x32,
  philoxConstants,
  randomBits,
  streamHash,
  toUniform,
  truncatedNormal,
  uniform,
} from "./philox.ts";

/** Philox by its definition, in whole numbers of any size. */
function reference(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  const [m0, m1] = philoxConstants.multipliers.map(BigInt);
  const [w0, w1] = philoxConstants.increments.map(BigInt);
  for (let round = 0; round < philoxConstants.rounds; round++) {
    const p0 = m0 * c0;
    const p1 = m1 * c2;
    [c0, c1, c2, c3] = [
      (p1 >> 32n) ^ c1 ^ k0,
      p1 & 0xffffffffn,
      (p0 >> 32n) ^ c3 ^ k1,
      p0 & 0xffffffffn,
    ];
    k0 = (k0 + w0) & 0xffffffffn;
    k1 = (k1 + w1) & 0xffffffffn;
  }
  return [c0, c1, c2, c3].map(Number);
}

function mean(values: ArrayLike<number>, of = (value: number) => value): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += of(values[i]);
  return sum / values.length;
}

describe("philox4x32", () => {
  // From Random123's tests/kat_vectors, "philox4x32 10".
  const ones = 0xffffffff;
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [ones, ones, ones, ones],
      [ones, ones],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the known answer for counter %j, key %j", (counter, key, answer) => {
    const out = new Uint32Array(6);
    philox4x32(counter, key, out, 1);
    expect(Array.from(out)).toEqual([0, ...answer, 0]);
  });

  it("equals its definition in big integers", () => {
    const word = fc.oneof(fc.integer({ min: 0, max: ones }), fc.constantFrom(0, 0xffff, ones));
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const out = new Uint32Array(4);
        philox4x32(counter, key, out);
        expect(Array.from(out)).toEqual(reference(counter, key));
      }),
      { numRuns: 300 },
    );
  });
});

describe("streams", () => {
  it("hash paths with FNV-1a", () => {
    // From the draft of Fowler, Noll, Vo and Eastlake, appendix C.
    expect(streamHash("")).toBe(0x811c9dc5);
    expect(streamHash("a")).toBe(0xe40c292c);
    expect(streamHash("foobar")).toBe(0xbf9cf968);
  });

  it("address their bits by (seed, path, step, element)", () => {
    const seed = 2 ** 40 + 123;
    const bits = randomBits(seed, "dense_3/kernel", 7, 11);
    for (let element = 0; element < 11; element++) {
      const block = reference([element >>> 2, 7, 0, 256], [123, streamHash("dense_3/kernel")]);
      expect(bits[element]).toBe(block[element & 3]);
    }
  });

  it("draw a prefix of the longer draw, and other bits for any other address", () => {
    const bits = randomBits(1, "a", 0, 101);
    expect(randomBits(1, "a", 0, 42)).toEqual(bits.slice(0, 42));
    for (const other of [
      randomBits(2, "a", 0, 101),
      randomBits(1 + 2 ** 32, "a", 0, 101),
      randomBits(1, "b", 0, 101),
      randomBits(1, "a", 1, 101),
    ]) {
      expect(other.filter((value, i) => value === bits[i]).length).toBe(0);
    }
  });

  it("take whole seeds below 2^53 only", () => {
    checkSeed(0, "fit");
    checkSeed(2 ** 53 - 1, "fit");
    for (const seed of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(() => checkSeed(seed, "fit")).toThrow(ValueError);
    }
    expect(() => checkSeed(1.5, "fit")).toThrow(
      "fit: seed must be a whole number in [0, 2^53), got 1.5. Example: seed: 42",
    );
    expect(() => uniform(-1, "a", 0, 1)).toThrow(ValueError);
  });
});

describe("draws", () => {
  const n = 200_000;

  it("are uniform in [0, 1) and exact in float32", () => {
    expect(toUniform(0xffffffff)).toBe(1 - 2 ** -24);
    expect(toUniform(0xff)).toBe(0);
    const draws = uniform(3, "u", 0, n);
    const bits = randomBits(3, "u", 0, n);
    expect(draws.every((value, i) => value === toUniform(bits[i]))).toBe(true);
    expect(Math.abs(mean(draws) - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(mean(draws, (u) => (u < 0.1 ? 1 : 0)) - 0.1)).toBeLessThan(
      5 * (0.3 / n ** 0.5),
    );
  });

  it("are standard normal", () => {
    const draws = normal(3, "n", 0, n);
    expect(Math.abs(mean(draws))).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(mean(draws, (z) => z * z) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(mean(draws, (z) => z ** 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
    const beyond = mean(draws, (z) => (z > 1.6448536 ? 1 : 0));
    expect(Math.abs(beyond - 0.05)).toBeLessThan(5 * Math.sqrt(0.0475 / n));
  });

  it("are cut off at two standard deviations, and uncorrected", () => {
    const draws = truncatedNormal(3, "t", 0, n);
    expect(draws.every((z) => Math.abs(z) < 2)).toBe(true);
    expect(Math.max(...draws.slice(0, 100_000))).toBeGreaterThan(1.99);
    expect(Math.abs(mean(draws))).toBeLessThan(5 * (0.88 / n ** 0.5));
    const deviation = Math.sqrt(mean(draws, (z) => z * z));
    expect(Math.abs(deviation - 0.87962566)).toBeLessThan(0.005);
  });

  it("keep their bits", () => {
    const UNIFORM = [0.3735767602920532, 0.034501731395721436, 0.9651667475700378];
    const NORMAL = [-0.32239481806755066, -1.8183966875076294, 1.8140729665756226];
    const TRUNCATED = [-0.30724331736564636, -1.592091679573059, 1.5892812013626099];
    const ORDER = [4, 0, 3, 7, 5, 6, 1, 2];
    // Fixed once: a change here changes every trained weight.
    expect(Array.from(uniform(42, "dense/kernel", 0, 3))).toEqual(UNIFORM);
    expect(Array.from(normal(42, "dense/kernel", 0, 3))).toEqual(NORMAL);
    expect(Array.from(truncatedNormal(42, "dense/kernel", 0, 3))).toEqual(TRUNCATED);
    expect(Array.from(permutation(42, "shuffle", 1, 8))).toEqual(ORDER);
  });
});

describe("permutation", () => {
  it("holds every number once, and another order at every step", () => {
    const order = permutation(5, "shuffle", 0, 1000);
    expect(Array.from(order).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    expect(permutation(5, "shuffle", 1, 1000)).not.toEqual(order);
    expect(permutation(5, "shuffle", 0, 1000)).toEqual(order);
    expect(Array.from(permutation(5, "shuffle", 0, 1))).toEqual([0]);
    expect(permutation(5, "shuffle", 0, 0).length).toBe(0);
  });

  it("gives each of the 24 orders of four equally often", () => {
    const counts = new Map<string, number>();
    const draws = 12_000;
    for (let step = 0; step < draws; step++) {
      const key = permutation(9, "shuffle", step, 4).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    let chiSquare = 0;
    for (const count of counts.values()) chiSquare += (count - 500) ** 2 / 500;
    // 23 degrees of freedom: 49.7 is exceeded once in a thousand.
    expect(chiSquare).toBeLessThan(49.7);
  });
});
