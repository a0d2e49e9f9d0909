/** Rows of arithmetic, comparison and choice. */
import type { DType } from "../base/dtype.ts";
import type { Maker, Node } from "./node.ts";
import {
  binary,
  compared,
  fail,
  floats,
  isFloat,
  mul,
  numbers,
  type OpRow,
  select,
  ternary,
  unary,
  unionAxes,
  zeroLike,
} from "./row.ts";

const bool = (value: boolean) => (value ? 1 : 0);
/** A comparison is too close to call where the error bounds of its sides overlap. */
const overlap = ([a, b]: readonly number[], [da, db]: readonly number[], from: DType) =>
  isFloat(from) && da! + db! > 0 && Math.abs(a! - b!) <= da! + db!;
/** Condition and both branches of a choice. */
const choice = (node: Node): readonly Node[] => (node.op === "select" ? node.inputs : []);
/** `(c ? x : 0) + (c ? 0 : y)` as `c ? x : y`. */
function oneChoice(make: Maker, first: Node, second: Node): Node | undefined {
  const [c, x, zeroX] = choice(first);
  const [d, zeroY, y] = choice(second);
  if (c === undefined || c !== d || !isZero(zeroX!) || !isZero(zeroY!)) return undefined;
  return select(make, c, x!, y!);
}
const isZero = (node: Node) => node.attributes.value === 0;
const otherFactor = ({ inputs: [a, b] }: Node, factor: Node) => (a === factor ? b : a);
const isProduct = (node: Node) => node.op === "multiply" && isFloat(node.dtype);
const imul = (a: number, b: number, dtype: DType) =>
  isFloat(dtype) ? a * b : dtype === "uint32" ? Math.imul(a, b) >>> 0 : Math.imul(a, b);

