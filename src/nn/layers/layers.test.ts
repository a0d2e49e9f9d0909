import { describe, expect, it } from "vitest";
import { uniform } from "../../base/philox.ts";
import { type Shape, sizeOf } from "../../base/shape.ts";
import { inputSource } from "../../tensor/random.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import type { Variable } from "../../tensor/variable.ts";
import { ForwardPass } from "../context.ts";
import {
  compute,
  difference,
  type Given,
  golden,
  type Nested,
  ramp,
  valuesOf,
  withGradients,
} from "../values.case.ts";
import * as layers from "./index.ts";

interface Case {
  readonly name: "dense" | "flatten" | "dropout" | "activation";
  readonly config: Parameters<typeof layers.dense>[0] &
    Parameters<typeof layers.dropout>[0] &
    Parameters<typeof layers.activation>[0];
  readonly x: Nested;
  readonly kernel?: Nested;
  readonly bias?: Nested | null;
  readonly upstream: Nested;
  readonly y: Nested;
  readonly gradients: Readonly<Record<string, Nested>>;
}

interface Golden {
  readonly cases: readonly Case[];
  readonly dropoutOfOnes: { readonly rate: number; readonly values: readonly number[] };
}

const { activation, dense, dropout, flatten } = layers;
const factories = { activation, dense, dropout, flatten };
const { layers: facts } = golden<{ layers: Golden }>("library.json");
const context = { path: "layer", seed: 1 };

/** Calls a built layer, its weights given as inputs after the first. */
function call(layer: layers.Layer, inputs: readonly Tensor[], trace: Trace): Tensor {
  for (const [i, weight] of layer.weights.entries()) trace.assign(weight, inputs[i + 1]);
  const scalar = (name: number) => inputs[name];
  const pass = new ForwardPass({
    trace,
    sampling: true,
    batchStatistics: true,
    source: () => ({ seed: scalar(1), seedHigh: scalar(2), step: scalar(3) }),
  });
  return layer.call(inputs[0], pass.contextOf("dropout"));
}

describe("layers against Keras", () => {
  for (const [
    i,
    { name, config, x, kernel, bias, upstream, y, gradients },
  ] of facts.cases.entries())
    it(`${i}: ${name} ${JSON.stringify(config)}`, () => {
      const layer = factories[name](config);
      const input = valuesOf(x);
      layer.buildFor(input.shape.slice(1), context);
      const weights = [kernel, bias].flatMap((weight) => (weight ? [valuesOf(weight)] : []));
      expect(layer.weights.map(({ shape }) => shape)).toEqual(weights.map(({ shape }) => shape));
      expect(layer.computeOutputShape(input.shape.slice(1))).toEqual(valuesOf(y).shape.slice(1));
      const given = [input, ...weights];
      const positions = given.map((_, position) => position);
      const found = withGradients(
        given,
        valuesOf(upstream),
        (inputs, trace) => call(layer, inputs, trace),
        positions,
      );
      expect(difference(found.y.data, valuesOf(y).data, 0.1)).toBeLessThan(2e-6);
      for (const [j, expected] of Object.values(gradients).entries())
        expect(difference(found.gradients[j].data, valuesOf(expected).data, 0.5)).toBeLessThan(
          4e-6,
        );
      // The near miss: without the bias, or with other values.
      if (bias && weights.length > 1) {
        const wrong = [input, weights[0], { ...weights[1], data: weights[1].data.map(() => 0) }];
        const [miss] = compute(wrong, (inputs, trace) => [call(layer, inputs, trace)]);
        expect(difference(miss.data, valuesOf(y).data, 0.1)).toBeGreaterThan(1e-3);
      }
    });
});

