/** Activations, regularizers and constraints as compiled programs, against Keras's values. */
import { describe, expect, it } from "vitest";
import { sizeOf } from "../src/base/shape.ts";
import { type Activation, activations } from "../src/nn/activations.ts";
import { constraintKind } from "../src/nn/constraints.ts";
import { regularizerKind } from "../src/nn/regularizers.ts";
import { deserializePart, toCamelKey } from "../src/nn/serialization.ts";
import {
  difference,
  golden,
  type Nested,
  ramp,
  type Values,
  valuesOf,
} from "../src/nn/values.case.ts";
import { gradients } from "../src/tensor/gradients.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { Trace } from "../src/tensor/trace.ts";
import { canonicalCase, expectRight } from "./compiled-case.ts";

/** Compiles a function of tensors, checks its bits in all ways of running, returns its results. */
function run(
  given: Readonly<Record<string, Values>>,
  build: (inputs: Record<string, Tensor>) => readonly Tensor[],
  label: string,
): ArrayLike<number>[] {
  const trace = new Trace();
  const inputs = Object.entries(given).map(
    ([name, { shape }]) => [name, trace.input(name, "float32", shape)] as const,
  );
  const outputs = build(Object.fromEntries(inputs));
  for (const [i, output] of outputs.entries()) trace.result(`r${i}`, output);
  const values = Object.entries(given).map(
    ([name, { data }]) => [name, Float32Array.from(data)] as const,
  );
  const outcome = expectRight(canonicalCase(trace.finish().computation, new Map(values)), label);
  return outputs.map(({ shape }, i) => {
    const found = outcome.get(`result${i}`)!;
    expect(found.length).toBe(sizeOf(shape));
    return found as ArrayLike<number>;
  });
}

describe("activations as programs", () => {
  const { activations: cases } = golden<{
    activations: {
      readonly name: string;
      readonly options: Readonly<Record<string, unknown>>;
      readonly x: Nested;
      readonly y: Nested;
      readonly gradient: Nested;
    }[];
  }>("activations.json");

  it.each(cases.map((one, i) => [`${one.name} ${JSON.stringify(one.options)} ${i}`, one] as const))(
    "%s",
    (label, { name, options, ...one }) => {
      const make = activations[toCamelKey(name) as "elu"] as (options: object) => Activation;
      const given = Object.entries(options).map(([key, value]) => [toCamelKey(key), value]);
      const { call } = make(Object.fromEntries(given));
      const x = valuesOf(one.x);
      const found = run(
        { x, flow: ramp(valuesOf(one.y).shape) },
        ({ x, flow }) => {
          const y = call(x);
          return [y, ...gradients(y.multiply(flow).sum(), [x])];
        },
        label,
      );
      expect(difference(found[0], valuesOf(one.y).data, 0.1)).toBeLessThan(2e-6);
      // Its two kinks: src/nn/activations/piecewise.ts.
      if (name === "sparse_sigmoid") return;
      expect(difference(found[1], valuesOf(one.gradient).data, 0.1)).toBeLessThan(2e-6);
    },
  );
});

describe("penalties and constraints as programs", () => {
  const { weights, regularizers, constraints } = golden<{
    weights: Readonly<Record<string, Nested>>;
    regularizers: { config: object; results: { weight: string; value: number }[] }[];
    constraints: { config: object; results: { weight: string; result: Nested }[] }[];
  }>("weights.json");

  it.each(regularizers.map(({ config, results }) => [JSON.stringify(config), config, results]))(
    "%s",
    (label, config, results) => {
      const { call } = deserializePart(regularizerKind, config);
      for (const { weight, value } of results) {
        const w = valuesOf(weights[weight]);
        const [found] = run({ w }, ({ w }) => [call(w), ...gradients(call(w), [w])], `${label}`);
        expect(difference(found, [value])).toBeLessThan(1e-5);
      }
    },
  );

  it.each(constraints.map(({ config, results }) => [JSON.stringify(config), config, results]))(
    "%s",
    (label, config, results) => {
      const { call } = deserializePart(constraintKind, config);
      for (const { weight, result } of results) {
        const w = valuesOf(weights[weight]);
        const [found] = run({ w }, ({ w }) => [call(w)], `${label}`);
        expect(difference(found, valuesOf(result).data)).toBeLessThan(2e-6);
      }
    },
  );
});
