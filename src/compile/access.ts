/** How a value is addressed: through views, down to what lies in memory. */
import { bytesOf } from "../base/dtype.ts";
import { type Axis, type Node, sizeOfAxes } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import { type Layout, layoutOf } from "./layout.ts";

/** The element at indices i: base + sum(i[axis] * strides[axis]) elements (+ row of a table). */
export interface Access {
  /** A leaf, or a computed value that is kept in memory. */
  readonly base: Node;
  /** Elements between neighbours along each axis; an axis that is missing does not move it. */
  readonly strides: ReadonlyMap<string, number>;
  /** Bytes of an element in memory. */
  readonly width: number;
  /** A gather: the row number is the value there, and a row has so many elements. */
  readonly rows: { readonly indices: Access; readonly size: number } | undefined;
}

/** Where a value is written. */
export interface StoreAccess extends Access {
  /** The axis along which a full vector may run over the end, into padding. */
  readonly padded: string | undefined;
}

const layouts = new WeakMap<Node, Layout>();
const arrangements = new WeakMap<Node, readonly Axis[]>();

/** Lays a kept value out in this order of its axes: that of the loops which write it. */
export const arrange = (node: Node, axes: readonly Axis[]): void => {
  arrangements.set(node, axes);
  layouts.delete(node);
};

/** The axes of a leaf or kept value as they lie in memory, outermost first. */
export const axesInMemory = (node: Node): readonly Axis[] => arrangements.get(node) ?? node.axes;

/** The layout of a leaf or a kept value. */
export function layoutOfNode(node: Node): Layout {
  const sizes = axesInMemory(node).map((axis) => axis.size);
  const known = layouts.get(node) ?? layoutOf(sizes, node.dtype);
  layouts.set(node, known);
  return known;
}

/** Whether a view can be read where its base lies, without a copy. */
export const isAddressable = (view: Node): boolean => viewed(view) !== undefined;

/** The access of a leaf, a gather, a kept value or a view of one; a copied view is a kept value. */
export const accessOf = (node: Node): Access => viewed(node) ?? placed(node);

/** Where a kernel that loops over the axes of `place` writes. */
export const storeAccess = (place: Node): StoreAccess => placed(place);

/** The same for a kernel that copies a view, and so loops over the axes of the view's input. */
export function regrouped(access: StoreAccess, { inputs: [input], attributes }: Node): StoreAccess {
  const { over, into } = attributes;
  const strides = new Map(access.strides);
  const stride = strides.get(into!.name)!;
  strides.delete(into!.name);
  spread(strides, axesNamed(input!, over!), stride);
  return { ...access, strides, padded: undefined };
}

/** A field of an input or result record, laid out for these axes. */
export function fieldAccess(base: Node, axes: readonly Axis[], layout: Layout): StoreAccess {
  const strides = new Map(axes.map((axis, i) => [axis.name, layout.strides[i]!]));
  return { base, strides, width: bytesOf(base.dtype), rows: undefined, padded: axes.at(-1)?.name };
}

const placed = (node: Node): StoreAccess =>
  fieldAccess(node, axesInMemory(node), layoutOfNode(node));

/** A view or gather read where it lies; undefined where the axes do not lie so that this works. */
function viewed(node: Node): Access | undefined {
  const { kind } = rowOf(node.op);
  if (kind === "gather") {
    const [table, indices] = node.inputs as [Node, Node];
    const strides = new Map<string, number>();
    spread(strides, table.axes, 1);
    const rows = { indices: accessOf(indices), size: sizeOfAxes(table.axes) };
    return { base: table, strides, width: bytesOf(table.dtype), rows };
  }
  if (kind !== "view") return placed(node);
  const [input] = node.inputs as [Node];
  const below = accessOf(input);
  const { names, over, into, axis, axes } = node.attributes;
  if (names) return renamed(below, new Map(names));
  if (axis) return divided(below, axis, axes!);
  const strides = new Map(below.strides);
  const merged = axesNamed(input, over!);
  const innermost = strides.get(merged.at(-1)!.name);
  if (innermost === undefined) return undefined;
  const wanted = new Map<string, number>();
  spread(wanted, merged, innermost);
  for (const { name } of merged) {
    if (strides.get(name) !== wanted.get(name)) return undefined;
    strides.delete(name);
  }
  strides.set(into!.name, innermost);
  return { ...below, strides };
}

function renamed(access: Access, names: ReadonlyMap<string, string>): Access {
  const { rows } = access;
  const strides = [...access.strides].map(([name, by]) => [names.get(name) ?? name, by] as const);
  return {
    ...access,
    strides: new Map(strides),
    rows: rows && { ...rows, indices: renamed(rows.indices, names) },
  };
}

function divided(access: Access, axis: string, parts: readonly Axis[]): Access {
  const { rows } = access;
  const strides = new Map(access.strides);
  const stride = strides.get(axis);
  strides.delete(axis);
  if (stride !== undefined) spread(strides, parts, stride);
  return {
    ...access,
    strides,
    rows: rows && { ...rows, indices: divided(rows.indices, axis, parts) },
  };
}

function axesNamed(node: Node, names: readonly string[]): Axis[] {
  return names.map((name) => node.axes.find((axis) => axis.name === name)!);
}

/** Row-major strides for `axes`, the last one `innermost` apart. */
function spread(strides: Map<string, number>, axes: readonly Axis[], innermost: number): void {
  let stride = innermost;
  for (const axis of [...axes].reverse()) {
    strides.set(axis.name, stride);
    stride *= axis.size;
  }
}
