/** The formulas of Monte Carlo predict, against NumPy's and SciPy's. */
import { describe, expect, it } from "vitest";
import { golden, type Nested, valuesOf } from "../nn/values.case.ts";
import { evaluate } from "../tensor/eager.ts";
import { entropyOf } from "./mc-step.ts";
import { joinedPredictions, type McPrediction, McTotals } from "./mc-totals.ts";

interface Facts {
  readonly samples: Nested;
  readonly mean: Nested;
  readonly standardDeviation: Nested;
  readonly predictiveEntropy: Nested;
  readonly expectedEntropy: Nested;
}

const facts = golden<Record<"classes" | "binary", Facts>>("mc-dropout.json");

/** What the samples `[samples, rows, classes]` say, with the entropies that a device computes. */
async function summaryOf(samples: Nested): Promise<McPrediction> {
  const { data, shape } = valuesOf(samples);
  const [count, rows, classes] = shape;
  const totals = new McTotals(rows, [classes]);
  for (let sample = 0; sample < count; sample++) {
    const size = rows * classes;
    const values = new Float32Array(data.subarray(sample * size, (sample + 1) * size));
    const [entropies] = await evaluate([{ data: values, shape: [rows, classes] }], ([p]) => [
      entropyOf(p),
    ]);
    // In two parts, as batches are.
    const [all, at] = [entropies.data as Float32Array, 2 * classes];
    totals.add(0, 2, values, all);
    totals.add(2, rows - 2, values.subarray(at), all.subarray(2));
  }
  return totals.summary();
}

const distance = (found: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(found.length).toBe(wanted.length);
  return Math.max(...Array.from(found, (value, i) => Math.abs(value - wanted[i])));
};

describe.each(["classes", "binary"] as const)("samples of %s", (name) => {
  const wanted = facts[name];

  it("have NumPy's mean, spread and entropies", async () => {
    const found = await summaryOf(wanted.samples);
    const { shape } = valuesOf(wanted.mean);
    for (const key of ["mean", "standardDeviation"] as const) {
      expect(found[key].shape).toEqual(shape);
      expect(distance(found[key].data, valuesOf(wanted[key]).data)).toBeLessThan(1e-7);
    }
    const [predictive, expected] = [wanted.predictiveEntropy, wanted.expectedEntropy].map(
      (one) => valuesOf(one).data,
    );
    expect(found.predictiveEntropy!.shape).toEqual([shape[0]]);
    expect(distance(found.predictiveEntropy!.data, predictive)).toBeLessThan(2e-7);
    expect(distance(found.expectedEntropy!.data, expected)).toBeLessThan(4e-7);
    const mutual = predictive.map((entropy, i) => entropy - expected[i]);
    expect(distance(found.mutualInformation!.data, mutual)).toBeLessThan(4e-7);
  });

  it("know the sure from the unsure, with 0 log 0 in both", async () => {
    const found = await summaryOf(wanted.samples);
    const [sure, torn] = [0, 1].map((row) => ({
      predictive: found.predictiveEntropy!.data[row],
      expected: found.expectedEntropy!.data[row],
      mutual: found.mutualInformation!.data[row],
    }));
    expect(sure).toEqual({ predictive: 0, expected: 0, mutual: 0 });
    expect(torn.expected).toBe(0);
    expect(torn.predictive).toBeGreaterThan(0.6);
    expect(torn.mutual).toBe(torn.predictive);
  });

  it("are told from near misses: bits, another divisor, a mean over rows", async () => {
    const found = await summaryOf(wanted.samples);
    const { predictive, deviation } = {
      predictive: valuesOf(wanted.predictiveEntropy).data.map((nats) => nats / Math.LN2),
      deviation: valuesOf(wanted.standardDeviation).data.map((std) => std * Math.sqrt(7 / 6)),
    };
    expect(distance(found.predictiveEntropy!.data, predictive)).toBeGreaterThan(0.1);
    expect(distance(found.standardDeviation.data, deviation)).toBeGreaterThan(0.01);
    // The document's axis=1.
    const { data, shape } = valuesOf(wanted.samples);
    const [, rows, classes] = shape;
    const overRows = found.mean.data.map((_, i) => {
      const at = (row: number) => data[row * classes + (i % classes)];
      return Array.from({ length: rows }, (_, row) => at(row)).reduce((a, b) => a + b, 0) / rows;
    });
    expect(distance(found.mean.data, overRows)).toBeGreaterThan(0.1);
  });
});

describe("totals", () => {
  it("have entropies for distributions only", () => {
    const summary = (values: number[], shape: number[]) => {
      const totals = new McTotals(1, shape);
      totals.add(0, 1, new Float32Array(values), new Float32Array(4));
      return Object.keys(totals.summary());
    };
    const all = [
      ...["mean", "standardDeviation", "predictiveEntropy", "expectedEntropy", "mutualInformation"],
    ];
    expect(summary([0.25, 0.75], [2])).toEqual(all);
    expect(summary([0.25, 0.7501], [2])).toEqual(all);
    expect(summary([1], [1])).toEqual(all);
    expect(summary([0.5, 0.5, 1, 0], [2, 2])).toEqual(all);
    const moments = all.slice(0, 2);
    expect(summary([0.25, 0.76], [2])).toEqual(moments);
    expect(summary([-0.25, 1.25], [2])).toEqual(moments);
    expect(summary([1.01], [1])).toEqual(moments);
    expect(summary([Number.NaN], [1])).toEqual(moments);
    expect(summary([Number.NaN, 0], [2])).toEqual(moments);
    expect(summary([0.5, 0.5, 1, 0.5], [2, 2])).toEqual(moments);
    // A number for a sample is no distribution.
    expect(summary([0.5], [])).toEqual(moments);
  });

  it("keep small deviations of large numbers", () => {
    const totals = new McTotals(1, [1]);
    const values = [2 ** 20, 2 ** 20 + 0.25, 2 ** 20 - 0.25, 2 ** 20];
    for (const value of values) totals.add(0, 1, Float32Array.of(value));
    const { mean, standardDeviation } = totals.summary();
    expect([...mean.data]).toEqual([2 ** 20]);
    expect(standardDeviation.data[0]).toBeCloseTo(Math.sqrt(2 * 0.0625) / 2, 7);
  });

  it("of several blocks come one after the other, with what all have", () => {
    const part = (rows: number, values: number[]) => {
      const totals = new McTotals(rows, [2]);
      totals.add(0, rows, new Float32Array(values), new Float32Array(rows));
      return totals.summary();
    };
    const joined = joinedPredictions([part(1, [0, 1]), part(2, [1, 0, 0.5, 0.5])]);
    expect(joined.mean).toEqual({ data: Float32Array.of(0, 1, 1, 0, 0.5, 0.5), shape: [3, 2] });
    expect(joined.predictiveEntropy!.shape).toEqual([3]);
    const mixed = joinedPredictions([part(1, [0, 1]), part(1, [3, 4])]);
    expect(Object.keys(mixed)).toEqual(["mean", "standardDeviation"]);
    expect(mixed.mean.shape).toEqual([2, 2]);
  });
});
