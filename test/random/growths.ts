/** What random graphs are grown from: each entry adds one op, or a pattern of a few, that fits. */
import { type Axis, axisNames, hasAxis, type Node, sizeOfAxes } from "../../src/ir/node.ts";
import type { Garden } from "./garden.ts";

/** Adds to the garden and returns what it added; undefined where nothing there fits. */
type Growth = (garden: Garden) => Node | undefined;

/** Multiply-adds of a contraction at most. */
const work = 300_000;

const float = (g: Garden) => g.some("float32");

/** Two float32 values that broadcast to something small. */
function pair(g: Garden): [Node, Node] | undefined {
  const a = float(g);
  const b = a && g.some("float32", (node) => g.small(a.axes, node.axes));
  return a && b && [a, b];
}

const unary =
  (
    op: string,
    magnitude: (x: number) => number,
    prepare = (_: Garden, node: Node) => node,
  ): Growth =>
  (g) => {
    const x = float(g);
    return x && g.keep(g.make(op, [prepare(g, x)]), magnitude(g.magnitude(x)));
  };

const binary =
  (op: string, magnitude: (x: number, y: number) => number): Growth =>
  (g) => {
    const inputs = pair(g);
    if (!inputs) return undefined;
    const ordered = g.draw.chance(0.2) ? [inputs[0], g.float(g.draw.uniform() * 2 - 1)] : inputs;
    return g.keep(g.make(op, ordered), magnitude(g.magnitude(ordered[0]), g.magnitude(ordered[1])));
  };

/** A product with a term that broadcasts against it. */
const productAndTerm =
  (op: string): Growth =>
  (g) => {
    const inputs = pair(g);
    const term =
      inputs &&
      g.some("float32", (node) => g.small([...inputs[0].axes, ...inputs[1].axes], node.axes));
    if (!term) return undefined;
    const [a, b] = inputs;
    return g.keep(g.make(op, [a, b, term]), g.magnitude(a) * g.magnitude(b) + g.magnitude(term));
  };

const absolute = (g: Garden, node: Node) => g.make("absolute", [node]);
const awayFromZero = (by: number) => (g: Garden, node: Node) =>
  g.make("add", [absolute(g, node), g.float(by)]);
/** Times a number that puts no product on a whole or half number. */
const scaled = (g: Garden, node: Node) =>
  g.make("multiply", [node, g.float(1.37 + g.draw.uniform())]);

const divide: Growth = (g) => {
  const inputs = pair(g);
  if (!inputs) return undefined;
  const [a, b] = inputs;
  return g.keep(g.make("divide", [a, awayFromZero(0.4)(g, b)]), 2 * g.magnitude(a));
};

// -- leaves ---------------------------------------------------------------------------------------

const leaf: Growth = (g) => {
  const axes = g.shape();
  const op = g.draw.pick(["input", "variable"] as const);
  return g.leaf(op, "float32", axes, g.floats(sizeOfAxes(axes)));
};

const words: Growth = (g) => {
  const axes = g.shape();
  const limit = g.draw.pick([2 ** 32, 100]);
  const data = Uint32Array.from({ length: sizeOfAxes(axes) }, () => g.draw.below(limit));
  return g.leaf("input", "uint32", axes, data);
};

const index: Growth = (g) => {
  const node = g.keep(g.make("index", [], { axes: [g.draw.pick(g.axes)] }));
  return g.draw.chance(0.5) ? g.keep(g.make("cast", [node], { dtype: "float32" }), 70) : node;
};

/** Rows of bytes or floats, by indices from the host or by position. */
const gather: Growth = (g) => {
  const [batch, axis] = g.draw.shuffled(g.axes);
  if (!g.small([batch, axis])) return undefined;
  const bytes = g.draw.chance(0.5);
  const rows = batch.size + g.draw.below(20);
  const size = rows * axis.size;
  const data = bytes ? Uint8Array.from({ length: size }, () => g.draw.below(256)) : g.floats(size);
  const name = `table${g.values.size}`;
  g.values.set(name, { rows, data });
  const table = g.make("table", [], { name, dtype: bytes ? "uint8" : "float32", axes: [axis] });
  const chosen = Uint32Array.from({ length: batch.size }, () => g.draw.below(rows));
  const indices = g.draw.chance(0.8)
    ? g.leaf("input", "uint32", [batch], chosen)
    : g.make("index", [], { axes: [batch] });
  const node = g.make("gather", [table, indices]);
  return bytes ? g.keep(g.make("cast", [node], { dtype: "float32" }), 255) : g.keep(node);
};

// -- choice and bits ------------------------------------------------------------------------------

