/** Computations as text: what tests compare, `antler explain` shows and the compile cache is keyed by. */
import { type Computation, rootsOf } from "./graph.ts";
import { type Attributes, type Axis, type Node, topological } from "./node.ts";

/** One line a node, numbered in order; equal texts are equal computations. */
export function print(computation: Computation): string {
  const numbers = new Map<Node, number>();
  const lines: string[] = [];
  for (const node of topological(rootsOf(computation))) {
    numbers.set(node, numbers.size);
    const inputs = node.inputs.map((input) => ` %${numbers.get(input)}`).join("");
    const type = printType(node.dtype, node.axes);
    lines.push(
      `%${numbers.get(node)} = ${node.op}${printAttributes(node.attributes)}${inputs} : ${type}`,
    );
  }
  for (const { name, node, axes } of computation.results)
    lines.push(`result ${name} = %${numbers.get(node)} : ${printAxes(axes)}`);
  for (const { variable, value } of computation.updates)
    lines.push(`update ${variable.attributes.name} = %${numbers.get(value)}`);
  return `${lines.join("\n")}\n`;
}

export const printAxes = (axes: readonly Axis[]): string =>
  `[${axes.map((axis) => `${axis.name}:${axis.size}`).join(", ")}]`;

export const printType = (dtype: string, axes: readonly Axis[]): string =>
  `${dtype}${printAxes(axes)}`;

function printAttributes(attributes: Attributes): string {
  const parts: string[] = [];
  const { value, name, over, names, into, axis, from, cuts } = attributes;
  if (value !== undefined) parts.push(Object.is(value, -0) ? "-0" : `${value}`);
  if (name !== undefined) parts.push(name);
  if (axis !== undefined) parts.push(axis);
  if (from !== undefined) parts.push(`from ${from}`);
  if (over !== undefined) parts.push(`over ${over.join(" ")}`);
  if (into !== undefined) parts.push(`into ${into.name}:${into.size}`);
  if (names !== undefined) parts.push(names.map(([from, to]) => `${from} to ${to}`).join(", "));
  if (cuts !== undefined) parts.push(`cut at ${cuts.slice(1, -1).join(" ")}`);
  return parts.length > 0 ? ` <${parts.join("; ")}>` : "";
}
