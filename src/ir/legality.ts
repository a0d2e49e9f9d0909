/** What may stand in a graph at which stage. Checked between passes in tests and in `explain`. */
import { type Computation, rootsOf } from "./graph.ts";
import { GraphError, hasAxis, topological } from "./node.ts";
import { rowOf } from "./ops.ts";

export type Stage = "traced" | "lowered";

/** Throws a GraphError that names the node and the stage where something does not belong. */
export function check(computation: Computation, stage: Stage): void {
  const sizes = new Map<string, number>();
  for (const node of topological(rootsOf(computation))) {
    const row = rowOf(node.op);
    if (stage === "lowered" && row.lower)
      throw new GraphError({
        who: node.op,
        expected: "only basic ops once lowered",
        received: node.op,
      });
    const { dtype, axes } = row.type(node.op, node.inputs, node.attributes);
    if (dtype !== node.dtype || axes.length !== node.axes.length)
      throw new GraphError({
        who: node.op,
        expected: `${dtype} with ${axes.length} axes, as its row says`,
        received: `${node.dtype} with ${node.axes.length}`,
      });
    for (const { name, size } of node.axes) {
      const known = sizes.get(name) ?? size;
      sizes.set(name, known);
      if (known !== size)
        throw new GraphError({
          who: node.op,
          expected: `axis ${name} of size ${known} everywhere`,
          received: `${size}`,
        });
    }
  }
  for (const { name, node, axes } of computation.results)
    for (const axis of node.axes)
      if (!hasAxis(axes, axis.name))
        throw new GraphError({
          who: `result ${name}`,
          expected: `axis ${axis.name} among the result's axes`,
          received: axes.map((a) => a.name).join(" ") || "none",
        });
  const written = new Set<string>();
  for (const { variable, value } of computation.updates) {
    const who = `update of ${variable.attributes.name}`;
    if (variable.op !== "variable" || variable.dtype !== value.dtype)
      throw new GraphError({
        who,
        expected: `a variable and a value of its dtype ${variable.dtype}`,
        received: `${variable.op} and ${value.dtype}`,
      });
    for (const axis of value.axes)
      if (!hasAxis(variable.axes, axis.name))
        throw new GraphError({ who, expected: "axes of the variable", received: axis.name });
    if (written.has(variable.attributes.name!))
      throw new GraphError({ who, expected: "one update a variable", received: "two" });
    written.add(variable.attributes.name!);
  }
}