const compare: Growth = (g) => {
  const inputs = pair(g);
  if (!inputs || inputs[0] === inputs[1]) return undefined;
  // Numbers that are equal by construction are too close to call: one side is moved away.
  const moved = g.make("add", [inputs[1], g.float(g.draw.uniform() * 0.1)]);
  return g.keep(g.make(g.draw.pick(["less", "lessEqual"]), [inputs[0], moved]));
};

const compareWords: Growth = (g) => {
  const a = g.some("uint32");
  const b = a && g.some("uint32", (node) => g.small(a.axes, node.axes));
  return a && b && g.keep(g.make(g.draw.pick(["less", "lessEqual", "equal"]), [a, b]));
};

const combine: Growth = (g) => {
  const a = g.some("bool");
  const b = a && g.some("bool", (node) => g.small(a.axes, node.axes));
  return a && b && g.keep(g.make(g.draw.pick(["and", "or", "xor"]), [a, b]));
};

const select: Growth = (g) => {
  const condition = g.some("bool") ?? compare(g);
  const dtype = g.draw.chance(0.8) ? "float32" : "uint32";
  const a = condition && g.some(dtype, (node) => g.small(condition.axes, node.axes));
  const b = a && g.some(dtype, (node) => g.small(condition.axes, a.axes, node.axes));
  if (!b) return undefined;
  return g.keep(g.make("select", [condition, a, b]), Math.max(g.magnitude(a), g.magnitude(b)));
};

const maskToNumber: Growth = (g) => {
  const mask = g.some("bool");
  return mask && g.keep(g.make("cast", [mask], { dtype: "float32" }), 1);
};

const bits: Growth = (g) => {
  const a = g.some("uint32") ?? words(g)!;
  const b = g.some("uint32", (node) => g.small(a.axes, node.axes))!;
  const u = (value: number) => g.graph.constant(value, "uint32");
  const op = g.draw.pick([
    ...["add", "subtract", "multiply", "multiplyHigh", "and", "or", "xor", "minimum", "maximum"],
    ...["shiftLeft", "shiftRight"],
  ]);
  const second = op.startsWith("shift") ? u(g.draw.below(32)) : g.draw.chance(0.3) ? u(1e9) : b;
  return g.keep(g.make(op, [a, second]));
};

/** The upper 24 bits as a number in [0, 1), as random numbers are made. */
const uniform: Growth = (g) => {
  const node = g.some("uint32");
  if (!node) return undefined;
  const high = g.make("shiftRight", [node, g.graph.constant(8, "uint32")]);
  const whole = g.make("cast", [high], { dtype: "float32" });
  return g.keep(g.make("multiply", [whole, g.float(2 ** -24)]), 1);
};

/** To int32 and back by number; the bits of numbers that are exact. */
const throughInteger: Growth = (g) => {
  const x = float(g);
  if (!x) return undefined;
  const exact = x.inputs.length === 0;
  const i = (value: number) => g.graph.constant(value, "int32");
  if (exact && g.draw.chance(0.6)) {
    const word = g.make("bitcast", [x], { dtype: "int32" });
    const positive = g.make("and", [word, i(0x7fffffff)]);
    return g.keep(g.make("bitcast", [positive], { dtype: "float32" }), g.magnitude(x));
  }
  const whole = g.make("cast", [scaled(g, x)], { dtype: "int32" });
  const shifted = g.make("shiftRight", [g.make("add", [whole, i(-3)]), i(1)]);
  return g.keep(g.make("cast", [shifted], { dtype: "float32" }), 10);
};

// -- reductions and contractions ------------------------------------------------------------------

/** A non-empty part of the names of these axes. */
function part(g: Garden, axes: readonly Axis[]): string[] {
  const names = axisNames(g.draw.shuffled(axes));
  return names.slice(0, 1 + g.draw.below(names.length));
}

const reduce: Growth = (g) => {
  const dtype = g.draw.chance(0.9) ? "float32" : "uint32";
  const x = g.some(dtype, (node) => node.axes.length > 0);
  if (!x) return undefined;
  const over = part(g, x.axes);
  if (g.draw.chance(0.4)) return g.keep(g.make("max", [x], { over }), g.magnitude(x));
  const count = sizeOfAxes(x.axes.filter((axis) => over.includes(axis.name)));
  return g.keep(g.make("sum", [x], { over }), g.magnitude(x) * count ** 0.5);
};

/** e^(x - max) / sum, over one axis. */
const softmax: Growth = (g) => {
  const x = g.some("float32", (node) => node.axes.length > 0);
  if (!x) return undefined;
  const over = [g.draw.pick(x.axes).name];
  const shifted = g.make("subtract", [x, g.make("max", [x], { over })]);
  const e = g.make("exponential", [shifted]);
  return g.keep(g.make("divide", [e, g.make("sum", [e], { over })]), 1);
};

