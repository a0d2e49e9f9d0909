/**
 * THE op table. One row says everything that anyone may ask about an op; shared passes never name
 * an op but ask its row. A row exists only where it needs its own numerical care or its own form in
 * a renderer: everything else is a composite of tensors (`tensor/`).
 *
 * Basic rows have a form in each renderer; rows with a `lower` are derived and exist only before
 * the decomposition pass.
 */
import type { DType } from "../base/dtype.ts";
import * as decompose from "./decompositions.ts";
import {
  type Attributes,
  type Axis,
  axisNames,
  GraphError,
  hasAxis,
  type Maker,
  type Node,
} from "./node.ts";

export type Kind = "leaf" | "index" | "elementwise" | "reduce" | "contract" | "view" | "gather";

export interface OpRow {
  readonly kind: Kind;
  /** How many inputs it takes. */
  readonly inputs: number;
  /** The dtype and axes of the result; throws a GraphError where the inputs do not fit. */
  type(op: string, inputs: readonly Node[], attributes: Attributes): NodeType;
  /**
   * Reference semantics, exact: on doubles, uint32 and int32 as numbers (the caller wraps them),
   * bool as 0 or 1. Reductions: one step of the fold.
   */
  evaluate?(values: readonly number[], dtype: DType, from: DType): number;
  /** Rounding of the float32 result, in units in the last place, of a good implementation. */
  readonly ulps?: number;
  /** The size of a value that a device may round on the way to the result. */
  onTheWay?(values: readonly number[]): number;
  /** |d result / d input| for each input, for the interpreter's error bound; absent: all 1. */
  slopes?(values: readonly number[], result: number): number[];
  /** The result is not continuous: inputs whose bounds overlap the jump are too close to call. */
  tooClose?(values: readonly number[], bounds: readonly number[], from: DType): boolean;
  /**
   * Gradients of the inputs, given that of the result; undefined where there is none. A gradient
   * may have more or fewer axes than its input: the caller sums or repeats by name.
   */
  gradient?(make: Maker, node: Node, gradient: Node): (Node | undefined)[];
  /** An elementwise op with a form of its own in each renderer. */
  readonly basic?: true;
  /**
   * The same value with a product and a sum as one op. `isOwn` tells whether this node is the only
   * user of an input, so that the input itself is not needed any more.
   */
  fuse?(
    make: (op: string, inputs: readonly Node[]) => Node,
    node: Node,
    isOwn: (input: Node) => boolean,
  ): Node | undefined;
  /** The same value in fewer ops, where the inputs are of a form that the row knows. */
  simplify?(make: Maker, node: Node): Node | undefined;
  /** Derived ops: the same value from other rows. */
  lower?(make: Maker, node: Node): Node;
  /** The neutral element of a reduction. */
  neutral?(dtype: DType): number;
  /** x op c = x for this c as second input; for a commutative op as first input too. */
  readonly identity?: number;
  readonly commutative?: boolean;
  /** Rough cost in SIMD instructions a vector; a contraction's is counted from its axes. */
  readonly cost: number;
}

export interface NodeType {
  readonly dtype: DType;
  readonly axes: readonly Axis[];
}

// ---------------------------------------------------------------------------------------- types

const fail = (op: string, expected: string, inputs: readonly Node[]): never => {
  const received = inputs.map((node) => `${node.dtype}[${axisNames(node.axes)}]`).join(", ");
  throw new GraphError({ who: op, expected, received });
};

/** The axes of an elementwise result: those of the widest input, then what others add. */
function unionAxes(op: string, inputs: readonly Node[]): Axis[] {
  const widest = inputs.reduce((a, b) => (b.axes.length > a.axes.length ? b : a));
  const axes = [...widest.axes];
  for (const node of inputs)
    for (const axis of node.axes) {
      const same = axes.find((other) => other.name === axis.name);
      if (!same) axes.push(axis);
      else if (same.size !== axis.size) fail(op, `one size for axis ${axis.name}`, inputs);
    }
  return axes;
}

const isFloat = (dtype: DType) => dtype === "float32";
const isNumeric = (dtype: DType) => dtype === "float32" || dtype === "int32" || dtype === "uint32";
const isBits = (dtype: DType) => dtype === "int32" || dtype === "uint32" || dtype === "bool";

const sameDType =
  (allowed: (dtype: DType) => boolean, result?: DType) =>
  (op: string, inputs: readonly Node[]): NodeType => {
    const dtype = inputs[0]!.dtype;
    if (!allowed(dtype) || inputs.some((node) => node.dtype !== dtype))
      fail(op, "inputs of one fitting dtype", inputs);
    return { dtype: result ?? dtype, axes: unionAxes(op, inputs) };
  };

