/** Initializers against real Keras 3 (tools/golden/weights.py) and tf_keras's configs. */
import { describe, expect, it } from "vitest";
import type { Shape } from "../base/shape.ts";
import {
  drawInitial,
  fans,
  type Initializer,
  initializerKind,
  initializers,
} from "./initializers.ts";
import { deserializePart, type Serialized, serializePart, toCamelKey } from "./serialization.ts";
import { golden } from "./values.case.ts";

interface Case {
  readonly options: Readonly<Record<string, unknown>>;
  readonly config: Serialized;
  readonly shape: Shape;
  readonly mean: number;
  readonly deviation: number;
  readonly kurtosis: number;
  readonly low: number;
  readonly high: number;
  readonly quantiles: readonly number[];
}

interface Golden {
  readonly fans: readonly {
    readonly shape: Shape;
    readonly input_axes?: readonly number[];
    readonly output_axes?: readonly number[];
    readonly fanIn: number;
    readonly fanOut: number;
  }[];
  readonly initializers: readonly Case[];
  readonly names: { readonly initializer: Readonly<Record<string, string>> };
  readonly seeds: readonly Serialized[];
}

const facts = golden<Golden>("weights.json");
const legacy = golden<{
  initializers: { options: Record<string, unknown>; forms: Serialized[] }[];
}>("weights-legacy.json");

const shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const titled = facts.initializers.map(
  (one, i) => [`${one.config.class_name} ${JSON.stringify(one.options)} ${i}`, one] as const,
);
const named = (name: string) =>
  facts.initializers.find(({ config }) => config.class_name === name)!;
const read = (config: unknown): Initializer => deserializePart(initializerKind, config);

/** Keras leaves the gain of Identity out of its config. */
const madeFor = ({ config, options }: Case): Initializer =>
  read({ ...config, config: { ...(config.config as object), ...options } });

const draw = (initializer: Initializer, shape: Shape, stream = "dense/kernel") =>
  drawInitial(initializer, shape, { seed: 3, stream });

/**
 * How far the statistics of a draw are from Keras's: mean, deviation and quantiles in standard
 * deviations, and the kurtosis. Those of two draws of one distribution differ by 0.02 here.
 */
function distance(found: Float32Array, expected: Case): number {
  const sorted = Float64Array.from(found).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const moment = (k: number) =>
    sorted.reduce((sum, value) => sum + (value - mean) ** k, 0) / sorted.length;
  const [variance, fourth] = [moment(2), moment(4)];
  const kurtosis = variance === 0 ? 0 : fourth / variance ** 2;
  const pairs = [
    [mean, expected.mean],
    [Math.sqrt(variance), expected.deviation],
    ...shares.map((share, i) => [
      sorted[Math.round(share * (sorted.length - 1))],
      expected.quantiles[i],
    ]),
  ];
  const unit = expected.deviation || 1;
  const off = pairs.map(([x, y]) => Math.abs(x - y) / unit);
  // The kurtosis of a matrix that is mostly 0 is large.
  return Math.max(...off, Math.abs(kurtosis - expected.kurtosis) / Math.max(1, expected.kurtosis));
}

describe("initializers against Keras", () => {
  it.each(titled)("%s has its statistics", (_, one) => {
    const found = draw(madeFor(one), one.shape);
    expect(distance(found, one)).toBeLessThan(0.05);
    if (!/Uniform|Truncated|Glorot|He|Lecun/.test(one.config.class_name)) return;
    // A cut or uniform draw has hard ends.
    const sorted = found.sort();
    expect(Math.abs(sorted[0] - one.low) / one.deviation).toBeLessThan(0.01);
    expect(Math.abs(sorted.at(-1)! - one.high) / one.deviation).toBeLessThan(0.01);
  });

  it("are all of the library's", () => {
    const seen = facts.initializers.map(({ config }) => read(config).name);
    expect(Object.keys(initializers).filter((name) => !seen.includes(name))).toEqual([]);
  });

  it("what only looks alike is rejected", () => {
    const { shape } = named("HeNormal");
    const wrong: [string, Initializer][] = [
      // Without the correction for the cut.
      ["HeNormal", initializers.truncatedNormal({ stddev: Math.sqrt(2 / shape[0]) })],
      ["HeNormal", initializers.lecunNormal()],
      ["HeNormal", initializers.heUniform()],
      ["HeNormal", initializers.varianceScaling({ scale: 2, mode: "fanOut" })],
      // Without the cut.
      ["HeNormal", initializers.varianceScaling({ scale: 2, distribution: "untruncatedNormal" })],
      ["TruncatedNormal", initializers.randomNormal()],
      ["TruncatedNormal", initializers.truncatedNormal({ stddev: 0.05 / 0.87962566103423978 })],
      ["GlorotUniform", initializers.heUniform()],
      ["Orthogonal", initializers.orthogonal({ gain: 1.1 })],
    ];
    for (const [name, initializer] of wrong)
      expect(distance(draw(initializer, shape), named(name)), name).toBeGreaterThan(0.08);
  });

  it("fans are Keras's", () => {
    for (const { shape, input_axes, output_axes, ...expected } of facts.fans) {
      if (!input_axes) expect(fans(shape)).toEqual(expected);
      if (!input_axes || !output_axes) continue;
      // The spread of a uniform draw says what was taken for a fan.
      const all = {
        inputAxes: input_axes,
        outputAxes: output_axes,
        distribution: "uniform",
      } as const;
      for (const mode of ["fanIn", "fanOut"] as const) {
        const given = initializers.varianceScaling({ ...all, mode });
        const plain = initializers.randomUniform({ minval: -1, maxval: 1 });
        const limit = Math.sqrt(3 / expected[mode]);
        const wide = draw(plain, shape).map((value) => value * limit);
        for (const [i, value] of draw(given, shape).entries())
          expect(value).toBeCloseTo(wide[i], 6);
      }
    }
  });
});

describe("initializers in configs", () => {
  it.each(titled)("%s is read and written", (_, { config }) => {
    expect(serializePart(initializerKind, read(config))).toMatchObject(config);
  });

  it("take Keras's names", () => {
    for (const [text, name] of Object.entries(facts.names.initializer)) {
      const expected = name[0].toLowerCase() + name.slice(1);
      expect(read(text).name).toBe(expected);
      expect(read({ class_name: text, config: {} }).name).toBe(expected);
    }
  });

  it("take negative seeds and generators", () => {
    expect(facts.seeds.map((config) => read(config).options!.seed)).toEqual([7, 2 ** 32 - 7, 7]);
  });

  it("of tf_keras are read", () => {
    for (const { options, forms } of legacy.initializers)
      for (const form of forms) {
        const made = read(form);
        for (const [key, value] of Object.entries(options)) {
          const isOld = key === "distribution" && value === "normal";
          const expected = isOld
            ? "truncatedNormal"
            : typeof value === "string"
              ? toCamelKey(value)
              : value;
          expect(made.options![toCamelKey(key)]).toBe(expected);
        }
      }
    expect(legacy.initializers.length).toBe(16);
  });
});
