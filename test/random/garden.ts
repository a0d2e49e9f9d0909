/** A random graph under way: what the growths add to. */
import type { DType, TypedArray } from "../../src/base/dtype.ts";
import { Graph } from "../../src/ir/graph.ts";
import { type Axis, type Node, sizeOfAxes } from "../../src/ir/node.ts";
import { Draw } from "./draw.ts";

export interface RandomOptions {
  /** Fewest and most nodes (patterns of several may go a little beyond). Default: [3, 25]. */
  readonly nodes?: readonly [number, number];
  /** Largest axis. Default: 70. */
  readonly largest?: number;
  /** Most elements of a value. Default: 4000. */
  readonly elements?: number;
}

/** Numbers of a leaf in its dtype, row-major in its axes (of a table: rows, then its axes). */
export type LeafValue = TypedArray | { readonly rows: number; readonly data: TypedArray };

/** Nodes made so far, with what is needed to make more that fit. */
export class Garden {
  readonly graph = new Graph();
  readonly draw: Draw;
  readonly axes: Axis[] = [];
  readonly values = new Map<string, LeafValue>();
  /** Rough magnitude of float32 values, by which they are kept in a sane range. */
  readonly #magnitudes = new Map<Node, number>();
  readonly #nodes: Node[] = [];
  readonly #elements: number;
  readonly #largest: number;

  constructor(seed: number, { elements = 4000, largest = 70 }: RandomOptions) {
    this.draw = new Draw(seed);
    this.#elements = elements;
    this.#largest = largest;
    for (let i = 2 + this.draw.below(3); i > 0; i--) this.axis();
  }

  /** A new axis: a multiple of 16, an odd number, or anything. */
  axis(size = this.#size()): Axis {
    const axis = this.graph.axis(size);
    this.axes.push(axis);
    return axis;
  }

  /** Some node of that dtype, if there is one; the later, the likelier. */
  some(dtype: DType, fits: (node: Node) => boolean = () => true): Node | undefined {
    const nodes = this.#nodes.filter((node) => node.dtype === dtype && fits(node));
    if (nodes.length === 0) return undefined;
    return nodes[Math.floor(this.draw.uniform() ** 0.5 * nodes.length)];
  }

  /** Whether values with all these axes, each once, are small enough. */
  small(...lists: readonly (readonly Axis[])[]): boolean {
    const all = new Map(lists.flat().map((axis) => [axis.name, axis]));
    return sizeOfAxes([...all.values()]) <= this.#elements;
  }

  /** Makes a node, without offering it to others. */
  make(op: string, inputs: readonly Node[], attributes: Node["attributes"] = {}): Node {
    return this.graph.make(op, inputs, attributes);
  }

  float(value: number): Node {
    return this.graph.constant(value, "float32");
  }

  magnitude(node: Node): number {
    return this.#magnitudes.get(node) ?? 2;
  }

  /** Offers a node to others; a float32 one of this magnitude is scaled down where it is large. */
  keep(node: Node, magnitude = 2): Node {
    const scale = node.dtype === "float32" && magnitude > 8 ? 4 / magnitude : 1;
    const kept = scale < 1 ? this.make("multiply", [node, this.float(scale)]) : node;
    this.#magnitudes.set(kept, magnitude * scale);
    if (!this.#nodes.includes(kept)) this.#nodes.push(kept);
    return kept;
  }

  /** A leaf with numbers for it, offered to others. */
  leaf(op: "input" | "variable", dtype: DType, axes: readonly Axis[], data: TypedArray): Node {
    const name = `${op}${this.values.size}`;
    this.values.set(name, data);
    return this.keep(this.make(op, [], { name, dtype, axes }));
  }

  /** Up to three axes that are small enough together. */
  shape(): Axis[] {
    const axes: Axis[] = [];
    for (const axis of this.draw.shuffled(this.axes))
      if (axes.length < 3 && this.draw.chance(0.7) && this.small(axes, [axis])) axes.push(axis);
    return axes;
  }

  /** Float32 numbers of moderate size; some are whole, some 0. */
  floats(size: number): Float32Array {
    const whole = this.draw.chance(0.2);
    const sparse = this.draw.chance(0.2);
    return Float32Array.from({ length: size }, () => {
      const x = this.draw.uniform() * 4 - 2;
      if (sparse && this.draw.chance(0.5)) return 0;
      return whole ? Math.round(x) : x;
    });
  }

  #size(): number {
    const kind = this.draw.uniform();
    const { below } = this.draw;
    const size = kind < 0.4 ? 16 * (1 + below(4)) : kind < 0.7 ? 2 * below(35) + 1 : 1 + below(70);
    return Math.min(size, this.#largest);
  }
}
