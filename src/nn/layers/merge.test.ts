import { describe, expect, it } from "vitest";
import type { Shape } from "../../base/shape.ts";
import type { AnyLayer } from "../layer.ts";
import * as layers from "./index.ts";

const array = (shape: Shape, ...data: number[]) => ({ data: Float32Array.from(data), shape });
const context = { path: "layer", seed: 1 };
const building = (layer: AnyLayer, shapes: unknown) => () =>
  layer.buildFor(shapes as never, context);

describe("layers that merge", () => {
  it("keep a NaN of either input", async () => {
    const a = array([1, 3], Number.NaN, 1, Number.POSITIVE_INFINITY);
    const b = array([1, 3], 2, Number.NaN, Number.POSITIVE_INFINITY);
    for (const layer of [layers.maximum(), layers.minimum()])
      expect([...(await layer.apply([a, b])).data]).toEqual([Number.NaN, Number.NaN, Infinity]);
  });

  it("divide by no length that is 0", async () => {
    const zeros = array([1, 2], 0, 0);
    const similar = layers.dot({ axes: 1, normalize: true });
    expect([...(await similar.apply([zeros, zeros])).data]).toEqual([0]);
    expect([...(await layers.unitNormalization().apply(zeros)).data]).toEqual([0, 0]);
  });

  it("name the shapes that do not go together", () => {
    expect(building(layers.add({ name: "sum" }), [[3], [4]])).toThrow(
      'Add "sum": inputs whose shapes broadcast (equal sizes, or 1, counted from the end), ' +
        "got [3] and [4].",
    );
    expect(building(layers.concatenate(), [[2, 3], [3, 3], [4]])).toThrow(
      "Concatenate: inputs of one shape except for dimension 2, got [2, 3] and [3, 3] and [4].",
    );
    expect(building(layers.concatenate({ axis: 0 }), [[3], [3]])).toThrow(
      "Concatenate: axis must be a dimension from 1 to 1 (or counted from the end) of inputs of " +
        "shape [3], got 0, the batch.",
    );
    expect(building(layers.dot({ axes: [1, 2] }), [[3], [2, 4]])).toThrow(
      "Dot: dimension 1 of the first input and 2 of the second must have one size, " +
        "got [3] and [2, 4].",
    );
  });

  it("want a list of inputs, and of how many", () => {
    const how = "Example: layers.add().apply([a, b]), with arrays as { data, shape }.";
    expect(building(layers.add(), [3])).toThrow(
      `Add: a list of inputs, got one of shape [3]. ${how}`,
    );
    expect(building(layers.subtract(), [[3], [3], [3]])).toThrow(
      "Subtract: a list of 2 inputs, got 3.",
    );
    expect(building(layers.dot({ axes: 1 }), [[3]])).toThrow("Dot: a list of 2 inputs, got 1.");
    expect(() => layers.dot({ axes: [1] as never })).toThrow(
      "Dot: axes must be a whole number or an array of two, got [1]. " +
        "Example: layers.dot({ axes: 1 })",
    );
  });
});

describe("layers that move numbers", () => {
  it("refuse what does not fit", () => {
    expect(() => layers.reshape({ targetShape: [-1, -1] })).toThrow(
      "Reshape: targetShape must be an array of whole numbers of at least 1, one of which may be " +
        "-1, got [-1, -1]. Example: targetShape: [8, -1], without the batch.",
    );
    expect(building(layers.reshape({ targetShape: [4, -1] }), [2, 3])).toThrow(
      "Reshape: inputs whose numbers fill its targetShape [4, -1], got shape [2, 3], 6 numbers.",
    );
    expect(() => layers.permute({ dims: [0, 1] })).toThrow(
      "Permute: dims must be an array that has each whole number from 1 on once, got [0, 1]. " +
        "Example: dims: [2, 1] swaps the two dimensions of a sample.",
    );
    expect(building(layers.permute({ dims: [2, 1] }), [2, 3, 4])).toThrow(
      "Permute: inputs of 2 dimensions beside the batch, as dims [2, 1] says, got [2, 3, 4].",
    );
    expect(() => layers.flatten({ dataFormat: "last" as never })).toThrow(
      'Flatten: dataFormat must be one of "channelsLast", "channelsFirst", got "last".',
    );
  });
});

describe("layers with options of numbers", () => {
  it("refuse those out of range", () => {
    expect(() => layers.relu({ maxValue: -1 })).toThrow(
      "ReLU: maxValue must be a finite number of at least 0, got -1.",
    );
    expect(() => layers.leakyRelu({ negativeSlope: -0.1 })).toThrow("LeakyReLU: negativeSlope");
    expect(() => layers.batchNormalization({ momentum: 1.1 })).toThrow(
      "BatchNormalization: momentum must be in [0, 1], got 1.1.",
    );
    expect(() => layers.batchNormalization({ epsilon: 0 })).toThrow(
      "BatchNormalization: epsilon must be a finite number above 0, got 0.",
    );
    expect(() => layers.batchNormalization({ renormClipping: { rmax: 1, rmin: 2 } })).toThrow(
      "BatchNormalization renormClipping: rmax must not be less than rmin, got",
    );
    expect(() => layers.batchNormalization({ synchronized: true } as object)).toThrow(
      "BatchNormalization: synchronized must be false, got true. " +
        "One process sees the whole batch here.",
    );
    expect(() => layers.activityRegularization({ l1: -1 })).toThrow(
      "ActivityRegularization: l1 must be a finite number of at least 0, got -1.",
    );
    expect(building(layers.batchNormalization({ axis: 2 }), [3])).toThrow(
      "BatchNormalization: axis must be a dimension from 1 to 1 (or counted from the end) of " +
        "inputs of shape [3], got 2.",
    );
    expect(building(layers.layerNormalization(), [])).toThrow(
      "LayerNormalization: axis must be a dimension beside the batch (or counted from the end) of " +
        "inputs of shape [], got -1, the batch.",
    );
    expect(building(layers.prelu({ sharedAxes: [3] }), [2, 2])).toThrow(
      "PReLU: sharedAxes must be a dimension from 1 to 2",
    );
  });
});
