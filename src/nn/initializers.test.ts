import { describe, expect, it } from "vitest";
import { drawInitial, fans, initializers, resolveInitializer } from "./initializers.ts";
import { golden } from "./values.case.ts";

interface Case {
  readonly name: "heNormal" | "glorotUniform";
  readonly shape: number[];
  readonly fanIn: number;
  readonly fanOut: number;
  readonly limit: number;
  readonly variance: number;
  readonly deviation?: number;
  readonly uncorrectedVariance?: number;
}

interface Golden {
  readonly probabilities: number[];
  readonly truncatedNormal: { readonly quantiles: number[] };
  readonly cases: Case[];
}

const { initializers: facts } = golden<{ initializers: Golden }>("library.json");
const source = { seed: 3, stream: "dense/kernel" };

const varianceOf = (values: Float32Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
};

/** The share of values below, for each of the cuts. */
const sharesBelow = (values: Float32Array, cuts: readonly number[]): number[] =>
  cuts.map((cut) => values.filter((value) => value < cut).length / values.length);

describe("initializers against Keras", () => {
  for (const { name, shape, fanIn, fanOut, limit, variance, deviation, ...other } of facts.cases)
    it(`${name} of [${shape}]`, () => {
      expect(fans(shape)).toEqual({ fanIn, fanOut });
      const drawn = drawInitial(initializers[name](), shape, source);
      const { length } = drawn;
      // The largest float32 at or below the limit may round up to it.
      expect(drawn.every((value) => Math.abs(value) <= Math.fround(limit))).toBe(true);
      // Six standard errors of a variance, which is at most variance * sqrt(2 / n) here.
      const tolerance = 6 * Math.sqrt(2 / length);
      const found = varianceOf(drawn);
      expect(Math.abs(found / variance - 1)).toBeLessThan(tolerance);
      // The near miss: without the correction for the cut. It shows where there are enough numbers.
      if (other.uncorrectedVariance && length >= 10_000)
        expect(Math.abs(other.uncorrectedVariance / found - 1)).toBeGreaterThan(tolerance);
      const cuts =
        name === "heNormal"
          ? facts.truncatedNormal.quantiles.map((quantile) => quantile * deviation!)
          : facts.probabilities.map((probability) => (2 * probability - 1) * limit);
      for (const [i, share] of sharesBelow(drawn, cuts).entries()) {
        const expected = facts.probabilities[i];
        const error = Math.sqrt((expected * (1 - expected)) / length);
        expect(Math.abs(share - expected)).toBeLessThan(6 * error);
      }
    });

  it("draws are a function of (seed, stream)", () => {
    const draw = (seed: number, stream: string) =>
      drawInitial(initializers.heNormal(), [4, 3], { seed, stream });
    expect(draw(1, "dense/kernel")).toEqual(draw(1, "dense/kernel"));
    expect(draw(1, "dense/kernel")).not.toEqual(draw(2, "dense/kernel"));
    expect(draw(1, "dense/kernel")).not.toEqual(draw(1, "dense_1/kernel"));
  });
});

describe("a user's initializer", () => {
  it("gets shape, fans and stream", () => {
    const seen: unknown[] = [];
    const mine = resolveInitializer((...given) => {
      seen.push(...given);
      return [1, 2, 3, 4, 5, 6];
    }, "x");
    expect(drawInitial(mine, [2, 3], source)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(seen).toEqual([[2, 3], { fanIn: 2, fanOut: 3, ...source }]);
  });

  it("is checked", () => {
    const draw = (values: unknown) => () =>
      drawInitial(
        resolveInitializer(function mine() {
          return values as number[];
        }, "x"),
        [2, 2],
        source,
      );
    expect(draw([1, 2, 3])).toThrow(
      "initializer function mine of dense/kernel: it must return 4 numbers for shape [2, 2], " +
        "got 3.",
    );
    expect(draw([1, 2, 3, Number.NaN])).toThrow("it must return finite numbers, got NaN at 3.");
    expect(draw(undefined)).toThrow("it must return a typed array or an array of numbers");
    expect(() => resolveInitializer("he_normal" as never, "Dense")).toThrow(
      'Dense: initializer must be a known name, got "he_normal". Did you mean "heNormal"?',
    );
  });
});
