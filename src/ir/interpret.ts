/**
 * The interpreter: the oracle that devices, passes and gradients are held against. It knows rows
 * and kinds of rows, no op by name.
 *
 * - `exact`: doubles, on the graph as traced. Each value carries a bound: how far a float32 device
 *   may be from it. Infinity says that the element hangs on a comparison too close to call.
 * - `rounding`: float32 after every op, on the graph as a device gets it (lowered). It claims no
 *   bounds: they are all 0.
 */
import type { DType } from "../base/dtype.ts";
import { StateError, ValueError } from "../base/errors.ts";
import { arrange } from "./arrange.ts";
import { rounderOf } from "./float32.ts";
import type { Computation } from "./graph.ts";
import { elementwise } from "./interpret-elementwise.ts";
import { contract, reduce } from "./interpret-sums.ts";
import type { Value } from "./interpret-value.ts";
import { type Axis, type Node, sizeOfAxes, topological } from "./node.ts";
import { rowOf } from "./ops.ts";

export type Mode = "exact" | "rounding";

/** The numbers of a `table` leaf: `rows` times the axes of one row, row-major. */
export interface Table {
  readonly rows: number;
  readonly data: ArrayLike<number>;
}

/** Numbers of a named value, row-major in `axes`; bool as 0 and 1. */
export interface Values {
  readonly axes: readonly Axis[];
  readonly dtype: DType;
  readonly data: Float64Array;
  /** For each number, how far a float32 device may be from it; Infinity: anything goes. */
  readonly bounds: Float64Array;
}

export interface Interpretation {
  /** By the name of the result, in its axes. */
  readonly results: Map<string, Values>;
  /** By the name of the variable's leaf, in the leaf's axes: the value after the step. */
  readonly updates: Map<string, Values>;
}

/** The numbers of a leaf, row-major in its axes; a `Table` for `table` leaves. Called once each. */
export type ReadLeaf = (leaf: Node) => ArrayLike<number> | Table;

/**
 * Runs one step.
 *
 * @param fused rounding mode: contractions add each product with one rounding instead of two, as a
 *   device with fused multiply-add does. Default: false.
 * @throws ValueError where a leaf's numbers have the wrong length, or an index has no row
 */
export function interpret(
  computation: Computation,
  read: ReadLeaf,
  mode: Mode,
  fused = false,
): Interpretation {
  const exact = mode === "exact";
  const outputs = [
    ...computation.results.map((result) => result.node),
    ...computation.updates.map((update) => update.value),
  ];
  const order = topological(outputs);
  const lastUse = new Map<Node, number>();
  for (const [time, node] of order.entries())
    for (const input of node.inputs) lastUse.set(input, time);
  for (const node of outputs) lastUse.set(node, order.length);

  const values = new Map<Node, Value>();
  const tables = new Map<Node, Table>();
  const evaluate = (node: Node): Value | undefined => {
    const { kind } = rowOf(node.op);
    if (kind === "leaf") {
      if (node.attributes.value !== undefined) return constantValue(node);
      const leaf = read(node);
      if (!isTable(leaf)) return leafValue(node, leaf);
      tables.set(node, checkTable(node, leaf));
      return undefined;
    }
    if (kind === "index") return { ...plain(node), data: counting(node.axes) };
    if (kind === "gather")
      return gather(node, tables.get(node.inputs[0]), values.get(node.inputs[1])!);
    const inputs = node.inputs.map((input) => values.get(input)!);
    if (rowOf(node.op).source) return moved(node, inputs[0]);
    if (kind === "view") return view(node, inputs[0]);
    if (kind === "reduce") return reduce(node, inputs[0], exact);
    if (kind === "contract") return contract(node, inputs[0], inputs[1], exact, fused);
    return elementwise(node, inputs, exact);
  };

  for (const [time, node] of order.entries()) {
    const value = evaluate(node);
    if (value) values.set(node, value);
    for (const input of node.inputs) if (lastUse.get(input) === time) values.delete(input);
  }

  const named = (node: Node, axes: readonly Axis[]): Values => {
    const { data, bounds } = values.get(node)!;
    const arranged = arrange(data, node.axes, axes);
    return {
      axes,
      dtype: node.dtype,
      // Whoever gets the numbers may write to them.
      data: arranged === data ? data.slice() : arranged,
      bounds: bounds
        ? arrange(bounds, node.axes, axes).slice()
        : new Float64Array(sizeOfAxes(axes)),
    };
  };
  return {
    results: new Map(
      computation.results.map(({ name, node, axes }) => [name, named(node, axes)] as const),
    ),
    updates: new Map(
      computation.updates.map(
        ({ variable, value }) => [variable.attributes.name!, named(value, variable.axes)] as const,
      ),
    ),
  };
}

