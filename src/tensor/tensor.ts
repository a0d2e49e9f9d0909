/**
 * The symbolic tensor: positions on the outside, named axes on the inside.
 *
 * A dimension is a named axis of the node below, or `undefined` where its size is 1: such a dimension
 * broadcasts, and so takes no part in the graph at all.
 */
import type { DType } from "../base/dtype.ts";
import { ShapeError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sizeOf } from "../base/shape.ts";
import type { Graph } from "../ir/graph.ts";
import type { Axis, Node } from "../ir/node.ts";
import { axisNames, hasAxis, sizeOfAxes } from "../ir/node.ts";

export type Dimension = Axis | undefined;

/** What elementwise methods take beside a tensor: one number, everywhere the same. */
export type Operand = Tensor | number;

/** What tensors are recorded on: a `Trace`. */
export interface Recorder {
  readonly graph: Graph;
  /** One number, everywhere the same; default dtype float32. */
  constant(value: number, dtype?: DType): Tensor;
}

export class Tensor {
  readonly trace: Recorder;
  readonly node: Node;
  readonly dimensions: readonly Dimension[];

  constructor(trace: Recorder, node: Node, dimensions: readonly Dimension[]) {
    this.trace = trace;
    this.node = node;
    this.dimensions = dimensions;
  }

  get shape(): Shape {
    return this.dimensions.map((dimension) => dimension?.size ?? 1);
  }

  get rank(): number {
    return this.dimensions.length;
  }

  get dtype(): DType {
    return this.node.dtype;
  }

  // -- elementwise: broadcasting as in NumPy ---------------------------------------------------

  add(other: Operand): Tensor {
    return elementwise("add", this, other);
  }

  subtract(other: Operand): Tensor {
    return elementwise("subtract", this, other);
  }

  multiply(other: Operand): Tensor {
    return elementwise("multiply", this, other);
  }

  divide(other: Operand): Tensor {
    return elementwise("divide", this, other);
  }

  /** The smaller of both; a NaN of this tensor stays. */
  minimum(other: Operand): Tensor {
    return elementwise("minimum", this, other);
  }

  /** The larger of both; a NaN of this tensor stays. */
  maximum(other: Operand): Tensor {
    return elementwise("maximum", this, other);
  }

  less(other: Operand): Tensor {
    return elementwise("less", this, other);
  }

  lessEqual(other: Operand): Tensor {
    return elementwise("lessEqual", this, other);
  }

  greater(other: Operand): Tensor {
    return elementwise("less", like(this, other), this);
  }

  greaterEqual(other: Operand): Tensor {
    return elementwise("lessEqual", like(this, other), this);
  }

  equal(other: Operand): Tensor {
    return elementwise("equal", this, other);
  }

  and(other: Operand): Tensor {
    return elementwise("and", this, other);
  }

  or(other: Operand): Tensor {
    return elementwise("or", this, other);
  }

  xor(other: Operand): Tensor {
    return elementwise("xor", this, other);
  }

  shiftLeft(bits: number): Tensor {
    return elementwise("shiftLeft", this, bits);
  }

  shiftRight(bits: number): Tensor {
    return elementwise("shiftRight", this, bits);
  }

  multiplyHigh(other: Operand): Tensor {
    return elementwise("multiplyHigh", this, other);
  }

  negate(): Tensor {
    return elementwise("negate", this);
  }

  absolute(): Tensor {
    return elementwise("absolute", this);
  }

  squareRoot(): Tensor {
    return elementwise("squareRoot", this);
  }

  square(): Tensor {
    return elementwise("multiply", this, this);
  }

  round(): Tensor {
    return elementwise("round", this);
  }

  floor(): Tensor {
    return elementwise("floor", this);
  }

  /** e^x. */
  exponential(): Tensor {
    return elementwise("exponential", this);
  }

  /** e^x - 1, exact near 0. */
  expm1(): Tensor {
    return elementwise("expm1", this);
  }

  /** Natural logarithm. */
  logarithm(): Tensor {
    return elementwise("logarithm", this);
  }

  tanh(): Tensor {
    return elementwise("tanh", this);
  }

  /** This tensor is the condition: `yes` where it holds, `no` elsewhere. At least one is a tensor. */
  where(yes: Operand, no: Operand): Tensor {
    const model = typeof yes === "number" ? no : yes;
    if (typeof model === "number") return this.where(this.trace.constant(yes as number), no);
    return elementwise("select", this, like(model, yes), like(model, no));
  }

  /** The numbers in another dtype; to whole numbers they are truncated towards 0. */
  cast(dtype: DType): Tensor {
    if (dtype === this.dtype) return this;
    return this.#with(this.trace.graph.make("cast", [this.node], { dtype }));
  }

  /** The same value, taken as a constant by gradients. */
  stopGradient(): Tensor {
    return elementwise("stopGradient", this);
  }

  /** The same 32 bits in another dtype. */
  bitcast(dtype: DType): Tensor {
    return this.#with(this.trace.graph.make("bitcast", [this.node], { dtype }));
  }

  // -- reductions ------------------------------------------------------------------------------

