import { expect, it } from "vitest";
import { fromBfloat16, fromFloat16 } from "./half-floats.ts";

it("knows all numbers of half precision", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const floats = fromFloat16(all);
  for (const half of all) {
    const [sign, exponent, fraction] = [half >> 15 ? -1 : 1, (half >> 10) & 31, half & 1023];
    const finite = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
    const value = exponent < 31 ? finite : fraction === 0 ? Infinity : Number.NaN;
    if (!Object.is(floats[half], sign * value)) expect(floats[half], `${half}`).toBe(sign * value);
  }
});

it("knows bfloat16 as the upper half of float32", () => {
  const floats = fromBfloat16(Uint16Array.of(0x3f80, 0xc040, 0x8000, 0x7f80, 0x7fc0, 0x0001));
  expect(Array.from(floats)).toEqual([1, -3, -0, Infinity, Number.NaN, 2 ** -133]);
});
