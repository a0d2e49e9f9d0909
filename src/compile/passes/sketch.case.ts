/** Small graphs for the tests of the passes. */
import type { DType } from "../../base/dtype.ts";
import { type Computation, Graph, type Result, type Update } from "../../ir/graph.ts";
import { type Axis, axisNames, type Node, topological } from "../../ir/node.ts";
import { print } from "../../ir/print.ts";
import type { Kernel } from "../kernel.ts";

export class Sketch {
  readonly graph = new Graph();
  readonly results: Result[] = [];
  readonly updates: Update[] = [];

  get computation(): Computation {
    return { results: this.results, updates: this.updates };
  }

  input(name: string, axes: readonly Axis[], dtype: DType = "float32"): Node {
    return this.graph.make("input", [], { name, dtype, axes });
  }

  variable(name: string, axes: readonly Axis[], dtype: DType = "float32"): Node {
    return this.graph.make("variable", [], { name, dtype, axes });
  }

  table(name: string, axes: readonly Axis[], dtype: DType = "float32"): Node {
    return this.graph.make("table", [], { name, dtype, axes });
  }

  float(value: number): Node {
    return this.graph.constant(value, "float32");
  }

  do(op: string, ...inputs: readonly Node[]): Node {
    return this.graph.make(op, inputs);
  }

  sum(x: Node, ...over: readonly string[]): Node {
    return this.graph.make("sum", [x], { over });
  }

  max(x: Node, ...over: readonly string[]): Node {
    return this.graph.make("max", [x], { over });
  }

  contract(a: Node, b: Node, ...over: readonly string[]): Node {
    return this.graph.make("contract", [a, b], { over });
  }

  rename(x: Node, ...names: readonly (readonly [string, string])[]): Node {
    return this.graph.make("rename", [x], { names });
  }

  merge(x: Node, over: readonly string[], into: Axis): Node {
    return this.graph.make("merge", [x], { over, into });
  }

  split(x: Node, axis: string, axes: readonly Axis[]): Node {
    return this.graph.make("split", [x], { axis, axes });
  }

  /** Clamped where it leaves the axis. */
  slice(x: Node, axis: string, from: number, into?: Axis): Node {
    const { size } = x.axes.find(({ name }) => name === axis)!;
    const fits = from >= 0 && from + (into?.size ?? 1) <= size;
    return this.graph.make(fits ? "slice" : "clampedSlice", [x], {
      axis,
      ...(into && { into }),
      from,
    });
  }

  result(node: Node, axes: readonly Axis[] = node.axes): this {
    this.results.push({ name: `result${this.results.length}`, node, axes });
    return this;
  }

  update(variable: Node, value: Node): this {
    this.updates.push({ variable, value });
    return this;
  }
}

/** `a4 b16 ...`: axes by their names. */
export const axesOf = (sizes: string): Axis[] =>
  sizes === ""
    ? []
    : sizes.split(" ").map((text) => ({ name: text[0], size: Number(text.slice(1)) }));

/** A computation as text, without line numbers: one line an op in the order of the structure. */
export const opsOf = (computation: Computation): string[] =>
  topological([
    ...computation.results.map(({ node }) => node),
    ...computation.updates.map(({ value }) => value),
  ]).map((node) => node.op);

export { print };

/** A kernel in one line: kind, loops, what it computes and what it writes. */
export function line(kernel: Kernel): string {
  const loops = `[${axisNames(kernel.outer)};${axisNames(kernel.inner)}]`;
  const anchor = kernel.anchor ? [kernel.partial ? "partials" : kernel.anchor.op] : [];
  const ops = [...anchor, ...kernel.nodes.map((node) => node.op)].join(" ");
  const targets = kernel.stores.map(({ target }) => {
    if (target.kind === "result") return target.name;
    return target.kind === "variable"
      ? target.variable.attributes.name
      : `kept [${axisNames(target.node.axes)}]`;
  });
  return `${kernel.kind} ${loops} ${ops || "copy"} -> ${targets.join(", ")}`;
}
