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
import { axisNames, hasAxis, type Node, sizeOfAxes } from "../ir/node.ts";
import {
  alignTo,
  broadcastDimensions,
  type Dimension,
  type Placed,
  padded,
  reshape,
  sliced,
} from "./dimensions.ts";

/** What elementwise methods take beside a tensor: one number, everywhere the same. */
export type Operand = Tensor | number;

/** What tensors are recorded on: a `Trace`. */
export interface Recorder {
  readonly graph: Graph;
  /** One number, everywhere the same; default dtype float32. */
  constant(value: number, dtype?: DType): Tensor;
  /** 0, 1, 2, ... along one dimension of `tensor`, as uint32, broadcasting against it. */
  indexAlong(tensor: Tensor, position: number): Tensor;
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

  /** log(1 + x), exact near 0. */
  log1p(): Tensor {
    return elementwise("log1p", this);
  }

  tanh(): Tensor {
    return elementwise("tanh", this);
  }

  /** 1 / (1 + e^-x), exact to a few ulps also far below 0. */
  sigmoid(): Tensor {
    return elementwise("logistic", this);
  }

  /** log(1 + e^x) without overflow; its gradient is sigmoid(x). */
  softplus(): Tensor {
    return elementwise("logOnePlusExponential", this);
  }

  /** The error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
  erf(): Tensor {
    return elementwise("erf", this);
  }

  /** 1 / x. */
  reciprocal(): Tensor {
    return elementwise("divide", like(this, 1), this);
  }

  /** -1, 0 or 1; a NaN stays. Gradient 0. */
  sign(): Tensor {
    return this.less(0).where(-1, this.greater(0).where(1, this.stopGradient()));
  }

  /**
   * x^exponent. A whole exponent: a product, for any x; 0.5 and -0.5: by the root. Another one: NaN
   * below 0, and where x is 0 the gradient is taken as 0, even if the slope there is infinite.
   */
  power(exponent: number): Tensor {
    if (!Number.isFinite(exponent))
      throw new ValueError({
        who: "power",
        expected: "a finite exponent",
        received: `${exponent}`,
      });
    if (exponent === 0) return this.#with(like(this, 1).node);
    if (exponent === 0.5) return this.squareRoot();
    if (exponent < 0) return this.power(-exponent).reciprocal();
    if (Number.isSafeInteger(exponent)) return product(this, exponent);
    // The logarithm of 0 has no slope to go on with.
    const isZero = this.equal(0);
    const positive = isZero.where(1, this).logarithm().multiply(exponent).exponential();
    return isZero.where(0, positive);
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

  /** The smallest number over dimensions (default: all) of a float32 tensor; a NaN anywhere is it. */
  min(dimensions?: number | readonly number[], keep = false): Tensor {
    return this.negate().max(dimensions, keep).negate();
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
    const right = alignTo(this.trace.graph, other, this, target);
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

  // -- shape -----------------------------------------------------------------------------------

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
    return this.#placed(reshape(this.trace.graph, this, target));
  }

  /**
   * `size` positions of one dimension from `from` on.
   *
   * @throws ShapeError where they are not all positions of the dimension
   */
  slice(dimension: number, from: number, size: number): Tensor {
    const [position] = this.#positions(dimension);
    const whole = this.shape[position!]!;
    const fits = Number.isInteger(from) && Number.isInteger(size) && from >= 0 && size >= 1;
    if (!fits || from + size > whole)
      throw new ShapeError({
        who: "slice",
        expected: `at least one position, all within the ${whole} of dimension ${dimension}`,
        received: `${size} from ${from} on of shape ${formatShape(this.shape)}`,
      });
    if (size === whole) return this;
    return this.#placed(sliced(this.trace.graph, this, position!, from, size));
  }

  /**
   * One dimension with so many zeros before and after it.
   *
   * @throws ShapeError where a count is no whole number from 0 on
   */
  pad(dimension: number, before: number, after: number): Tensor {
    const [position] = this.#positions(dimension);
    if (![before, after].every((count) => Number.isInteger(count) && count >= 0))
      throw new ShapeError({
        who: "pad",
        expected: "whole numbers from 0 on before and after",
        received: `${before} and ${after}`,
      });
    if (before + after === 0) return this;
    const { graph } = this.trace;
    const into = graph.axis(before + this.shape[position!]! + after);
    return this.#placed(padded(graph, this, position!, into, before));
  }

  #with(node: Node): Tensor {
    return new Tensor(this.trace, node, this.dimensions);
  }

  #placed({ node, dimensions }: Placed): Tensor {
    return new Tensor(this.trace, node, dimensions);
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
    const aligned = alignTo(trace.graph, other, result, result.dimensions);
    const dimensions = broadcastDimensions(result.dimensions, aligned.dimensions, op);
    nodes.push(aligned.node);
    result = new Tensor(trace, result.node, dimensions);
  }
  return new Tensor(trace, trace.graph.make(op, nodes), result.dimensions);
}

/** x^exponent for a whole exponent from 1 on: squares, and products of those its bits ask for. */
function product(x: Tensor, exponent: number): Tensor {
  let square = x;
  let result: Tensor | undefined;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result ? result.multiply(square) : square;
    if (left > 1) square = square.square();
  }
  return result!;
}
