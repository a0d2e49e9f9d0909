/** How a value is addressed: through views, down to what lies in memory. */
import { bytesOf } from "../base/dtype.ts";
import { type Axis, GraphError, type Node, sizeOfAxes } from "../ir/node.ts";
import { rowOf } from "../ir/ops.ts";
import { type Layout, layoutOf } from "./layout.ts";

/**
 * The element at indices i: base + offset + sum(i[axis] * strides[axis]) elements (+ row of a table); of
 * a clamped axis its position stands for i[axis].
 */
export interface Access {
  /** A leaf, or a computed value that is kept in memory. */
  readonly base: Node;
  /** Elements from the base to the element at indices 0: where slices begin. */
  readonly offset: number;
  /** Elements between neighbours along each axis; an axis that is missing does not move it. */
  readonly strides: ReadonlyMap<string, number>;
  /** Axes along which an index may lie outside of what there is to read. */
  readonly clamps: ReadonlyMap<string, Clamp>;
  /** Bytes of an element in memory. */
  readonly width: number;
  /** A gather: the row number is the value there, and a row has so many elements. */
  readonly rows: { readonly indices: Access; readonly size: number } | undefined;
}

/** The position that stands for an index: min(max(index + shift, low), high). */
export interface Clamp {
  readonly shift: number;
  readonly low: number;
  readonly high: number;
}

const noClamps: ReadonlyMap<string, Clamp> = new Map();

const clamped = ({ shift, low, high }: Clamp, index: number): number =>
  Math.min(Math.max(index + shift, low), high);

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
  const padded = axes.at(-1)?.name;
  return { ...plainAccess(base, strides), width: bytesOf(base.dtype), padded };
}

/** Four bytes an element, from the base on: what lies in scratch memory has it too. */
export const plainAccess = (base: Node, strides: ReadonlyMap<string, number>): Access => ({
  base,
  offset: 0,
  strides,
  clamps: noClamps,
  width: 4,
  rows: undefined,
});

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
    return { ...plainAccess(table, strides), width: bytesOf(table.dtype), rows };
  }
  if (kind !== "view") return placed(node);
  const [input] = node.inputs as [Node];
  const below = accessOf(input);
  const { names, over, into, axis, axes } = node.attributes;
  if (names) return renamed(below, new Map(names));
  if (axes) return divided(below, axis!, axes);
  if (axis) return moved(below, node);
  const strides = new Map(below.strides);
  const merged = axesNamed(input, over!);
  const innermost = strides.get(merged.at(-1)!.name);
  if (innermost === undefined) return undefined;
  const wanted = new Map<string, number>();
  spread(wanted, merged, innermost);
  for (const { name } of merged) {
    if (strides.get(name) !== wanted.get(name) || below.clamps.has(name)) return undefined;
    strides.delete(name);
  }
  strides.set(into!.name, innermost);
  return { ...below, strides };
}

function renamed(access: Access, names: ReadonlyMap<string, string>): Access {
  const { rows } = access;
  const inNewNames = <T>(map: ReadonlyMap<string, T>) =>
    new Map([...map].map(([name, value]) => [names.get(name) ?? name, value] as const));
  return {
    ...access,
    strides: inNewNames(access.strides),
    clamps: inNewNames(access.clamps),
    rows: rows && { ...rows, indices: renamed(rows.indices, names) },
  };
}

/** A slice: an offset; where it leaves what there is, a clamp. */
function moved(access: Access, view: Node): Access {
  const { axis, into, from } = view.attributes as { axis: string; into?: Axis; from: number };
  const strides = new Map(access.strides);
  const clamps = new Map(access.clamps);
  const stride = strides.get(axis);
  const below = clamps.get(axis);
  strides.delete(axis);
  clamps.delete(axis);
  let { offset } = access;
  if (stride !== undefined) {
    const last = view.inputs[0]!.axes.find(({ name }) => name === axis)!.size - 1;
    const isInside = from >= 0 && from + (into?.size ?? 1) - 1 <= last;
    const clamp = isInside
      ? below && { ...below, shift: below.shift + from }
      : clampOf(from, last, below);
    if (into) strides.set(into.name, stride);
    if (!clamp) offset += from * stride;
    else if (into) clamps.set(into.name, clamp);
    else offset += clamped(clamp, 0) * stride;
  }
  const { rows } = access;
  return {
    ...access,
    offset,
    strides,
    clamps,
    rows: rows && { ...rows, indices: moved(rows.indices, view) },
  };
}

/** An index plus `from`, within 0 and `last`, and then what stands for it below: one clamp as well. */
function clampOf(from: number, last: number, below: Clamp | undefined): Clamp {
  if (!below) return { shift: from, low: 0, high: last };
  return { shift: from + below.shift, low: clamped(below, 0), high: clamped(below, last) };
}

function divided(access: Access, axis: string, parts: readonly Axis[]): Access {
  const { rows } = access;
  const strides = new Map(access.strides);
  const stride = strides.get(axis);
  // `passes/rules.ts` sees to it.
  if (access.clamps.has(axis))
    throw new GraphError({ who: "split", expected: "an axis that is not clamped", received: axis });
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
