/** Initializers, regularizers and constraints against real Keras 3 (tools/golden/activations.py). */
import { describe, expect, it } from "vitest";
import type { Shape } from "../base/shape.ts";
import { gradients } from "../tensor/gradients.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { constraintKind, constraints } from "./constraints.ts";
import {
  drawInitial,
  fans,
  type Initializer,
  initializerKind,
  initializers,
  resolveInitializer,
} from "./initializers.ts";
import { regularizerKind, regularizers } from "./regularizers.ts";
import { deserializePart, type Serialized, serializePart } from "./serialization.ts";
import { compute, difference, golden, type Nested, valuesOf } from "./values.case.ts";

interface InitializerCase {
  readonly config: Serialized;
  readonly shape: Shape;
  readonly mean: number;
  readonly deviation: number;
  readonly low: number;
  readonly high: number;
  readonly quantiles: readonly number[];
}

interface RegularizerCase {
  readonly config: Serialized;
  readonly weight: Nested;
  readonly value: number;
  readonly gradient: Nested;
}

interface ConstraintCase {
  readonly config: Serialized;
  readonly weight: Nested;
  readonly result: Nested;
}

const all = golden<{
  initializers: InitializerCase[];
  regularizers: RegularizerCase[];
  constraints: ConstraintCase[];
}>("weights.json");

const titled = <T extends { config: Serialized }>(cases: readonly T[]) =>
  cases.map(
    (one) => [`${one.config.class_name} ${JSON.stringify(one.config.config)}`, one] as const,
  );

const draw = (initializer: Initializer, shape: Shape, seed = 3, stream = "dense/kernel") =>
  drawInitial(initializer, shape, { seed, stream });

/** How far the statistics of a draw are from Keras's, in its standard deviations. */
function distance(found: Float32Array, expected: InitializerCase): number {
  const sorted = Float64Array.from(found).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const unit = expected.deviation || 1;
  const [a, b, c, d] = expected.quantiles;
  const pairs = [
    [mean, expected.mean],
    [Math.sqrt(squares / sorted.length), expected.deviation],
    ...[a, b, c, d].map((value, i) => [at([0.05, 0.25, 0.75, 0.95][i]), value]),
  ];
  return Math.max(...pairs.map(([x, y]) => Math.abs(x - y) / unit));
}

describe("initializers against Keras", () => {
  it.each(titled(all.initializers))("%s has its statistics", (_, one) => {
    const found = draw(deserializePart(initializerKind, one.config), one.shape);
    expect(distance(found, one)).toBeLessThan(0.05);
    // A cut or uniform draw has hard ends.
    const isCut = /Uniform|Truncated|Glorot|He|Lecun/.test(one.config.class_name);
    const ends = [Math.min(...found) - one.low, Math.max(...found) - one.high];
    if (isCut) for (const end of ends) expect(Math.abs(end) / one.deviation).toBeLessThan(0.01);
  });

  it.each(titled(all.initializers))("%s is read and written", (_, one) => {
    const initializer = deserializePart(initializerKind, one.config);
    const written = serializePart(initializerKind, initializer) as Serialized;
    const {
      input_axes: _in,
      output_axes: _out,
      ...config
    } = one.config.config as object & {
      input_axes?: null;
      output_axes?: null;
    };
    // Keras leaves the gain of Identity out of its config.
    expect(written).toMatchObject({ ...one.config, config });
  });

  it("are all of the library's", () => {
    const seen = all.initializers.map((one) => deserializePart(initializerKind, one.config).name);
    expect(Object.keys(initializers).filter((name) => !seen.includes(name))).toEqual([]);
  });

  it("what only looks alike is rejected", () => {
    const he = all.initializers.find((one) => one.config.class_name === "HeNormal")!;
    const uncorrected = initializers.truncatedNormal({ stddev: Math.sqrt(2 / 300) });
    expect(distance(draw(uncorrected, [300, 200]), he)).toBeGreaterThan(0.1);
    expect(distance(draw(initializers.lecunNormal(), [300, 200]), he)).toBeGreaterThan(0.1);
    expect(distance(draw(initializers.heUniform(), [300, 200]), he)).toBeGreaterThan(0.05);
    const uncut = initializers.varianceScaling({ scale: 2, distribution: "untruncatedNormal" });
    expect(Math.max(...draw(uncut, [300, 200]))).toBeGreaterThan(1.2 * he.high);
  });
});