describe("dropout", () => {
  const seed = 2 ** 40 + 77;
  const drop = (rate: number, step: number, shape: Shape = [100, 100]) => {
    const ones = { shape, data: new Float64Array(sizeOf(shape)).fill(1) };
    const u32 = (value: number): Given => ({
      data: Float64Array.of(value),
      shape: [],
      dtype: "uint32",
    });
    const given = [ones, u32(seed >>> 0), u32(Math.floor(seed / 2 ** 32)), u32(step)];
    const layer = layers.dropout({ rate });
    const [found] = compute(given, (inputs, trace) => [call(layer, inputs, trace)]);
    return found.data;
  };

  it("makes 0 or x / (1 - rate) of each number, as Keras does", () => {
    const { rate, values } = facts.dropoutOfOnes;
    const y = drop(rate, 5);
    expect(new Set(y)).toEqual(new Set(values.map(Math.fround)));
    const kept = y.filter((value) => value !== 0).length / y.length;
    expect(Math.abs(kept - 0.75)).toBeLessThan(6 * Math.sqrt((0.75 * 0.25) / y.length));
  });

  it("keeps the elements that Philox on the host says", () => {
    const y = drop(0.3, 9);
    const bits = uniform(seed, "dropout/noise", 9, y.length);
    expect([...y].map((value) => value !== 0)).toEqual([...bits].map((u) => u >= Math.fround(0.3)));
  });

  it("changes with the step and not without", () => {
    expect(drop(0.5, 1)).toEqual(drop(0.5, 1));
    expect(drop(0.5, 1)).not.toEqual(drop(0.5, 2));
  });

  it("rate 1 leaves nothing; outside of fit it is the identity", () => {
    expect(drop(1, 1, [2, 3]).every((value) => value === 0)).toBe(true);
    const [x] = [ramp([2, 3])];
    const [y] = compute([x], ([input], trace) => {
      const source = () => inputSource(trace);
      const pass = new ForwardPass({ trace, sampling: false, batchStatistics: true, source });
      return [layers.dropout({ rate: 0.9 }).call(input, pass.contextOf("dropout"))];
    });
    expect(y.data).toEqual(x.data.map(Math.fround));
  });

  it("refuses other rates", () => {
    expect(() => layers.dropout({ rate: 1.5, name: "noise" })).toThrow(
      'Dropout "noise": rate must be in [0, 1], got 1.5. Example: layers.dropout({ rate: 0.1 })',
    );
    expect(() => layers.dropout({ rate: Number.NaN })).toThrow("Dropout: rate must be in [0, 1]");
    expect(() => layers.dropout({} as never)).toThrow("rate must be in [0, 1], got undefined.");
  });
});

describe("Dense", () => {
  it("draws its weights by path and seed", () => {
    const kernelOf = (path: string, seed: number) => {
      const layer = layers.dense({ units: 3, kernelInitializer: "heNormal" });
      layer.buildFor([5], { path, seed });
      expect(layer.weights.map((weight) => weight.path)).toEqual([
        `${path}/kernel`,
        `${path}/bias`,
      ]);
      expect(layer.bias!.hostValue).toEqual(new Float32Array(3));
      return layer.kernel.hostValue;
    };
    expect(kernelOf("dense", 1)).toEqual(kernelOf("dense", 1));
    expect(kernelOf("dense", 1)).not.toEqual(kernelOf("dense_1", 1));
    expect(kernelOf("dense", 1)).not.toEqual(kernelOf("dense", 2));
  });

  it("refuses impossible options", () => {
    const make = (options: object) => () => layers.dense(options as never);
    expect(make({ units: 0 })).toThrow("Dense: units must be a whole number of at least 1, got 0.");
    expect(make({ unit: 3 })).toThrow(
      'Dense: option names must be known, got "unit". Did you mean "units"?',
    );
    expect(make({ units: 3, activation: "rleu", name: "hidden" })).toThrow(
      'Dense "hidden": activation must be a known name, got "rleu". Did you mean "relu"?',
    );
    expect(make({ units: 3, kernelInitializer: "henormal" })).toThrow('Did you mean "heNormal"?');
    expect(make({ units: 3, useBias: "no" })).toThrow(
      'Dense: useBias must be true or false, got "no".',
    );
    expect(make({ units: 3, name: "a/b" })).toThrow(
      'Dense "a/b": name must be a text without slashes, got "a/b".',
    );
    expect(make({ units: 3, inputShape: [0] })).toThrow(
      "Dense: inputShape must be an array of whole numbers of at least 1, got [0]. " +
        "Example: inputShape: [32, 32, 3], without the batch.",
    );
    expect(() => layers.dense({ units: 2, name: "d" }).buildFor([], context)).toThrow(
      'Dense "d": inputs of at least one dimension beside the batch, got [].',
    );
    const huge = layers.dense({ units: 2_000_000, name: "huge" });
    expect(() => huge.buildFor([300_000], context)).toThrow(
      'Dense "huge" weight "kernel": a weight must fit into 4 GiB of memory, ' +
        "got [300000, 2000000], 2235.2 GiB. Use fewer units.",
    );
  });
});

