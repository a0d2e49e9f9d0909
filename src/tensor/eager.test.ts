import { describe, expect, it } from "vitest";
import { valueAndGradients } from "./eager.ts";
import type { Tensor } from "./tensor.ts";

describe("valueAndGradients", () => {
  it("has the value of a function and a gradient in the shape of each input", async () => {
    const { value, gradients } = await valueAndGradients(
      (w, x) => w.multiply(x).sum(),
      [
        [1, 2],
        [3, 4],
      ],
    );
    expect(value).toEqual({ data: Float32Array.of(11), shape: [] });
    expect(gradients).toEqual([
      { data: Float32Array.of(3, 4), shape: [2] },
      { data: Float32Array.of(1, 2), shape: [2] },
    ]);
  });

  it("takes bytes, doubles and scalars, and one number in any shape", async () => {
    const square = (x: Tensor) => x.square();
    const scalar = await valueAndGradients(square, [{ data: Float64Array.of(3), shape: [] }]);
    expect(scalar.value.data[0]).toBe(9);
    expect(scalar.gradients).toEqual([{ data: Float32Array.of(6), shape: [] }]);
    const byte = await valueAndGradients(square, [{ data: Uint8Array.of(5), shape: [1, 1] }]);
    expect(byte.value.shape).toEqual([]);
    expect(byte.gradients).toEqual([{ data: Float32Array.of(10), shape: [1, 1] }]);
  });

  it("of what an input does not change is 0, in its shape", async () => {
    const { gradients } = await valueAndGradients(
      (x, y) => x.sum().add(y.multiply(0).sum()),
      [[1, 2], [[1], [2]], [[7, 7, 7]]],
    );
    expect(gradients.map(({ data }) => [...data])).toEqual([
      [1, 1],
      [0, 0],
      [0, 0, 0],
    ]);
    expect(gradients[2].shape).toEqual([1, 3]);
  });

  it("adds up what one input does in two places", async () => {
    const twice = await valueAndGradients((x) => x.multiply(x).sum(), [[1, 2, 3]]);
    expect([...twice.gradients[0].data]).toEqual([2, 4, 6]);
  });

  it("refuses functions that do not return one float32 number of their inputs", async () => {
    const run = (fn: (...tensors: Tensor[]) => unknown, x: number[] = [1, 2]) =>
      valueAndGradients(fn as never, [x]);
    const expected = "valueAndGradients: the function must return a tensor of one number, got";
    await expect(run((x) => x)).rejects.toThrow(
      `${expected} shape [2]. Example: (x) => x.square().sum()`,
    );
    await expect(run(() => undefined)).rejects.toThrow(`${expected} undefined.`);
    await expect(run(() => 3)).rejects.toThrow(`${expected} 3.`);
    await expect(run(async (x) => x.sum())).rejects.toThrow(`${expected} an instance of Promise.`);
    await expect(run((x) => x.sum().greater(1))).rejects.toThrow(`${expected} a tensor of bool.`);
    let other: Tensor | undefined;
    await run((x) => {
      other = x.sum();
      return other;
    });
    await expect(run(() => other)).rejects.toThrow(
      "result 0: a tensor made of those that the function was given, got one of another recording.",
    );
    await expect(run((x) => x.sum(), [])).rejects.toThrow(
      "the array: at least one element, got shape [0].",
    );
    await expect(valueAndGradients(3 as never, [])).rejects.toThrow(
      "valueAndGradients: a function of tensors, and an array of inputs for it, got 3 and []",
    );
    await expect(valueAndGradients((x) => x, [3 as never])).rejects.toThrow(
      "valueAndGradients input 0: must be { data: typed array",
    );
  });
});
