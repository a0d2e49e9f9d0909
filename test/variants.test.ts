/** The nets of the exercise: what the lab makes of each, whatever the threads. */
import { afterAll, describe, expect, it } from "vitest";
import { Engine } from "../src/index.ts";
import { trainings, type VariantName, variantNames } from "../src/lab/settings.ts";
import { prepareVariant, variantModel } from "../src/lab/variants.ts";

const engines = [1, 2, 3].map((threads) => new Engine({ threads }));
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

const rows = 90;
/** Pictures whose pixels have other means and deviations at each place. */
const x = {
  data: Uint8Array.from({ length: rows * 3072 }, (_, i) => {
    const pixel = i % 3072;
    const noise = Math.sin(i * 12.9898) * 43758.5453;
    return 40 + (pixel % 100) + Math.floor((noise - Math.floor(noise)) * (20 + (pixel % 80)));
  }),
  shape: [rows, 32, 32, 3],
};
const y = { data: Uint8Array.from({ length: rows }, (_, i) => (i * 7) % 10), shape: [rows] };

async function trained(name: VariantName, engine: Engine) {
  const model = variantModel(name, { seed: 3, engine });
  const { batchSize } = trainings[name];
  await prepareVariant(model, name, x, { steps: Math.ceil(rows / batchSize) });
  const { history } = await model.fit(x, y, { batchSize, validationData: [x, y] });
  const weights = await model.getWeights();
  return { history, weights: weights.map(({ data }) => data), model };
}

describe.each(variantNames)("the net %s", (name) => {
  it("trains to the same bits on one, two and three threads", async () => {
    const results = [];
    for (const engine of engines) results.push(await trained(name, engine));
    const [first, ...others] = results;
    for (const other of others) {
      expect(other.history).toEqual(first.history);
      expect(other.weights).toEqual(first.weights);
    }
    for (const data of first.weights) expect(data.every(Number.isFinite)).toBe(true);
  });
});

describe("standardized pixels", () => {
  it("have mean 0 and deviation 1 at each place, from bytes", async () => {
    const { model } = await trained("selu", engines[0]);
    const standardized = await model.layers[0].apply(x);
    const column = Array.from({ length: rows }, (_, i) => standardized.data[i * 3072 + 17]);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows;
    expect(mean).toBeCloseTo(0, 4);
    expect(variance).toBeCloseTo(1, 4);
  });

  it("differ from net to net only in what they are made of: kernels are drawn alike", async () => {
    const kernelOf = async (name: VariantName) => {
      const model = variantModel(name, { seed: 5, engine: engines[0] });
      const [kernel] = model.weights.filter(({ path }) => path === "dense_3/kernel");
      return kernel.hostValue;
    };
    expect(await kernelOf("alpha")).toEqual(await kernelOf("selu"));
    expect(await kernelOf("bn")).toEqual(await kernelOf("elu"));
    expect(await kernelOf("selu")).not.toEqual(await kernelOf("elu"));
  });
});

describe("1cycle", () => {
  it("follows the book's rates over the whole run", async () => {
    const model = variantModel("onecycle", { seed: 1, engine: engines[0] });
    await prepareVariant(model, "onecycle", x, { steps: 30 });
    const { numbers } = model.optimizer;
    const rate = (step: number) => {
      const [first] = numbers.call(model.optimizer, step).values();
      return Math.abs(first[0]);
    };
    // half = (30 - 4) / 2 = 13 steps up from max / 10, 13 down again, 4 to max / 10000.
    expect(rate(0)).toBeCloseTo(0.005, 6);
    expect(rate(13)).toBeCloseTo(0.05, 6);
    expect(rate(26)).toBeCloseTo(0.005, 6);
    expect(rate(29)).toBeLessThan(0.002);
  });
});