describe("a user's layer", () => {
  class Scale extends layers.Layer {
    factor!: Variable;
    override build([size]: Shape): void {
      const initializer = (shape: Shape) => new Float32Array(shape[0]).fill(2);
      this.factor = this.addWeight({ name: "factor", shape: [size], initializer });
    }
    call(x: Tensor, { trace }: { trace: Trace }): Tensor {
      return x.multiply(trace.read(this.factor));
    }
  }

  it("needs only build and call", () => {
    const layer = new Scale({ name: "twice" });
    layer.buildFor([3], { path: "scale", seed: 1 });
    expect(layer.computeOutputShape([3])).toEqual([3]);
    expect(layer.countParams()).toBe(3);
    expect(layer.weights[0]).toMatchObject({ path: "scale/factor", trainable: true });
    expect(layer.className).toBe("Scale");
    expect(layer.label).toBe('Scale "twice"');
  });

  it("is built once, for one shape", () => {
    const layer = new Scale();
    layer.buildFor([3], context);
    const { factor } = layer;
    layer.buildFor([3], context);
    expect(layer.factor).toBe(factor);
    expect(() => layer.buildFor([4], context)).toThrow(
      "Scale: inputs of shape [3], as it was built for, got [4].",
    );
    expect(() => new Scale({ inputShape: [2] }).buildFor([4], context)).toThrow(
      "Scale: inputs of shape [2], as its option inputShape says, got [4].",
    );
  });

  it("names itself where it does wrong", () => {
    class Late extends layers.Layer {
      call(x: Tensor): Tensor {
        this.addWeight({ name: "late", shape: [1] });
        return x;
      }
    }
    expect(() => new Late({ name: "late" }).computeOutputShape([2])).toThrow(
      'Late "late": addWeight must be called inside build, got a call for "late" outside.',
    );
    class Flat extends layers.Layer {
      call(x: Tensor): Tensor {
        return x.sum();
      }
    }
    expect(() => new Flat().computeOutputShape([2, 3])).toThrow(
      "Flat call: it must return shape [batch, ...] for inputs [batch, 2, 3], got []. " +
        "Keep the first dimension, and let computeOutputShape say what call returns.",
    );
    class Nothing extends layers.Layer {
      call(): Tensor {
        return undefined as never;
      }
    }
    expect(() => new Nothing().computeOutputShape([2])).toThrow(
      "Nothing call: it must return a Tensor, got undefined.",
    );
    class Twice extends layers.Layer {
      override build(): void {
        this.addWeight({ name: "w", shape: [1] });
        this.addWeight({ name: "w", shape: [1] });
      }
      call(x: Tensor): Tensor {
        return x;
      }
    }
    const twice = new Twice();
    expect(() => twice.buildFor([2], context)).toThrow(
      'Twice: names of weights must differ, got a second "w".',
    );
    // Nothing of the failed try is left.
    expect(twice.built).toBe(false);
    expect(twice.weights).toEqual([]);
  });

  it("may draw noise outside of fit too", () => {
    class Noisy extends layers.Layer {
      call(x: Tensor, { random }: { random: { uniform(like: Tensor): Tensor } }): Tensor {
        return x.add(random.uniform(x));
      }
    }
    expect(new Noisy().computeOutputShape([2])).toEqual([2]);
  });
});