const floats = sameDType(isFloat);
const numbers = sameDType(isNumeric);
const bits = sameDType(isBits);
const compared = sameDType((dtype) => isNumeric(dtype) || dtype === "bool", "bool");

const leaf = (op: string, attributes: Attributes): NodeType => {
  if (attributes.dtype === undefined || attributes.axes === undefined)
    throw new GraphError({ who: op, expected: "dtype and axes", received: "neither" });
  return { dtype: attributes.dtype, axes: attributes.axes };
};

const reduced = (op: string, inputs: readonly Node[], { over = [] }: Attributes): NodeType => {
  const [input] = inputs;
  if (over.length === 0 || !over.every((name) => hasAxis(input!.axes, name)))
    fail(op, `the reduced axes ${over} in its input`, inputs);
  const axes = input!.axes.filter((axis) => !over.includes(axis.name));
  return { dtype: input!.dtype, axes };
};

// ------------------------------------------------------------------------------- small helpers

const bool = (value: boolean) => (value ? 1 : 0);
/** A comparison is too close to call where the error bounds of its sides overlap. */
const overlap = ([a, b]: readonly number[], [da, db]: readonly number[], from: DType) =>
  isFloat(from) && da! + db! > 0 && Math.abs(a! - b!) <= da! + db!;
const zeroLike = (make: Maker, node: Node) => make.constant(0, node.dtype);
const mul = (make: Maker, a: Node, b: Node) => make.make("multiply", [a, b]);
const select = (make: Maker, condition: Node, a: Node, b: Node) =>
  make.make("select", [condition, a, b]);
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

type Elementwise = Omit<OpRow, "kind" | "inputs">;
/** A basic elementwise op has a form in each renderer; a derived one is made of others. */
interface BasicRow extends OpRow {
  readonly kind: "elementwise";
  readonly basic: true;
}
interface DerivedRow extends OpRow {
  readonly kind: "elementwise";
  readonly lower: NonNullable<OpRow["lower"]>;
}
const unary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 1,
  basic: true,
});
const binary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 2,
  basic: true,
});
const ternary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 3,
  basic: true,
});
const derived = (row: Elementwise & Pick<DerivedRow, "lower">): DerivedRow => ({
  ...row,
  kind: "elementwise",
  inputs: 1,
});

// ------------------------------------------------------------------------------------ the table