/** 1 where the largest number stands. */
const largest: Growth = (g) => {
  const x = g.some("float32", (node) => node.axes.length > 0 && node.inputs.length < 3);
  if (!x) return undefined;
  const over = part(g, x.axes);
  return g.keep(g.make("equal", [x, g.make("max", [x], { over })]));
};

const contract: Growth = (g) => {
  const a = g.some("float32", (node) => node.axes.length > 0);
  if (!a) return undefined;
  const b = g.draw.chance(0.6) ? weightsFor(g, a) : otherFactor(g, a);
  if (!b) return undefined;
  const shared = a.axes.filter((axis) => hasAxis(b.axes, axis.name));
  const over = part(g, shared);
  const kept = [...a.axes, ...b.axes].filter((axis) => !over.includes(axis.name));
  const reduced = shared.filter((axis) => over.includes(axis.name));
  const count = sizeOfAxes(reduced);
  if (!g.small(kept)) return undefined;
  const size = sizeOfAxes([...new Map(kept.map((axis) => [axis.name, axis])).values()]);
  if (size * count > work) return undefined;
  const cut = over.length === 1 && count > 3 && g.draw.chance(0.3);
  const middle = 1 + g.draw.below(count - 1);
  const attributes = cut ? { over, cuts: [0, middle, count] } : { over };
  const inputs = g.draw.chance(0.5) ? [a, b] : [b, a];
  const magnitude = g.magnitude(a) * g.magnitude(b) * count ** 0.5;
  return g.keep(g.make("contract", inputs, attributes), magnitude);
};

/** New numbers that share one or more axes with `a`, and mostly have one of their own. */
function weightsFor(g: Garden, a: Node): Node | undefined {
  const shared = g.draw.shuffled(a.axes).slice(0, 1 + g.draw.below(2));
  const own = g.draw.chance(0.8) ? [g.axis()] : [];
  const axes = g.draw.shuffled([...shared, ...own]);
  if (!g.small(axes)) return undefined;
  return g.leaf("variable", "float32", axes, g.floats(sizeOfAxes(axes)));
}

/** Something there is that shares an axis; one of the axes that both have may be told apart. */
function otherFactor(g: Garden, a: Node): Node | undefined {
  const shares = (node: Node) => node.axes.some((axis) => hasAxis(a.axes, axis.name));
  const b = g.some("float32", shares);
  if (!b || b.axes.length < 2 || g.draw.chance(0.3)) return b;
  const common = b.axes.filter((axis) => hasAxis(a.axes, axis.name));
  if (common.length < 2) return b;
  const { name, size } = g.draw.pick(common);
  return g.make("rename", [b], { names: [[name, g.axis(size).name]] });
}

// -- views ----------------------------------------------------------------------------------------

const rename: Growth = (g) => {
  const x = g.some("float32", (node) => node.axes.length > 0);
  if (!x) return undefined;
  const from = g.draw.pick(x.axes);
  const names = [[from.name, g.axis(from.size).name]] as const;
  return g.keep(g.make("rename", [x], { names }), g.magnitude(x));
};

const merge: Growth = (g) => {
  const x = g.some("float32", (node) => node.axes.length > 1);
  if (!x) return undefined;
  const axes = g.draw.shuffled(x.axes).slice(0, 2 + g.draw.below(2));
  const into = g.graph.axis(sizeOfAxes(axes));
  return g.keep(g.make("merge", [x], { over: axisNames(axes), into }), g.magnitude(x));
};

const split: Growth = (g) => {
  const x = g.some("float32", (node) => node.axes.some((axis) => factorOf(axis.size) > 1));
  if (!x) return undefined;
  const axis = g.draw.pick(x.axes.filter(({ size }) => factorOf(size) > 1));
  const first = factorOf(axis.size);
  const sizes = g.draw.shuffled([first, axis.size / first]);
  const axes = sizes.map((size) => g.graph.axis(size));
  return g.keep(g.make("split", [x], { axis: axis.name, axes }), g.magnitude(x));
};

/** A value of any dtype with an axis, mostly numbers. */
const withAxis = (g: Garden) =>
  g.some(
    g.draw.pick(["float32", "float32", "float32", "uint32", "bool"]),
    ({ axes }) => axes.length > 0,
  );

const slice: Growth = (g) => {
  const x = withAxis(g);
  if (!x) return undefined;
  const axis = g.draw.pick(x.axes);
  const size = 1 + g.draw.below(axis.size);
  const from = g.draw.below(axis.size - size + 1);
  const into = g.draw.chance(0.8) ? { into: g.axis(size) } : {};
  return g.keep(g.make("slice", [x], { axis: axis.name, ...into, from }), g.magnitude(x));
};

