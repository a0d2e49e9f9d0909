/** A recorded step for several values of one input at once. */
import { Graph, rootsOf } from "../ir/graph.ts";
import { hasAxis, type Node, sizeOfAxes, topological } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import type { Traced } from "../tensor/trace.ts";

/**
 * The step with its input `name` fixed to each of `values`, all at once: what does not hang on the input
 * is there once. The step must not change variables.
 *
 * @param resultName of a result, for the value at a position
 */
export function unroll(
  traced: Traced,
  name: string,
  values: readonly number[],
  resultName: (name: string, position: number) => string,
): Traced {
  const { results } = traced.computation;
  const order = topological(rootsOf(traced.computation));
  const hanging = hangingOn(order, name);
  const graph = new Graph();
  const copies = new Map<Node, Node>();
  const copyAll = (nodes: readonly Node[], value: number) => {
    for (const node of nodes) {
      const inputs = node.inputs.map((input) => copies.get(input)!);
      const isInput = hanging.has(node) && inputs.length === 0;
      const made = isInput
        ? graph.constant(value, node.dtype)
        : graph.make(node.op, inputs, node.attributes);
      copies.set(node, made);
    }
  };
  const own = order.filter((node) => hanging.has(node));
  copyAll(
    order.filter((node) => !hanging.has(node)),
    0,
  );
  const unrolled = values.flatMap((value, position) => {
    copyAll(own, value);
    return results.map((result) => ({
      ...result,
      name: resultName(result.name, position),
      node: copies.get(result.node)!,
    }));
  });
  return { ...traced, computation: { results: unrolled, updates: [] } };
}

/** The nodes that are the input, or hang on it. */
function hangingOn(order: readonly Node[], name: string): Set<Node> {
  const found = new Set<Node>();
  for (const node of order) {
    const isInput = node.op === "input" && node.attributes.name === name;
    if (isInput || node.inputs.some((input) => found.has(input))) found.add(node);
  }
  return found;
}

/**
 * Roughly the work of a step along the axis `rows`, in operations: what is done once whatever the
 * values of the input `name` are, and what is done for each of them.
 */
export function workOf(
  { computation }: Traced,
  name: string,
  rows: string,
): { readonly shared: number; readonly own: number } {
  const order = topological(rootsOf(computation));
  const hanging = hangingOn(order, name);
  const work = { shared: 0, own: 0 };
  for (const node of order)
    if (hasAxis(node.axes, rows)) work[hanging.has(node) ? "own" : "shared"] += costOf(node);
  return work;
}

function costOf({ op, axes, inputs }: Node): number {
  const { kind, cost } = rowOf(op);
  if (kind === "elementwise") return cost * sizeOfAxes(axes);
  if (kind !== "contract" && kind !== "reduce") return 0;
  const all = new Map(inputs.flatMap((input) => input.axes.map(({ name, size }) => [name, size])));
  return [...all.values()].reduce((product, size) => product * size, 1);
}
