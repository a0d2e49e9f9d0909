/** Every activation and its gradient against real Keras 3 (tools/golden/activations.py). */
import { describe, expect, it } from "vitest";
import { gradients } from "../tensor/gradients.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Activation } from "./activation.ts";
import { activationKind, activations } from "./activations.ts";
import { deserializePart, serializePart, toCamelKey } from "./serialization.ts";
import { compute, difference, golden, type Nested, ramp, valuesOf } from "./values.case.ts";

interface Case {
  readonly name: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly config: string;
  readonly x: Nested;
  readonly y: Nested;
  readonly gradient: Nested;
  /** Positions where Keras on PyTorch has another gradient, and that. */
  readonly elsewhere?: readonly (readonly [number, number])[];
  /** Of -infinity, infinity and NaN. */
  readonly special?: { readonly jax: Nested; readonly torch: Nested };
  /** What Keras gives where it is wrong. */
  readonly keras?: Nested;
}

const { activations: cases } = golden<{ activations: Case[] }>("activations.json");

const activationOf = ({ name, options }: Case): Activation => {
  const given = Object.entries(options).map(([key, value]) => [toCamelKey(key), value]);
  const make = activations[toCamelKey(name) as "elu"] as (options: object) => Activation;
  return make(Object.fromEntries(given));
};

const title = ({ name, options }: Case, i: number) =>
  `${name} ${JSON.stringify(options)} ${i}` as const;

const named = (name: string, options: Case["options"] = {}): Case =>
  cases.find(
    (one) => one.name === name && JSON.stringify(one.options) === JSON.stringify(options),
  )!;

/** The gradients that Keras has, on JAX, or on PyTorch where `backend` says so. */
function gradientOf(one: Case, backend: "jax" | "torch" = "jax"): Float64Array {
  const { data } = valuesOf(one.gradient);
  if (backend === "torch") for (const [at, value] of one.elsewhere ?? []) data[at] = value;
  return data;
}

/** Where backends differ, the one of PyTorch is followed here. */
const backendOf = ({ name }: Case) => (name === "sparse_sigmoid" ? "torch" : "jax");

/**
 * The largest difference of values and gradients, relative to at least 0.1: float32 sums of numbers
 * that cancel are exact to 6e-8 of the larger ones.
 */
function distance(call: (x: Tensor) => Tensor, one: Case): number {
  const x = valuesOf(one.x);
  const [y, gradient] = compute([x, ramp(valuesOf(one.y).shape)], ([input, flow]) => {
    const result = call(input);
    return [result, ...gradients(result.multiply(flow).sum(), [input])];
  });
  return Math.max(
    difference(y.data, valuesOf(one.y).data, 0.1),
    difference(gradient.data, gradientOf(one, backendOf(one)), 0.1),
  );
}

describe("activations against Keras", () => {
  it.each(cases.map((one, i) => [title(one, i), one] as const))("%s", (_, one) => {
    expect(distance(activationOf(one).call, one)).toBeLessThan(2e-6);
  });

  it("are all of the library's", () => {
    const seen = new Set(cases.map(({ name }) => toCamelKey(name)));
    expect(Object.keys(activations).filter((name) => !seen.has(name))).toEqual([]);
    expect(seen.size).toBe(30);
  });

  it("have another slope at a kink only where Keras's backends differ", () => {
    const differing = cases.filter(({ elsewhere }) => elsewhere && elsewhere.length > 0);
    expect(differing.map(({ name }) => name)).toEqual([
      "relu",
      "leaky_relu",
      "leaky_relu",
      "hard_tanh",
      "sparse_sigmoid",
    ]);
  });

  it("keep infinities and NaN as Keras does, and NaN where it does not", () => {
    const x = { data: Float64Array.of(-Infinity, Infinity, Number.NaN), shape: [3] };
    // Nothing cancels there, so the limit comes out: 0 and no NaN.
    const limits: Readonly<Record<string, readonly number[]>> = {
      squareplus: [0, Infinity, Number.NaN],
    };
    for (const one of cases.filter(({ special }) => special)) {
      const [y] = compute([x], ([input]) => [activationOf(one).call(input)]);
      const jax = valuesOf(one.special!.jax).data;
      const expected = [...(limits[one.name] ?? [jax[0], jax[1], Number.NaN])];
      expect([one.name, difference(y.data, expected)]).toEqual([one.name, expect.closeTo(0, 6)]);
    }
  });

  it("sparsemax is a distribution, and Keras's where its support is one number", () => {
    let alike = 0;
    for (const one of cases.filter(({ keras }) => keras)) {
      const last = (one.options.axis ?? -1) === -1;
      if (!last) continue;
      const [y] = compute([valuesOf(one.x)], ([x]) => [activations.sparsemax().call(x)]);
      const size = y.shape.at(-1)!;
      const theirs = valuesOf(one.keras!).data;
      for (let from = 0; from < y.data.length; from += size) {
        const row = y.data.slice(from, from + size);
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
        if (row.filter((value) => value > 0).length > 1) continue;
        expect(difference(row, theirs.slice(from, from + size))).toBe(0);
        alike++;
      }
    }
    expect(alike).toBe(2);
  });

  it("sparsemax of large numbers is that of their differences", () => {
    const [y] = compute([{ data: Float64Array.of(3e9, 3e9, -3e9), shape: [1, 3] }], ([x]) => [
      activations.sparsemax().call(x),
    ]);
    expect([...y.data]).toEqual([0.5, 0.5, 0]);
  });

  it("what only looks alike is rejected", () => {
    const wrong: [string, Case["options"], (x: Tensor) => Tensor][] = [
      ["gelu", {}, activations.gelu({ approximate: true }).call],
      ["gelu", { approximate: true }, activations.gelu().call],
      ["leaky_relu", {}, activations.leakyRelu({ negativeSlope: 0.3 }).call],
      ["selu", {}, activations.elu().call],
      ["celu", { alpha: 2 }, activations.elu({ alpha: 2 }).call],
      ["elu", { alpha: 0.5 }, (x) => x.maximum(0).add(x.minimum(0).expm1().multiply(0.5))],
      ["relu", {}, (x) => x.greaterEqual(0).where(x, 0)],
      ["relu", { max_value: 3 }, (x) => x.maximum(0).minimum(3)],
      ["relu", { threshold: 1 }, (x) => x.greaterEqual(1).where(x, 0)],
      ["relu6", {}, (x) => x.greater(6).where(6, x.maximum(0))],
      ["hard_tanh", {}, (x) => x.maximum(-1).minimum(1)],
      ["hard_sigmoid", {}, (x) => x.multiply(0.2).add(0.5).maximum(0).minimum(1)],
      ["soft_shrink", {}, activations.hardShrink().call],
      ["hard_shrink", {}, (x) => x.absolute().less(0.5).where(0, x)],
      ["threshold", { threshold: 1, default_value: -2 }, (x) => x.less(1).where(-2, x)],
      ["softmax", {}, activations.softmax({ axis: 0 }).call],
      ["glu", {}, (x) => x.slice(1, 2, 2).multiply(x.slice(1, 0, 2).sigmoid())],
      ["sparsemax", {}, activations.softmax().call],
      ["silu", {}, (x) => x.multiply(x.multiply(1.702).sigmoid())],
    ];
    for (const [name, options, call] of wrong)
      expect(distance(call, named(name, options)), name).toBeGreaterThan(1e-3);
  });
});

