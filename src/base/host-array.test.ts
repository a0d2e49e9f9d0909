import { describe, expect, it } from "vitest";
import { ShapeError, ValueError } from "./errors.ts";
import { type ArrayInput, toHostArray } from "./host-array.ts";

describe("toHostArray", () => {
  it("takes typed arrays and host arrays as they are", () => {
    const data = new Uint8Array([1, 2, 3, 4, 5, 6]);
    const flat = toHostArray(data, "x");
    expect(flat.data).toBe(data);
    expect(flat.shape).toEqual([6]);
    const shaped = { data, shape: [2, 3] };
    expect(toHostArray(shaped, "x")).toBe(shaped);
    expect(toHostArray({ data: new Float64Array(1), shape: [] }, "x").shape).toEqual([]);
  });

  it("copies nested arrays, row by row", () => {
    const nested = [
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      [
        [7, 8, 9],
        [10, 11, 12.5],
      ],
    ];
    const { data, shape } = toHostArray(nested, "x");
    expect(shape).toEqual([2, 2, 3]);
    expect(data).toEqual(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12.5]));
  });

  it("copies rows that are typed arrays", () => {
    const { data, shape } = toHostArray([new Uint8Array([1, 2]), [3, 4]], "x");
    expect(shape).toEqual([2, 2]);
    expect(data).toEqual(new Float32Array([1, 2, 3, 4]));
    expect(toHostArray([[3, 4], new Uint8Array([1, 2])], "x").data).toEqual(
      new Float32Array([3, 4, 1, 2]),
    );
  });

  it("takes empty arrays", () => {
    expect(toHostArray([], "x").shape).toEqual([0]);
    expect(toHostArray([[], []], "x").shape).toEqual([2, 0]);
  });

  const rows = "fit x: rows of a nested array must be equally long and deep: ";
  it.each<[string, ArrayInput, string]>([
    ["a shorter row", [[1, 2], [3]], "element [1] must be an array of 2 elements, got 1 elements."],
    ["a longer row", [[1], [2, 3]], "element [1] must be an array of 1 elements, got 2 elements."],
    [
      "a number among rows",
      [[1, 2], 3],
      "element [1] must be an array of 2 elements, got the number 3.",
    ],
    ["a row among numbers", [1, [2]], "element [1] must be a number, got an array."],
    ["a deeper row", [[[1]], [[[1]]]], "element [1, 0, 0] must be a number, got an array."],
    [
      "a short typed row",
      [[1, 2], new Float32Array(3)],
      "element [1] must be an array of 2 elements, got 3 elements.",
    ],
    [
      "a typed row where rows are due",
      [[[1]], new Float32Array(1)],
      "element [1, 0] must be an array of 1 elements, got the number 0.",
    ],
  ])("rejects %s", (_, value, text) => {
    expect(() => toHostArray(value, "fit x")).toThrow(ShapeError);
    expect(() => toHostArray(value, "fit x")).toThrow(rows + text);
  });

  it("rejects a length that is not the shape's", () => {
    const value = { data: new Float32Array(5), shape: [2, 3] };
    expect(() => toHostArray(value, "fit x")).toThrow(ShapeError);
    expect(() => toHostArray(value, "fit x")).toThrow(
      "fit x: data of shape [2, 3] must have 6 elements, got 5.",
    );
  });

  it("rejects shapes that are not whole numbers", () => {
    for (const shape of [[-1, -5], [2.5, 2], [Number.NaN]]) {
      expect(() => toHostArray({ data: new Float32Array(5), shape }, "x")).toThrow(ShapeError);
    }
  });

  it("rejects what is no array of numbers", () => {
    const cases: readonly [unknown, string][] = [
      [undefined, "undefined"],
      [3, "3"],
      ["abc", '"abc"'],
      [{ data: [1, 2], shape: [2] }, "an object with data, shape"],
      [new BigInt64Array(2), "BigInt64Array(2)"],
      [new DataView(new ArrayBuffer(2)), "DataView(2)"],
    ];
    for (const [value, received] of cases) {
      const attempt = () => toHostArray(value as ArrayInput, "fit x");
      expect(attempt).toThrow(ValueError);
      expect(attempt).toThrow(`got ${received}.`);
    }
    const holes = [[1, "2"]] as unknown as ArrayInput;
    expect(() => toHostArray(holes, "fit x")).toThrow(
      'fit x: element [0, 1] must be a number, got "2".',
    );
    expect(() => toHostArray([null] as unknown as ArrayInput, "x")).toThrow("got null.");
  });
});