const pad: Growth = (g) => {
  const x = withAxis(g);
  if (!x) return undefined;
  const from = g.draw.below(20);
  const axis = g.draw.chance(0.8) ? g.draw.pick(x.axes) : undefined;
  const others = x.axes.filter((other) => other !== axis);
  const into = { name: "", size: from + (axis?.size ?? 1) + g.draw.below(20) };
  if (!g.small([...others, into])) return undefined;
  const attributes = { ...(axis && { axis: axis.name }), into: g.axis(into.size), from };
  return g.keep(g.make("pad", [x], attributes), g.magnitude(x));
};

/** Sometimes all of it lies outside. */
const clampedSlice: Growth = (g) => {
  const x = withAxis(g);
  if (!x) return undefined;
  const axis = g.draw.pick(x.axes);
  const from = g.draw.below(axis.size + 20) - 10;
  const into = { name: "", size: 1 + g.draw.below(axis.size + 20) };
  if (!g.small([...x.axes.filter((other) => other !== axis), into])) return undefined;
  const attributes = { axis: axis.name, into: g.axis(into.size), from };
  return g.keep(g.make("clampedSlice", [x], attributes), g.magnitude(x));
};

/** Two values one after the other along an axis that both have, as concatenation makes it. */
const join: Growth = (g) => {
  const x = g.some("float32", ({ axes }) => axes.length > 0);
  const y = x && g.some("float32", ({ axes }) => axes.some(({ name }) => hasAxis(x.axes, name)));
  if (!y) return undefined;
  const { name, size } = g.draw.pick(y.axes.filter((axis) => hasAxis(x.axes, axis.name)));
  const whole = { name: "", size: 2 * size };
  const others = [...x.axes, ...y.axes].filter((axis) => axis.name !== name);
  if (!g.small([...others, whole])) return undefined;
  const into = g.axis(2 * size);
  const [before, after] = [x, y].map((part, i) =>
    g.make("pad", [part], { axis: name, into, from: i * size }),
  );
  const position = g.make("index", [], { axes: [into] });
  const isFirst = g.make("less", [position, g.graph.constant(size, "uint32")]);
  return g.keep(
    g.make("select", [isFirst, before, after]),
    Math.max(g.magnitude(x), g.magnitude(y)),
  );
};

/** The smallest divisor that leaves something; 1 for primes. */
function factorOf(size: number): number {
  for (let divisor = 2; divisor * divisor <= size; divisor++)
    if (size % divisor === 0) return divisor;
  return 1;
}

// -------------------------------------------------------------------------------------------------

/** With how often each is tried. */
export const growths: readonly (readonly [weight: number, growth: Growth])[] = [
  [1, leaf],
  [1, words],
  [1, index],
  [2, gather],
  [3, binary("add", (x, y) => x + y)],
  [3, binary("subtract", (x, y) => x + y)],
  [4, binary("multiply", (x, y) => x * y)],
  [2, divide],
  [1, unary("negate", (x) => x)],
  [1, unary("absolute", (x) => x)],
  [1, unary("squareRoot", (x) => x ** 0.5, awayFromZero(0.05))],
  [1, binary("minimum", Math.max)],
  [2, binary("maximum", Math.max)],
  [1, unary("round", (x) => 3 * x, scaled)],
  [1, unary("floor", (x) => 3 * x, scaled)],
  [1, unary("exponential", (x) => Math.exp(x / 2))],
  [1, unary("expm1", (x) => Math.exp(x / 2))],
  [1, unary("logarithm", (x) => 3 + Math.log(x + 1), awayFromZero(0.05))],
  [2, unary("tanh", () => 1)],
  [0.5, unary("logistic", () => 1)],
  [0.5, unary("logOnePlusExponential", (x) => x + 1)],
  [0.5, unary("log1p", (x) => 1 + Math.log(x + 1), absolute)],
  [0.5, unary("erf", () => 1)],
  // NaN where numbers are negative.
  [0.2, unary("squareRoot", (x) => x ** 0.5)],
  [0.2, unary("logarithm", (x) => 3 + Math.log(x + 1))],
  [0.5, unary("stopGradient", (x) => x)],
  [2, compare],
  [1, compareWords],
  [1, combine],
  [1, productAndTerm("multiplyAdd")],
  [1, productAndTerm("subtractProduct")],
  [3, select],
  [1, maskToNumber],
  [2, bits],
  [1, uniform],
  [1, throughInteger],
  [3, reduce],
  [1, softmax],
  [1, largest],
  [5, contract],
  [1, rename],
  [1, merge],
  [1, split],
  [1.5, slice],
  [1, pad],
  [0.7, clampedSlice],
  [0.7, join],
];
