/** Every row's gradient against central differences of its exact value. */
import { describe, expect, it } from "vitest";
import { Graph } from "./graph.ts";
import { interpret, type ReadLeaf } from "./interpret.ts";
import { type Axis, hasAxis, type Node, sizeOfAxes } from "./node.ts";
import { type OpName, ops, rowOf } from "./ops.ts";

/** A node of the row on float32 leaves `x`, `y`, `z` (or other inputs that have no gradient). */
type Build = (graph: Graph) => Node;

const a: Axis = { name: "a", size: 2 };
const b: Axis = { name: "b", size: 3 };
const c: Axis = { name: "c", size: 4 };
const d: Axis = { name: "d", size: 2 };

/** Leaf `plus` holds positive numbers; all others lie in [-1, 1], apart from each other. */
const leaf = (graph: Graph, name: string, axes: readonly Axis[]): Node =>
  graph.make("variable", [], { name, dtype: "float32", axes });
const unary =
  (op: string, name = "x"): Build =>
  (g) =>
    g.make(op, [leaf(g, name, [a, b])]);
/** The same axes, other axes on either side, a scalar, and one leaf twice. */
const binary = (op: string, name = "y"): Build[] => [
  (g) => g.make(op, [leaf(g, "x", [a, b]), leaf(g, name, [a, b])]),
  (g) => g.make(op, [leaf(g, "x", [a]), leaf(g, name, [b, c])]),
  (g) => g.make(op, [leaf(g, "x", [b, a]), leaf(g, name, [])]),
  (g) => g.make(op, [leaf(g, name, [a]), leaf(g, name, [a])]),
];
const contraction =
  (left: readonly Axis[], right: readonly Axis[], over: readonly string[]): Build =>
  (g) =>
    g.make("contract", [leaf(g, "x", left), leaf(g, "y", right)], { over });

const none: readonly Build[] = [];

/** Graphs for each row; none where a row has no gradient. */
const cases: Record<OpName, readonly Build[]> = {
  constant: none,
  input: none,
  variable: none,
  table: none,
  index: none,
  add: binary("add"),
  subtract: binary("subtract").slice(0, 3),
  multiply: binary("multiply"),
  multiplyAdd: [
    (g) => g.make("multiplyAdd", [leaf(g, "x", [a]), leaf(g, "y", [b]), leaf(g, "plus", [a])]),
  ],
  subtractProduct: [
    (g) =>
      g.make("subtractProduct", [leaf(g, "x", [a, b]), leaf(g, "y", []), leaf(g, "plus", [b])]),
  ],
  divide: binary("divide", "plus").slice(0, 3),
  negate: [unary("negate")],
  absolute: [unary("absolute")],
  squareRoot: [unary("squareRoot", "plus")],
  minimum: binary("minimum").slice(0, 3),
  maximum: binary("maximum").slice(0, 3),
  round: none,
  floor: none,
  less: none,
  lessEqual: none,
  equal: none,
  select: [
    (g) => g.make("select", [condition(g, [b]), leaf(g, "x", [a, b]), leaf(g, "y", [a, b])]),
    (g) => g.make("select", [condition(g, [b]), leaf(g, "x", []), leaf(g, "y", [a])]),
  ],
  and: none,
  or: none,
  xor: none,
  shiftLeft: none,
  shiftRight: none,
  multiplyHigh: none,
  cast: [(g) => g.make("cast", [leaf(g, "x", [a, b])], { dtype: "float32" })],
  stopGradient: none,
  bitcast: none,
  sum: [
    (g) => g.make("sum", [leaf(g, "x", [a, b])], { over: ["a"] }),
    (g) => g.make("sum", [leaf(g, "x", [a, b, c])], { over: ["a", "c"] }),
  ],
  max: [
    (g) => g.make("max", [leaf(g, "x", [a, b])], { over: ["b"] }),
    (g) => g.make("max", [leaf(g, "x", [a, b, c])], { over: ["c", "a"] }),
  ],
  contract: [
    contraction([a, b], [b, c], ["b"]),
    contraction([d, a, b], [d, c, b], ["b"]),
    contraction([d, a, b], [b, c], ["b"]),
    contraction([b], [b], ["b"]),
    contraction([a, b, c], [c, b, d], ["b", "c"]),
    (g) => g.make("contract", [leaf(g, "x", [a, b]), leaf(g, "x", [a, b])], { over: ["b"] }),
    (g) => {
      const inputs = [leaf(g, "x", [a, b]), leaf(g, "y", [b, c])];
      return g.make("contract", inputs, { over: ["b"], cuts: [0, 1, 3] });
    },
    contraction([a, b], [b, d], ["b"]),
  ],
  rename: [
    (g) => g.make("rename", [leaf(g, "x", [a, b])], { names: [["a", "z"]] }),
    (g) =>
      g.make("rename", [leaf(g, "x", [a, d])], {
        names: [
          ["a", "d"],
          ["d", "a"],
        ],
      }),
  ],
  merge: [
    (g) => g.make("merge", [leaf(g, "x", [a, b, c])], { over: ["a", "b"], into: m(6) }),
    (g) => g.make("merge", [leaf(g, "x", [a, b, c])], { over: ["c", "a"], into: m(8) }),
  ],
  split: [
    (g) => g.make("split", [leaf(g, "x", [c, m(6)])], { axis: "m", axes: [a, b] }),
    (g) => g.make("split", [leaf(g, "x", [m(12), a])], { axis: "m", axes: [c, b] }),
  ],
  slice: [
    (g) => g.make("slice", [leaf(g, "x", [a, c])], { axis: "c", into: z(2), from: 1 }),
    (g) => g.make("slice", [leaf(g, "x", [c, b])], { axis: "c", into: z(3), from: 0 }),
    (g) => g.make("slice", [leaf(g, "x", [a, b])], { axis: "b", from: 2 }),
  ],
  pad: [
    (g) => g.make("pad", [leaf(g, "x", [a, b])], { axis: "b", into: z(6), from: 2 }),
    (g) => g.make("pad", [leaf(g, "x", [b, a])], { axis: "b", into: z(4), from: 0 }),
    (g) => g.make("pad", [leaf(g, "x", [a, b])], { into: z(3), from: 1 }),
  ],
  // The compiler's own: what pads are made of.
  clampedSlice: none,
  gather: none,
  exponential: [unary("exponential")],
  expm1: [unary("expm1")],
  logarithm: [unary("logarithm", "plus")],
  tanh: [unary("tanh")],
  logistic: [unary("logistic")],
  logOnePlusExponential: [unary("logOnePlusExponential")],
  log1p: [unary("log1p", "plus")],
  erf: [unary("erf")],
};