describe("draws", () => {
  it("of one initializer differ from layer to layer, with a seed of its own too", () => {
    for (const initializer of [initializers.heNormal(), initializers.randomNormal({ seed: 5 })]) {
      const first = draw(initializer, [4, 3]);
      expect(draw(initializer, [4, 3])).toEqual(first);
      expect(draw(initializer, [4, 3], 3, "dense_1/kernel")).not.toEqual(first);
    }
    const own = initializers.heNormal({ seed: 5 });
    expect(draw(own, [4, 3], 1)).toEqual(draw(own, [4, 3], 2));
    expect(draw(own, [4, 3], 1)).toEqual(draw(initializers.heNormal(), [4, 3], 5));
  });

  it.each([
    [[5, 3], 1],
    [[3, 5], 2],
    [[2, 2, 3], 1],
    [[4, 4], 0.5],
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
        expect(product).toBeCloseTo(i === k ? gain * gain : 0, 5);
      }
  });

  it("fans are Keras's", () => {
    expect([[7], [7, 5], [3, 7, 5], [2, 3, 7, 5]].map(fans)).toEqual([
      { fanIn: 7, fanOut: 7 },
      { fanIn: 7, fanOut: 5 },
      { fanIn: 21, fanOut: 15 },
      { fanIn: 42, fanOut: 30 },
    ]);
  });

  it("refuse what cannot be", () => {
    expect(() => initializers.varianceScaling({ scale: 0 })).toThrow(
      "varianceScaling: scale must be a finite number above 0, got 0.",
    );
    expect(() => initializers.randomNormal({ stddev: -1 })).toThrow(
      "randomNormal: stddev must be a finite number of at least 0, got -1.",
    );
    expect(() => initializers.varianceScaling({ mode: "fan_in" as never })).toThrow(
      'varianceScaling: mode must be one of "fanIn", "fanOut", "fanAvg", got "fan_in".',
    );
    expect(() => draw(initializers.identity(), [3])).toThrow(
      "initializer identity: a weight of two dimensions, got [3].",
    );
    expect(() => draw(initializers.orthogonal(), [3])).toThrow(
      "initializer orthogonal: a weight of at least two dimensions, got [3].",
    );
    const own = resolveInitializer((shape) => new Array(shape[0]).fill(2), "x");
    expect(draw(own, [2])).toEqual(Float32Array.of(2, 2));
  });
});

function penalty(call: (x: Tensor) => Tensor, one: RegularizerCase): number {
  const [value, gradient] = compute([valuesOf(one.weight)], ([weight]) => {
    const result = call(weight);
    return [result, ...gradients(result, [weight])];
  });
  return Math.max(
    difference(value.data, [Number(one.value)], 1e-3),
    difference(gradient.data, valuesOf(one.gradient).data, 1e-2),
  );
}

describe("regularizers against Keras", () => {
  it.each(titled(all.regularizers))("%s: value, gradient and config", (_, one) => {
    const made = deserializePart(regularizerKind, one.config);
    expect(penalty(made.call, one)).toBeLessThan(1e-5);
    const written = serializePart(regularizerKind, made) as Serialized;
    expect(written).toMatchObject({ module: one.config.module, class_name: one.config.class_name });
    for (const [key, value] of Object.entries(one.config.config))
      expect([key, (written.config as Record<string, unknown>)[key]]).toEqual([
        key,
        typeof value === "number" ? expect.closeTo(value, 6) : value,
      ]);
  });

  it("what only looks alike is rejected", () => {
    const l2 = all.regularizers.find(({ config }) => config.class_name === "L2")!;
    expect(penalty((x) => x.square().sum().multiply(0.005), l2)).toBeGreaterThan(0.1);
    const columns = all.regularizers.at(-1)!;
    const rows = regularizers.orthogonalRegularizer({ factor: 0.5 }).call;
    expect(penalty(rows, columns)).toBeGreaterThan(0.01);
  });

  it("refuse negative factors, and other shapes", async () => {
    expect(() => regularizers.l1({ l1: -0.1 })).toThrow(
      "l1: l1 must be a finite number of at least 0, got -0.1.",
    );
    expect(() => regularizers.l1l2({ l2: Number.NaN })).toThrow("l1l2: l2 must be a finite number");
    await expect(regularizers.orthogonalRegularizer().apply([1, 2])).rejects.toThrow(
      "orthogonalRegularizer: a weight of two dimensions, got [2].",
    );
    expect((await regularizers.l2({ l2: 0.5 }).apply([[1, 2]])).data).toEqual(Float32Array.of(2.5));
  });
});

const constrained = (call: (x: Tensor) => Tensor, one: ConstraintCase): number => {
  const [result] = compute([valuesOf(one.weight)], ([weight]) => [call(weight)]);
  return difference(result.data, valuesOf(one.result).data, 1e-3);
};

describe("constraints against Keras", () => {
  it.each(titled(all.constraints))("%s: result and config", (_, one) => {
    const made = deserializePart(constraintKind, one.config);
    expect(constrained(made.call, one)).toBeLessThan(1e-5);
    expect(serializePart(constraintKind, made)).toEqual(one.config);
  });

  it("what only looks alike is rejected", () => {
    const [first] = all.constraints;
    expect(constrained(constraints.maxNorm({ axis: 1 }).call, first)).toBeGreaterThan(0.1);
    expect(constrained(constraints.unitNorm().call, first)).toBeGreaterThan(0.1);
  });

  it("refuse what cannot be", async () => {
    expect(() => constraints.maxNorm({ maxValue: -1 })).toThrow(
      "maxNorm: maxValue must be a finite number of at least 0, got -1.",
    );
    expect(() => constraints.minMaxNorm({ rate: 2 })).toThrow(
      "minMaxNorm: rate must be in [0, 1], got 2.",
    );
    await expect(constraints.unitNorm({ axis: 2 }).apply([[1, 2]])).rejects.toThrow(
      "unitNorm: axis 2 must be a dimension of the weight, got [1, 2].",
    );
    expect((await constraints.nonNeg().apply([[-1, 2]])).data).toEqual(Float32Array.of(0, 2));
  });
});
