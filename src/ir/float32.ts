/** Float32 and 32-bit integers emulated on doubles: what a device's registers do to a number. */
import type { DType } from "../base/dtype.ts";

/** Half the distance of 1 and the next float32: the relative error of one rounding. */
export const unitRoundoff = 2 ** -24;

/** The smallest positive float32. */
export const quantum = 2 ** -149;

/** From here on a double rounds to infinity as float32: the largest float32 and half a step. */
const overflow = 2 ** 128 - 2 ** 103;

const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);
/** Which half of a double holds its exponent depends on the machine's byte order. */
const upper = new Uint32Array(new Float64Array([1]).buffer)[0] === 0 ? 1 : 0;
/** Distance of neighbouring float32 for each exponent of a float32, from 2^-126 to 2^127. */
const steps = Float64Array.from({ length: 254 }, (_, i) => 2 ** (i - 126 - 23));

/** The distance of neighbouring float32 numbers at `value`; infinite beyond their range. */
export function ulp32(value: number): number {
  double[0] = value;
  const exponent = ((halves[upper] >>> 20) & 0x7ff) - 1023;
  if (exponent < -126) return quantum;
  return exponent > 127 ? Number.POSITIVE_INFINITY : steps[exponent + 126];
}

/** `value` itself, but infinite where a float32 would be. */
export const limitToRange = (value: number): number =>
  value >= overflow
    ? Number.POSITIVE_INFINITY
    : value <= -overflow
      ? Number.NEGATIVE_INFINITY
      : value;

/** Whether `value` can be the exact value of something whose float32 is finite. */
export const inRange = (value: number): boolean => Math.abs(value) < overflow;

/** What is left of a double in `dtype`: rounded to float32, wrapped to 32 bits, 0 or 1 for bool. */
export function rounderOf(dtype: DType): (value: number) => number {
  switch (dtype) {
    case "float32":
      return Math.fround;
    case "int32":
      return (value) => value | 0;
    case "uint32":
      return (value) => value >>> 0;
    case "uint8":
      return (value) => value & 255;
    case "bool":
      return (value) => (value !== 0 ? 1 : 0);
  }
}

/** As `rounderOf`, but a float32 keeps all digits of the double. */
export const limiterOf = (dtype: DType): ((value: number) => number) =>
  dtype === "float32" ? limitToRange : rounderOf(dtype);

/** a b + c of float32 numbers, rounded once. */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  // The product of two float32 is exact in a double (but for the deepest subnormals).
  const product = a * b;
  const sum = product + c;
  const rounded = Math.fround(sum);
  const rest = sum - rounded;
  if (rest === 0 || !Number.isFinite(rounded)) return rounded;
  // Rounding twice goes wrong only where the double lies half way between two float32 numbers: then
  // what the double itself lost decides (Knuth's two-sum finds it).
  const other = rounded + 2 * rest;
  if (Math.fround(other) !== other) return rounded;
  const shift = sum - product;
  const lost = product - (sum - shift) + (c - shift);
  if (lost === 0) return rounded;
  return lost > 0 === rest > 0 ? other : rounded;
}