function m(size: number): Axis {
  return { name: "m", size };
}

function z(size: number): Axis {
  return { name: "z", size };
}

function condition(graph: Graph, axes: readonly Axis[]): Node {
  const index = graph.make("index", [], { axes });
  return graph.make("less", [index, graph.constant(1, "uint32")]);
}

type Gradient = NonNullable<ReturnType<typeof rowOf>["gradient"]>;

/** Numbers of a leaf: all different by more than a difference step, none near 0. */
function numbers(name: string, size: number): Float32Array {
  // A low-discrepancy sequence keeps numbers apart.
  const at = (i: number) => ((i + name.length + name.charCodeAt(0)) * 0.6180339887498949) % 1;
  return Float32Array.from({ length: size }, (_, i) => {
    const value = 0.1 + 0.9 * at(i);
    return name === "plus" || i % 2 === 0 ? value : -value;
  });
}

/** `part`, the row's gradient of `input`, in the axes of the input, as callers of rows do it. */
function fitTo(graph: Graph, part: Node, node: Node, input: Node): Node {
  const strange = part.axes.filter((axis) => !hasAxis(input.axes, axis.name));
  if (rowOf(node.op).kind !== "elementwise") {
    expect(strange).toEqual([]);
    return part;
  }
  const summed =
    strange.length > 0
      ? graph.make("sum", [part], { over: strange.map((axis) => axis.name) })
      : part;
  const repeats = node.axes.filter(
    (axis) => !hasAxis(input.axes, axis.name) && !hasAxis(part.axes, axis.name),
  );
  return graph.make("multiply", [summed, graph.constant(sizeOfAxes(repeats), "float32")]);
}

/**
 * The largest error of d(sum of w * node) / d leaf, relative to the largest such derivative, over
 * weights `w` with all, some and none of the axes of the node.
 */
function worstError(build: Build, gradient: (row: string) => Gradient): number {
  const shape = build(new Graph()).axes;
  let worst = 0;
  for (let subset = 0; subset < 1 << shape.length; subset++)
    worst = Math.max(
      worst,
      errorWith(
        build,
        gradient,
        shape.filter((_, i) => (subset >> i) & 1),
      ),
    );
  return worst;
}

