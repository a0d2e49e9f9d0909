/** Canonical names: two traces of the same computation become the same text. */
import { type Computation, Graph, mapRoots, rootsOf } from "./graph.ts";
import { type Node, topological } from "./node.ts";
import { rowOf } from "./ops.ts";
import { renameAxes } from "./rewrite.ts";

export interface Canonical {
  readonly computation: Computation;
  /** Canonical leaf name -> the name it was traced under. */
  readonly leaves: ReadonlyMap<string, string>;
  /** Canonical result name -> the name it was traced under. */
  readonly results: ReadonlyMap<string, string>;
}

/**
 * Names axes `a b c ...`, leaves by their op (`variable0`, `input1`, ...) and results `result0 ...` in
 * order of first appearance.
 */
export function canonicalize(computation: Computation): Canonical {
  const axes = new Map<string, string>();
  const named = renameAxes(computation, (old) => {
    const known = axes.get(old) ?? letters(axes.size);
    axes.set(old, known);
    return known;
  });
  const leaves = new Map<string, string>();
  const counts = new Map<string, number>();
  const graph = new Graph();
  const done = new Map<Node, Node>();
  for (const node of topological(rootsOf(named))) {
    const inputs = node.inputs.map((input) => done.get(input)!);
    let { attributes } = node;
    if (rowOf(node.op).kind === "leaf" && attributes.name !== undefined) {
      const count = counts.get(node.op) ?? 0;
      counts.set(node.op, count + 1);
      const name = `${node.op}${count}`;
      leaves.set(name, attributes.name);
      attributes = { ...attributes, name };
    }
    done.set(node, graph.make(node.op, inputs, attributes));
  }
  const renamed = mapRoots(named, (node) => done.get(node)!);
  const results = new Map(renamed.results.map((result, i) => [`result${i}`, result.name]));
  return {
    computation: {
      ...renamed,
      results: renamed.results.map((result, i) => ({ ...result, name: `result${i}` })),
    },
    leaves,
    results,
  };
}

/** a, b, ..., z, aa, ab, ... */
function letters(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : letters(Math.floor(index / 26) - 1) + letter;
}
