/** Constraints against real Keras 3 (tools/golden/weights.py), and what they refuse. */
import { describe, expect, it } from "vitest";
import type { Tensor } from "../tensor/tensor.ts";
import { activations } from "./activations.ts";
import { constraintKind, constraints, resolveConstraint } from "./constraints.ts";
import { deserializePart, type Serialized, serializePart, toCamelKey } from "./serialization.ts";
import { compute, difference, golden, type Nested, valuesOf } from "./values.case.ts";

interface Result {
  readonly weight: string;
  readonly result: Nested;
}

interface Case {
  readonly config: Serialized;
  readonly results: readonly Result[];
}

const {
  weights,
  constraints: cases,
  names,
} = golden<{
  weights: Readonly<Record<string, Nested>>;
  constraints: readonly Case[];
  names: { constraint: Readonly<Record<string, string>> };
}>("weights.json");
const legacy = golden<{
  constraints: { options: Record<string, unknown>; forms: Serialized[] }[];
}>("weights-legacy.json");

const read = (config: unknown) => deserializePart(constraintKind, config);

/** The largest difference, relative to each number. */
function distance(call: (w: Tensor) => Tensor, { weight, result }: Result): number {
  const [found] = compute([valuesOf(weights[weight])], ([w]) => [call(w)]);
  expect(found.shape).toEqual(valuesOf(result).shape);
  return difference(found.data, valuesOf(result).data);
}

const resultOf = (name: string, weight: string) =>
  cases
    .find(({ config }) => config.class_name === name)!
    .results.find((result) => result.weight === weight)!;

describe("constraints against Keras", () => {
  it.each(
    cases.flatMap(({ config, results }) =>
      results.map((result) => {
        const title = `${config.class_name} ${JSON.stringify(config.config)} of ${result.weight}`;
        return [title, config, result] as const;
      }),
    ),
  )("%s", (_, config, result) => {
    expect(distance(read(config).call, result)).toBeLessThan(1e-6);
  });

  it("are all of the library's", () => {
    const seen = cases.map(({ config }) => read(config).name);
    expect(Object.keys(constraints).filter((name) => !seen.includes(name))).toEqual([]);
  });

  it("what only looks alike is rejected", () => {
    const normOf = (w: Tensor) => w.square().sum(0, true).squareRoot();
    const wrong: [string, string, (w: Tensor) => Tensor][] = [
      ["MaxNorm", "plain", constraints.maxNorm({ axis: 1 }).call],
      ["MaxNorm", "plain", constraints.unitNorm().call],
      ["MinMaxNorm", "plain", constraints.minMaxNorm({ rate: 0.5 }).call],
      ["UnitNorm", "plain", constraints.unitNorm({ axis: 1 }).call],
      // The epsilon inside the root, as a smallest norm, or forgotten.
      ["UnitNorm", "tiny", (w) => w.divide(w.square().sum(0, true).add(1e-7).squareRoot())],
      ["UnitNorm", "tiny", (w) => w.divide(normOf(w).maximum(1e-7))],
      ["MaxNorm", "tiny", (w) => w.multiply(normOf(w).minimum(2).divide(normOf(w)))],
    ];
    for (const [name, weight, call] of wrong)
      expect(distance(call, resultOf(name, weight)), name).toBeGreaterThan(1e-2);
  });
});

describe("constraints", () => {
  it("leave zeros as they are", () => {
    const zeros = { data: new Float64Array(4), shape: [2, 2] };
    for (const make of Object.values(constraints)) {
      const [result] = compute([zeros], ([w]) => [make().call(w)]);
      expect([...result.data]).toEqual([0, 0, 0, 0]);
    }
  });

  it("are computed on arrays", async () => {
    expect((await constraints.nonNeg().apply([[-1, 2]])).data).toEqual(Float32Array.of(0, 2));
    const own = resolveConstraint((w) => w.multiply(2), "Dense");
    expect((await own.apply([3])).data).toEqual(Float32Array.of(6));
  });

  it("refuse what cannot be", async () => {
    expect(() => constraints.maxNorm({ maxValue: -1 })).toThrow(
      "maxNorm: maxValue must be a finite number of at least 0, got -1.",
    );
    expect(() => constraints.minMaxNorm({ rate: 2 })).toThrow(
      "minMaxNorm: rate must be in [0, 1], got 2.",
    );
    expect(() => constraints.minMaxNorm({ minValue: 2 })).toThrow(
      "minMaxNorm: minValue must be at most maxValue, got 2 and 1.",
    );
    expect(() => constraints.unitNorm({ axis: "0" as never })).toThrow(
      'unitNorm: axis must be a whole number, got "0".',
    );
    expect(() => constraints.unitNorm({ axis: [0, 0.5] })).toThrow(
      "unitNorm: axis[1] must be a whole number, got 0.5.",
    );
    await expect(constraints.unitNorm({ axis: 2 }).apply([[1, 2]])).rejects.toThrow(
      "unitNorm: axis 2 must be a dimension of the weight, got [1, 2].",
    );
    await expect(constraints.maxNorm({ axis: [1, -1] }).apply([[1, 2]])).rejects.toThrow(
      "maxNorm: axis must have each dimension once, got [1, -1] for a weight of shape [1, 2].",
    );
  });

  it("of the user's must return the weight's shape", async () => {
    const own = (call: unknown) => resolveConstraint(call as never, "Dense").apply([1, 2]);
    await expect(
      own(function mine(w: Tensor) {
        return w.sum();
      }),
    ).rejects.toThrow("constraint function mine: it must return the weight's shape, [2], got [].");
    await expect(
      own(function mine(w: Tensor) {
        return w.less(0);
      }),
    ).rejects.toThrow("constraint function mine: it must return a float32 Tensor, got ");
  });

  it("are told from other parts", () => {
    expect(() => resolveConstraint(activations.relu() as never, "Dense")).toThrow(
      "Dense: constraint must be a name, an object or a function of this kind, got an object",
    );
  });
});

describe("constraints in configs", () => {
  it("are read and written", () => {
    for (const { config } of cases)
      expect(serializePart(constraintKind, read(config))).toEqual(config);
  });

  it("take Keras's names", () => {
    for (const [text, name] of Object.entries(names.constraint))
      expect(read(text).name).toBe(name[0].toLowerCase() + name.slice(1));
  });

  it("of tf_keras are read", () => {
    for (const { options, forms } of legacy.constraints)
      for (const form of forms)
        for (const [key, value] of Object.entries(options))
          expect(read(form).options![toCamelKey(key)]).toEqual(value);
    expect(legacy.constraints.length).toBe(4);
  });
});