function errorWith(
  build: Build,
  gradient: (row: string) => Gradient,
  weightAxes: readonly Axis[],
): number {
  const graph = new Graph();
  const node = build(graph);
  const weight =
    weightAxes.length > 0 ? leaf(graph, "weight", weightAxes) : graph.constant(1, "float32");
  const parts = gradient(node.op)(graph, node, weight);
  const leaves = [...new Set(node.inputs)].filter((input) => input.op === "variable");
  const results = leaves.map((input) => {
    const fitted = node.inputs.flatMap((other, i) =>
      other === input ? [fitTo(graph, parts[i]!, node, input)] : [],
    );
    const total = fitted.reduce((x, y) => graph.make("add", [x, y]));
    return { name: input.attributes.name!, node: total, axes: input.axes };
  });
  const values = new Map<string, Float32Array>();
  const read: ReadLeaf = (node) => {
    const name = node.attributes.name!;
    const known = values.get(name) ?? numbers(name, sizeOfAxes(node.axes));
    values.set(name, known);
    return known;
  };
  const found = interpret({ results, updates: [] }, read, "exact").results;
  const product = graph.make("multiply", [node, weight]);
  const all = { results: [{ name: "y", node: product, axes: node.axes }], updates: [] };
  const loss = () =>
    interpret(all, read, "exact")
      .results.get("y")!
      .data.reduce((sum, y) => sum + y, 0);
  let error = 0;
  let largest = 0;
  loss(); // All leaves are read now, those too that no gradient depends on.
  for (const { name } of results) {
    const data = values.get(name)!;
    const analytic = found.get(name)!.data;
    for (const [i, value] of data.entries()) {
      // The step that float32 numbers really make.
      data[i] = value + 2 ** -9;
      const [up, above] = [loss(), data[i]];
      data[i] = value - 2 ** -9;
      const numeric = (up - loss()) / (above - data[i]);
      data[i] = value;
      error = Math.max(error, Math.abs(numeric - analytic[i]));
      largest = Math.max(largest, Math.abs(numeric));
    }
  }
  expect(largest).toBeGreaterThan(0);
  return error / largest;
}

const own = (op: string): Gradient => rowOf(op).gradient!;
const tolerance = 1e-3;

it("has a case for every row, and none only where there is no gradient", () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(ops).sort());
  const graph = new Graph();
  const something = graph.constant(1, "float32");
  for (const [op, builds] of Object.entries(cases)) {
    if (builds.length > 0) continue;
    const row = rowOf(op);
    const inputs = Array.from({ length: row.inputs }, () => something);
    const node = { ...something, op, inputs, attributes: { dtype: "int32" } } as const;
    const parts = row.gradient?.(graph, node, something) ?? [];
    expect(parts.filter(Boolean), op).toEqual([]);
  }
});

const differentiable = Object.entries(cases).filter(([, builds]) => builds.length > 0);

describe.each(differentiable)("gradient of %s", (_, builds) => {
  it("is what central differences say", () => {
    for (const build of builds) expect(worstError(build, own)).toBeLessThan(tolerance);
  });

  it("is told from one that is 1 % too large, and from its opposite", () => {
    const scaled =
      (factor: number) =>
      (op: string): Gradient =>
      (make, node, g) =>
        own(op)(make, node, g).map(
          (part) => part && make.make("multiply", [part, make.constant(factor, "float32")]),
        );
    expect(worstError(builds[0], scaled(1.01))).toBeGreaterThan(tolerance);
    expect(worstError(builds[0], scaled(-1))).toBeGreaterThan(tolerance);
  });
});

describe("near misses", () => {
  const rejected = (op: OpName, wrong: Gradient, at = 0) =>
    expect(
      worstError(cases[op][at], () => wrong),
      op,
    ).toBeGreaterThan(tolerance);

  it("rejects gradients that are nearly right", () => {
    rejected("multiply", (make, { inputs: [x, y] }, g) => [
      make.make("multiply", [g, x]),
      make.make("multiply", [g, y]),
    ]);
    rejected("tanh", (make, node, g) => [
      make.make("multiply", [
        g,
        make.make("subtract", [make.constant(1, "float32"), make.make("absolute", [node])]),
      ]),
    ]);
    rejected("expm1", (make, node, g) => [make.make("multiply", [g, node])]);
    rejected("maximum", (_, __, g) => [g, g]);
    // Rows and columns of one size, exchanged: only the numbers can tell.
    const last = cases.contract.length - 1;
    const exchanged: Gradient = (make, node, g) => {
      const names = [
        ["a", "d"],
        ["d", "a"],
      ] as const;
      const wrong = g.axes.length === 2 ? make.make("rename", [g], { names }) : g;
      return own("contract")(make, node, wrong);
    };
    rejected("contract", exchanged, last);
  });
});

it("shares the gradient of max among all that are the largest", () => {
  const graph = new Graph();
  const x = leaf(graph, "x", [b]);
  const largest = graph.make("max", [x], { over: ["b"] });
  const [part] = own("max")(graph, largest, graph.constant(1, "float32"));
  const results = [{ name: "g", node: part!, axes: [b] }];
  const { data } = interpret({ results, updates: [] }, () => [2, 1, 2], "exact").results.get("g")!;
  expect([...data]).toEqual([0.5, 0, 0.5]);
});

it("takes the slope of |x| at 0 as 0", () => {
  const graph = new Graph();
  const node = graph.make("absolute", [leaf(graph, "x", [b])]);
  const [part] = own("absolute")(graph, node, graph.constant(1, "float32"));
  const results = [{ name: "g", node: part!, axes: [b] }];
  const { data } = interpret({ results, updates: [] }, () => [-3, 0, 3], "exact").results.get("g")!;
  expect([...data]).toEqual([-1, 0, 1]);
});
