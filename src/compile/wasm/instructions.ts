/**
 * The instructions that the emitter uses: encoding, what they take from the stack and what they leave.
 * Opcodes: WebAssembly core specification 2.0, SIMD and threads included, and the relaxed SIMD proposal.
 */

export type ValueType = "i32" | "f32" | "v128";

export interface Instruction {
  readonly code: readonly number[];
  readonly takes: readonly ValueType[];
  readonly gives: ValueType | undefined;
  /** Memory instructions: log2 of the natural alignment in bytes. */
  readonly align?: number;
  /** A lane number follows. */
  readonly lane?: boolean;
}

const [i, v] = ["i32", "v128"] as const;

function plain(code: number, takes: readonly ValueType[], gives?: ValueType): Instruction {
  return { code: [code], takes, gives };
}

/** Prefix byte, then the number as unsigned LEB128. */
function prefixed(prefix: number, code: number): number[] {
  const bytes = [prefix];
  let rest = code;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function simd(code: number, takes: readonly ValueType[], gives?: ValueType): Instruction {
  return { code: prefixed(0xfd, code), takes, gives };
}

const simdBinary = (code: number) => simd(code, [v, v], v);
const simdUnary = (code: number) => simd(code, [v], v);
const simdShift = (code: number) => simd(code, [v, i], v);

export const instructions = {
  "i32.add": plain(0x6a, [i, i], i),
  "i32.sub": plain(0x6b, [i, i], i),
  "i32.mul": plain(0x6c, [i, i], i),
  "i32.and": plain(0x71, [i, i], i),
  "i32.shl": plain(0x74, [i, i], i),
  "i32.shr_s": plain(0x75, [i, i], i),
  "i32.shr_u": plain(0x76, [i, i], i),
  "i32.eqz": plain(0x45, [i], i),
  "i32.eq": plain(0x46, [i, i], i),
  "i32.ne": plain(0x47, [i, i], i),
  "i32.lt_s": plain(0x48, [i, i], i),
  "i32.lt_u": plain(0x49, [i, i], i),
  "i32.gt_u": plain(0x4b, [i, i], i),
  "i32.le_s": plain(0x4c, [i, i], i),
  "i32.le_u": plain(0x4d, [i, i], i),
  "i32.ge_s": plain(0x4e, [i, i], i),
  "i32.ge_u": plain(0x4f, [i, i], i),
  select: plain(0x1b, [i, i, i], i),
  "i32.load": { ...plain(0x28, [i], i), align: 2 },
  "i32.load8_u": { ...plain(0x2d, [i], i), align: 0 },
  "i32.store": { ...plain(0x36, [i, i]), align: 2 },
  "i32.store8": { ...plain(0x3a, [i, i]), align: 0 },

  "i32.atomic.load": { code: [0xfe, 0x10], takes: [i], gives: i, align: 2 },
  "i32.atomic.store": { code: [0xfe, 0x17], takes: [i, i], gives: undefined, align: 2 },
  "i32.atomic.rmw.add": { code: [0xfe, 0x1e], takes: [i, i], gives: i, align: 2 },
  "memory.atomic.notify": { code: [0xfe, 0x00], takes: [i, i], gives: i, align: 2 },

  "v128.load": { ...simd(0x00, [i], v), align: 4 },
  "v128.load32_splat": { ...simd(0x09, [i], v), align: 2 },
  "v128.load8_splat": { ...simd(0x07, [i], v), align: 0 },
  "v128.load32_zero": { ...simd(0x5c, [i], v), align: 2 },
  "v128.store": { ...simd(0x0b, [i, v]), align: 4 },
  "v128.load8_lane": { ...simd(0x54, [i, v], v), align: 0, lane: true },
  "v128.load32_lane": { ...simd(0x56, [i, v], v), align: 2, lane: true },
  "v128.store8_lane": { ...simd(0x58, [i, v]), align: 0, lane: true },
  "v128.store32_lane": { ...simd(0x5a, [i, v]), align: 2, lane: true },
  "i32x4.splat": simd(0x11, [i], v),
  "i32x4.extract_lane": { ...simd(0x1b, [v], i), lane: true },

  "v128.not": simdUnary(0x4d),
  "v128.and": simdBinary(0x4e),
  "v128.andnot": simdBinary(0x4f),
  "v128.or": simdBinary(0x50),
  "v128.xor": simdBinary(0x51),
  "v128.bitselect": simd(0x52, [v, v, v], v),

  "i32x4.eq": simdBinary(0x37),
  "i32x4.lt_s": simdBinary(0x39),
  "i32x4.lt_u": simdBinary(0x3a),
  "i32x4.le_s": simdBinary(0x3d),
  "i32x4.le_u": simdBinary(0x3e),
  "f32x4.eq": simdBinary(0x41),
  "f32x4.ne": simdBinary(0x42),
  "f32x4.lt": simdBinary(0x43),
  "f32x4.le": simdBinary(0x45),

  "f32x4.floor": simdUnary(0x68),
  "f32x4.nearest": simdUnary(0x6a),
  "f32x4.abs": simdUnary(0xe0),
  "f32x4.neg": simdUnary(0xe1),
  "f32x4.sqrt": simdUnary(0xe3),
  "f32x4.add": simdBinary(0xe4),
  "f32x4.sub": simdBinary(0xe5),
  "f32x4.mul": simdBinary(0xe6),
  "f32x4.div": simdBinary(0xe7),
  "f32x4.max": simdBinary(0xe9),
  "f32x4.pmin": simdBinary(0xea),
  "f32x4.pmax": simdBinary(0xeb),
  "f32x4.relaxed_madd": simd(0x105, [v, v, v], v),
  "f32x4.relaxed_nmadd": simd(0x106, [v, v, v], v),

  "i16x8.extend_low_i8x16_u": simdUnary(0x89),
  "i32x4.extend_low_i16x8_u": simdUnary(0xa9),
  "i32x4.shl": simdShift(0xab),
  "i32x4.shr_s": simdShift(0xac),
  "i32x4.shr_u": simdShift(0xad),
  "i32x4.add": simdBinary(0xae),
  "i32x4.sub": simdBinary(0xb1),
  "i32x4.mul": simdBinary(0xb5),
  "i32x4.min_s": simdBinary(0xb6),
  "i32x4.min_u": simdBinary(0xb7),
  "i32x4.max_s": simdBinary(0xb8),
  "i32x4.max_u": simdBinary(0xb9),
  "i64x2.extmul_low_i32x4_u": simdBinary(0xde),
  "i64x2.extmul_high_i32x4_u": simdBinary(0xdf),
  "i32x4.trunc_sat_f32x4_s": simdUnary(0xf8),
  "i32x4.trunc_sat_f32x4_u": simdUnary(0xf9),
  "f32x4.convert_i32x4_s": simdUnary(0xfa),
  "f32x4.convert_i32x4_u": simdUnary(0xfb),
} as const satisfies Record<string, Instruction>;

export type InstructionName = keyof typeof instructions;
