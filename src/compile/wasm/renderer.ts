/**
 * One SIMD form for each basic op: four elements at a time, float32, int32 and uint32 alike. A bool is a
 * lane mask (all bits or none), a uint8 a small number in a 32-bit lane.
 */
import type { DType } from "../../base/dtype.ts";
import { GraphError, type Node } from "../../ir/node.ts";
import type { OpsOfKind, ops } from "../../ir/ops.ts";
import type { Code, Local } from "./assembler.ts";
import type { InstructionName } from "./instructions.ts";

/** The ops that must have a form here. */
type BasicElementwise = {
  [N in OpsOfKind<"elementwise">]: (typeof ops)[N] extends { basic: true } ? N : never;
}[OpsOfKind<"elementwise">];

/**
 * Writes code that takes the inputs from locals and leaves the result on the stack. `fma`: the host's
 * relaxed multiply-add is fused.
 */
type Form = (code: Code, inputs: readonly Local[], node: Node, fma: boolean) => void;

/** The dtype that decides which instruction a node needs: that of its (last) input. */
const inputType = (node: Node): DType => node.inputs.at(-1)!.dtype;

/** One instruction a kind of number. */
function forms(float: InstructionName, signed?: InstructionName, unsigned = signed): Form {
  return (code, inputs, node) => {
    for (const input of inputs) code.get(input);
    const dtype = inputType(node);
    const name = dtype === "float32" ? float : dtype === "int32" ? signed : unsigned;
    if (!name)
      throw new GraphError({
        who: node.op,
        expected: "a dtype it has a form for",
        received: dtype,
      });
    code.do(name);
  };
}

const bitwise = (name: InstructionName): Form => forms(name, name);

/** Shifts take their count from a constant. */
function shift(signed: InstructionName, unsigned: InstructionName): Form {
  return (code, [value], node) => {
    const count = node.inputs[1]!.attributes.value;
    if (count === undefined)
      throw new GraphError({ who: node.op, expected: "a constant count", received: "a value" });
    code
      .get(value!)
      .i32(count)
      .do(node.dtype === "uint32" ? unsigned : signed);
  };
}

/** The 32-bit words of a vector of 64-bit lanes pair `a`, `b`: the odd, upper ones of both. */
const upperWords = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];

const one = new Uint32Array(new Float32Array([1]).buffer)[0]!;

const casts: Partial<Record<`${DType} to ${DType}`, (code: Code) => void>> = {
  "int32 to float32": (code) => code.do("f32x4.convert_i32x4_s"),
  "uint32 to float32": (code) => code.do("f32x4.convert_i32x4_u"),
  "uint8 to float32": (code) => code.do("f32x4.convert_i32x4_s"),
  "bool to float32": (code) => code.splat(one).do("v128.and"),
  "float32 to int32": (code) => code.do("i32x4.trunc_sat_f32x4_s"),
  "float32 to uint32": (code) => code.do("i32x4.trunc_sat_f32x4_u"),
  "float32 to uint8": (code) => code.do("i32x4.trunc_sat_f32x4_u").splat(255).do("i32x4.min_u"),
  "float32 to bool": (code) => code.splat(0).do("f32x4.ne"),
  "bool to int32": (code) => code.splat(1).do("v128.and"),
  "bool to uint32": (code) => code.splat(1).do("v128.and"),
  "bool to uint8": (code) => code.splat(1).do("v128.and"),
  "int32 to bool": (code) => code.splat(0).do("i32x4.eq").do("v128.not"),
  "uint32 to bool": (code) => code.splat(0).do("i32x4.eq").do("v128.not"),
  "uint8 to bool": (code) => code.splat(0).do("i32x4.eq").do("v128.not"),
  "uint8 to int32": () => {},
  "uint8 to uint32": () => {},
  // Whole numbers saturate: none leaves its range.
  "int32 to uint32": (code) => code.splat(0).do("i32x4.max_s"),
  "uint32 to int32": (code) => code.splat(0x7fffffff).do("i32x4.min_u"),
  "int32 to uint8": (code) => code.splat(0).do("i32x4.max_s").splat(255).do("i32x4.min_s"),
  "uint32 to uint8": (code) => code.splat(255).do("i32x4.min_u"),
};