export const arithmetic = {
  add: binary({
    type: numbers,
    evaluate: ([a, b]) => a! + b!,
    ulps: 0.5,
    commutative: true,
    identity: 0,
    gradient: (_, __, g) => [g, g],
    // What gradients of two branches make: c ? a : 0 plus c ? 0 : b.
    simplify: (make, { inputs: [a, b] }) => oneChoice(make, a!, b!) ?? oneChoice(make, b!, a!),
    fuse: (make, { inputs: [a, b] }, isOwn) => {
      const [product, term] = isProduct(a!) && isOwn(a!) ? [a!, b!] : [b!, a!];
      if (!isProduct(product) || !isOwn(product)) return undefined;
      return make("multiplyAdd", [...product.inputs, term]);
    },
    cost: 1,
  }),
  subtract: binary({
    type: numbers,
    evaluate: ([a, b]) => a! - b!,
    ulps: 0.5,
    identity: 0,
    gradient: (make, _, g) => [g, make.make("negate", [g])],
    fuse: (make, { inputs: [a, b] }, isOwn) =>
      isProduct(b!) && isOwn(b!) ? make("subtractProduct", [...b!.inputs, a!]) : undefined,
    cost: 1,
  }),
  multiply: binary({
    type: numbers,
    evaluate: ([a, b], dtype) => imul(a!, b!, dtype),
    ulps: 0.5,
    slopes: ([a, b]) => [Math.abs(b!), Math.abs(a!)],
    commutative: true,
    identity: 1,
    gradient: (make, { inputs: [a, b] }, g) => [mul(make, g, b!), mul(make, g, a!)],
    cost: 1,
  }),
  /**
   * a b + c: rounded once where the host's multiply-add is fused, twice where it is not. The compiler
   * makes it of a product and a sum.
   */
  multiplyAdd: ternary({
    type: floats,
    evaluate: ([a, b, c]) => a! * b! + c!,
    ulps: 0.5,
    onTheWay: ([a, b]) => a! * b!,
    slopes: ([a, b]) => [Math.abs(b!), Math.abs(a!), 1],
    gradient: (make, { inputs: [a, b] }, g) => [mul(make, g, b!), mul(make, g, a!), g],
    cost: 1,
  }),
  /** c - a b, rounded like multiplyAdd. */
  subtractProduct: ternary({
    type: floats,
    evaluate: ([a, b, c]) => c! - a! * b!,
    ulps: 0.5,
    onTheWay: ([a, b]) => a! * b!,
    slopes: ([a, b]) => [Math.abs(b!), Math.abs(a!), 1],
    gradient: (make, { inputs: [a, b] }, g) => {
      const minus = make.make("negate", [g]);
      return [mul(make, minus, b!), mul(make, minus, a!), g];
    },
    cost: 1,
  }),
  divide: binary({
    type: floats,
    evaluate: ([a, b]) => a! / b!,
    ulps: 0.5,
    slopes: ([, b], y) => [Math.abs(1 / b!), Math.abs(y / b!)],
    // The pole: a divisor that may be 0, but need not.
    tooClose: ([, b], [, d]) => Math.abs(b!) <= d! && d! > 0,
    identity: 1,
    gradient: (make, node, g) => {
      const [, b] = node.inputs;
      const ga = make.make("divide", [g, b!]);
      return [ga, make.make("negate", [mul(make, ga, node)])];
    },
    cost: 4,
  }),
  negate: unary({
    type: floats,
    evaluate: ([a]) => -a!,
    gradient: (make, _, g) => [make.make("negate", [g])],
    cost: 1,
  }),
  absolute: unary({
    type: floats,
    evaluate: ([a]) => Math.abs(a!),
    // The slope of |x| at 0 is taken as 0, as Keras and PyTorch do.
    gradient: (make, { inputs: [a] }, g) => {
      const zero = zeroLike(make, a!);
      const negative = select(make, make.make("less", [a!, zero]), make.make("negate", [g]), zero);
      return [select(make, make.make("less", [zero, a!]), g, negative)];
    },
    cost: 1,
  }),
  squareRoot: unary({
    type: floats,
    evaluate: ([a]) => Math.sqrt(a!),
    ulps: 0.5,
    slopes: (_, y) => [0.5 / y],
    gradient: (make, node, g) => [
      make.make("divide", [mul(make, g, make.constant(0.5, "float32")), node]),
    ],
    cost: 5,
  }),
  /** `b < a ? b : a`: a NaN as first input stays, one as second input loses. Ties go to `a`. */
  minimum: binary({
    type: numbers,
    // biome-ignore lint/complexity/useMathMinMax: Math.min treats NaN and -0 in another way.
    evaluate: ([a, b]) => (b! < a! ? b! : a!),
    slopes: ([a, b]) => (b! < a! ? [0, 1] : [1, 0]),
    gradient: (make, { inputs: [a, b] }, g) => {
      const first = make.make("less", [a!, b!]);
      return [select(make, first, g, zeroLike(make, g)), select(make, first, zeroLike(make, g), g)];
    },
    cost: 1,
  }),
  /** `a < b ? b : a`: a NaN as first input stays. Where both are equal the gradient goes to `b`. */
  maximum: binary({
    type: numbers,
    // biome-ignore lint/complexity/useMathMinMax: Math.max treats NaN and -0 in another way.
    evaluate: ([a, b]) => (a! < b! ? b! : a!),
    slopes: ([a, b]) => (a! < b! ? [0, 1] : [1, 0]),
    gradient: (make, { inputs: [a, b] }, g) => {
      const first = make.make("less", [b!, a!]);
      return [select(make, first, g, zeroLike(make, g)), select(make, first, zeroLike(make, g), g)];
    },
    cost: 1,
  }),
  /** To the nearest whole number, halves to even. */
  round: unary({
    type: floats,
    evaluate: ([a]) => roundHalfEven(a!),
    slopes: () => [0],
    tooClose: ([a], [d]) => Math.abs(a! - Math.floor(a!) - 0.5) <= d! && d! > 0,
    gradient: () => [undefined],
    cost: 2,
  }),
  floor: unary({
    type: floats,
    evaluate: ([a]) => Math.floor(a!),
    slopes: () => [0],
    tooClose: ([a], [d]) => Math.abs(a! - Math.round(a!)) <= d! && d! > 0,
    gradient: () => [undefined],
    cost: 2,
  }),

  // -- comparisons and choice ------------------------------------------------------------------
  less: binary({
    type: compared,
    evaluate: ([a, b]) => bool(a! < b!),
    slopes: () => [0, 0],
    tooClose: overlap,
    gradient: () => [undefined, undefined],
    cost: 1,
  }),
  lessEqual: binary({
    type: compared,
    evaluate: ([a, b]) => bool(a! <= b!),
    slopes: () => [0, 0],
    tooClose: overlap,
    gradient: () => [undefined, undefined],
    cost: 1,
  }),
  equal: binary({
    type: compared,
    evaluate: ([a, b]) => bool(a === b),
    slopes: () => [0, 0],
    tooClose: overlap,
    gradient: () => [undefined, undefined],
    commutative: true,
    cost: 1,
  }),
  /** `condition ? a : b`, lane by lane. */
  select: {
    kind: "elementwise",
    basic: true,
    inputs: 3,
    type: (op, inputs) => {
      const [condition, a, b] = inputs;
      if (condition!.dtype !== "bool" || a!.dtype !== b!.dtype)
        fail(op, "a bool and two inputs of one dtype", inputs);
      return { dtype: a!.dtype, axes: unionAxes(op, inputs) };
    },
    evaluate: ([condition, a, b]) => (condition ? a! : b!),
    slopes: ([condition]) => (condition ? [0, 1, 0] : [0, 0, 1]),
    // c ? g : g s is g times (c ? 1 : s), which does not wait for g.
    simplify: (make, { inputs: [condition, a, b] }) => {
      const factor = isProduct(b!) && b!.inputs.includes(a!) ? otherFactor(b!, a!) : undefined;
      if (!factor) return undefined;
      return mul(make, a!, select(make, condition!, make.constant(1, "float32"), factor));
    },
    gradient: (make, { inputs: [condition] }, g) => {
      const zero = zeroLike(make, g);
      return [undefined, select(make, condition!, g, zero), select(make, condition!, zero, g)];
    },
    cost: 1,
  },
} as const satisfies Record<string, OpRow>;

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest === 0.5 ? floor % 2 !== 0 : !(rest < 0.5);
  const whole = up ? floor + 1 : floor;
  // As hardware does: what is below 0 stays so, -0.3 becomes -0.
  return whole === 0 && value < 0 ? -0 : whole;
}
