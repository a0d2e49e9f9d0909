/** Random numbers of a step, against those that the host draws. */
import { expect, it } from "vitest";
import { inverseNormal } from "../base/inverse-normal.ts";
import { randomBits as hostBits, normal, seedHigh, uniform } from "../base/philox.ts";
import { evaluate } from "./eager.ts";
import {
  normalOfBits,
  type RandomSource,
  randomBits,
  randomNormal,
  randomUniform,
} from "./random.ts";
import type { Tensor } from "./tensor.ts";
import type { Trace } from "./trace.ts";

type Draw = (trace: Trace, source: RandomSource, path: string, shaped: Tensor) => Tensor;

/** What a step draws for a tensor of this shape. */
async function drawn(draw: Draw, shape: number[], { seed = 7, step = 3, path = "noise" } = {}) {
  const size = shape.reduce((n, dimension) => n * dimension, 1);
  const [result] = await evaluate([{ data: new Float32Array(size), shape }], ([x], trace) => {
    const u32 = (value: number) => trace.constant(value, "uint32");
    const source = { seed: u32(seed % 2 ** 32), seedHigh: u32(seedHigh(seed)), step: u32(step) };
    return [draw(trace, source, path, x!)];
  });
  return result!;
}

const seed = 5 * 2 ** 32 + 12345;

it("has the host's bits and uniform numbers, for seeds above 32 bits too", async () => {
  // A float32 holds half of the bits.
  const where = { seed, step: 9, path: "a/noise" };
  const upper = await drawn((...source) => randomBits(...source).shiftRight(16), [3, 5], where);
  const lower = await drawn((...source) => randomBits(...source).shiftLeft(16), [3, 5], where);
  for (const [i, bits] of hostBits(seed, "a/noise", 9, 15).entries())
    expect([upper.data[i], lower.data[i]]).toEqual([bits >>> 16, (bits << 16) >>> 0]);
  const numbers = await drawn(randomUniform, [2, 1, 7], { seed });
  expect([...numbers.data]).toEqual([...uniform(seed, "noise", 3, 14)]);
});

it("has the host's normal numbers to float32's last places", async () => {
  const found = await drawn(randomNormal, [40, 100]);
  const wanted = normal(7, "noise", 3, 4000);
  expect(found.shape).toEqual([40, 100]);
  for (const [i, want] of wanted.entries())
    expect(Math.abs(found.data[i]! - want)).toBeLessThanOrEqual(5e-7 * Math.abs(want));
});

it("draws normal numbers of mean 0, variance 1 and the right tails", async () => {
  const { data } = await drawn(randomNormal, [40000]);
  const mean = (of: (x: number) => number) =>
    [...data].reduce((sum, x) => sum + of(x), 0) / data.length;
  expect(Math.abs(mean((x) => x))).toBeLessThan(4 / 200);
  expect(mean((x) => x * x)).toBeCloseTo(1, 1);
  expect(mean((x) => x ** 4)).toBeCloseTo(3, 0);
  // 4.55 % lie beyond 2, 0.27 % beyond 3.
  expect(mean((x) => Number(Math.abs(x) > 2))).toBeCloseTo(0.0455, 2);
  expect(mean((x) => Number(Math.abs(x) > 3))).toBeCloseTo(0.0027, 3);
});

it("draws finite normal numbers at both ends, in the middle, and beside them", async () => {
  const bits = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1, 0x13333333, 0x13333334];
  const found = await evaluate([], (_, trace) =>
    bits.map((word) => normalOfBits(trace, trace.constant(word, "uint32"))),
  );
  for (const [i, word] of bits.entries()) {
    const want = inverseNormal((word + 0.5) / 2 ** 32);
    expect(Math.abs(found[i]!.data[0]! - want)).toBeLessThanOrEqual(5e-7 * Math.abs(want));
  }
  expect(found[0]!.data[0]).toBeCloseTo(-6.338, 3);
  expect(found[5]!.data[0]).toBe(-found[0]!.data[0]!);
});
