/** Rows that move no number: other names, other axes, rows of a table. */
import { type Axis, axisNames, hasAxis, type Maker, type Node } from "./node.ts";
import { fail, type NodeType, type OpRow, select, sizeOf } from "./row.ts";

export const views = {
  /** The same value with other axis names. */
  rename: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { names = [] }) => {
      const map = new Map(names);
      const axes = inputs[0]!.axes.map((axis) => ({
        ...axis,
        name: map.get(axis.name) ?? axis.name,
      }));
      if (new Set(axisNames(axes)).size !== axes.length) fail(op, "different axis names", inputs);
      return { dtype: inputs[0]!.dtype, axes };
    },
    gradient: (make, { attributes }, g) => {
      const back = attributes.names!.map(([from, to]) => [to, from] as const);
      const names = back.filter(([name]) => hasAxis(g.axes, name));
      return [names.length > 0 ? make.make("rename", [g], { names }) : g];
    },
    cost: 0,
  },
  /** Several axes as one, row-major in the order of `over`; it stands where the first one stood. */
  merge: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { over = [], into }) => {
      const [input] = inputs;
      const size = over.reduce((n, name) => n * sizeOf(op, inputs, name), 1);
      if (size !== into!.size) fail(op, `an axis of size ${size}`, inputs);
      const axes = input!.axes
        .filter((axis) => axis.name === over[0] || !over.includes(axis.name))
        .map((axis) => (axis.name === over[0] ? into! : axis));
      return { dtype: input!.dtype, axes };
    },
    gradient: (make, { inputs: [input], attributes: { over, into } }, g) => {
      if (!hasAxis(g.axes, into!.name)) return [g];
      const axes = over!.map((name) => input!.axes.find((axis) => axis.name === name)!);
      return [make.make("split", [g], { axis: into!.name, axes })];
    },
    cost: 0,
  },
  /** One axis as several, row-major. */
  split: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { axis, axes = [] }) => {
      const size = axes.reduce((n, part) => n * part.size, 1);
      if (size !== sizeOf(op, inputs, axis!)) fail(op, `axes of size ${size}`, inputs);
      return {
        dtype: inputs[0]!.dtype,
        axes: inputs[0]!.axes.flatMap((old) => (old.name === axis ? axes : [old])),
      };
    },
    gradient: (make, node, g) => {
      const { axis, axes = [] } = node.attributes;
      const into = node.inputs[0]!.axes.find((old) => old.name === axis)!;
      const there = axes.filter((part) => hasAxis(g.axes, part.name));
      if (there.length === 0) return [g];
      // A gradient that is the same along some of the parts is spread over them first.
      const full = make.make("add", [g, spread(make, axes)]);
      return [make.make("merge", [full], { over: axisNames(axes), into })];
    },
    cost: 0,
  },
  /** A part of one axis: `into` positions from `from` on, or (without `into`) the one position. */
  slice: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { axis, into, from }) => {
      const size = sizeOf(op, inputs, axis!);
      if (!(from! >= 0 && from! + (into?.size ?? 1) <= size))
        fail(op, `positions below ${size} of axis ${axis}`, inputs);
      return replaced(inputs[0]!, axis!, into);
    },
    source: (position, { from }) => from! + position,
    simplify: partOfChoice,
    gradient: (make, { inputs: [input], attributes: { axis, into, from } }, g) => {
      const whole = input!.axes.find(({ name }) => name === axis)!;
      // A gradient that is the same along the part is spread over it first.
      const part = into && !hasAxis(g.axes, into.name) ? spreadOver(make, g, into) : g;
      const attributes = { ...(into && { axis: into.name }), into: whole, from: from! };
      return [make.make("pad", [part], attributes)];
    },
    cost: 0,
  },
  /**
   * The input along `axis` from position `from` of `into` on (without `axis`: at that position), and
   * 0 elsewhere.
   */
  pad: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { axis, into, from }) => {
      const size = axis === undefined ? 1 : sizeOf(op, inputs, axis);
      if (!(from! >= 0 && from! + size <= into!.size))
        fail(op, `an axis of at least ${from! + size} positions from 0 on`, inputs);
      return axis === undefined ? grown(op, inputs, into!) : replaced(inputs[0]!, axis, into);
    },
    source: (position, { from }, size) =>
      position >= from! && position < from! + size ? position - from! : undefined,
    gradient: (make, { inputs: [input], attributes: { axis, into, from } }, g) => {
      if (!hasAxis(g.axes, into!.name)) return [g];
      const part = input!.axes.find(({ name }) => name === axis);
      const attributes = { axis: into!.name, ...(part && { into: part }), from: from! };
      return [make.make("slice", [g], attributes)];
    },
    // Outside stands the nearest number, which is there to be read, until 0 takes its place.
    lower: (make, { inputs: [input], attributes, dtype }) => {
      const { axis, into, from } = attributes;
      const position = make.make("index", [], { axes: [into!] });
      const first = make.constant(from!, "uint32");
      const zero = make.constant(0, dtype);
      if (axis === undefined)
        return select(make, make.make("equal", [position, first]), input!, zero);
      const size = make.constant(sizeOf("pad", [input!], axis), "uint32");
      // Positions before the first wrap around, and are large.
      const isInside = make.make("less", [make.make("subtract", [position, first]), size]);
      const all = make.make("clampedSlice", [input!], { axis, into: into!, from: -from! });
      return select(make, isInside, all, zero);
    },
    cost: 3,
  },
  /**
   * A slice that may begin before the axis or end behind it: there it has the first or the last
   * number. Only what a `pad` is made of has it; it has no gradient.
   */
  clampedSlice: {
    kind: "view",
    inputs: 1,
    type: (op, inputs, { axis, into }) => {
      sizeOf(op, inputs, axis!);
      return replaced(inputs[0]!, axis!, into);
    },
    source: (position, { from }, size) => Math.min(Math.max(position + from!, 0), size - 1),
    cost: 0,
  },
  /** Rows of a table, chosen by uint32 indices below its number of rows. */
  gather: {
    kind: "gather",
    inputs: 2,
    type: (op, inputs) => {
      const [table, indices] = inputs;
      if (table!.op !== "table" || indices!.dtype !== "uint32")
        fail(op, "a table and uint32 indices", inputs);
      return { dtype: table!.dtype, axes: [...indices!.axes, ...table!.axes] };
    },
    gradient: () => [undefined, undefined],
    cost: 1,
  },
} as const satisfies Record<string, OpRow>;

