import { describe, expect, it } from "vitest";
import type { Tensor } from "../tensor/tensor.ts";
import { activations, resolveActivation } from "./activations.ts";
import {
  compute,
  difference,
  golden,
  type Nested,
  valuesOf,
  withGradients,
} from "./values.case.ts";

interface Case {
  readonly name: "elu" | "relu" | "linear" | "softmax";
  readonly config: { readonly alpha?: number };
  readonly x: Nested;
  readonly upstream?: Nested;
  readonly y: Nested;
  readonly gradient: Nested;
  readonly exact: Nested;
  readonly exactGradient: Nested;
  readonly special?: { readonly x: Nested; readonly y: Nested };
}

const { activations: cases } = golden<{ activations: Case[] }>("library.json");

/** elu's slope is taken as 0 where exp(x) is below e^-28 (the row of expm1 says why). */
function slopes({ name, config: { alpha = 1 }, exactGradient }: Case): Float64Array {
  const flat = name === "elu" ? alpha * Math.exp(-28) : 0;
  return Float64Array.from(valuesOf(exactGradient).data, (v) => (Math.abs(v) < flat ? 0 : v));
}

/**
 * How far values and gradients are from the exact ones: relative down to the smallest normal
 * float32, the softmax's gradients, which are differences, down to 0.1.
 */
function distance(activation: (x: Tensor) => Tensor, golden: Case): number {
  const x = valuesOf(golden.x);
  const upstream = golden.upstream === undefined ? undefined : valuesOf(golden.upstream);
  const found = withGradients([x], upstream, ([input]) => activation(input));
  return Math.max(
    difference(found.y.data, valuesOf(golden.exact).data, 1e-30),
    difference(found.gradients[0].data, slopes(golden), golden.name === "softmax" ? 0.1 : 1.2e-38),
  );
}

describe("activations against Keras", () => {
  for (const golden of cases) {
    const activation = activations[golden.name](golden.config);
    const title = `${golden.name} ${JSON.stringify(golden.config)}`;

    it(`${title}: values and gradients`, () => {
      expect(distance(activation.call, golden)).toBeLessThan(2e-6);
      const x = valuesOf(golden.x);
      const upstream = golden.upstream === undefined ? undefined : valuesOf(golden.upstream);
      const found = withGradients([x], upstream, ([input]) => activation.call(input));
      expect(difference(found.y.data, valuesOf(golden.y).data, 1e-6)).toBeLessThan(1e-6);
      const gradient = valuesOf(golden.gradient).data;
      expect(difference(found.gradients[0].data, gradient, 0.1)).toBeLessThan(2e-6);
    });

    if (!golden.special) continue;
    const { x, y } = golden.special;
    it(`${title}: infinities and NaN`, () => {
      const [found] = compute([valuesOf(x)], ([input]) => [activation.call(input)]);
      expect(difference(found.data, valuesOf(y).data)).toBeLessThan(1e-6);
    });
  }

  it("rejects near misses", () => {
    const elu = cases.find(({ name }) => name === "elu")!;
    const relu = cases.find(({ name }) => name === "relu")!;
    // exp(x) - 1 loses the digits of small x; the slope of this minimum at 0 is 0.
    const rounded = (x: Tensor) => x.maximum(0).add(x.minimum(0).exponential().subtract(1));
    const flatAtZero = (x: Tensor) => x.maximum(0).add(x.minimum(0).expm1());
    const other = activations.elu({ alpha: 0.999 }).call;
    // Keras's slope: expm1(x) + 1.
    const roundedSlope = (x: Tensor) => {
      const negative = x.trace.constant(0).minimum(x);
      const value = negative.expm1().stopGradient();
      const moved = negative.subtract(negative.stopGradient());
      return x
        .maximum(0)
        .add(value)
        .add(moved.multiply(value.add(1)));
    };
    for (const miss of [rounded, flatAtZero, roundedSlope, other])
      expect(distance(miss, elu)).toBeGreaterThan(1e-4);
    const halfAtZero = (x: Tensor) => x.add(x.absolute()).multiply(0.5);
    expect(distance(halfAtZero, relu)).toBeGreaterThan(1e-4);
  });
});

describe("choosing an activation", () => {
  it("takes names, objects and functions", () => {
    expect(resolveActivation("elu", "x").name).toBe("elu");
    expect(resolveActivation(activations.softmax(), "x").name).toBe("softmax");
    const softmax = (x: Tensor) => x;
    expect(resolveActivation(softmax, "x")).toMatchObject({
      name: "function softmax",
      call: softmax,
      source: softmax,
    });
    // The factory itself, as `activation: activations.relu`.
    expect(resolveActivation(activations.relu as never, "x").name).toBe("relu");
  });

  it("says which name is near, and what else may come", () => {
    expect(() => resolveActivation("eul" as never, 'Dense "hidden"')).toThrow(
      'Dense "hidden": activation must be a known name, got "eul". Did you mean "elu"?',
    );
    expect(() => resolveActivation("toString" as never, "Dense")).toThrow('got "toString"');
    expect(() => resolveActivation(7 as never, "Dense")).toThrow(
      "Dense: activation must be a name, an object or a function of this kind, got 7. " +
        "Known names: linear, relu, relu6, leakyRelu,",
    );
    expect(() => activations.elu({ alpha: Number.NaN })).toThrow(
      "elu: alpha must be a finite number, got NaN.",
    );
    expect(() => activations.elu({ Alpha: 1 } as never)).toThrow(
      'elu: option names must be known, got "Alpha". Did you mean "alpha"?',
    );
  });
});
