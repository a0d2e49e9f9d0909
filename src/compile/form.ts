/**
 * The form of a kernel: a text that is the same for two kernels exactly when the same code serves both,
 * with other addresses. Twenty equal layers have one function.
 */
import type { Axis, Node } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import { type Access, accessOf, axesInMemory } from "./access.ts";
import type { Kernel, Target } from "./kernel.ts";

export interface Form {
  readonly text: string;
  /** The values that the kernel's code reads and writes, in the order in which the text names them. */
  readonly places: readonly Node[];
  /** The results that it writes, likewise. */
  readonly results: readonly string[];
}

export function formOf(kernel: Kernel, split: string | undefined): Form {
  const places: Node[] = [];
  const results: string[] = [];
  const numbers = new Map<Node, number>();
  const axes = new Map<string, number>();
  const lines: string[] = [];
  const axisNumber = (name: string): number => {
    const known = axes.get(name) ?? axes.size;
    axes.set(name, known);
    return known;
  };
  const printAxes = (list: readonly Axis[]) =>
    list.map(({ name, size }) => `${axisNumber(name)}:${size}`).join(",");
  const place = (node: Node): number => {
    const known = places.indexOf(node);
    return known >= 0 ? known : places.push(node) - 1;
  };
  const members = new Set(kernel.nodes);

  /** Names a value that comes from outside by how it is addressed. */
  const external = (node: Node): string => {
    const { value } = node.attributes;
    if (value !== undefined) return `${node.dtype}#${Object.is(value, -0) ? "-0" : value}`;
    if (rowOf(node.op).kind === "index") return `index ${printAxes(node.axes)}`;
    return `${node.dtype} ${address(accessOf(node))}`;
  };
  const address = ({ base, offset, strides, clamps, rows }: Access): string => {
    const steps = [...strides].map(([name, by]) => {
      const clamp = clamps.get(name);
      const within = clamp ? `+${clamp.shift} in ${clamp.low}..${clamp.high}` : "";
      return `${axisNumber(name)}${within}*${by}`;
    });
    if (offset !== 0) steps.push(`from ${offset}`);
    const gathered = rows ? ` rows of ${rows.size} at ${address(rows.indices)}` : "";
    return `${base.op} ${place(base)} ${steps}${gathered}`;
  };
  const value = (node: Node): string => {
    const known = numbers.get(node);
    if (known !== undefined) return `%${known}`;
    return `(${external(node)})`;
  };
  const printTarget = (node: Node, target: Target): string => {
    if (target.kind === "result") {
      results.push(target.name);
      return `result ${results.length - 1} ${node.dtype} ${printAxes(target.axes)}`;
    }
    const where = target.kind === "variable" ? target.variable : target.node;
    return `place ${place(where)} ${where.dtype} ${printAxes(axesInMemory(where))}`;
  };

  lines.push(`${kernel.kind} ${printAxes(kernel.outer)};${printAxes(kernel.inner)}`);
  if (split !== undefined) lines.push(`split ${axisNumber(split)}`);
  if (kernel.slices) lines.push(`slices ${printAxes([kernel.slices])}`);
  const define = (node: Node, inputs: string) => {
    numbers.set(node, numbers.size);
    const { over, cuts, into } = node.attributes;
    // With their sizes: nothing else in the text says how far a reduction goes.
    const gone = over?.map((name) => node.inputs[0]!.axes.find((axis) => axis.name === name)!);
    const reduced = gone ? ` over ${printAxes(gone)}` : "";
    const merged = into ? ` into ${into.size}` : "";
    const sliced = cuts ? ` cut ${cuts}` : "";
    lines.push(
      `${node.op}${reduced}${merged}${sliced} ${inputs} ${node.dtype} ${printAxes(node.axes)}`,
    );
  };
  const { anchor } = kernel;
  const isColumns = kernel.kind === "columns";
  if (anchor && kernel.partial) define(anchor, value(kernel.partial));
  else if (anchor && !isColumns) define(anchor, anchor.inputs.map(value).join(" "));
  // A column reduction stands in the middle of its own kernel's nodes.
  const visit = (node: Node) => {
    if (numbers.has(node) || (!members.has(node) && node !== anchor)) return;
    for (const input of node.inputs) visit(input);
    define(node, node.inputs.map(value).join(" "));
  };
  if (anchor && isColumns) visit(anchor);
  for (const node of kernel.nodes) visit(node);
  for (const { node, target } of kernel.stores)
    lines.push(`store ${value(node)} ${printTarget(node, target)}`);
  return { text: lines.join("\n"), places, results };
}
