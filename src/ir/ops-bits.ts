/** Rows on bits, and between dtypes. */
import type { DType } from "../base/dtype.ts";
import {
  binary,
  bits,
  derived,
  fail,
  isFloat,
  isNumeric,
  type OpRow,
  sameDType,
  unary,
  unionAxes,
} from "./row.ts";

export const bitwise = {
  and: binary({ type: bits, evaluate: ([a, b]) => a! & b!, commutative: true, cost: 1 }),
  or: binary({
    type: bits,
    evaluate: ([a, b]) => a! | b!,
    commutative: true,
    identity: 0,
    cost: 1,
  }),
  xor: binary({
    type: bits,
    evaluate: ([a, b]) => a! ^ b!,
    commutative: true,
    identity: 0,
    cost: 1,
  }),
  /** The second input is a constant from 0 to 31. */
  shiftLeft: binary({ type: bits, evaluate: ([a, b]) => a! << b!, identity: 0, cost: 1 }),
  /** Arithmetic on int32, logical on uint32. The second input is a constant from 0 to 31. */
  shiftRight: binary({
    type: bits,
    evaluate: ([a, b], dtype) => (dtype === "uint32" ? a! >>> b! : a! >> b!),
    identity: 0,
    cost: 1,
  }),
  /** The upper 32 bits of the 64-bit product of two uint32. */
  multiplyHigh: binary({
    type: sameDType((dtype) => dtype === "uint32"),
    evaluate: ([a, b]) => Number((BigInt(a!) * BigInt(b!)) >> 32n),
    commutative: true,
    cost: 6,
  }),
  /** The number in another dtype; to whole numbers it truncates towards 0 and saturates. */
  cast: unary({
    type: (op, inputs, { dtype }) => ({ dtype: dtype!, axes: unionAxes(op, inputs) }),
    evaluate: ([a], dtype) => castNumber(a!, dtype),
    tooClose: ([a], [d], from) => isFloat(from) && d! > 0 && Math.abs(a! - Math.round(a!)) <= d!,
    gradient: (_, { inputs: [a], dtype }, g) => [
      isFloat(a!.dtype) && isFloat(dtype) ? g : undefined,
    ],
    ulps: 0.5,
    cost: 1,
  }),
  /** The value itself, through which no gradient flows. */
  stopGradient: derived({
    type: (_, inputs) => ({ dtype: inputs[0]!.dtype, axes: inputs[0]!.axes }),
    evaluate: ([a]) => a!,
    gradient: () => [undefined],
    lower: (_, { inputs: [a] }) => a!,
    cost: 0,
  }),
  /** The same 32 bits in another dtype; a bool and a byte have others on each device. */
  bitcast: unary({
    type: (op, inputs, { dtype }) => {
      if (!isNumeric(inputs[0]!.dtype) || !isNumeric(dtype!))
        fail(op, `a dtype of 32 bits on both sides of the cast to ${dtype}`, inputs);
      return { dtype: dtype!, axes: unionAxes(op, inputs) };
    },
    evaluate: ([a], dtype, from) => bitcastNumber(a!, dtype, from),
    tooClose: (_, [d], from) => isFloat(from) && d! > 0,
    cost: 0,
  }),
} as const satisfies Record<string, OpRow>;

function castNumber(value: number, dtype: DType): number {
  switch (dtype) {
    case "float32":
      return value;
    case "bool":
      return value !== 0 ? 1 : 0;
    case "uint8":
      return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, 0), 255));
    case "uint32":
      return Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, 0), 2 ** 32 - 1));
    case "int32":
      return Number.isNaN(value)
        ? 0
        : Math.trunc(Math.min(Math.max(value, -(2 ** 31)), 2 ** 31 - 1));
  }
}

const word = new DataView(new ArrayBuffer(4));
function bitcastNumber(value: number, dtype: DType, from: DType): number {
  if (from === "float32") word.setFloat32(0, value);
  else word.setUint32(0, value >>> 0);
  if (dtype === "float32") return word.getFloat32(0);
  return dtype === "uint32" ? word.getUint32(0) : word.getInt32(0);
}
