/**
 * Random valid computations and numbers for their leaves: what passes and devices are compared on.
 * A case is a function of its seed and options alone.
 */
import type { Computation, Result, Update } from "../src/ir/graph.ts";
import type { ReadLeaf } from "../src/ir/interpret.ts";
import { type Axis, hasAxis, type Node, sizeOfAxes, topological } from "../src/ir/node.ts";
import { Garden, type LeafValue, type RandomOptions } from "./random/garden.ts";
import { growths } from "./random/growths.ts";

export { type Comparison, compareWithin, type Failure } from "./random/compare.ts";
export type { LeafValue, RandomOptions };

export interface RandomCase {
  readonly seed: number;
  readonly computation: Computation;
  /** By the name of the leaf. */
  readonly values: ReadonlyMap<string, LeafValue>;
  /** The same, as the interpreter takes it. */
  readonly read: ReadLeaf;
}

/** The random computation of a seed. */
export function randomComputation(seed: number, options: RandomOptions = {}): RandomCase {
  const garden = new Garden(seed, options);
  const { draw, graph } = garden;
  const [fewest, most] = options.nodes ?? [3, 25];
  const target = fewest + draw.below(most - fewest + 1);
  for (let i = 1 + draw.below(3); i > 0; i--) {
    const axes = garden.shape();
    const op = draw.pick(["input", "variable"] as const);
    garden.leaf(op, "float32", axes, garden.floats(sizeOfAxes(axes)));
  }
  const weights = growths.map(([weight]) => weight);
  const made = new Set<Node>();
  // Ops that do not fit what is there grow nothing; a garden that stays too small is given up.
  for (let tries = 0; tries < 200 && graph.size < target; tries++) {
    const node = growths[draw.weighted(weights)][1](garden);
    if (node) made.add(node);
  }
  const computation = finish(garden, [...made]);
  const { values } = garden;
  return { seed, computation, values, read: (leaf) => values.get(leaf.attributes.name!)! };
}

/** What nobody uses becomes a result or an update; and now and then what somebody uses. */
function finish(garden: Garden, made: readonly Node[]): Computation {
  const { draw } = garden;
  const used = new Set(topological(made).flatMap((node) => node.inputs));
  const outputs = made.filter((node) => !used.has(node) || draw.chance(0.1));
  const results: Result[] = [];
  const updates: Update[] = [];
  for (const node of outputs.length > 0 ? outputs : [garden.some("float32")!]) {
    const numeric = node.dtype === "float32" || node.dtype === "uint32";
    if (numeric && draw.chance(0.3)) {
      const variable = variableFor(garden, node, updates);
      updates.push({ variable, value: node });
    } else {
      const axes = draw.shuffled([...node.axes, ...extra(garden, node)]);
      results.push({ name: `result${results.length}`, node, axes });
    }
  }
  return { results, updates };
}

/** A variable that can hold the node: one that the graph reads, or one only for this value. */
function variableFor(garden: Garden, node: Node, updates: readonly Update[]): Node {
  const fits = (other: Node) =>
    other.op === "variable" &&
    node.axes.every((axis) => hasAxis(other.axes, axis.name)) &&
    updates.every((update) => update.variable !== other);
  const known = garden.some(node.dtype, fits);
  if (known) return known;
  const axes = garden.draw.shuffled([...node.axes, ...extra(garden, node)]);
  const size = sizeOfAxes(axes);
  const data = node.dtype === "uint32" ? new Uint32Array(size) : garden.floats(size);
  return garden.leaf("variable", node.dtype, axes, data);
}

/** Sometimes one axis that the node does not have, along which it is repeated. */
function extra(garden: Garden, node: Node): Axis[] {
  const axis = garden.draw.pick(garden.axes);
  const fits = !hasAxis(node.axes, axis.name) && garden.small(node.axes, [axis]);
  return fits && garden.draw.chance(0.2) ? [axis] : [];
}