  /** Sum over dimensions (default: all); negative ones count from the end. */
  sum(dimensions?: number | readonly number[], keep = false): Tensor {
    return this.#reduce("sum", dimensions, keep);
  }

  max(dimensions?: number | readonly number[], keep = false): Tensor {
    return this.#reduce("max", dimensions, keep);
  }

  mean(dimensions?: number | readonly number[], keep = false): Tensor {
    const count = sizeOf(this.#positions(dimensions).map((i) => this.shape[i]!));
    return this.sum(dimensions, keep).multiply(1 / count);
  }

  /**
   * Matrix product: `[..., m, k] x [k, n]` or `[..., k, n]` -> `[..., m, n]`, batch dimensions
   * broadcast. A vector `[k]` on either side loses its dimension, as in NumPy.
   */
  matmul(other: Tensor): Tensor {
    if (this.rank === 1) return this.expandDimension(0).matmul(other).squeeze(-2);
    if (other.rank === 1) return this.matmul(other.expandDimension(1)).squeeze(-1);
    const inner = this.dimensions.at(-1);
    const k = other.dimensions.at(-2);
    if ((inner?.size ?? 1) !== (k?.size ?? 1))
      throw new ShapeError({
        who: "matmul",
        expected: `the last dimension of ${formatShape(this.shape)} must equal the second last of the other`,
        received: formatShape(other.shape),
      });
    const target: Dimension[] = [...this.dimensions.slice(0, -2), inner, undefined];
    const right = alignTo(other, this, target);
    const dimensions = [
      ...broadcastDimensions(this.dimensions.slice(0, -2), right.dimensions.slice(0, -2), "matmul"),
      this.dimensions.at(-2),
      right.dimensions.at(-1),
    ];
    const node = inner
      ? this.trace.graph.make("contract", [this.node, right.node], { over: [inner.name] })
      : this.trace.graph.make("multiply", [this.node, right.node]);
    return new Tensor(this.trace, node, dimensions);
  }

  // -- shape: none of these moves a number -----------------------------------------------------

  /** The dimensions in another order; default: reversed. */
  transpose(order?: readonly number[]): Tensor {
    const positions = order ? this.#positions(order) : this.dimensions.map((_, i) => i).reverse();
    if (positions.length !== this.rank)
      throw new ShapeError({
        who: "transpose",
        expected: `an order of all ${this.rank} dimensions`,
        received: `[${order}]`,
      });
    return new Tensor(
      this.trace,
      this.node,
      positions.map((i) => this.dimensions[i]),
    );
  }

  /** A dimension of size 1 before `position`. */
  expandDimension(position: number): Tensor {
    const at = position < 0 ? position + this.rank + 1 : position;
    const dimensions = [...this.dimensions];
    dimensions.splice(at, 0, undefined);
    return new Tensor(this.trace, this.node, dimensions);
  }

  /** Without one dimension of size 1. */
  squeeze(position: number): Tensor {
    const [at] = this.#positions(position);
    if (this.shape[at!] !== 1)
      throw new ShapeError({
        who: "squeeze",
        expected: `dimension ${position} must have size 1`,
        received: formatShape(this.shape),
      });
    return new Tensor(
      this.trace,
      this.node,
      this.dimensions.filter((_, i) => i !== at),
    );
  }

  /** The same numbers, row-major, in another shape; one -1 is what remains. */
  reshape(shape: Shape): Tensor {
    const size = sizeOf(this.shape);
    const known = sizeOf(shape.filter((n) => n !== -1));
    const target = shape.map((n) => (n === -1 ? size / known : n));
    if (shape.filter((n) => n === -1).length > 1 || sizeOf(target) !== size)
      throw new ShapeError({
        who: "reshape",
        expected: `a shape of ${size} elements, as ${formatShape(this.shape)} has`,
        received: formatShape(shape),
      });
    return reshape(this, target);
  }

  #with(node: Node): Tensor {
    return new Tensor(this.trace, node, this.dimensions);
  }

  #positions(dimensions?: number | readonly number[]): number[] {
    if (dimensions === undefined) return this.dimensions.map((_, i) => i);
    const list = typeof dimensions === "number" ? [dimensions] : dimensions;
    const positions = list.map((d) => (d < 0 ? d + this.rank : d));
    for (const [i, position] of positions.entries())
      if (!Number.isInteger(position) || position < 0 || position >= this.rank)
        throw new ShapeError({
          who: "tensor",
          expected: `a dimension from ${-this.rank} to ${this.rank - 1}`,
          received: `${list[i]}`,
        });
    if (new Set(positions).size !== positions.length)
      throw new ShapeError({
        who: "tensor",
        expected: "each dimension once",
        received: `[${list}]`,
      });
    return positions;
  }

  #reduce(op: "sum" | "max", dimensions: number | readonly number[] | undefined, keep: boolean) {
    const positions = this.#positions(dimensions);
    const gone = positions.flatMap((i) => this.dimensions[i] ?? []);
    const { graph } = this.trace;
    const over = axisNames(gone).filter((name) => hasAxis(this.node.axes, name));
    let node = over.length > 0 ? graph.make(op, [this.node], { over }) : this.node;
    // Along an axis that the node lacks the value is the same: the sum is so many times the value.
    const repeated = gone.filter((axis) => !over.includes(axis.name));
    if (op === "sum" && repeated.length > 0)
      node = graph.make("multiply", [node, graph.constant(sizeOfAxes(repeated), this.dtype)]);
    const left = this.dimensions.map((d, i) => (positions.includes(i) ? undefined : d));
    const dimensionsLeft = keep ? left : left.filter((_, i) => !positions.includes(i));
    return new Tensor(this.trace, node, dimensionsLeft);
  }
}