export const ops = {
  // -- leaves ----------------------------------------------------------------------------------
  /** One number, everywhere the same. */
  constant: {
    kind: "leaf",
    inputs: 0,
    type: (_, __, { dtype }) => ({ dtype: dtype!, axes: [] }),
    cost: 0,
  },
  /** What the host decides for each step: rates, seeds, row indices. */
  input: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 1 },
  /** What a step leaves behind for the next. */
  variable: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 1 },
  /** A resident data set of any number of rows: `axes` are those of one row. */
  table: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 0 },
  /** The position along one axis, as uint32. */
  index: {
    kind: "index",
    inputs: 0,
    type: (_, __, { axes }) => ({ dtype: "uint32", axes: axes! }),
    cost: 1,
  },

  // -- arithmetic ------------------------------------------------------------------------------
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

  // -- bits ------------------------------------------------------------------------------------
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
  /** The same 32 bits in another dtype. */
  bitcast: unary({
    type: (op, inputs, { dtype }) => ({ dtype: dtype!, axes: unionAxes(op, inputs) }),
    evaluate: ([a], dtype, from) => bitcastNumber(a!, dtype, from),
    tooClose: (_, [d], from) => isFloat(from) && d! > 0,
    cost: 0,
  }),

  // -- reductions ------------------------------------------------------------------------------
  sum: {
    kind: "reduce",
    inputs: 1,
    type: reduced,
    evaluate: ([a, b]) => a! + b!,
    ulps: 0.5,
    neutral: () => 0,
    gradient: (_, __, g) => [g],
    cost: 1,
  },
  max: {
    kind: "reduce",
    inputs: 1,
    type: reduced,
    // A NaN anywhere is the result, as in Keras and PyTorch.
    evaluate: ([a, b]) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a!, b!)),
    neutral: (dtype) =>
      dtype === "uint32" ? 0 : dtype === "int32" ? -(2 ** 31) : Number.NEGATIVE_INFINITY,
    // Shared in equal parts by all elements that are the largest, as JAX does.
    gradient: (make, node, g) => {
      const [a] = node.inputs;
      const zero = make.constant(0, "float32");
      const largest = make.make("equal", [a!, node]);
      const hits = make.make("cast", [largest], { dtype: "float32" });
      const count = make.make("sum", [hits], { over: node.attributes.over! });
      return [select(make, largest, make.make("divide", [g, count]), zero)];
    },
    cost: 1,
  },
  /**
   * Sum of products over the reduced axes: matrix products, their gradients, convolutions. An axis
   * of both inputs that is not reduced is a batch axis. Result: axes of `a`, then what `b` adds.
   */
  contract: {
    kind: "contract",
    inputs: 2,
    type: (op, inputs, { over = [], cuts }) => {
      const [a, b] = inputs;
      if (!isFloat(a!.dtype) || !isFloat(b!.dtype)) fail(op, "float32 inputs", inputs);
      if (over.length === 0 || !over.every((n) => hasAxis(a!.axes, n) && hasAxis(b!.axes, n)))
        fail(op, `the reduced axes ${over} in both inputs`, inputs);
      if (cuts && over.length !== 1) fail(op, "one reduced axis where there are cuts", inputs);
      const axes = unionAxes(op, inputs);
      const own = (x: Node) => x.axes.filter((axis) => !over.includes(axis.name));
      const names = axisNames(own(a!));
      const order = [...own(a!), ...own(b!).filter((axis) => !names.includes(axis.name))];
      return { dtype: "float32", axes: order.map((o) => axes.find((x) => x.name === o.name)!) };
    },
    gradient: (make, { inputs: [a, b] }, g) => [
      contractOver(make, g, b!, a!.axes),
      contractOver(make, a!, g, b!.axes),
    ],
    cost: 2,
  },

  // -- views -----------------------------------------------------------------------------------
  /** The same value with other axis names. */
  rename: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { names = [] }) => {
      const map = new Map(names);
      const axes = inputs[0]!.axes.map((axis) => ({
        ...axis,
        name: map.get(axis.name) ?? axis.name,
      }));
      if (new Set(axisNames(axes)).size !== axes.length) fail(op, "different axis names", inputs);
      return { dtype: inputs[0]!.dtype, axes };
    },
    gradient: (make, { attributes }, g) => {
      const back = attributes.names!.map(([from, to]) => [to, from] as const);
      const names = back.filter(([name]) => hasAxis(g.axes, name));
      return [names.length > 0 ? make.make("rename", [g], { names }) : g];
    },
    cost: 0,
  },
  /** Several axes as one, row-major in the order of `over`; it stands where the first one stood. */
  merge: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { over = [], into }) => {
      const [input] = inputs;
      const size = over.reduce((n, name) => n * sizeOf(op, inputs, name), 1);
      if (size !== into!.size) fail(op, `an axis of size ${size}`, inputs);
      const axes = input!.axes
        .filter((axis) => axis.name === over[0] || !over.includes(axis.name))
        .map((axis) => (axis.name === over[0] ? into! : axis));
      return { dtype: input!.dtype, axes };
    },
    gradient: (make, { inputs: [input], attributes: { over, into } }, g) => {
      if (!hasAxis(g.axes, into!.name)) return [g];
      const axes = over!.map((name) => input!.axes.find((axis) => axis.name === name)!);
      return [make.make("split", [g], { axis: into!.name, axes })];
    },
    cost: 0,
  },
  /** One axis as several, row-major. */
  split: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { axis, axes = [] }) => {
      const size = axes.reduce((n, part) => n * part.size, 1);
      if (size !== sizeOf(op, inputs, axis!)) fail(op, `axes of size ${size}`, inputs);
      return {
        dtype: inputs[0]!.dtype,
        axes: inputs[0]!.axes.flatMap((old) => (old.name === axis ? axes : [old])),
      };
    },
    gradient: (make, node, g) => {
      const { axis, axes = [] } = node.attributes;
      const into = node.inputs[0]!.axes.find((old) => old.name === axis)!;
      const there = axes.filter((part) => hasAxis(g.axes, part.name));
      if (there.length === 0) return [g];
      // A gradient that is the same along some of the parts is spread over them first.
      const full = make.make("add", [g, spread(make, axes)]);
      return [make.make("merge", [full], { over: axisNames(axes), into })];
    },
    cost: 0,
  },
  /** Rows of a table, chosen by uint32 indices below its number of rows. */
  gather: {
    kind: "gather",
    inputs: 2,
    type: (op, inputs) => {
      const [table, indices] = inputs;
      if (table!.op !== "table" || indices!.dtype !== "uint32")
        fail(op, "a table and uint32 indices", inputs);
      return { dtype: table!.dtype, axes: [...indices!.axes, ...table!.axes] };
    },
    gradient: () => [undefined, undefined],
    cost: 1,
  },

  // -- derived ops -----------------------------------------------------------------------------
  exponential: derived({
    type: floats,
    evaluate: ([a]) => Math.exp(a!),
    ulps: 1.25,
    slopes: (_, y) => [y],
    gradient: (make, node, g) => [mul(make, g, node)],
    lower: decompose.exponential,
    cost: 18,
  }),
  /**
   * exp(x) - 1, exact to the last place near 0. Its slope is exp(x) itself: this value plus 1 would
   * round to 0 below -17, where a tiny slope still makes a full step of some optimizers.
   */
  expm1: derived({
    type: floats,
    evaluate: ([a]) => Math.expm1(a!),
    ulps: 2,
    slopes: (_, y) => [Math.abs(y + 1)],
    // Below e^-28 the slope is taken as 0: no update shows it (an optimizer divides by at least its
    // epsilon), and its products and squares would be subnormal numbers, which slow every core.
    gradient: (make, { inputs: [a] }, g) => {
      const isFlat = make.make("less", [a!, make.constant(-28, "float32")]);
      const slope = make.make("exponential", [a!]);
      return [mul(make, g, select(make, isFlat, make.constant(0, "float32"), slope))];
    },
    lower: decompose.expm1,
    cost: 18,
  }),
  logarithm: derived({
    type: floats,
    evaluate: ([a]) => Math.log(a!),
    ulps: 1,
    slopes: ([a]) => [Math.abs(1 / a!)],
    gradient: (make, { inputs: [a] }, g) => [make.make("divide", [g, a!])],
    lower: decompose.logarithm,
    cost: 24,
  }),
  tanh: derived({
    type: floats,
    evaluate: ([a]) => Math.tanh(a!),
    ulps: 3,
    slopes: (_, y) => [Math.abs(1 - y * y)],
    gradient: (make, node, g) => {
      const slope = make.make("subtract", [make.constant(1, "float32"), mul(make, node, node)]);
      return [mul(make, g, slope)];
    },
    lower: decompose.tanh,
    cost: 26,
  }),
} as const satisfies Record<string, OpRow>;

