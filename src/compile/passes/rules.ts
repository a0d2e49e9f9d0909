/** Small rules that bring a lowered computation into the forms the scheduler knows. */
import { type Computation, Graph, mapRoots, rootsOf } from "../../ir/graph.ts";
import { decompose } from "../../ir/lower.ts";
import { type Axis, hasAxis, type Node, topological } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import { type Rule, rewrite } from "../../ir/rewrite.ts";
import { dropIdentity, fold } from "../../ir/simplify.ts";
import { roundUp } from "../layout.ts";

/**
 * Regrouping of axes moves below elementwise work, towards the data: there it costs nothing, while a
 * computed value with a short last axis would have to be copied.
 */
const sinkRegrouping: Rule = (graph, node) => {
  const { over, axis, axes } = node.attributes;
  const names = over ?? (axes && axis !== undefined ? [axis] : []);
  if (names.length === 0 || rowOf(node.op).kind !== "view") return undefined;
  const [input] = node.inputs as [Node];
  if (rowOf(input.op).kind !== "elementwise" || input.inputs.some(leavesItsAxis)) return undefined;
  const has = (x: Node) => names.filter((name) => hasAxis(x.axes, name)).length;
  if (!input.inputs.every((x) => has(x) === 0 || has(x) === names.length)) return undefined;
  const inputs = input.inputs.map((x) =>
    has(x) === 0 ? x : graph.make(node.op, [x], node.attributes),
  );
  return graph.make(input.op, inputs, input.attributes);
};

/** A contraction whose second operand has no axis of its own is a sum of products: no tile fits. */
const withoutColumns: Rule = (graph, node) => {
  if (rowOf(node.op).kind !== "contract") return undefined;
  const [a, b] = node.inputs as [Node, Node];
  const { over } = node.attributes;
  if (b.axes.some((axis) => !hasAxis(a.axes, axis.name))) return undefined;
  return graph.make("sum", [graph.make("multiply", [a, b])], { over: over! });
};

/** Slices a long reduced axis falls into: divisors that 2, 3, 4, 6 and 8 threads can share. */
const sliceCounts = [24, 12, 8, 6, 4];
/** A slice shorter than this costs more in additions than it is worth. */
const shortestSlice = 64;
/** From here on a reduced axis is long: it may be split over threads. */
const longAxis = 512;
const sliceUnit = 16;

/** Where an axis of this size is cut when it is reduced; undefined where it is short. */
export function cutsOf(size: number): number[] | undefined {
  if (size < longAxis) return undefined;
  const wanted = sliceCounts.find((n) => size / n >= shortestSlice)!;
  const slice = roundUp(Math.ceil(size / wanted), sliceUnit);
  const count = Math.ceil(size / slice);
  return Array.from({ length: count + 1 }, (_, i) => Math.min(size, i * slice));
}

/** Partial sums by fixed slices: a function of the shape alone, so no thread count changes a bit. */
const cutLongContractions: Rule = (graph, node) => {
  const { over, cuts } = node.attributes;
  if (rowOf(node.op).kind !== "contract" || cuts || over!.length !== 1) return undefined;
  const axis = node.inputs[0]!.axes.find(({ name }) => name === over![0])!;
  const slices = cutsOf(axis.size);
  return slices && graph.make(node.op, node.inputs, { ...node.attributes, cuts: slices });
};

/** Whether a view is, or is seen through, one for which `is` holds. */
const through =
  (is: (x: Node) => boolean) =>
  (x: Node): boolean =>
    is(x) || (rowOf(x.op).kind === "view" && through(is)(x.inputs[0]!));

const isGathered = through((x) => rowOf(x.op).kind === "gather");

/** A slice of positions that are not all there: each index is looked at where it is read. */
const leavesItsAxis = through(({ op, inputs: [input], attributes: { axis, into, from } }) => {
  if (rowOf(op).kind !== "view" || from === undefined) return false;
  const { size } = input!.axes.find(({ name }) => name === axis)!;
  return from < 0 || from + (into?.size ?? 1) > size;
});

/** A value in memory of its own. */
const copied = (graph: Graph, x: Node): Node => graph.make("cast", [x], { dtype: x.dtype });

/**
 * Where plain strides are needed, what is not addressed by them is copied first: rows of a table and
 * positions outside of an axis for a contraction, which walks its operands many times; positions
 * outside for a split, and for the row numbers of a gather; both at once.
 */
