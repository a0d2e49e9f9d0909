/** Regularizers against real Keras 3 (tools/golden/weights.py), and what they refuse. */
import { describe, expect, it } from "vitest";
import { gradients } from "../tensor/gradients.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { activations } from "./activations.ts";
import { constraints } from "./constraints.ts";
import { regularizerKind, regularizers, resolveRegularizer } from "./regularizers.ts";
import { deserializePart, type Serialized, serializePart, toCamelKey } from "./serialization.ts";
import { compute, difference, golden, type Nested, valuesOf } from "./values.case.ts";

interface Result {
  readonly weight: string;
  readonly value: number;
  /** Absent where slopes at 0 are a backend's choice. */
  readonly gradient?: Nested;
}

interface Case {
  readonly config: Serialized;
  readonly results: readonly Result[];
}

const {
  weights,
  regularizers: cases,
  names,
} = golden<{
  weights: Readonly<Record<string, Nested>>;
  regularizers: readonly Case[];
  names: { regularizer: Readonly<Record<string, string>> };
}>("weights.json");
const legacy = golden<{
  regularizers: { options: Record<string, unknown>; forms: Serialized[] }[];
}>("weights-legacy.json");

const read = (config: unknown) => deserializePart(regularizerKind, config);
const caseOf = (name: string, config: object = {}) =>
  cases.find(
    (one) =>
      one.config.class_name === name &&
      Object.entries(config).every(
        ([key, value]) => (one.config.config as Record<string, unknown>)[key] === value,
      ),
  )!;

/** The largest difference of value and gradient, relative to the largest number of each. */
function distance(call: (x: Tensor) => Tensor, result: Result): number {
  const { weight, value: expected, gradient: slopes } = result;
  const [value, gradient] = compute([valuesOf(weights[weight])], ([w]) => {
    const penalty = call(w);
    return [penalty, ...gradients(penalty, [w])];
  });
  const off = difference(value.data, [Number(expected)]);
  if (slopes === undefined) return off;
  const { data } = valuesOf(slopes);
  const largest = data.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
  return Math.max(off, difference(gradient.data, data, largest));
}

describe("regularizers against Keras", () => {
  it.each(
    cases.flatMap(({ config, results }) =>
      results.map((result) => {
        const title = `${config.class_name} ${JSON.stringify(config.config)} of ${result.weight}`;
        return [title, config, result] as const;
      }),
    ),
  )("%s", (_, config, result) => {
    expect(distance(read(config).call, result)).toBeLessThan(1e-5);
  });

  it("are all of the library's", () => {
    const seen = cases.map(({ config }) => read(config).name);
    expect(Object.keys(regularizers).filter((name) => !seen.includes(name))).toEqual([]);
  });

  it("what only looks alike is rejected", () => {
    const nearly = (name: string, config: object, weight = "plain") =>
      caseOf(name, config).results.find((result) => result.weight === weight)!;
    const columns = { factor: 0.5, mode: "columns" };
    // Halved, as in the formula that weight decay is derived from.
    const halved = (x: Tensor) => x.square().sum().multiply(0.005);
    const ofTheMean = (x: Tensor) => x.absolute().mean().multiply(0.01);
    expect(distance(halved, nearly("L2", { l2: 0.01 }))).toBeGreaterThan(0.1);
    expect(distance(ofTheMean, nearly("L1", {}))).toBeGreaterThan(0.1);
    const rows = regularizers.orthogonalRegularizer({ factor: 0.5 }).call;
    expect(distance(rows, nearly("OrthogonalRegularizer", columns))).toBeGreaterThan(0.01);
    // The diagonal subtracted from the sum: what is left of small cosines is rounding.
    const subtracted = (x: Tensor) => {
      const unit = x.divide(x.square().sum(1, true).squareRoot());
      const all = unit.matmul(unit.transpose()).absolute().sum();
      return all.subtract(3).multiply(0.01 / 6);
    };
    const small = nearly("OrthogonalRegularizer", { mode: "rows" }, "nearly orthogonal");
    expect(distance(subtracted, small)).toBeGreaterThan(1e-4);
    // The epsilon added to the length instead of a smallest length.
    const added = (x: Tensor) => {
      const unit = x.divide(x.square().sum(1, true).squareRoot().add(1e-7));
      const cosines = unit.matmul(unit.transpose()).absolute();
      return cosines
        .sum()
        .subtract(unit.square().sum())
        .multiply(0.01 / 6);
    };
    const tiny = nearly("OrthogonalRegularizer", { mode: "rows" }, "tiny");
    expect(distance(added, tiny)).toBeGreaterThan(0.01);
  });
});