export type OpName = keyof typeof ops;

/** Op names by what their row says, for renderers that must cover all of them. */
export type OpsOfKind<K extends Kind> = {
  [N in OpName]: (typeof ops)[N] extends { kind: K } ? N : never;
}[OpName];

/** The row of an op; throws a GraphError where there is none. */
export function rowOf(op: string): OpRow {
  const row = (ops as Record<string, OpRow>)[op];
  if (!row) throw new GraphError({ who: op, expected: "an op of the table", received: op });
  return row;
}

// ------------------------------------------------------------------------------ reference values

function sizeOf(op: string, inputs: readonly Node[], name: string): number {
  const axis = inputs[0]!.axes.find((other) => other.name === name);
  return axis?.size ?? fail(op, `axis ${name}`, inputs);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const up = rest === 0.5 ? floor % 2 !== 0 : !(rest < 0.5);
  const whole = up ? floor + 1 : floor;
  // As hardware does: what is below 0 stays so, -0.3 becomes -0.
  return whole === 0 && value < 0 ? -0 : whole;
}

function castNumber(value: number, dtype: DType): number {
  switch (dtype) {
    case "float32":
      return value;
    case "bool":
      return bool(value !== 0);
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

// ----------------------------------------------------------------------------- gradient helpers

/**
 * The contraction of `a` and `b` over every axis that `keep` does not have, whatever axes the two
 * have: an axis of only one of them is summed there; where none is shared it is a product.
 */
function contractOver(make: Maker, a: Node, b: Node, keep: readonly Axis[]): Node {
  const gone = (node: Node) => axisNames(node.axes).filter((name) => !hasAxis(keep, name));
  const shared = gone(a).filter((name) => hasAxis(b.axes, name));
  const alone = (node: Node) => {
    const over = gone(node).filter((name) => !shared.includes(name));
    return over.length > 0 ? make.make("sum", [node], { over }) : node;
  };
  if (shared.length === 0) return make.make("multiply", [alone(a), alone(b)]);
  return make.make("contract", [alone(a), alone(b)], { over: shared });
}

/** Zero with the given axes. */
function spread(make: Maker, axes: readonly Axis[]): Node {
  const indices = axes.map((axis) => make.make("index", [], { axes: [axis] }));
  const sum = indices.reduce((a, b) => make.make("add", [a, b]));
  const float = make.make("cast", [sum], { dtype: "float32" });
  return make.make("multiply", [float, make.constant(0, "float32")]);
}
