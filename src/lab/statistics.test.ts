import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { binomialError, studentQuantile, summarize } from "./statistics.ts";

interface Golden {
  readonly quantiles: readonly { probability: number; freedom: number; t: number }[];
  readonly samples: Record<
    string,
    { values: number[]; mean: number; standardDeviation: number; interval: [number, number] }
  >;
}

const path = join(import.meta.dirname, "../../tools/golden/study-statistics.json");
const golden: Golden = JSON.parse(readFileSync(path, "utf8"));

const relative = (got: number, wanted: number) => Math.abs(got - wanted) / Math.abs(wanted);

describe("studentQuantile", () => {
  it("is SciPy's", () => {
    expect(golden.quantiles.length).toBeGreaterThan(50);
    for (const { probability, freedom, t } of golden.quantiles)
      expect(relative(studentQuantile(probability, freedom), t)).toBeLessThan(1e-11);
  });

  it("is not the normal distribution's, nor that of a degree more", () => {
    // The near misses that a table would tempt to.
    const { t } = golden.quantiles.find((one) => one.probability === 0.95 && one.freedom === 4)!;
    expect(t).toBeCloseTo(2.776, 3);
    expect(relative(1.96, t)).toBeGreaterThan(0.2);
    expect(relative(studentQuantile(0.95, 5), t)).toBeGreaterThan(0.05);
    expect(relative(studentQuantile(0.9, 4), t)).toBeGreaterThan(0.2);
  });
});

describe("summarize", () => {
  it.each(Object.entries(golden.samples))("is SciPy's, of %s", (_, sample) => {
    const { count, mean, standardDeviation, interval } = summarize(sample.values);
    expect(count).toBe(sample.values.length);
    expect(relative(mean, sample.mean)).toBeLessThan(1e-15);
    expect(standardDeviation).toBeCloseTo(sample.standardDeviation, 9);
    for (const [i, end] of interval!.entries()) expect(end).toBeCloseTo(sample.interval[i], 9);
  });

  it("divides by one less than the count", () => {
    const { standardDeviation } = summarize([0.5, 0.75]);
    expect(standardDeviation).toBeCloseTo(Math.SQRT1_2 / 4, 12);
    // That of the whole population would be 0.125.
    expect(standardDeviation).not.toBeCloseTo(0.125, 3);
  });

  it("of one number has no spread", () => {
    expect(summarize([0.47])).toEqual({
      count: 1,
      mean: 0.47,
      standardDeviation: null,
      interval: null,
    });
  });

  it("of NaN is NaN", () => {
    expect(summarize([0.5, Number.NaN]).mean).toBeNaN();
    expect(summarize([0.5, Number.NaN]).interval).toEqual([Number.NaN, Number.NaN]);
  });
});

it("an accuracy of a half on 5,000 pictures is sure to 0.7 points", () => {
  expect(binomialError(0.5, 5000)).toBeCloseTo(0.00707, 5);
  expect(binomialError(1, 5000)).toBe(0);
});