describe("activations in configs", () => {
  it("with default options are Keras's names, and back", () => {
    for (const one of cases) {
      const made = activationOf(one);
      const isPlain = Object.keys(one.options).length === 0;
      if (isPlain) expect(serializePart(activationKind, made)).toBe(one.config);
      const copy = deserializePart(activationKind, serializePart(activationKind, made));
      expect([copy.name, copy.options]).toEqual([made.name, made.options]);
    }
  });

  it("of tf_keras are read", () => {
    const legacy = golden<{ activations: { name: string; forms: unknown[] }[] }>(
      "weights-legacy.json",
    );
    for (const { name, forms } of legacy.activations)
      for (const form of forms) {
        const expected = name === "swish" ? "silu" : toCamelKey(name);
        expect(deserializePart(activationKind, form).name).toBe(expected);
      }
    expect(legacy.activations.length).toBe(14);
  });

  it("take Keras's other names", () => {
    expect(deserializePart(activationKind, "swish").name).toBe("silu");
    expect(deserializePart(activationKind, "hard_swish").name).toBe("hardSilu");
    const asFunction = { module: "builtins", class_name: "function", config: "relu6" };
    expect(deserializePart(activationKind, asFunction).name).toBe("relu6");
  });

  it("that are unknown are named, with what to register", () => {
    const config = { class_name: "Snake", config: {}, registered_name: "my>Snake" };
    expect(() => deserializePart(activationKind, config)).toThrow(
      'deserialize activation: class_name must be an activation of the library or a registered one, got "Snake". ' +
        'Pass customObjects: { "Snake": ... } or call registerSerializable(...) first.',
    );
    const snake = (x: Tensor) => x;
    expect(deserializePart(activationKind, config, { Snake: snake }).call).toBe(snake);
  });
});

describe("activations on arrays", () => {
  it("give a copy", async () => {
    const x = [[-1, 0, 2]];
    expect((await activations.relu().apply(x)).data).toEqual(Float32Array.of(0, 0, 2));
    expect((await activations.softmax().apply([[1, 1]])).data).toEqual(Float32Array.of(0.5, 0.5));
  });

  it("refuse what cannot be", async () => {
    expect(() => activations.celu({ alpha: 0 })).toThrow(
      "celu: alpha must be a finite number above 0, got 0.",
    );
    expect(() => activations.relu({ maxValue: -1 })).toThrow(
      "relu: maxValue must be a finite number of at least 0, got -1.",
    );
    expect(() => activations.threshold({ threshold: 1 } as never)).toThrow(
      "threshold: defaultValue must be a finite number, got undefined.",
    );
    expect(() => activations.elu({ alph: 1 } as never)).toThrow(
      'elu: option names must be known, got "alph". Did you mean "alpha"?',
    );
    expect(() => activations.hardShrink({ threshold: -1 })).toThrow(
      "hardShrink: threshold must be a finite number of at least 0, got -1.",
    );
    expect(() => activations.squareplus({ b: -4 })).toThrow(
      "squareplus: b must be a finite number of at least 0, got -4.",
    );
    expect(() => activations.gelu({ approximate: "tanh" as never })).toThrow(
      'gelu: approximate must be true or false, got "tanh".',
    );
    expect(() => activations.softmax({ axis: 0.5 })).toThrow(
      "softmax: axis must be a whole number, got 0.5.",
    );
    await expect(activations.softmax({ axis: 3 }).apply([[1, 2]])).rejects.toThrow(
      "softmax: axis must be from -2 to 1, got 3.",
    );
    await expect(activations.glu().apply([[1, 2, 3]])).rejects.toThrow(
      "glu: dimension -1 must have an even size, got [1, 3].",
    );
  });
});
