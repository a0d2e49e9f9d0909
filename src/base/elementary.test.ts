import { describe, expect, it } from "vitest";
import { cosTurns, exp, log, power, sinTurns, wholePower } from "./elementary.ts";
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

  it("exp agrees with the engine's, to the ends of its range", () => {
    for (let i = -3000; i <= 3000; i++) {
      const x = i * 0.23456;
      const scale = 2e-15 * Math.max(1, Math.abs(x) / 100);
      expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThanOrEqual(scale);
    }
    expect([exp(0), exp(800), exp(-800), exp(Number.NaN)]).toEqual([1, Infinity, 0, Number.NaN]);
    expect(exp(-740) / Math.exp(-740)).toBeCloseTo(1, 1); // Subnormal: a few bits are left.
  });

  it("powers agree with the engine's; whole ones of 2 are exact", () => {
    for (let i = 1; i <= 500; i++)
      for (const exponent of [-3, -0.7, 0, 0.25, 0.5, 1, 1.5, 7, 100 / i]) {
        const base = i / 123;
        expect(Math.abs(power(base, exponent) / base ** exponent - 1)).toBeLessThan(1e-12);
      }
    expect(wholePower(2, 1023)).toBe(2 ** 1023);
    expect(wholePower(2, -1022)).toBe(2 ** -1022);
    expect([power(0, 0), power(0, 2), power(0, 0.5), power(0, -0.5)]).toEqual([1, 0, 0, Infinity]);
    expect(Math.abs(wholePower(0.999, 100_000) / 0.999 ** 100_000 - 1)).toBeLessThan(1e-11);
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
