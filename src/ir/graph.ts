/** A graph under construction, and the finished computation that a device runs. */
import type { DType } from "../base/dtype.ts";
import { type Attributes, type Axis, GraphError, type Maker, type Node } from "./node.ts";
import { rowOf } from "./ops.ts";

/** The nodes of one trace, hash-consed: the same op on the same inputs is the same object. */
export class Graph implements Maker {
  readonly #nodes = new Map<string, Node>();
  #axes = 0;

  /** How many different nodes were made. */
  get size(): number {
    return this.#nodes.size;
  }

  axis(size: number): Axis {
    return { name: `a${this.#axes++}`, size };
  }

  constant(value: number, dtype: DType): Node {
    return this.make("constant", [], { value, dtype });
  }

  /** The node for `op` on `inputs`, checked by the op's row. */
  make(op: string, inputs: readonly Node[], attributes: Attributes = none): Node {
    let key = op;
    for (const input of inputs) key += ` ${input.id}`;
    key += ` ${keyOf(attributes)}`;
    const known = this.#nodes.get(key);
    if (known) return known;
    const row = rowOf(op);
    if (row.inputs !== inputs.length)
      throw new GraphError({
        who: op,
        expected: `${row.inputs} inputs`,
        received: `${inputs.length}`,
      });
    const { dtype, axes } = row.type(op, inputs, attributes);
    const node: Node = { id: this.#nodes.size, op, dtype, axes, inputs, attributes };
    this.#nodes.set(key, node);
    return node;
  }
}

/** One step of work: what it hands to the host, and what it leaves behind in variables. */
export interface Computation {
  readonly results: readonly Result[];
  readonly updates: readonly Update[];
}

/** A value that the host reads after the step, in row-major order of `axes`. */
export interface Result {
  readonly name: string;
  readonly node: Node;
  /** All axes of the value as the host sees it; one that the node lacks is repeated. */
  readonly axes: readonly Axis[];
}

/** After the step, `variable` (a `variable` leaf) holds `value`. All updates happen at once. */
export interface Update {
  readonly variable: Node;
  readonly value: Node;
}

export const rootsOf = (computation: Computation): Node[] => [
  ...computation.results.map((result) => result.node),
  ...computation.updates.flatMap((update) => [update.variable, update.value]),
];

/** The same computation with each root mapped; a variable leaf must map to a variable leaf. */
export const mapRoots = (computation: Computation, map: (node: Node) => Node): Computation => ({
  results: computation.results.map((result) => ({ ...result, node: map(result.node) })),
  updates: computation.updates.map((update) => ({
    variable: map(update.variable),
    value: map(update.value),
  })),
});

/** Most nodes have no attributes. */
const none: Attributes = {};

const keys = new WeakMap<Attributes, string>();

/** Attributes as text; passes hand the same objects on, so each is written once. */
function keyOf(attributes: Attributes): string {
  const known = keys.get(attributes);
  if (known !== undefined) return known;
  const { value, name, dtype, axes, over, names, into, axis, from, cuts } = attributes;
  const axisKey = (a: Axis) => `${a.name}:${a.size}`;
  const parts: string[] = [];
  if (value !== undefined) parts.push(`value ${Object.is(value, -0) ? "-0" : value}`);
  if (name !== undefined) parts.push(`name ${name}`);
  if (dtype !== undefined) parts.push(dtype);
  if (axes !== undefined) parts.push(`axes ${axes.map(axisKey)}`);
  if (over !== undefined) parts.push(`over ${over}`);
  if (names !== undefined) parts.push(`names ${names.map(([from, to]) => `${from}>${to}`)}`);
  if (into !== undefined) parts.push(`into ${axisKey(into)}`);
  if (axis !== undefined) parts.push(`axis ${axis}`);
  if (from !== undefined) parts.push(`from ${from}`);
  if (cuts !== undefined) parts.push(`cuts ${cuts}`);
  const key = parts.join(";");
  keys.set(attributes, key);
  return key;
}
