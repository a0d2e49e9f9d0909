import { describe, expect, it } from "vitest";
import { orthonormal } from "./initializers/orthonormal.ts";
import {
  drawInitial,
  fans,
  type Initializer,
  initializers,
  resolveInitializer,
} from "./initializers.ts";
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

describe("draws", () => {
  const draw = (initializer: Initializer, shape: number[], seed = 3, stream = "dense/kernel") =>
    drawInitial(initializer, shape, { seed, stream });

  it("of one initializer differ from layer to layer, with a seed of its own too", () => {
    for (const initializer of [initializers.heNormal(), initializers.randomNormal({ seed: 5 })]) {
      const first = draw(initializer, [4, 3]);
      expect(draw(initializer, [4, 3])).toEqual(first);
      expect(draw(initializer, [4, 3], 3, "dense_1/kernel")).not.toEqual(first);
    }
  });

  it("with a seed of their own don't ask for the model's", () => {
    const own = initializers.heNormal({ seed: 5 });
    expect(draw(own, [4, 3], 1)).toEqual(draw(own, [4, 3], 2));
    expect(draw(own, [4, 3], 1)).toEqual(draw(initializers.heNormal(), [4, 3], 5));
    for (const name of ["orthogonal", "glorotUniform", "truncatedNormal"] as const) {
      const seeded = initializers[name]({ seed: 9 });
      expect(draw(seeded, [4, 3], 1)).toEqual(draw(initializers[name](), [4, 3], 9));
    }
  });

  it.each([
    [[5, 3], 1],
    [[3, 5], 2],
    [[2, 2, 3], 1],
    [[4, 4], 0.5],
    [[40, 40], 1],
    [[1, 6], 1],
  ])("orthogonal: %j has orthonormal rows or columns times %s", (shape, gain) => {
    const matrix = draw(initializers.orthogonal({ gain }), shape);
    const columns = shape.at(-1)!;
    const rows = matrix.length / columns;
    const isWide = rows < columns;
    const count = isWide ? rows : columns;
    const vector = (i: number) =>
      Array.from({ length: isWide ? columns : rows }, (_, j) =>
        isWide ? matrix[i * columns + j] : matrix[j * columns + i],
      );
    for (let i = 0; i < count; i++)
      for (let k = 0; k <= i; k++) {
        const product = vector(i).reduce((sum, value, j) => sum + value * vector(k)[j], 0);
        expect(product).toBeCloseTo(i === k ? gain * gain : 0, 6);
      }
  });

  it("orthogonal: no sign is favoured, as after Keras's correction of QR", () => {
    // Householder's QR without it makes the first numbers of one sign.
    const firsts = Array.from(
      { length: 400 },
      (_, i) => draw(initializers.orthogonal(), [3, 3], i)[0],
    );
    const positive = firsts.filter((value) => value > 0).length;
    expect(Math.abs(positive - 200)).toBeLessThan(60);
  });

  it("orthonormal vectors that nearly depend on one another are freed twice", () => {
    const draws = Float32Array.of(1, 1e-5, 0, 1, -1e-5, 1e-5, 1, 0, -1e-5);
    const vectors = orthonormal(draws, 3, 3);
    for (let i = 0; i < 3; i++)
      for (let k = 0; k < i; k++) {
        const [a, b] = [i, k].map((at) => vectors.slice(3 * at, 3 * at + 3));
        expect(Math.abs(a.reduce((sum, value, j) => sum + value * b[j], 0))).toBeLessThan(1e-12);
      }
  });

  it("refuse what cannot be", () => {
    expect(() => initializers.varianceScaling({ scale: 0 })).toThrow(
      "varianceScaling: scale must be a finite number above 0, got 0.",
    );
    expect(() => initializers.randomNormal({ stddev: -1 })).toThrow(
      "randomNormal: stddev must be a finite number of at least 0, got -1.",
    );
    expect(() => initializers.randomUniform({ minval: 1, maxval: 0 })).toThrow(
      "randomUniform: minval must be at most maxval, got 1 and 0.",
    );
    expect(() => initializers.heNormal({ seed: -1 })).toThrow(
      "heNormal: seed must be a whole number of at least 0, got -1.",
    );
    expect(() => initializers.orthogonal({ seed: 2 ** 32 })).toThrow(
      "orthogonal: seed must be below 2^32, got 4294967296.",
    );
    expect(() => initializers.varianceScaling({ mode: "fan_in" as never })).toThrow(
      'varianceScaling: mode must be one of "fanIn", "fanOut", "fanAvg", got "fan_in".',
    );
    expect(() => initializers.glorotNormal({ inputAxes: [0] })).toThrow(
      "glorotNormal: inputAxes and outputAxes must be given together, got inputAxes alone.",
    );
    const beyond = initializers.heNormal({ inputAxes: [2], outputAxes: [0] });
    expect(() => draw(beyond, [3, 4])).toThrow(
      "initializer heNormal of dense/kernel: axis 2 must be a dimension of the weight, got [3, 4].",
    );
    expect(() => draw(initializers.identity(), [3])).toThrow(
      "initializer identity of dense/kernel: a weight of two dimensions, got [3].",
    );
    expect(() => draw(initializers.orthogonal(), [3])).toThrow(
      "initializer orthogonal of dense/kernel: a weight of at least two dimensions, got [3].",
    );
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
    expect(draw(new DataView(new ArrayBuffer(16)))).toThrow("got DataView(16)");
    expect(draw(new BigInt64Array(4))).toThrow("got BigInt64Array(4)");
    expect(draw([1n, 2n, 3n, 4n])).toThrow("it must return finite numbers, got 1n at 0.");
    expect(draw([1, null, 3, 4])).toThrow("it must return finite numbers, got null at 1.");
    expect(draw([1, 2, 3, 1e300])).toThrow("it must return finite numbers, got 1e+300 at 3.");
    expect(draw(Promise.resolve([]))).toThrow("got an instance of Promise");
    expect(() => resolveInitializer("he_normal" as never, "Dense")).toThrow(
      'Dense: initializer must be a known name, got "he_normal". Did you mean "heNormal"?',
    );
  });
});