/** The type of `input` with another axis, or none, where `axis` stands. */
const replaced = ({ dtype, axes }: Node, axis: string, into: Axis | undefined): NodeType => ({
  dtype,
  axes: axes.flatMap((old) => (old.name === axis ? (into ?? []) : [old])),
});

/** The type of the input with one more axis, the last. */
function grown(op: string, inputs: readonly Node[], into: Axis): NodeType {
  const [{ dtype, axes }] = inputs as [Node];
  if (hasAxis(axes, into.name)) fail(op, `no axis ${into.name} yet`, inputs);
  return { dtype, axes: [...axes, into] };
}

/**
 * A part of `position < c ? a : b` in which all positions are on one side is a part of `a` or `b`: so
 * the gradient of a concatenated tensor is a part of that of the whole.
 */
function partOfChoice(make: Maker, { inputs: [input], attributes }: Node): Node | undefined {
  const { axis, into, from } = attributes;
  const [condition, a, b] = input!.op === "select" ? input!.inputs : [];
  const [position, limit] = condition?.op === "less" ? condition.inputs : [];
  const end = limit?.attributes.value;
  if (position?.op !== "index" || position.axes[0]!.name !== axis || end === undefined)
    return undefined;
  const last = from! + (into?.size ?? 1);
  const side = last <= end ? a! : from! >= end ? b! : undefined;
  // A side that is the same along an axis of the choice would lack it.
  if (!side || !input!.axes.every(({ name }) => hasAxis(side.axes, name))) return undefined;
  return make.make("slice", [side], attributes);
}

/** `node` with one more axis, along which it is the same. */
function spreadOver(make: Maker, node: Node, axis: Axis): Node {
  const index = make.make("index", [], { axes: [axis] });
  const always = make.make("equal", [index, index]);
  return select(make, always, node, node);
}

/** Zero with the given axes. */
function spread(make: Maker, axes: readonly Axis[]): Node {
  const indices = axes.map((axis) => make.make("index", [], { axes: [axis] }));
  const sum = indices.reduce((a, b) => make.make("add", [a, b]));
  const float = make.make("cast", [sum], { dtype: "float32" });
  return make.make("multiply", [float, make.constant(0, "float32")]);
}