const copyFirst: Rule = (graph, node) => {
  const { axes, from } = node.attributes;
  const { kind } = rowOf(node.op);
  const isApart = (x: Node): boolean => {
    if (kind === "contract") return isGathered(x) || leavesItsAxis(x);
    if (kind === "gather" || (kind === "view" && axes)) return leavesItsAxis(x);
    return kind === "view" && from !== undefined && leavesItsAxis(node) && isGathered(x);
  };
  if (!node.inputs.some(isApart)) return undefined;
  const inputs = node.inputs.map((x) => (isApart(x) ? copied(graph, x) : x));
  return graph.make(node.op, inputs, node.attributes);
};

/** A view of positions is positions again: they lie nowhere, so no view could read them there. */
const positionsOfView: Rule = (graph, node) => {
  const { names, over, into, axis, axes, from } = node.attributes;
  const [input] = node.inputs as [Node];
  if (rowOf(node.op).kind !== "view" || rowOf(input.op).kind !== "index") return undefined;
  const along = (one: Axis) => graph.make("index", [], { axes: [one] });
  const [old] = input.axes as [Axis];
  if (names) return along({ ...old, name: new Map(names).get(old.name) ?? old.name });
  if (from !== undefined) return slicedPositions(graph, old, into, from);
  if (into) return over!.length === 1 ? along(into) : undefined;
  if (axis !== old.name) return undefined;
  return axes!.map(along).reduce((position, part, i) => {
    const above = graph.make("multiply", [position, graph.constant(axes![i]!.size, "uint32")]);
    return graph.make("add", [above, part]);
  });
};

/** The positions of a slice along `axis`: counted from its first, within the axis. */
function slicedPositions(graph: Graph, { size }: Axis, into: Axis | undefined, from: number): Node {
  const u = (value: number) => graph.constant(value, "uint32");
  const first = into ? graph.make("index", [], { axes: [into] }) : u(0);
  const moved =
    from >= 0
      ? graph.make("add", [first, u(from)])
      : graph.make("subtract", [graph.make("maximum", [first, u(-from)]), u(-from)]);
  const isInside = from >= 0 && from + (into?.size ?? 1) <= size;
  return isInside ? moved : graph.make("minimum", [moved, u(size - 1)]);
}

/** Row numbers are read from memory, where positions and constants do not lie by themselves. */
const indicesInMemory: Rule = (graph, node) => {
  if (rowOf(node.op).kind !== "gather") return undefined;
  const [table, indices] = node.inputs as [Node, Node];
  const isNowhere = rowOf(indices.op).kind === "index" || indices.attributes.value !== undefined;
  if (!isNowhere) return undefined;
  return graph.make(node.op, [table, copied(graph, indices)], node.attributes);
};

const simplifyRow: Rule = (graph, node) => rowOf(node.op).simplify?.(graph, node);

/** Derived ops taken apart, constants folded, neutral elements dropped. */
export const simplifyAndLower = (computation: Computation): Computation =>
  rewrite(computation, [decompose, fold, dropIdentity, simplifyRow]);

/** The forms that the scheduler knows, and the order of every sum fixed. */
export const arrangeForms = (computation: Computation): Computation =>
  rewrite(computation, [
    sinkRegrouping,
    withoutColumns,
    copyFirst,
    positionsOfView,
    indicesInMemory,
    cutLongContractions,
  ]);

/** Products and the sums that are their only use become one op each. */
export function fuseProducts(computation: Computation): Computation {
  const users = new Map<Node, number>();
  const count = (node: Node) => users.set(node, (users.get(node) ?? 0) + 1);
  const roots = rootsOf(computation);
  for (const root of roots) count(root);
  const order = topological(roots);
  for (const node of order) for (const input of node.inputs) count(input);
  const graph = new Graph();
  const done = new Map<Node, Node>();
  for (const node of order) {
    const isOwn = (input: Node) => users.get(input) === 1;
    // Only named here: the node itself is made below, on inputs that are already fused.
    const make = (op: string, inputs: readonly Node[]) => ({ ...node, op, inputs });
    const fused = rowOf(node.op).fuse?.(make, node, isOwn) ?? node;
    const inputs = fused.inputs.map((input) => done.get(input)!);
    done.set(node, graph.make(fused.op, inputs, fused.attributes));
  }
  return mapRoots(computation, (node) => done.get(node)!);
}