export const renderer: Record<BasicElementwise, Form> = {
  add: forms("f32x4.add", "i32x4.add"),
  subtract: forms("f32x4.sub", "i32x4.sub"),
  multiply: forms("f32x4.mul", "i32x4.mul"),
  multiplyAdd: (code, [a, b, c], _, fma) => {
    if (fma) code.get(a!).get(b!).get(c!).do("f32x4.relaxed_madd");
    else code.get(a!).get(b!).do("f32x4.mul").get(c!).do("f32x4.add");
  },
  subtractProduct: (code, [a, b, c], _, fma) => {
    if (fma) code.get(a!).get(b!).get(c!).do("f32x4.relaxed_nmadd");
    else code.get(c!).get(a!).get(b!).do("f32x4.mul").do("f32x4.sub");
  },
  divide: forms("f32x4.div"),
  negate: forms("f32x4.neg"),
  absolute: forms("f32x4.abs"),
  squareRoot: forms("f32x4.sqrt"),
  minimum: forms("f32x4.pmin", "i32x4.min_s", "i32x4.min_u"),
  maximum: forms("f32x4.pmax", "i32x4.max_s", "i32x4.max_u"),
  round: forms("f32x4.nearest"),
  floor: forms("f32x4.floor"),
  less: forms("f32x4.lt", "i32x4.lt_s", "i32x4.lt_u"),
  lessEqual: forms("f32x4.le", "i32x4.le_s", "i32x4.le_u"),
  equal: forms("f32x4.eq", "i32x4.eq"),
  select: (code, [condition, a, b]) => code.get(a!).get(b!).get(condition!).do("v128.bitselect"),
  and: bitwise("v128.and"),
  or: bitwise("v128.or"),
  xor: bitwise("v128.xor"),
  shiftLeft: shift("i32x4.shl", "i32x4.shl"),
  shiftRight: shift("i32x4.shr_s", "i32x4.shr_u"),
  multiplyHigh: (code, [a, b]) => {
    code.get(a!).get(b!).do("i64x2.extmul_low_i32x4_u");
    code.get(a!).get(b!).do("i64x2.extmul_high_i32x4_u");
    code.shuffle(upperWords);
  },
  cast: (code, [value], node) => {
    const from = inputType(node);
    code.get(value!);
    if (from === node.dtype) return;
    const convert = casts[`${from} to ${node.dtype}`];
    if (!convert)
      throw new GraphError({
        who: "cast",
        expected: "known dtypes",
        received: `${from} to ${node.dtype}`,
      });
    convert(code);
  },
  bitcast: (code, [value]) => code.get(value!),
};

/** The code for one elementwise node. */
export function render(code: Code, node: Node, inputs: readonly Local[], fma: boolean): void {
  const form = renderer[node.op as BasicElementwise];
  if (!form) throw new GraphError({ who: node.op, expected: "a basic op", received: node.op });
  form(code, inputs, node, fma);
}

/** How two partial results of a reduction become one: both are on the stack. */
export function combine(code: Code, reduction: Node): void {
  const { dtype } = reduction;
  const form = reductions[reduction.op as OpsOfKind<"reduce">];
  code.do(dtype === "float32" ? form.float : dtype === "int32" ? form.signed : form.unsigned);
}

const reductions: Record<
  OpsOfKind<"reduce">,
  { float: InstructionName; signed: InstructionName; unsigned: InstructionName }
> = {
  sum: { float: "f32x4.add", signed: "i32x4.add", unsigned: "i32x4.add" },
  // Unlike pmax it keeps a NaN from either side.
  max: { float: "f32x4.max", signed: "i32x4.max_s", unsigned: "i32x4.max_u" },
};

/** The bits of a number of this dtype, as they stand in a lane. */
export function lane(value: number, dtype: DType): number {
  if (dtype === "float32") return new Uint32Array(Float32Array.of(value).buffer)[0]!;
  // The neutral element of a maximum is below 0, and so false.
  if (dtype === "bool") return value > 0 ? 0xffffffff : 0;
  return value >>> 0;
}
