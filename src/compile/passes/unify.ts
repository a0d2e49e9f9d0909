/**
 * One name for axes that a `rename` only connects: the rename goes where both names can be one.
 * What remains are values that are truly read along two different axes at once (x times x
 * transposed).
 */
import { type Computation, rootsOf } from "../../ir/graph.ts";
import { axisNames, topological } from "../../ir/node.ts";
import { renameAxes } from "../../ir/rewrite.ts";

export function unifyAxes(computation: Computation): Computation {
  const nodes = topological(rootsOf(computation));
  const parent = new Map<string, string>();
  const root = (name: string): string => {
    const up = parent.get(name) ?? name;
    if (up === name) return name;
    const top = root(up);
    parent.set(name, top);
    return top;
  };
  // Axes that stand side by side somewhere must keep different names.
  const beside = new Map<string, Set<string>>();
  const met = new Set<string>();
  const meet = (names: readonly string[]) => {
    // Most nodes have the axes of many others.
    const key = names.join();
    if (names.length < 2 || met.has(key)) return;
    met.add(key);
    for (const a of names)
      for (const b of names) {
        if (a === b) continue;
        const set = beside.get(a) ?? new Set();
        beside.set(a, set.add(b));
      }
  };
  for (const node of nodes) {
    // A rename's result may become one with its input: their axes do not meet.
    const isRename = node.attributes.names !== undefined;
    const inputs = node.inputs.flatMap((input) => axisNames(input.axes));
    meet(isRename ? inputs : [...inputs, ...axisNames(node.axes)]);
    if (isRename) meet(axisNames(node.axes));
  }
  for (const { axes } of computation.results) meet(axisNames(axes));

  for (const node of nodes)
    for (const [from, to] of node.attributes.names ?? []) {
      const [a, b] = [root(from), root(to)];
      if (a === b || beside.get(a)?.has(b)) continue;
      parent.set(b, a);
      const all = beside.get(a) ?? new Set<string>();
      for (const other of beside.get(b) ?? []) {
        all.add(other);
        beside.get(other)!.delete(b);
        beside.get(other)!.add(a);
      }
      beside.set(a, all);
    }
  return renameAxes(computation, root);
}
