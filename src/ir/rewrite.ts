/** Rewriting: a new computation from an old one, node by node, inputs first. */
import { type Computation, Graph, mapRoots, rootsOf } from "./graph.ts";
import { type Attributes, type Axis, type Node, topological } from "./node.ts";

/** A rule: the node that stands for `node`, whose inputs are already rewritten; undefined keeps it. */
export type Rule = (graph: Graph, node: Node) => Node | undefined;

/**
 * Applies the first rule that fits to every node, inputs first, and again to what the rule returned
 * (and all it is made of) until no rule fits.
 */
export function rewrite(computation: Computation, rules: readonly Rule[]): Computation {
  const graph = new Graph();
  const done = new Map<Node, Node>();
  const settled = new Set<Node>();
  /** What a node became: a rule that moves down a graph meets what is shared below many times. */
  const settlements = new Map<Node, Node>();

  const settle = (start: Node): Node => {
    const known = settlements.get(start);
    if (known) return known;
    let node = start;
    while (!settled.has(node)) {
      const next = applyFirst(rules, graph, node);
      if (next) node = below(next);
      else settled.add(node);
    }
    settlements.set(start, node);
    return node;
  };

  // What a rule returned may hold new nodes: they are rewritten as well.
  const below = (root: Node): Node => {
    const map = new Map<Node, Node>();
    const mapped = (node: Node) => map.get(node) ?? node;
    for (const node of topological([root], settled)) {
      const inputs = node.inputs.map(mapped);
      const same = inputs.every((input, i) => input === node.inputs[i]);
      const copy = same ? node : graph.make(node.op, inputs, node.attributes);
      map.set(node, node === root ? copy : settle(copy));
    }
    return mapped(root);
  };

  for (const node of topological(rootsOf(computation))) {
    const inputs = node.inputs.map((input) => done.get(input)!);
    done.set(node, settle(graph.make(node.op, inputs, node.attributes)));
  }
  return mapRoots(computation, (node) => done.get(node)!);
}

function applyFirst(rules: readonly Rule[], graph: Graph, node: Node): Node | undefined {
  for (const rule of rules) {
    const next = rule(graph, node);
    if (next && next !== node) return next;
  }
  return undefined;
}

const namesAxes = ({ axes, over, names, into, axis }: Attributes): boolean =>
  axes !== undefined ||
  over !== undefined ||
  names !== undefined ||
  into !== undefined ||
  axis !== undefined;

/**
 * The same computation with every axis name mapped, in nodes, attributes and results; with `leafName`,
 * what the host binds to is renamed too.
 */
export function renameAxes(
  computation: Computation,
  name: (old: string) => string,
  leafName?: (leaf: Node) => string,
): Computation {
  const graph = new Graph();
  const done = new Map<Node, Node>();
  const axis = (old: Axis): Axis => ({ name: name(old.name), size: old.size });
  for (const node of topological(rootsOf(computation))) {
    const inputs = node.inputs.map((input) => done.get(input)!);
    if (!namesAxes(node.attributes)) {
      done.set(node, graph.make(node.op, inputs, node.attributes));
      continue;
    }
    const { axes, over, names, into, axis: split, ...rest } = node.attributes;
    const renames = names?.map(([from, to]) => [name(from), name(to)] as const);
    const needed = renames?.filter(([from, to]) => from !== to);
    if (node.op === "rename" && needed?.length === 0) {
      done.set(node, inputs[0]!);
      continue;
    }
    const attributes = {
      ...rest,
      ...(axes && { axes: axes.map(axis) }),
      ...(over && { over: over.map(name) }),
      ...(needed && { names: needed }),
      ...(into && { into: axis(into) }),
      ...(split && { axis: name(split) }),
      ...(leafName && rest.name !== undefined && { name: leafName(node) }),
    };
    done.set(node, graph.make(node.op, inputs, attributes));
  }
  const mapped = mapRoots(computation, (node) => done.get(node)!);
  return {
    ...mapped,
    results: mapped.results.map((result) => ({ ...result, axes: result.axes.map(axis) })),
  };
}
