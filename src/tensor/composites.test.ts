/** Functions of tensors, with their gradients, on the interpreter. */
import { describe, expect, it } from "vitest";
import { logSigmoid, moments, softplus, variance } from "./composites.ts";
import { evaluate, valueAndGradients } from "./eager.ts";
import type { Tensor } from "./tensor.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** The values of a function of one tensor, and the gradient of their sum. */
async function both(fn: (x: Tensor) => Tensor, numbers: readonly number[], shape?: number[]) {
  const data = Float32Array.from(numbers);
  const array = { data, shape: shape ?? [data.length] };
  const [value] = await evaluate([array], ([x]) => [fn(x!)]);
  const { gradients } = await valueAndGradients((x) => fn(x).sum(), [array]);
  return { value: [...value!.data], shape: value!.shape, gradient: [...gradients[0]!.data] };
}

/** Each number within a few steps of float32; equal where it is 0, NaN or infinite. */
function expectClose(found: readonly number[], wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, want] of wanted.entries()) {
    const got = found[i]!;
    const isNear = Math.abs(got - want) <= 4e-7 * Math.abs(want) + 1e-45;
    expect(isNear || Object.is(got + 0, want + 0), `${i}: ${got} is ${want}`).toBe(true);
  }
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe("sigmoids", () => {
  const xs = [-inf, -100, -87, -20, -1, 0, 1, 20, 100, inf];

  it("are precise relative to their value, however small", async () => {
    const { value } = await both((x) => x.sigmoid(), xs);
    expectClose(value, xs.map(sigmoid));
    expect(value[1]).toBeGreaterThan(0);
  });

  it("are the gradient of softplus, also at 0 and far from it", async () => {
    const { value, gradient } = await both(softplus, xs);
    expectClose(
      value,
      xs.map((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
    );
    expectClose(gradient, xs.map(sigmoid));
  });

  it("have a logarithm that is none of 0", async () => {
    const { value, gradient } = await both(logSigmoid, [-100, -1, 0, 1, 100]);
    expectClose(value, [
      -100,
      -1.3132616875182228,
      -Math.LN2,
      -0.31326168751822286,
      -3.7200759760208356e-44,
    ]);
    expectClose(gradient, [100, 1, 0, -1, -100].map(sigmoid));
  });

  it("is not what the formula of max and log1p gives as the slope at 0", async () => {
    const naive = (x: Tensor) => x.maximum(0).add(x.absolute().negate().exponential().log1p());
    expect((await both(naive, [0])).gradient).toEqual([0]);
  });
});

describe("power", () => {
  const slope = (exponent: number) => (x: number) => exponent * x ** (exponent - 1);
  const power = (exponent: number, xs: readonly number[]) => both((x) => x.power(exponent), xs);

  it.each([1, 2, 3, 7, 12, -1, -2, -3])("%d is a product, for numbers of any sign", async (n) => {
    const xs = [-2, -0.5, 1, 1.5, 3];
    const { value, gradient } = await power(n, xs);
    expectClose(
      value,
      xs.map((x) => x ** n),
    );
    for (const [i, x] of xs.entries()) expect(gradient[i]! / slope(n)(x)).toBeCloseTo(1, 5);
  });

  it.each([0.5, 0.3, 1.5, 2.7, -0.5, -1.2])("%d is right for positive numbers", async (c) => {
    const xs = [0.01, 0.5, 1, 2, 9];
    const { value, gradient } = await power(c, xs);
    for (const [i, x] of xs.entries()) {
      expect(value[i]! / x ** c).toBeCloseTo(1, 5);
      expect(gradient[i]! / slope(c)(x)).toBeCloseTo(1, 5);
    }
  });

  it("has a value and a finite slope at 0, and none below where it is not whole", async () => {
    expect(await power(2, [0])).toMatchObject({ value: [0], gradient: [0] });
    expect(await power(1.5, [0])).toMatchObject({ value: [0], gradient: [0] });
    expect(await power(0.3, [0])).toMatchObject({ value: [0], gradient: [0] });
    expect(await power(-0.3, [0])).toMatchObject({ value: [inf], gradient: [0] });
    expect(await power(1.5, [-1, nan])).toMatchObject({ value: [nan, nan] });
  });

  it("0 is 1 for all numbers, in their shape", async () => {
    expect(await power(0, [0, -3, nan])).toEqual({
      value: [1, 1, 1],
      shape: [3],
      gradient: [0, 0, 0],
    });
  });

  it("refuses an exponent that is no number", async () => {
    await expect(power(nan, [1])).rejects.toThrow("power: a finite exponent, got NaN.");
  });
});

describe("small functions", () => {
  it("sign", async () => {
    const { value, gradient } = await both((x) => x.sign(), [-3, -0, 0, 1e-30, inf, nan]);
    expect(value.map((x) => x + 0)).toEqual([-1, 0, 0, 1, 1, nan]);
    expect(gradient).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("reciprocal", async () => {
    const { value, gradient } = await both((x) => x.reciprocal(), [4, -0.5, inf]);
    expect(value).toEqual([0.25, -2, 0]);
    expect(gradient.map((x) => x + 0)).toEqual([-0.0625, -4, 0]);
  });

  it("min takes the smallest, keeps a NaN, and shares its gradient among equals", async () => {
    const numbers = [3, -1, 2, 5, 4, 4, nan, 0, 1];
    const { value, shape, gradient } = await both((x) => x.min(-1), numbers, [3, 3]);
    expect(value).toEqual([-1, 4, nan]);
    expect(shape).toEqual([3]);
    expect(gradient.slice(0, 6).map((x) => x + 0)).toEqual([0, 1, 0, 0, 0.5, 0.5]);
    expect((await both((x) => x.min([0, 1], true), numbers.slice(0, 6), [2, 3])).shape).toEqual([
      1, 1,
    ]);
  });

  it("moments come from deviations: no large mean cancels the variance", async () => {
    const numbers = [10000, 10001, 10002, 1, 2, 6];
    const array = { data: Float32Array.from(numbers), shape: [2, 3] };
    const [mean, spread, columns] = await evaluate([array], ([x]) => {
      const { mean, variance: spread } = moments(x!, -1);
      return [mean, spread, variance(x!, 0, true)];
    });
    expectClose([...mean!.data], [10001, 3]);
    expectClose([...spread!.data], [2 / 3, 14 / 3]);
    expect(columns!.shape).toEqual([1, 3]);
    expectClose(
      [...columns!.data],
      [9999, 9999, 9996].map((d) => (d / 2) ** 2),
    );
  });
});
