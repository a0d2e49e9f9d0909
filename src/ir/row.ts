/** What a row of the op table says, and what rows have in common. */
import type { DType } from "../base/dtype.ts";
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
  /**
   * Views that move along one axis: the position of the input, which has `size` of them, that stands at
   * `position` of the result; undefined where 0 does.
   */
  source?(position: number, attributes: Attributes, size: number): number | undefined;
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

/** Throws a GraphError that names the dtypes and axes of the inputs. */
export const fail = (op: string, expected: string, inputs: readonly Node[]): never => {
  const received = inputs.map((node) => `${node.dtype}[${axisNames(node.axes)}]`).join(", ");
  throw new GraphError({ who: op, expected, received });
};

/** The axes of an elementwise result: those of the widest input, then what others add. */
export function unionAxes(op: string, inputs: readonly Node[]): Axis[] {
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

export const isFloat = (dtype: DType) => dtype === "float32";
export const isNumeric = (dtype: DType) =>
  dtype === "float32" || dtype === "int32" || dtype === "uint32";
const isBits = (dtype: DType) => dtype === "int32" || dtype === "uint32" || dtype === "bool";

export const sameDType =
  (allowed: (dtype: DType) => boolean, result?: DType) =>
  (op: string, inputs: readonly Node[]): NodeType => {
    const dtype = inputs[0]!.dtype;
    if (!allowed(dtype) || inputs.some((node) => node.dtype !== dtype))
      fail(op, "inputs of one fitting dtype", inputs);
    return { dtype: result ?? dtype, axes: unionAxes(op, inputs) };
  };

export const floats = sameDType(isFloat);
export const numbers = sameDType(isNumeric);
export const bits = sameDType(isBits);
export const compared = sameDType((dtype) => isNumeric(dtype) || dtype === "bool", "bool");

export const reduced = (
  op: string,
  inputs: readonly Node[],
  { over = [] }: Attributes,
): NodeType => {
  const [input] = inputs;
  if (over.length === 0 || !over.every((name) => hasAxis(input!.axes, name)))
    fail(op, `the reduced axes ${over} in its input`, inputs);
  const axes = input!.axes.filter((axis) => !over.includes(axis.name));
  return { dtype: input!.dtype, axes };
};

// ------------------------------------------------------------------------------- small helpers

export const zeroLike = (make: Maker, node: Node) => make.constant(0, node.dtype);
export const mul = (make: Maker, a: Node, b: Node) => make.make("multiply", [a, b]);
export const select = (make: Maker, condition: Node, a: Node, b: Node) =>
  make.make("select", [condition, a, b]);

// ------------------------------------------------------------------------------- kinds of rows

type Elementwise = Omit<OpRow, "kind" | "inputs">;
/** An elementwise row with a form in each renderer. */
export interface BasicRow extends OpRow {
  readonly kind: "elementwise";
  readonly basic: true;
}
/** An elementwise row that is made of others. */
export interface DerivedRow extends OpRow {
  readonly kind: "elementwise";
  readonly lower: NonNullable<OpRow["lower"]>;
}
export const unary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 1,
  basic: true,
});
export const binary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 2,
  basic: true,
});
export const ternary = (row: Omit<Elementwise, "lower">): BasicRow => ({
  ...row,
  kind: "elementwise",
  inputs: 3,
  basic: true,
});
export const derived = (row: Elementwise & Pick<DerivedRow, "lower">): DerivedRow => ({
  ...row,
  kind: "elementwise",
  inputs: 1,
});

export function sizeOf(op: string, inputs: readonly Node[], name: string): number {
  const axis = inputs[0]!.axes.find((other) => other.name === name);
  return axis?.size ?? fail(op, `axis ${name}`, inputs);
}