const plain = (node: Node) => ({ node, axes: node.axes, bounds: undefined });

const isTable = (leaf: ArrayLike<number> | Table): leaf is Table => "rows" in leaf;

const counting = (axes: readonly Axis[]): Float64Array =>
  Float64Array.from({ length: sizeOfAxes(axes) }, (_, i) => i);

/** A float32 constant is a float32 number on every device: 0.1 is not 0.1 in exact mode either. */
const constantValue = (node: Node): Value => ({
  ...plain(node),
  data: Float64Array.of(rounderOf(node.dtype)(node.attributes.value!)),
});

function leafValue(node: Node, leaf: ArrayLike<number>): Value {
  const size = sizeOfAxes(node.axes);
  if (leaf.length !== size)
    throw new ValueError({
      who: `${node.op} ${node.attributes.name}`,
      expected: `${size} numbers`,
      received: `${leaf.length}`,
    });
  const round = rounderOf(node.dtype);
  return { ...plain(node), data: Float64Array.from(leaf, round) };
}

function checkTable(node: Node, table: Table): Table {
  const size = table.rows * sizeOfAxes(node.axes);
  if (table.data.length !== size)
    throw new ValueError({
      who: `${node.op} ${node.attributes.name}`,
      expected: `${size} numbers in ${table.rows} rows`,
      received: `${table.data.length}`,
    });
  return table;
}

function gather(node: Node, table: Table | undefined, indices: Value): Value {
  const who = `gather from ${node.inputs[0].attributes.name}`;
  if (!table) throw new StateError({ who, expected: "rows of a table", received: "plain numbers" });
  const width = sizeOfAxes(node.inputs[0].axes);
  const data = new Float64Array(indices.data.length * width);
  const bounds = indices.bounds && new Float64Array(data.length);
  const round = rounderOf(node.dtype);
  for (const [i, row] of indices.data.entries()) {
    if (row >= table.rows)
      throw new ValueError({
        who,
        expected: `row indices below ${table.rows}`,
        received: `${row}`,
      });
    for (let j = 0; j < width; j++) data[i * width + j] = round(table.data[row * width + j]);
    bounds?.fill(indices.bounds![i], i * width, (i + 1) * width);
  }
  return { node, axes: node.axes, data, bounds };
}

/** A view that moves along one axis: each number from where its row says, 0 where that is nowhere. */
function moved(node: Node, { data, bounds }: Value): Value {
  const [input] = node.inputs;
  const { axis, into } = node.attributes;
  const place = axis ? input.axes.findIndex(({ name }) => name === axis) : input.axes.length;
  const size = input.axes[place]?.size ?? 1;
  const count = into?.size ?? 1;
  const outer = sizeOfAxes(input.axes.slice(0, place));
  const inner = sizeOfAxes(input.axes.slice(place + 1));
  const { source } = rowOf(node.op);
  const move = (from: Float64Array): Float64Array => {
    const to = new Float64Array(outer * count * inner);
    for (let position = 0; position < count; position++) {
      const at = source!(position, node.attributes, size);
      if (at === undefined) continue;
      for (let o = 0; o < outer; o++) {
        const start = (o * size + at) * inner;
        to.set(from.subarray(start, start + inner), (o * count + position) * inner);
      }
    }
    return to;
  };
  return { node, axes: node.axes, data: move(data), bounds: bounds && move(bounds) };
}

/** Views move no number but where axes are merged that did not stand side by side in order. */
function view(node: Node, input: Value): Value {
  const { over = [], into } = node.attributes;
  const byName = (name: string) => input.axes.find((axis) => axis.name === name)!;
  const order = into
    ? node.axes.flatMap((axis) => (axis.name === into.name ? over.map(byName) : [axis]))
    : input.axes;
  return {
    node,
    axes: node.axes,
    data: arrange(input.data, input.axes, order),
    bounds: input.bounds && arrange(input.bounds, input.axes, order),
  };
}
