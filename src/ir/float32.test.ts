import { describe, expect, it } from "vitest";
import { fusedMultiplyAdd, limitToRange, rounderOf, ulp32 } from "./float32.ts";

describe("ulp32", () => {
  it("is the distance to the next float32", () => {
    expect(ulp32(1)).toBe(2 ** -23);
    expect(ulp32(-1.999)).toBe(2 ** -23);
    expect(ulp32(0.999)).toBe(2 ** -24);
    expect(ulp32(3e38)).toBe(2 ** 104);
  });

  it("is the quantum at zero and among subnormals", () => {
    for (const x of [0, -0, 2 ** -149, 1e-40, 2 ** -126]) expect(ulp32(x)).toBe(2 ** -149);
    expect(ulp32(2 ** -125)).toBe(2 ** -148);
  });

  it("is infinite where there is no next one", () => {
    expect(ulp32(1e39)).toBe(Number.POSITIVE_INFINITY);
    expect(ulp32(Number.NEGATIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });
});

it("limits doubles to the range of float32, at the place where rounding does", () => {
  const edge = 2 ** 128 - 2 ** 103;
  for (const x of [edge, -edge, edge * (1 - 2 ** -53), 1e39, -1e39, 3e38])
    expect(Number.isFinite(limitToRange(x))).toBe(Number.isFinite(Math.fround(x)));
  expect(limitToRange(0.1)).toBe(0.1);
});

it("wraps whole numbers", () => {
  expect(rounderOf("uint32")(-1)).toBe(2 ** 32 - 1);
  expect(rounderOf("int32")(2 ** 31)).toBe(-(2 ** 31));
  expect(rounderOf("bool")(-1)).toBe(1);
});

describe("fusedMultiplyAdd", () => {
  const ulp = 2 ** -23;

  it("rounds once", () => {
    // (1 + u)^2 - 1 - 2u = u^2 is lost where the product is rounded first.
    const x = 1 + ulp;
    expect(fusedMultiplyAdd(x, x, -(1 + 2 * ulp))).toBe(ulp * ulp);
    expect(Math.fround(Math.fround(x * x) - (1 + 2 * ulp))).toBe(0);
  });

  it("decides by what the double has lost where that lies half way", () => {
    const tiny = 2 ** -60;
    // 1 + u / 2 is half way between 1 and 1 + u: even wins, unless a little more is there.
    const half = ulp / 2;
    expect(Math.fround(1 + half + tiny)).toBe(1);
    expect(fusedMultiplyAdd(tiny, tiny, 1)).toBe(1);
    const a = 1 + 2 ** -20;
    const b = half / a;
    for (const [x, y, z] of [
      [half * (1 + ulp), 1, 1],
      [half, 1 + ulp, 1],
      [2 ** 30, 2 ** 30 * (1 + ulp), -(2 ** 60)],
      [a, Math.fround(b), 1],
    ])
      expect(fusedMultiplyAdd(x, y, z)).toBe(exactly(x, y, z));
    // 2^-80 beyond the middle: a double does not hold it.
    expect(fusedMultiplyAdd(1 + 2 ** -12, 1 + 2 ** -12, 2 ** 40)).toBe(
      exactly(1 + 2 ** -12, 1 + 2 ** -12, 2 ** 40),
    );
    expect(fusedMultiplyAdd(2 ** -40, 2 ** -40, 1 + half)).toBe(1 + ulp);
    expect(fusedMultiplyAdd(2 ** -40, -(2 ** -40), 1 + half)).toBe(1);
  });

  it("passes on infinity and NaN", () => {
    expect(fusedMultiplyAdd(1e30, 1e30, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(fusedMultiplyAdd(Number.POSITIVE_INFINITY, 0, 1)).toBeNaN();
  });

  it("is the correctly rounded result for random numbers", () => {
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.fround((state / 2 ** 31 - 1) * 2 ** ((state % 41) - 20));
    };
    for (let i = 0; i < 2000; i++) {
      const [a, b, c] = [next(), next(), next()];
      expect(fusedMultiplyAdd(a, b, c)).toBe(exactly(a, b, c));
    }
  });
});

/** a b + c in whole multiples of 2^-200, rounded to nearest, halves to even, as float32. */
function exactly(a: number, b: number, c: number): number {
  const scaled = (x: number): bigint => {
    let shift = 0;
    let value = x;
    while (!Number.isInteger(value)) {
      value *= 2;
      shift++;
    }
    return BigInt(value) << BigInt(100 - shift);
  };
  const sum = scaled(a) * scaled(b) + (scaled(c) << 100n);
  const size = sum < 0n ? -sum : sum;
  const drop = BigInt(Math.max(0, size.toString(2).length - 24));
  const kept = size >> drop;
  const rest = size - (kept << drop);
  const half = drop > 0n ? 1n << (drop - 1n) : 0n;
  const up = rest > half || (rest === half && drop > 0n && (kept & 1n) === 1n);
  const rounded = Number((up ? kept + 1n : kept) << drop) * 2 ** -200;
  return sum < 0n ? -rounded : rounded;
}