/** The node with all of `axes`, which its value may lack by being the same along them. */
function spreadOver(tensor: Tensor, axes: readonly Axis[]): Node {
  const { graph } = tensor.trace;
  return axes
    .filter((axis) => !hasAxis(tensor.node.axes, axis.name))
    .reduce((node, axis) => {
      const index = graph.make("index", [], { axes: [axis] });
      const there = graph.make("equal", [index, index]);
      return graph.make("select", [there, node, node]);
    }, tensor.node);
}

function like(model: Tensor, value: Operand): Tensor {
  if (typeof value !== "number") return value;
  return model.trace.constant(value, model.dtype);
}

function elementwise(op: string, ...operands: [Tensor, ...Operand[]]): Tensor {
  const [first, ...others] = operands;
  const { trace } = first;
  let result = first;
  const nodes = [first.node];
  for (const operand of others) {
    const other = like(first, operand);
    if (other.trace !== trace)
      throw new ValueError({
        who: op,
        expected: "tensors of one trace",
        received: "a tensor that was made while another model or step was traced",
        fix: "Make tensors inside call(), not outside.",
      });
    const aligned = alignTo(other, result, result.dimensions);
    const dimensions = broadcastDimensions(result.dimensions, aligned.dimensions, op);
    nodes.push(aligned.node);
    result = new Tensor(trace, result.node, dimensions);
  }
  return new Tensor(trace, trace.graph.make(op, nodes), result.dimensions);
}

/**
 * `tensor` with its axes named as those of `target` (aligned at the end); axes that meet nothing
 * there get a new name where `beside` has theirs.
 */
function alignTo(tensor: Tensor, beside: Tensor, target: readonly Dimension[]): Tensor {
  const names = new Map<string, string>();
  const fresh = new Map<string, Axis>();
  const offset = target.length - tensor.dimensions.length;
  const dimensions = tensor.dimensions.map((dimension, i) => {
    if (!dimension) return undefined;
    const met = target[i + offset];
    if (met && met.size === dimension.size) {
      names.set(dimension.name, met.name);
      return met;
    }
    const taken = beside.dimensions.some((other) => other?.name === dimension.name);
    if (!taken) return dimension;
    const axis = tensor.trace.graph.axis(dimension.size);
    fresh.set(dimension.name, axis);
    names.set(dimension.name, axis.name);
    return axis;
  });
  const needed = [...names].filter(([from, to]) => from !== to && hasAxis(tensor.node.axes, from));
  const node =
    needed.length > 0
      ? tensor.trace.graph.make("rename", [tensor.node], { names: needed })
      : tensor.node;
  return new Tensor(tensor.trace, node, dimensions);
}

function broadcastDimensions(
  a: readonly Dimension[],
  b: readonly Dimension[],
  who: string,
): Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length];
    const right = b[i - rank + b.length];
    if (left && right && left.name !== right.name) {
      const shapes = [a, b].map((dims) => formatShape(dims.map((d) => d?.size ?? 1)));
      throw new ShapeError({
        who,
        expected: "shapes that broadcast (equal sizes, or 1, counted from the end)",
        received: shapes.join(" and "),
      });
    }
    return left ?? right;
  });
}

function reshape(tensor: Tensor, target: Shape): Tensor {
  const { trace } = tensor;
  const all = tensor.dimensions.flatMap((dimension) => dimension ?? []);
  let node = spreadOver(tensor, all);
  const dimensions: Dimension[] = target.map(() => undefined);
  const wanted = target.flatMap((size, position) => (size === 1 ? [] : [{ size, position }]));
  // Smallest groups of old and new dimensions with equal products.
  let from = 0;
  let to = 0;
  while (from < all.length || to < wanted.length) {
    const olds = [all[from++]!];
    const news = [wanted[to++]!];
    const product = (list: readonly { size: number }[]) =>
      list.reduce((n, { size }) => n * size, 1);
    while (product(olds) !== product(news)) {
      if (product(olds) < product(news)) olds.push(all[from++]!);
      else news.push(wanted[to++]!);
    }
    let axis = olds[0]!;
    if (olds.length > 1) {
      axis = trace.graph.axis(product(olds));
      node = trace.graph.make("merge", [node], { over: axisNames(olds), into: axis });
    }
    let parts = [axis];
    if (news.length > 1) {
      parts = news.map(({ size }) => trace.graph.axis(size));
      node = trace.graph.make("split", [node], { axis: axis.name, axes: parts });
    }
    for (const [i, { position }] of news.entries()) dimensions[position] = parts[i];
  }
  return new Tensor(trace, node, dimensions);
}
