import { describe, expect, it } from "vitest";
import { cosTurns, log, sinTurns } from "./elementary.ts";
import { inverseNormal } from "./inverse-normal.ts";

// Reference values: mpmath, 60 digits, -sqrt(2) erfinv(1 - 2 p).
const QUANTILES: readonly [number, number][] = [
  [1e-10, -6.361340902404057],
  [1e-7, -5.1993375821928165],
  [0.001, -3.0902323061678136],
  [0.0227, -2.0009293881015724],
  [0.07, -1.4757910281791706],
  [0.08, -1.4050715603096327],
  [0.3, -0.5244005127080408],
  [0.499, -0.002506630899571766],
  [0.7, 0.5244005127080407],
  [0.92, 1.4050715603096329],
  [0.95, 1.6448536269514722],
  [0.9999, 3.7190164854557084],
];

describe("elementary functions", () => {
  it("log agrees with the engine's to the last places", () => {
    for (let i = -3000; i <= 3000; i++) {
      const x = 1.1 ** (i / 20) * (1 + i * 1e-5);
      expect(Math.abs(log(x) - Math.log(x))).toBeLessThanOrEqual(1e-15 * Math.abs(Math.log(x)));
    }
    expect(log(1)).toBe(0);
    expect(log(2 ** 40)).toBeCloseTo(40 * Math.LN2, 13);
  });

  it("sine and cosine agree with the engine's", () => {
    for (let i = -2000; i <= 2000; i++) {
      const turns = i / 777;
      expect(Math.abs(cosTurns(turns) - Math.cos(2 * Math.PI * turns))).toBeLessThan(1e-14);
      expect(Math.abs(sinTurns(turns) - Math.sin(2 * Math.PI * turns))).toBeLessThan(1e-14);
    }
    expect([0, 0.25, 0.5, 0.75, 1].map(cosTurns)).toEqual([1, -0, -1, -0, 1]);
  });

  it.each(QUANTILES)("the normal quantile of %d is %d", (probability, quantile) => {
    const error = Math.abs(inverseNormal(probability) - quantile);
    expect(error).toBeLessThanOrEqual(1e-15 * Math.abs(quantile));
  });
});
