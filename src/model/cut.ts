/** A recorded step cut at its noise: what is the same in every draw, and what hangs on the draw. */
import { type Computation, Graph, mapRoots, rootsOf } from "../ir/graph.ts";
import { type Axis, hasAxis, type Node, topological } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import type { Traced } from "../tensor/trace.ts";

/** A value of each row that the trunk leaves and the head takes. */
export interface Kept {
  /** Of the trunk's result, and of the head's table. */
  readonly name: string;
  /** Sizes of one row, without those of 1. */
  readonly shape: readonly number[];
}

/** Both parts of a step. */
export interface Cut {
  /** Absent where hardly more than the data itself comes before the noise. */
  readonly trunk: Traced | undefined;
  /** Has the step's own results. */
  readonly head: Traced;
  readonly kept: readonly Kept[];
  /** Whether each result, in order, hangs on the noise. */
  readonly isNoisy: readonly boolean[];
}

/**
 * Cuts a step where its noise begins. Whatever does not hang on the noise, hangs on the rows and has
 * a value for each of them is computed by the trunk, and gathered by the head from a table of the
 * same rows. What is hardly more than data, or no float32 number (a comparison), the head computes
 * for itself.
 *
 * @param noise names of the inputs that make the noise
 * @param rows name of the input that holds the numbers of the batch's rows, at least two
 */
export function cutAtNoise(traced: Traced, noise: ReadonlySet<string>, rows: string): Cut {
  const { computation } = traced;
  const order = topological(rootsOf(computation));
  const isInput = (node: Node, names: ReadonlySet<string>) =>
    node.op === "input" && names.has(node.attributes.name!);
  const noisy = below(order, (node) => isInput(node, noise));
  const ofRows = below(order, (node) => isInput(node, new Set([rows])));
  const rowInput = order.find((node) => isInput(node, new Set([rows])));
  const batch = rowInput?.axes[0];
  const isNoisy = computation.results.map(({ node }) => noisy.has(node));
  if (!rowInput || !batch) return { trunk: undefined, head: traced, kept: [], isNoisy };
  const dear = dearNodes(order);
  const found = frontier(
    rootsOf(computation),
    (node) =>
      !noisy.has(node) &&
      ofRows.has(node) &&
      dear.has(node) &&
      node.dtype === "float32" &&
      hasAxis(node.axes, batch.name),
  );
  if (found.length === 0) return { trunk: undefined, head: traced, kept: [], isNoisy };
  const cuts = found.map((node, i) => {
    const axes = node.axes.filter(({ name }) => name !== batch.name);
    return { name: `kept${i}`, node, axes };
  });
  const trunk: Computation = {
    results: cuts.map(({ name, node, axes }) => ({ name, node, axes: [batch, ...axes] })),
    updates: [],
  };
  return {
    trunk: { ...traced, computation: trunk },
    head: { ...traced, computation: withTables(computation, cuts, rowInput) },
    kept: cuts.map(({ name, axes }) => ({ name, shape: axes.map(({ size }) => size) })),
    isNoisy,
  };
}

/** The nodes that are, or hang on, one for which `is` holds. */
function below(order: readonly Node[], is: (node: Node) => boolean): Set<Node> {
  const found = new Set<Node>();
  for (const node of order)
    if (is(node) || node.inputs.some((input) => found.has(input))) found.add(node);
  return found;
}

/**
 * The nodes that are more than data: a product, a sum or a function of it. What takes a few operations
 * for each number, such as scaling, costs less anew than a table of the results.
 */
function dearNodes(order: readonly Node[]): Set<Node> {
  const costs = new Map<Node, number>();
  for (const node of order) {
    const { kind, cost } = rowOf(node.op);
    const isSum = kind === "contract" || kind === "reduce";
    const own = isSum ? Number.POSITIVE_INFINITY : kind === "elementwise" ? cost : 0;
    costs.set(node, own + Math.max(0, ...node.inputs.map((input) => costs.get(input)!)));
  }
  return new Set(order.filter((node) => costs.get(node)! > cheapCost));
}

/** Operations for each number: below that of any function. */
const cheapCost = 10;

/** The first nodes that may be kept on each way down from the roots, in an order of the structure. */
function frontier(roots: readonly Node[], mayKeep: (node: Node) => boolean): Node[] {
  const seen = new Set<Node>();
  const found: Node[] = [];
  const pending = [...roots].reverse();
  while (pending.length > 0) {
    const node = pending.pop()!;
    if (seen.has(node)) continue;
    seen.add(node);
    if (mayKeep(node)) found.push(node);
    else pending.push(...[...node.inputs].reverse());
  }
  return found;
}

interface CutNode {
  readonly name: string;
  readonly node: Node;
  readonly axes: readonly Axis[];
}

/** The computation with rows of tables in the place of the nodes. */
function withTables(
  computation: Computation,
  cuts: readonly CutNode[],
  rowInput: Node,
): Computation {
  const graph = new Graph();
  const copies = new Map<Node, Node>();
  const copy = ({ op, inputs, attributes }: Node): Node =>
    graph.make(
      op,
      inputs.map((input) => copies.get(input)!),
      attributes,
    );
  const rows = copy(rowInput);
  copies.set(rowInput, rows);
  for (const { name, node, axes } of cuts) {
    const table = graph.make("table", [], { name, dtype: node.dtype, axes });
    copies.set(node, graph.make("gather", [table, rows]));
  }
  const known = new Set(copies.keys());
  for (const node of topological(rootsOf(computation), known)) copies.set(node, copy(node));
  return mapRoots(computation, (node) => copies.get(node)!);
}
