/** Slices, pads and concatenations of tensors: numbers, shapes, gradients, errors. */
import { describe, expect, it } from "vitest";
import { concatenate } from "./composites.ts";
import { evaluate, valueAndGradients } from "./eager.ts";
import { gradients } from "./gradients.ts";
import type { Tensor } from "./tensor.ts";
import { Trace } from "./trace.ts";

const counting = (...shape: number[]) => {
  const size = shape.reduce((n, dimension) => n * dimension, 1);
  return { data: Float32Array.from({ length: size }, (_, i) => i + 1), shape };
};

async function computed(fn: (...tensors: Tensor[]) => Tensor, ...shapes: number[][]) {
  const [found] = await evaluate(
    shapes.map((shape) => counting(...shape)),
    (tensors) => [fn(...tensors)],
  );
  return { shape: found!.shape, data: [...found!.data] };
}

/** The gradients of the sum of a result, each of its numbers times 1, 2, 3, ... */
async function slopes(fn: (...tensors: Tensor[]) => Tensor, ...shapes: number[][]) {
  const { shape } = await computed(fn, ...shapes);
  const { gradients } = await valueAndGradients(
    (weights, ...tensors) =>
      fn(...tensors)
        .multiply(weights!)
        .sum(),
    [counting(...shape), ...shapes.map((each) => counting(...each))],
  );
  return gradients.slice(1).map(({ data }) => [...data]);
}

describe("slice", () => {
  it("takes positions of one dimension", async () => {
    expect(await computed((x) => x.slice(1, 1, 2), [2, 4])).toEqual({
      shape: [2, 2],
      data: [2, 3, 6, 7],
    });
    expect(await computed((x) => x.slice(-2, 1, 1), [2, 4])).toEqual({
      shape: [1, 4],
      data: [5, 6, 7, 8],
    });
  });

  it("has the gradient of what it takes, and 0 elsewhere", async () => {
    expect(await slopes((x) => x.slice(1, 1, 2), [2, 4])).toEqual([[0, 1, 2, 0, 0, 3, 4, 0]]);
    expect(await slopes((x) => x.slice(0, 1, 1), [3, 2])).toEqual([[0, 0, 1, 2, 0, 0]]);
  });

  it("is the tensor itself where it takes all of it", () => {
    const x = new Trace().input("x", "float32", [3, 1]);
    expect(x.slice(0, 0, 3)).toBe(x);
    expect(x.slice(1, 0, 1)).toBe(x);
  });

  it("refuses positions that are not there", () => {
    const x = new Trace().input("x", "float32", [2, 4]);
    const message = (text: string) =>
      `slice: at least one position, all within the 4 of dimension 1, got ${text} of shape [2, 4]`;
    expect(() => x.slice(1, 3, 2)).toThrow(message("2 from 3 on"));
    expect(() => x.slice(1, -1, 2)).toThrow(message("2 from -1 on"));
    expect(() => x.slice(1, 0, 0)).toThrow(message("0 from 0 on"));
    expect(() => x.slice(1, 0.5, 1)).toThrow(message("1 from 0.5 on"));
    expect(() => x.slice(2, 0, 1)).toThrow("a dimension from -2 to 1, got 2");
  });
});

describe("pad", () => {
  it("puts zeros before and after, also around a single position", async () => {
    expect(await computed((x) => x.pad(1, 1, 2), [2, 2])).toEqual({
      shape: [2, 5],
      data: [0, 1, 2, 0, 0, 0, 3, 4, 0, 0],
    });
    expect(await computed((x) => x.pad(0, 0, 1), [1, 2])).toEqual({
      shape: [2, 2],
      data: [1, 2, 0, 0],
    });
    expect(await computed((x) => x.sum(1, true).add(0).pad(-1, 1, 0), [2, 2])).toEqual({
      shape: [2, 2],
      data: [0, 3, 0, 7],
    });
  });

  it("has the gradient of what is inside", async () => {
    expect(await slopes((x) => x.pad(1, 1, 2), [2, 2])).toEqual([[2, 3, 7, 8]]);
    expect(await slopes((x) => x.pad(0, 2, 0), [1, 2])).toEqual([[5, 6]]);
  });

  it("refuses counts that are none", () => {
    const x = new Trace().input("x", "float32", [2]);
    expect(() => x.pad(0, -1, 2)).toThrow(
      "pad: whole numbers from 0 on before and after, got -1 and 2",
    );
    expect(x.pad(0, 0, 0)).toBe(x);
  });
});

it("cuts, pads and joins what is the same along a dimension", async () => {
  // The gradient of a sum is a single 1.
  const ones = (x: Tensor) => gradients(x.sum(), [x])[0]!;
  expect(ones(new Trace().input("x", "float32", [3])).node.axes).toEqual([]);
  expect(await computed((x) => ones(x).slice(0, 1, 2), [3])).toEqual({ shape: [2], data: [1, 1] });
  expect(await computed((x) => ones(x).pad(0, 1, 0), [2])).toEqual({ shape: [3], data: [0, 1, 1] });
  const joined = await computed((x) => concatenate([ones(x), x], -1), [2, 2]);
  expect(joined).toEqual({ shape: [2, 4], data: [1, 1, 1, 2, 1, 1, 3, 4] });
});

describe("concatenate", () => {
  it("puts tensors one after the other", async () => {
    const three = (...tensors: Tensor[]) => concatenate(tensors, -1);
    expect(await computed(three, [2, 2], [2, 1], [2, 3])).toEqual({
      shape: [2, 6],
      data: [1, 2, 1, 1, 2, 3, 3, 4, 2, 4, 5, 6],
    });
    expect(await computed((x, y) => concatenate([x!, y!, x!], 0), [1, 2], [2, 2])).toEqual({
      shape: [4, 2],
      data: [1, 2, 1, 2, 3, 4, 1, 2],
    });
    expect(await computed((x) => concatenate([x, x, x], 0), [1])).toEqual({
      shape: [3],
      data: [1, 1, 1],
    });
  });

  it("gives each its part of the gradient, and one that stands twice both", async () => {
    const both = (...tensors: Tensor[]) => concatenate(tensors, 1);
    expect(await slopes(both, [2, 1], [2, 2])).toEqual([
      [1, 4],
      [2, 3, 5, 6],
    ]);
    expect(await slopes((x) => concatenate([x, x], 0), [2])).toEqual([[4, 6]]);
  });

  it("of one tensor is that tensor", () => {
    const x = new Trace().input("x", "float32", [2]);
    expect(concatenate([x], 0)).toBe(x);
  });

  it("refuses what does not fit", () => {
    const trace = new Trace();
    const x = trace.input("x", "float32", [2, 3]);
    const of = (...shape: number[]) => trace.input(`x${shape}`, "float32", shape);
    expect(() => concatenate([], 0)).toThrow("concatenate: at least one tensor, got none");
    expect(() => concatenate([x, x], 2)).toThrow("concatenate: a dimension from -2 to 1, got 2");
    expect(() => concatenate([x, of(2, 1)], 0)).toThrow(
      "concatenate: shapes that differ in dimension 0 alone, got [2, 3] and [2, 1]",
    );
    expect(() => concatenate([x, of(2)], 0)).toThrow("[2, 3] and [2]");
    expect(() => concatenate([x, x.cast("int32")], 0)).toThrow(
      "concatenate: tensors of one dtype, got float32 and int32. Use cast() first.",
    );
  });
});
