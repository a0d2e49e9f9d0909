/**
 * How positions on the outside of a tensor become named axes on the inside: aligning, reshaping,
 * cutting and growing, as nodes of the graph.
 */
import { ShapeError } from "../base/errors.ts";
import { formatShape, type Shape } from "../base/shape.ts";
import type { Graph } from "../ir/graph.ts";
import { type Axis, axisNames, hasAxis, type Node } from "../ir/node.ts";

/** An axis of the node, or `undefined` where the size is 1. */
export type Dimension = Axis | undefined;

/** A node, and which of its axes stands at which position. */
export interface Placed {
  readonly node: Node;
  readonly dimensions: readonly Dimension[];
}

/** `value` with all of `axes`, which it may lack by being the same along them. */
function spreadOver(graph: Graph, value: Node, axes: readonly Axis[]): Node {
  return axes
    .filter((axis) => !hasAxis(value.axes, axis.name))
    .reduce((node, axis) => {
      const index = graph.make("index", [], { axes: [axis] });
      const there = graph.make("equal", [index, index]);
      return graph.make("select", [there, node, node]);
    }, value);
}

/**
 * `tensor` with its axes named as those of `target` (aligned at the end); axes that meet nothing
 * there get a new name where `beside` has theirs.
 */
export function alignTo(
  graph: Graph,
  tensor: Placed,
  beside: Placed,
  target: readonly Dimension[],
): Placed {
  const names = new Map<string, string>();
  const fresh = new Map<string, Axis>();
  const offset = target.length - tensor.dimensions.length;
  const dimensions = tensor.dimensions.map((dimension, i) => {
    if (!dimension) return undefined;
    const met = target[i + offset];
    if (met && met.size === dimension.size) {
      names.set(dimension.name, met.name);
      return met;
    }
    const taken = beside.dimensions.some((other) => other?.name === dimension.name);
    if (!taken) return dimension;
    const axis = graph.axis(dimension.size);
    fresh.set(dimension.name, axis);
    names.set(dimension.name, axis.name);
    return axis;
  });
  const needed = [...names].filter(([from, to]) => from !== to && hasAxis(tensor.node.axes, from));
  const node =
    needed.length > 0 ? graph.make("rename", [tensor.node], { names: needed }) : tensor.node;
  return { node, dimensions };
}

/** The dimensions of two aligned tensors together; throws a ShapeError where sizes clash. */
export function broadcastDimensions(
  a: readonly Dimension[],
  b: readonly Dimension[],
  who: string,
): Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const left = a[i - rank + a.length];
    const right = b[i - rank + b.length];
    if (left && right && left.name !== right.name) {
      const shapes = [a, b].map((dims) => formatShape(dims.map((d) => d?.size ?? 1)));
      throw new ShapeError({
        who,
        expected: "shapes that broadcast (equal sizes, or 1, counted from the end)",
        received: shapes.join(" and "),
      });
    }
    return left ?? right;
  });
}

/** The same numbers, row-major, in a shape of as many elements. */
export function reshape(graph: Graph, tensor: Placed, target: Shape): Placed {
  const all = tensor.dimensions.flatMap((dimension) => dimension ?? []);
  let node = spreadOver(graph, tensor.node, all);
  const dimensions: Dimension[] = target.map(() => undefined);
  const wanted = target.flatMap((size, position) => (size === 1 ? [] : [{ size, position }]));
  // Smallest groups of old and new dimensions with equal products.
  let from = 0;
  let to = 0;
  while (from < all.length || to < wanted.length) {
    const olds = [all[from++]!];
    const news = [wanted[to++]!];
    const product = (list: readonly { size: number }[]) =>
      list.reduce((n, { size }) => n * size, 1);
    while (product(olds) !== product(news)) {
      if (product(olds) < product(news)) olds.push(all[from++]!);
      else news.push(wanted[to++]!);
    }
    let axis = olds[0]!;
    if (olds.length > 1) {
      axis = graph.axis(product(olds));
      node = graph.make("merge", [node], { over: axisNames(olds), into: axis });
    }
    let parts = [axis];
    if (news.length > 1) {
      parts = news.map(({ size }) => graph.axis(size));
      node = graph.make("split", [node], { axis: axis.name, axes: parts });
    }
    for (const [i, { position }] of news.entries()) dimensions[position] = parts[i];
  }
  return { node, dimensions };
}

/** `size` positions of one dimension from `from` on. */
export function sliced(
  graph: Graph,
  { node, dimensions }: Placed,
  position: number,
  from: number,
  size: number,
): Placed {
  const axis = dimensions[position]!;
  const into = size === 1 ? undefined : graph.axis(size);
  // A value that is the same along the axis stays what it is.
  const cut = hasAxis(node.axes, axis.name)
    ? graph.make("slice", [node], { axis: axis.name, ...(into && { into }), from })
    : node;
  return { node: cut, dimensions: dimensions.with(position, into) };
}

/** One dimension as `into`, in which it begins at position `from`, with zeros elsewhere. */
export function padded(
  graph: Graph,
  { node, dimensions }: Placed,
  position: number,
  into: Axis,
  from: number,
): Placed {
  const axis = dimensions[position];
  const whole = axis ? spreadOver(graph, node, [axis]) : node;
  const attributes = { ...(axis && { axis: axis.name }), into, from };
  return {
    node: graph.make("pad", [whole], attributes),
    dimensions: dimensions.with(position, into),
  };
}
