import { describe, expect, it } from "vitest";
import type { Shape } from "../base/shape.ts";
import * as layers from "../nn/layers/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Sequence } from "./sequence.ts";

const dense = (units: number, options: { name?: string; inputShape?: Shape } = {}) =>
  layers.dense({ units, ...options });

class Sum extends layers.Layer {
  call(x: Tensor): Tensor {
    return x.sum(-1);
  }
}

describe("a sequence of layers", () => {
  it("is built for the first layer's shape, path by path", () => {
    const sequence = new Sequence([
      layers.flatten({ inputShape: [2, 3] }),
      dense(5),
      layers.dropout({ rate: 0.5 }),
      dense(4),
    ]);
    expect(sequence.built).toBe(false);
    expect(sequence.knownInputShapes).toEqual([[2, 3]]);
    sequence.build([[2, 3]], 1);
    expect(sequence.built).toBe(true);
    expect(sequence.outputShapes).toEqual([[4]]);
    expect(sequence.layers.flatMap(({ weights }) => weights.map(({ path }) => path))).toEqual([
      "dense/kernel",
      "dense/bias",
      "dense_1/kernel",
      "dense_1/bias",
    ]);
    expect(sequence.layers.map(({ name }) => name)).toEqual([
      "flatten",
      "dense",
      "dropout",
      "dense_1",
    ]);
    expect(sequence.outputShapeOf(sequence.layers[0])).toEqual([6]);
  });

  it("draws of a layer do not hang on other classes and on names", () => {
    const kernels = (all: layers.Layer[]) => {
      const sequence = new Sequence(all);
      sequence.build([[3]], 7);
      return all.flatMap(({ weights }) => weights.map(({ hostValue }) => hostValue));
    };
    expect(kernels([dense(4), layers.dropout({ rate: 0.1 }), dense(4, { name: "last" })])).toEqual(
      kernels([dense(4, { name: "first" }), dense(4)]),
    );
  });

  it("names are unique, given ones come first", () => {
    const first = new Sequence([dense(2), dense(2)]);
    const [shared] = [first.layers[1]];
    expect(shared.name).toBe("dense_1");
    const all = [dense(2), dense(2, { name: "dense" }), shared, dense(2)];
    const second = new Sequence(all);
    expect(second.layers.map(({ name }) => name)).toEqual([
      "dense_2",
      "dense",
      "dense_1",
      "dense_3",
    ]);
  });

  it("takes each layer and each given name once", () => {
    const twice = dense(2, { name: "d" });
    expect(() => new Sequence([twice, twice])).toThrow(
      'sequential: each layer once, got Dense "d" twice.',
    );
    expect(() => new Sequence([twice, dense(3, { name: "d" })])).toThrow(
      'sequential: names of layers must differ, got two layers named "d".',
    );
    expect(() => new Sequence([{ units: 3 } as never])).toThrow(
      "sequential: its parts must be layers, got an object with units at 0. " +
        "Example: sequential([layers.dense({ units: 10, inputShape: [4] })])",
    );
    expect(() => new Sequence([]).build([[2]], 1)).toThrow(
      "sequential: at least one layer, got none.",
    );
  });

  it("a layer that can't follow says so when the model is built, and nothing of it is left", () => {
    const last = dense(2);
    const sequence = new Sequence([dense(3), new Sum({ name: "total" }), last]);
    expect(() => sequence.build([[4]], 1)).toThrow(
      'Dense "dense_1": inputs of at least one dimension beside the batch, got []. ' +
        'It follows Sum "total".',
    );
    expect(sequence.built).toBe(false);
    expect(sequence.layers.every(({ built }) => !built)).toBe(true);
    const other = new Sequence([dense(3), dense(2, { inputShape: [4], name: "out" })]);
    expect(() => other.build([[4]], 1)).toThrow(
      'Dense "out": inputs of shape [4], as its option inputShape says, got [3]. ' +
        'It follows Dense "dense".',
    );
  });

  it("a tensor's error names the layer it happened in", () => {
    class Wrong extends layers.Layer {
      call(x: Tensor): Tensor {
        return x.add(x.trace.constant(1, "int32"));
      }
      override computeOutputShape(shape: Shape): Shape {
        return shape;
      }
    }
    expect(() => new Sequence([new Wrong({ name: "wrong" })]).build([[2]], 1)).toThrow(
      /^Wrong "wrong": add: inputs of one fitting dtype, got float32\[.*\], int32\[\]\.$/,
    );
  });

  it("a layer whose call does not return what it says names itself", () => {
    class Liar extends layers.Layer {
      call(x: Tensor): Tensor {
        return x;
      }
      override computeOutputShape(): Shape {
        return [7];
      }
    }
    expect(() => new Sequence([dense(3), new Liar({ name: "liar" })]).build([[2]], 1)).toThrow(
      'Liar "liar" call: it must return shape [batch, 7] for inputs [batch, 3], got [batch, 3]. ' +
        "Keep the first dimension, and let computeOutputShape say what call returns. " +
        'It follows Dense "dense".',
    );
    class Shapeless extends layers.Layer {
      call(x: Tensor): Tensor {
        return x;
      }
      override computeOutputShape(): Shape {
        return [2.5];
      }
    }
    expect(() => new Sequence([new Shapeless()]).build([[2]], 1)).toThrow(
      'Shapeless "shapeless": computeOutputShape must return whole numbers of at least 1, ' +
        "without the batch, got [2.5].",
    );
  });

  it("shares the weights of a layer that is in two models, and refuses another shape", () => {
    const shared = dense(3);
    new Sequence([shared]).build([[2]], 1);
    const second = new Sequence([shared, dense(3)]);
    second.build([[2]], 2);
    expect(second.layers[0].weights[0].path).toBe("dense/kernel");
    const third = new Sequence([dense(4), shared]);
    expect(third.layers.map(({ name }) => name)).toEqual(["dense_1", "dense"]);
    expect(() => third.build([[2]], 1)).toThrow(
      'Dense "dense": inputs of shape [2], as it was built for, got [4].',
    );
  });

  it("is asked before it is built: an error", () => {
    const sequence = new Sequence([dense(3)]);
    expect(() => sequence.outputShapes).toThrow(
      "model: it must be built, got a model whose input shape is not known yet. " +
        "Give the first layer an inputShape, or call model.build(inputShape).",
    );
    sequence.build([[2]], 1);
    expect(() => sequence.build([[3]], 1)).toThrow(
      "build: the model is built for inputs of shape [2], got [3].",
    );
  });
});
