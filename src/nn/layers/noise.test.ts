import { describe, expect, it } from "vitest";
import { randomBits, uniform } from "../../base/philox.ts";
import type { Shape } from "../../base/shape.ts";
import type { AnyLayer, ApplyOptions } from "../layer.ts";
import * as layers from "./index.ts";

const count = 20_000;
const zeros = (shape: Shape) => ({
  data: new Float32Array(shape.reduce((n, size) => n * size, 1)),
  shape,
});
const ones = (shape: Shape) => ({ ...zeros(shape), data: zeros(shape).data.fill(1) });

/** Standard normal inputs, by Box and Muller from the host's own bits. */
function normal(size: number): Float32Array {
  const [u, v] = ["u", "v"].map((stream) => uniform(9, stream, 0, size));
  return u.map((x, i) => Math.sqrt(-2 * Math.log1p(-x)) * Math.cos(2 * Math.PI * v[i]));
}

const moments = (values: ArrayLike<number>) => {
  const list = Array.from(values);
  const mean = list.reduce((sum, x) => sum + x, 0) / list.length;
  const variance = list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length;
  return { mean, variance };
};

async function drawn(layer: AnyLayer, x: layers.Layer["inputShape"], options: ApplyOptions = {}) {
  const noisy = layer as unknown as layers.Dropout;
  return (await noisy.apply(ones(x!), { sampling: true, ...options })).data;
}

describe("layers of noise", () => {
  it("alpha dropout keeps mean 0 and variance 1", async () => {
    const data = normal(count);
    const layer = layers.alphaDropout({ rate: 0.3 });
    const y = await layer.apply({ data, shape: [count, 1] }, { sampling: true });
    const { mean, variance } = moments(y.data);
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(variance - 1)).toBeLessThan(10 / Math.sqrt(count));
    // The near miss: ordinary dropout keeps the mean alone.
    const dropped = await layers
      .dropout({ rate: 0.3 })
      .apply({ data, shape: [count, 1] }, { sampling: true });
    expect(moments(dropped.data).variance - 1).toBeGreaterThan(0.3);
    const lowest = -1.0507009873554805 * 1.6732632423543772;
    const a = 1 / Math.sqrt(0.7 * (1 + 0.3 * lowest ** 2));
    const fallen = y.data.filter((value) => Math.abs(value - 0.7 * a * lowest) < 1e-6).length;
    expect(Math.abs(fallen / count - 0.3)).toBeLessThan(6 * Math.sqrt((0.3 * 0.7) / count));
  });

  it("Gaussian noise has its deviation, and Gaussian dropout that of dropout", async () => {
    const added = moments(await drawn(layers.gaussianNoise({ stddev: 0.25 }), [count, 1]));
    expect(Math.abs(added.mean - 1)).toBeLessThan(0.01);
    expect(Math.abs(Math.sqrt(added.variance) - 0.25)).toBeLessThan(0.01);
    const product = moments(await drawn(layers.gaussianDropout({ rate: 0.2 }), [count, 1]));
    expect(Math.abs(product.mean - 1)).toBeLessThan(0.02);
    expect(Math.abs(product.variance - 0.25)).toBeLessThan(0.02);
  });

  it("is off outside of fit, and with nothing to add", async () => {
    const x = ones([2, 3]);
    for (const layer of [
      layers.alphaDropout({ rate: 0.5 }),
      layers.gaussianNoise({ stddev: 0.5 }),
      layers.gaussianDropout({ rate: 0.5 }),
      layers.dropout({ rate: 0.5 }),
    ])
      expect((await layer.apply(x)).data).toEqual(x.data);
    for (const layer of [
      layers.alphaDropout({ rate: 0 }),
      layers.gaussianNoise({ stddev: 0 }),
      layers.gaussianDropout({ rate: 0 }),
    ])
      expect((await layer.apply(x, { sampling: true })).data).toEqual(x.data);
  });

  it("is a function of the step and the seed; the option seed takes the model's place", async () => {
    for (const make of [
      (seed?: number) => layers.alphaDropout({ rate: 0.5, ...(seed !== undefined && { seed }) }),
      (seed?: number) => layers.gaussianNoise({ stddev: 1, ...(seed !== undefined && { seed }) }),
    ]) {
      const of = (seed: number | undefined, options: ApplyOptions) =>
        drawn(make(seed), [5, 8], options);
      const own = await of(undefined, { seed: 1 });
      expect(await of(undefined, { seed: 1 })).toEqual(own);
      expect(await of(undefined, { seed: 2 })).not.toEqual(own);
      expect(await of(undefined, { seed: 1, step: 1 })).not.toEqual(own);
      const fixed = await of(2 ** 40 + 5, { seed: 1 });
      expect(fixed).not.toEqual(own);
      expect(await of(2 ** 40 + 5, { seed: 2 })).toEqual(fixed);
      expect(await of(2 ** 40 + 5, { seed: 2, step: 1 })).not.toEqual(fixed);
      expect(await of(5, { seed: 2 })).not.toEqual(fixed);
    }
  });

  it("keeps the elements that Philox on the host says, from the seed of its own", async () => {
    const seed = 2 ** 40 + 5;
    const found = await drawn(layers.dropout({ rate: 0.5, seed }), [4, 6], { step: 3 });
    const bits = randomBits(seed, "dropout/noise", 3, 24);
    expect([...found].map((value) => value !== 0)).toEqual([...bits].map((u) => u >= 2 ** 31));
  });

  it("is shared along dimensions of noiseShape", async () => {
    const shared = (noiseShape: (number | null)[]) =>
      drawn(layers.dropout({ rate: 0.5, noiseShape }), [8, 6]);
    const byColumn = await shared([1, null]);
    for (const [i, value] of byColumn.entries()) expect(value).toBe(byColumn[i % 6]);
    expect(new Set(byColumn).size).toBe(2);
    expect(await shared([6])).toEqual(byColumn);
    const byRow = await shared([null, 1]);
    for (const [i, value] of byRow.entries()) expect(value).toBe(byRow[i - (i % 6)]);
    expect(await shared([8, 6])).toEqual(await drawn(layers.dropout({ rate: 0.5 }), [8, 6]));
  });

  it("refuses what it can't do", async () => {
    expect(() => layers.alphaDropout({ rate: 1 })).toThrow(
      "AlphaDropout: rate must be in [0, 1), got 1. Example: layers.alphaDropout({ rate: 0.1 })",
    );
    expect(() => layers.gaussianDropout({ rate: -0.1 })).toThrow(
      "rate must be in [0, 1), got -0.1",
    );
    expect(() => layers.gaussianNoise({ stddev: 1.5 })).toThrow(
      "GaussianNoise: stddev must be in [0, 1], got 1.5.",
    );
    expect(() => layers.dropout({ rate: 0.1, seed: 1.5 })).toThrow(
      "Dropout: seed must be a whole number of at least 0, got 1.5.",
    );
    expect(() => layers.dropout({ rate: 0.1, noiseShape: [0, null] })).toThrow(
      "Dropout: noiseShape must be an array of whole numbers of at least 1 and nulls, got [0, null]. " +
        "Example: noiseShape: [null, 1], with the batch.",
    );
    const layer = layers.alphaDropout({ rate: 0.1, noiseShape: [null, 4] });
    await expect(layer.apply(ones([2, 3]), { sampling: true })).rejects.toThrow(
      "AlphaDropout: noiseShape must broadcast to the inputs' shape [2, 3], got [null, 4]. " +
        "Each entry is null, 1 or the size of the input, the batch included.",
    );
  });
});
