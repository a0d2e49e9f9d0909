import { expect, it } from "vitest";
import { arrayFor, bytesOf, dtypes } from "./dtype.ts";
import { formatShape, sameShape, sizeOf } from "./shape.ts";

it("multiplies the sizes of a shape, and an empty shape is one number", () => {
  expect(sizeOf([32, 32, 3])).toBe(3072);
  expect(sizeOf([])).toBe(1);
  expect(sizeOf([5, 0, 3])).toBe(0);
});

it("prints and compares shapes", () => {
  expect(formatShape([32, 100])).toBe("[32, 100]");
  expect(formatShape([])).toBe("[]");
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
  expect(sameShape([2, 3], [3, 2])).toBe(false);
});

it("makes arrays whose elements take the stated bytes", () => {
  for (const dtype of dtypes) {
    const array = arrayFor(dtype, 7);
    expect(array.length).toBe(7);
    expect(array.BYTES_PER_ELEMENT).toBe(bytesOf(dtype));
  }
  expect(dtypes.map((dtype) => arrayFor(dtype, 1).constructor.name)).toEqual([
    "Float32Array",
    "Int32Array",
    "Uint32Array",
    "Uint8Array",
    "Int32Array",
  ]);
});
