import { describe, expect, it } from "vitest";
import type { LossName } from "../nn/losses.ts";
import { type Compiled, compileFor } from "./compiled.ts";
import { inputRows, targetRows } from "./data.ts";

const compiled = (loss: LossName, withAccuracy = false): Compiled =>
  compileFor([{ name: "output" }], {
    optimizer: "sgd",
    loss,
    metrics: withAccuracy ? ["accuracy"] : [],
  });

const targets = (value: Parameters<typeof targetRows>[0], output: number[], all: Compiled) =>
  targetRows(value, 3, 0, [output], all, "fit y");

describe("inputs", () => {
  it("bytes stay bytes, all else is float32", () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    const rows = inputRows({ data: bytes, shape: [2, 2] }, [2], "fit x");
    expect(rows).toMatchObject({ count: 2, type: { dtype: "uint8", shape: [2] } });
    expect(rows.array.data).toBe(bytes);
    const clamped = Uint8ClampedArray.of(1, 2);
    expect(inputRows({ data: clamped, shape: [1, 2] }, [2], "x").type.dtype).toBe("uint8");
    const wide = inputRows({ data: Float64Array.of(0.1, -5), shape: [1, 2] }, [2], "x");
    expect(wide.array.data).toEqual(Float32Array.of(0.1, -5));
    expect(inputRows([[1, 2]], [2], "x").type.dtype).toBe("float32");
    expect(inputRows({ data: Int16Array.of(-7, 7), shape: [1, 2] }, [2], "x").array.data).toEqual(
      Float32Array.of(-7, 7),
    );
  });

  it("of another rank or shape are refused", () => {
    const check = (shape: number[]) => () =>
      inputRows({ data: new Float32Array(12), shape }, [2, 3], "fit x");
    expect(check([2, 2, 3])).not.toThrow();
    expect(check([2, 6])).toThrow("fit x: shape [n, 2, 3], as the model's inputs are, got [2, 6].");
    expect(check([4, 3, 1])).toThrow("got [4, 3, 1].");
    expect(() => inputRows([1, 2], [2], "predict x")).toThrow(
      "predict x: shape [n, 2], as the model's inputs are, got [2]. " +
        "For one sample, put it in a batch of 1.",
    );
  });

  it("must be there and finite", () => {
    expect(() => inputRows(undefined as never, [2], "fit x")).toThrow(
      "fit x: it must be given, got undefined.",
    );
    expect(() => inputRows({ data: new Float32Array(0), shape: [0, 2] }, [2], "fit x")).toThrow(
      "fit x: there must be data, got shape [0, 2].",
    );
    const bad = (value: number) => () =>
      inputRows({ data: Float64Array.of(1, 2, 3, 4, value, 6), shape: [3, 2] }, [2], "fit x");
    expect(bad(5)).not.toThrow();
    expect(bad(Number.NaN)).toThrow(
      "fit x: all numbers must be finite, got NaN in row 2. " +
        "Clean the data first: a single NaN or infinity would make every weight NaN.",
    );
    expect(bad(Number.NEGATIVE_INFINITY)).toThrow("got -Infinity in row 2.");
    // Too large for float32: it would become infinite.
    expect(bad(1e39)).toThrow("got 1e+39 in row 2.");
    expect(bad(3.4e38)).not.toThrow();
  });
});

describe("targets", () => {
  const scce = compiled("sparseCategoricalCrossentropy", true);

  it("labels may be [n] or [n, 1]", () => {
    expect(targets([0, 9, 3], [10], scce).type).toEqual({ dtype: "float32", shape: [] });
    expect(targets([[0], [9], [3]], [10], scce).type.shape).toEqual([1]);
    expect(targets(Uint8Array.of(0, 9, 3), [10], scce).type.dtype).toBe("uint8");
  });

  it("labels must be classes", () => {
    expect(() => targets([0, 10, 3], [10], scce)).toThrow(
      "fit y: labels must be whole numbers from 0 to 9, got 10 at 1. " +
        "Labels count from 0; 11 classes need as many units at the end.",
    );
    expect(() => targets([0, 1, -1], [10], scce)).toThrow("got -1 at 2.");
    expect(() => targets([0, 1.5, 1], [10], scce)).toThrow("got 1.5 at 1.");
    expect(() => targets([0, Number.NaN, 1], [10], scce)).toThrow(
      "fit y: all numbers must be finite, got NaN in row 1.",
    );
  });

  it("must have as many rows as x, and the shape that the loss needs", () => {
    expect(() => targets([0, 1], [10], scce)).toThrow(
      "fit y: as many rows as x, which has 3, got 2.",
    );
    const oneHot = { data: new Float32Array(30), shape: [3, 10] };
    expect(() => targets(oneHot, [10], scce)).toThrow(
      "fit y: loss sparseCategoricalCrossentropy needs one label for each prediction, [n] or " +
        "[n, 1], got [n, 10]. These look like one-hot rows: pass the number of the class instead.",
    );
    const mse = compiled("meanSquaredError");
    expect(() => targets([0, 1, 2], [2], mse)).toThrow(
      "fit y: loss meanSquaredError needs targets of the output's shape [n, 2], got [n].",
    );
    // [n] for outputs [n, 1] is what it looks like.
    expect(targets([0.5, 1, 2], [1], mse).count).toBe(3);
  });

  it("must fit the metrics too", () => {
    const both = compileFor([{ name: "output" }], {
      optimizer: "sgd",
      loss: "meanSquaredError",
      metrics: ["sparseCategoricalAccuracy"],
    });
    expect(() => targets({ data: new Float32Array(6), shape: [3, 2] }, [2], both)).toThrow(
      "fit y: metric sparseCategoricalAccuracy needs one label for each prediction",
    );
  });
});
