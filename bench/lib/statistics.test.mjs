import { describe, expect, it } from "vitest";
import { median, summary, tQuantile, variance, welch } from "./statistics.mjs";

describe("statistics of the benchmarks", () => {
  it("summarises samples", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
    expect(variance([1, 2, 3, 4])).toBeCloseTo(5 / 3, 12);
    expect(summary([2, 1, 5])).toEqual({ minimum: 1, median: 2, samples: 3 });
  });

  // Closed forms: tan(pi (p - 1/2)) for one degree of freedom, (2p - 1) sqrt(2 / (4p (1 - p)))
  // for two; the others from tables of Student's distribution.
  it.each([
    [0.975, 1, Math.tan(Math.PI * 0.475)],
    [0.975, 2, 0.95 * Math.sqrt(2 / (4 * 0.975 * 0.025))],
    [0.975, 4, 2.776445105],
    [0.975, 8, 2.306004135],
    [0.995, 10, 3.169272673],
    [0.95, 30, 1.697260887],
    [0.975, 1e5, 1.959987708],
  ])("t quantile of %d with %d degrees of freedom", (p, degrees, t) => {
    expect(tQuantile(p, degrees)).toBeCloseTo(t, 6);
  });

  it("Welch's interval of the difference of two means", () => {
    const a = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7];
    const b = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5];
    // scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    const { difference, low, high, degrees } = welch(a, b);
    expect(difference).toBeCloseTo(-2.821428571428573, 9);
    expect(low).toBeCloseTo(-5.009609975740583, 6);
    expect(high).toBeCloseTo(-0.6332471671165556, 6);
    expect(degrees).toBeCloseTo(25.89056437423471, 6);
    expect(welch([2, 2], [1, 1])).toMatchObject({ difference: 1, low: 1, high: 1 });
  });
});