describe("regularizers", () => {
  it("have slope 0 where a weight is 0", () => {
    const w = { data: Float64Array.of(0, -0, 2, 0), shape: [2, 2] };
    for (const one of [regularizers.l1(), regularizers.l1l2({ l1: 0.01 })]) {
      const [slopes] = compute([w], ([x]) => gradients(one.call(x), [x]));
      expect([...slopes.data]).toEqual([0, 0, expect.closeTo(0.01, 8), 0]);
    }
  });

  it("ask nothing of a single row, and of zeros", () => {
    const single = { data: Float64Array.of(3, 4), shape: [1, 2] };
    const zeros = { data: new Float64Array(4), shape: [2, 2] };
    const { call } = regularizers.orthogonalRegularizer();
    for (const w of [single, zeros]) {
      const [penalty, slopes] = compute([w], ([x]) => [call(x), ...gradients(call(x), [x])]);
      expect([...penalty.data, ...slopes.data].every((value) => value === 0)).toBe(true);
    }
  });

  it("are computed on arrays", async () => {
    expect((await regularizers.l2({ l2: 0.5 }).apply([[1, 2]])).data).toEqual(Float32Array.of(2.5));
    const own = resolveRegularizer((x) => x.square().sum(), "Dense");
    expect((await own.apply([3])).data).toEqual(Float32Array.of(9));
  });

  it("refuse negative factors, other shapes and words", async () => {
    expect(() => regularizers.l1({ l1: -0.1 })).toThrow(
      "l1: l1 must be a finite number of at least 0, got -0.1.",
    );
    expect(() => regularizers.l2({ l2: Number.POSITIVE_INFINITY })).toThrow(
      "l2: l2 must be a finite number of at least 0, got Infinity.",
    );
    expect(() => regularizers.l1l2({ l2: Number.NaN })).toThrow(
      "l1l2: l2 must be a finite number of at least 0, got NaN.",
    );
    expect(() => regularizers.orthogonalRegularizer({ factor: -1 })).toThrow(
      "orthogonalRegularizer: factor must be a finite number of at least 0, got -1.",
    );
    expect(() => regularizers.orthogonalRegularizer({ mode: "row" as never })).toThrow(
      'orthogonalRegularizer: mode must be one of "rows", "columns", got "row". Did you mean "rows"?',
    );
    expect(() => regularizers.l1(0.1 as never)).toThrow(
      "l1: options must be an object, got 0.1. Options: l1.",
    );
    await expect(regularizers.orthogonalRegularizer().apply([1, 2])).rejects.toThrow(
      "orthogonalRegularizer: a weight of two dimensions, got [2].",
    );
  });

  it("of the user's must return one number", async () => {
    const own = (call: unknown) => resolveRegularizer(call as never, "Dense").apply([1, 2]);
    await expect(
      own(function mine(x: Tensor) {
        return x;
      }),
    ).rejects.toThrow(
      "regularizer function mine: it must return one number, got shape [2]. Add them up: .sum().",
    );
    await expect(
      own(function mine() {
        return 3;
      }),
    ).rejects.toThrow("regularizer function mine: it must return a float32 Tensor, got 3.");
  });

  it("are told from other parts", () => {
    const of = "regularizer must be a name, an object or a function of this kind, got";
    for (const other of [activations.relu(), constraints.nonNeg()])
      expect(() => resolveRegularizer(other as never, "Dense")).toThrow(`Dense: ${of} an object`);
    expect(() => resolveRegularizer("l3" as never, "Dense")).toThrow(
      'Dense: regularizer must be a known name, got "l3". Known names: l1, l2, l1l2,',
    );
    const mine = { name: "mine", call: (x: Tensor) => x.sum() };
    expect(resolveRegularizer(mine as never, "Dense")).toBe(mine);
  });
});

describe("regularizers in configs", () => {
  it("are read and written", () => {
    for (const { config } of cases) {
      const written = serializePart(regularizerKind, read(config)) as Serialized;
      expect({ ...written, config: {} }).toEqual({ ...config, config: {} });
      for (const [key, value] of Object.entries(config.config))
        expect([key, (written.config as Record<string, unknown>)[key]]).toEqual([
          key,
          typeof value === "number" ? expect.closeTo(value, 6) : value,
        ]);
    }
  });

  it("take Keras's names", () => {
    for (const [text, name] of Object.entries(names.regularizer))
      expect(read(text).name.toLowerCase()).toBe(name.toLowerCase());
    expect(read("l1_l2").name).toBe("l1l2");
  });

  it("of tf_keras are read", () => {
    for (const { options, forms } of legacy.regularizers)
      for (const form of forms)
        for (const [key, value] of Object.entries(options))
          expect(read(form).options![toCamelKey(key)]).toBe(value);
    expect(legacy.regularizers.length).toBe(4);
  });
});
