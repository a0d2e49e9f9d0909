/** Walks all rows of the op table: none may be added without a case here. */
import { describe, expect, it } from "vitest";
import type { DType } from "../base/dtype.ts";
import { rounderOf, ulp32 } from "./float32.ts";
import { type Computation, Graph } from "./graph.ts";
import { interpret, type Mode, type Table } from "./interpret.ts";
import { check } from "./legality.ts";
import { lower } from "./lower.ts";
import type { Attributes, Node } from "./node.ts";
import { type OpName, ops, rowOf } from "./ops.ts";

type Example = readonly [inputs: readonly number[], result: number];

/** Known results of an elementwise row for inputs of these dtypes. */
interface Elements {
  readonly dtypes: readonly DType[];
  readonly attributes?: Attributes;
  readonly examples: readonly Example[];
}

/** A graph around a row of another kind, and the result that it must have. */
interface Whole {
  readonly build: (graph: Graph) => Node;
  readonly leaves: Readonly<Record<string, readonly number[] | Table>>;
  readonly result: readonly number[];
}

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;
const floats: readonly DType[] = ["float32", "float32"];
const uints: readonly DType[] = ["uint32", "uint32"];
const ints: readonly DType[] = ["int32", "int32"];
const bools: readonly DType[] = ["bool", "bool"];

const one = (dtype: DType, ...examples: readonly (readonly [number, number])[]): Elements => ({
  dtypes: [dtype],
  examples: examples.map(([x, y]) => [[x], y]),
});
const to = (dtype: DType, elements: Elements): Elements => ({ ...elements, attributes: { dtype } });
const two = (dtypes: readonly DType[], ...examples: readonly Example[]): Elements => ({
  dtypes,
  examples,
});
const three = (...examples: readonly Example[]): Elements =>
  two(["float32", "float32", "float32"], ...examples);
const abc = { name: "abc", size: 3 };
const ab = { name: "ab", size: 2 };
const leaf = (graph: Graph, name: string, axes = [abc], dtype: DType = "float32") =>
  graph.make("input", [], { name, dtype, axes });

const cases: Record<OpName, readonly (Elements | Whole)[]> = {
  constant: [{ build: (g) => g.constant(0.1, "float32"), leaves: {}, result: [Math.fround(0.1)] }],
  input: [{ build: (g) => leaf(g, "x"), leaves: { x: [1, 2, 3] }, result: [1, 2, 3] }],
  variable: [
    {
      build: (g) => g.make("variable", [], { name: "v", dtype: "int32", axes: [ab] }),
      leaves: { v: [-1, 5] },
      result: [-1, 5],
    },
  ],
  table: [
    {
      build: (g) => {
        const table = g.make("table", [], { name: "t", dtype: "uint8", axes: [ab] });
        return g.make("gather", [table, leaf(g, "i", [], "uint32")]);
      },
      leaves: { t: { rows: 2, data: [1, 2, 3, 255] }, i: [1] },
      result: [3, 255],
    },
  ],
  index: [{ build: (g) => g.make("index", [], { axes: [abc] }), leaves: {}, result: [0, 1, 2] }],
  add: [
    two(floats, [[1, 2], 3], [[inf, -inf], nan], [[-0, 0], 0], [[3e38, 3e38], inf]),
    two(uints, [[2 ** 32 - 1, 2], 1]),
    two(ints, [[2 ** 31 - 1, 1], -(2 ** 31)]),
  ],
  subtract: [two(floats, [[1, 2], -1], [[inf, inf], nan]), two(uints, [[0, 1], 2 ** 32 - 1])],
  multiply: [
    two(floats, [[3, -2], -6], [[0, inf], nan], [[-0, 5], -0], [[2e38, -2], -inf]),
    two(uints, [[0xffffffff, 0xffffffff], 1], [[0x10001, 0x10001], 0x20001]),
    two(ints, [[-3, 5], -15], [[2 ** 30, 4], 0]),
  ],
  multiplyAdd: [three([[2, 3, 4], 10], [[0, inf, 1], nan], [[3e38, 2, -inf], -inf])],
  subtractProduct: [three([[2, 3, 4], -2], [[0, inf, 1], nan], [[inf, 2, 1], -inf])],
  divide: [two(floats, [[6, -4], -1.5], [[1, 0], inf], [[1, -0], -inf], [[0, 0], nan])],
  negate: [one("float32", [2, -2], [0, -0], [-inf, inf], [nan, nan])],
  absolute: [one("float32", [-2, 2], [-0, 0], [-inf, inf], [nan, nan])],
  squareRoot: [one("float32", [9, 3], [-1, nan], [-0, -0], [inf, inf])],
  minimum: [
    two(floats, [[1, 2], 1], [[nan, 1], nan], [[1, nan], 1], [[-0, 0], -0], [[0, -0], 0]),
    two(uints, [[1, 2 ** 31], 1]),
    two(ints, [[1, -(2 ** 31)], -(2 ** 31)]),
  ],
  maximum: [
    two(floats, [[1, 2], 2], [[nan, 1], nan], [[1, nan], 1], [[-0, 0], -0], [[0, -0], 0]),
    two(uints, [[1, 2 ** 31], 2 ** 31]),
    two(ints, [[1, -(2 ** 31)], 1]),
  ],
  round: [
    one("float32", [0.5, 0], [1.5, 2], [2.5, 2], [-0.5, -0], [-1.5, -2], [0.49999997, 0]),
    one("float32", [8388609, 8388609], [nan, nan], [inf, inf]),
  ],
  floor: [one("float32", [1.5, 1], [-0.5, -1], [-0, -0], [-1, -1], [nan, nan], [-inf, -inf])],
  less: [
    two(floats, [[1, 2], 1], [[2, 2], 0], [[nan, 2], 0], [[-0, 0], 0]),
    two(uints, [[1, 2 ** 31], 1]),
    two(ints, [[1, -(2 ** 31)], 0]),
  ],
  lessEqual: [two(floats, [[2, 2], 1], [[3, 2], 0], [[2, nan], 0], [[0, -0], 1])],
  equal: [two(floats, [[2, 2], 1], [[nan, nan], 0], [[0, -0], 1]), two(bools, [[1, 0], 0])],
  select: [
    {
      dtypes: ["bool", "float32", "float32"],
      examples: [
        [[1, 2, 3], 2],
        [[0, 2, 3], 3],
        [[1, 2, nan], 2],
        [[0, inf, -0], -0],
      ],
    },
  ],
  and: [two(uints, [[0xf0f0f0f0, 0xff000000], 0xf0000000]), two(bools, [[1, 1], 1], [[1, 0], 0])],
  or: [two(uints, [[0xf0f0f0f0, 0xff000000], 0xfff0f0f0]), two(bools, [[0, 1], 1], [[0, 0], 0])],
  xor: [two(uints, [[0xf0f0f0f0, 0xff000000], 0x0ff0f0f0]), two(bools, [[1, 1], 0], [[1, 0], 1])],
  shiftLeft: [two(uints, [[0x80000001, 1], 2], [[1, 31], 2 ** 31]), two(ints, [[-3, 2], -12])],
  shiftRight: [
    two(uints, [[2 ** 31, 31], 1], [[7, 1], 3]),
    two(ints, [[-8, 1], -4], [[-1, 9], -1]),
  ],
  multiplyHigh: [two(uints, [[0xffffffff, 0xffffffff], 0xfffffffe], [[65536, 65536], 1])],
  cast: [
    to("int32", one("float32", [1.9, 1], [-1.9, -1], [3e9, 2 ** 31 - 1], [nan, 0])),
    to("uint32", one("float32", [1.9, 1], [-1.9, 0], [5e9, 2 ** 32 - 1], [nan, 0])),
    to("float32", one("uint8", [255, 255])),
    to("float32", one("uint32", [2 ** 32 - 1, 2 ** 32], [2 ** 24 + 1, 2 ** 24])),
    to("float32", one("bool", [0, 0], [1, 1])),
    to("bool", one("float32", [0, 0], [0.5, 1], [-0, 0])),
  ],
  stopGradient: [one("float32", [2, 2], [nan, nan]), one("uint32", [7, 7])],
  bitcast: [
    to("int32", one("float32", [1, 0x3f800000], [-0, -(2 ** 31)], [-inf, -0x800000])),
    to("uint32", one("float32", [-0, 2 ** 31])),
    to("float32", one("uint32", [0x3f800000, 1], [1, 2 ** -149])),
    to("float32", one("int32", [-0x800000, -inf])),
  ],
  sum: [
    {
      build: (g) => g.make("sum", [leaf(g, "x")], { over: ["abc"] }),
      leaves: { x: [1, 2, 3.5] },
      result: [6.5],
    },
    {
      build: (g) => g.make("sum", [leaf(g, "x", [ab, abc])], { over: ["ab"] }),
      leaves: { x: [1, 2, 3, 10, 20, 30] },
      result: [11, 22, 33],
    },
    {
      build: (g) => g.make("sum", [leaf(g, "x", [ab], "uint32")], { over: ["ab"] }),
      leaves: { x: [2 ** 32 - 1, 2] },
      result: [1],
    },
  ],
  max: [
    {
      build: (g) => g.make("max", [leaf(g, "x", [ab, abc])], { over: ["abc"] }),
      leaves: { x: [-1, -2, -3, 1, nan, 5] },
      result: [-1, nan],
    },
    {
      build: (g) => g.make("max", [leaf(g, "x", [ab, abc], "int32")], { over: ["ab", "abc"] }),
      leaves: { x: [-1, -2, -3, -4, -5, -6] },
      result: [-1],
    },
  ],
  contract: [
    {
      // A batch axis `ab`, a reduced axis, and a column axis of the second input.
      build: (g) => {
        const n = { name: "n", size: 1 };
        const inputs = [leaf(g, "x", [ab, abc]), leaf(g, "y", [ab, n, abc])];
        return g.make("contract", inputs, { over: ["abc"] });
      },
      leaves: { x: [1, 2, 3, 4, 5, 6], y: [1, 1, 1, 0, 2, 0.5] },
      result: [6, 13],
    },
    {
      build: (g) => {
        const inputs = [leaf(g, "x"), leaf(g, "y", [{ name: "n", size: 2 }, abc])];
        return g.make("contract", inputs, { over: ["abc"], cuts: [0, 1, 3] });
      },
      leaves: { x: [1, 2, 3], y: [1, 0, 0, 0, 2, 4] },
      result: [1, 16],
    },
  ],
  rename: [
    {
      build: (g) => g.make("rename", [leaf(g, "x")], { names: [["abc", "z"]] }),
      leaves: { x: [1, 2, 3] },
      result: [1, 2, 3],
    },
  ],
  merge: [
    {
      build: (g) => {
        const into = { name: "all", size: 6 };
        return g.make("merge", [leaf(g, "x", [ab, abc])], { over: ["abc", "ab"], into });
      },
      leaves: { x: [1, 2, 3, 4, 5, 6] },
      result: [1, 4, 2, 5, 3, 6],
    },
  ],
  split: [
    {
      build: (g) => {
        const axes = [ab, abc];
        return g.make("split", [leaf(g, "x", [{ name: "all", size: 6 }])], { axis: "all", axes });
      },
      leaves: { x: [1, 2, 3, 4, 5, 6] },
      result: [1, 2, 3, 4, 5, 6],
    },
  ],
  slice: [
    {
      build: (g) => {
        const attributes = { axis: "abc", into: { name: "z", size: 2 }, from: 1 };
        return g.make("slice", [leaf(g, "x", [abc, ab])], attributes);
      },
      leaves: { x: [1, 2, 3, nan, inf, 6] },
      result: [3, nan, inf, 6],
    },
    {
      build: (g) => g.make("slice", [leaf(g, "x", [ab, abc])], { axis: "abc", from: 2 }),
      leaves: { x: [1, 2, 3, nan, inf, 6] },
      result: [3, 6],
    },
  ],
  pad: [
    {
      build: (g) => {
        const attributes = { axis: "abc", into: { name: "z", size: 6 }, from: 2 };
        return g.make("pad", [leaf(g, "x", [ab, abc])], attributes);
      },
      leaves: { x: [nan, 2, 3, 4, 5, inf] },
      result: [0, 0, nan, 2, 3, 0, 0, 0, 4, 5, inf, 0],
    },
    {
      build: (g) => {
        const attributes = { axis: "ab", into: { name: "z", size: 3 }, from: 0 };
        return g.make("pad", [leaf(g, "x", [ab, abc], "int32")], attributes);
      },
      leaves: { x: [1, 2, 3, 4, 5, 6] },
      result: [1, 2, 3, 4, 5, 6, 0, 0, 0],
    },
    {
      build: (g) => g.make("pad", [leaf(g, "x", [ab])], { into: { name: "z", size: 3 }, from: 1 }),
      leaves: { x: [7, nan] },
      result: [0, 7, 0, 0, nan, 0],
    },
  ],
  clampedSlice: [
    {
      build: (g) => {
        const attributes = { axis: "abc", into: { name: "z", size: 6 }, from: -2 };
        return g.make("clampedSlice", [leaf(g, "x", [ab, abc])], attributes);
      },
      leaves: { x: [1, 2, 3, 4, 5, 6] },
      result: [1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6],
    },
    {
      build: (g) => {
        const attributes = { axis: "abc", into: { name: "z", size: 2 }, from: 2 };
        return g.make("clampedSlice", [leaf(g, "x", [abc, ab])], attributes);
      },
      leaves: { x: [1, 2, 3, 4, 5, 6] },
      result: [5, 6, 5, 6],
    },
  ],
  gather: [
    {
      build: (g) => {
        const table = g.make("table", [], { name: "t", dtype: "float32", axes: [abc] });
        return g.make("gather", [table, leaf(g, "i", [ab], "uint32")]);
      },
      leaves: { t: { rows: 3, data: [0, 1, 2, 3, 4, 5, 6, 7, 8] }, i: [2, 0] },
      result: [6, 7, 8, 0, 1, 2],
    },
  ],
  exponential: [one("float32", [0, 1], [-inf, 0], [inf, inf], [89, inf], [-104, 0], [nan, nan])],
  expm1: [one("float32", [0, 0], [-inf, -1], [89, inf], [1e-30, 1e-30], [nan, nan])],
  logarithm: [one("float32", [1, 0], [0, -inf], [-0, -inf], [-1, nan], [inf, inf], [nan, nan])],
  tanh: [one("float32", [0, 0], [inf, 1], [-inf, -1], [1e-30, 1e-30], [nan, nan])],
  logistic: [one("float32", [0, 0.5], [inf, 1], [-inf, 0], [100, 1], [-104, 0], [nan, nan])],
  logOnePlusExponential: [
    one("float32", [0, Math.LN2], [inf, inf], [-inf, 0], [100, 100], [-104, 0], [nan, nan]),
  ],
  log1p: [
    one("float32", [0, 0], [-0, 0], [inf, inf], [-1, -inf], [-2, nan], [1e-30, 1e-30], [nan, nan]),
    one("float32", [3e38, Math.log(3e38)], [2 ** -24, 2 ** -24], [1, Math.LN2], [-inf, nan]),
  ],
  erf: [one("float32", [0, 0], [inf, 1], [-inf, -1], [-4, -1], [nan, nan])],
};

/** The one node's value in one mode: lowered for `rounding`. */
function run(
  build: (graph: Graph) => Node,
  leaves: Readonly<Record<string, ArrayLike<number> | Table>>,
  mode: Mode,
) {
  const graph = new Graph();
  const node = build(graph);
  const traced: Computation = { results: [{ name: "y", node, axes: node.axes }], updates: [] };
  const computation = mode === "exact" ? traced : lower(traced);
  check(computation, mode === "exact" ? "traced" : "lowered");
  const read = (leaf: Node) => leaves[leaf.attributes.name!];
  return interpret(computation, read, mode).results.get("y")!;
}

/** A single elementwise row on columns of numbers. */
function column(op: string, elements: Elements, rows: readonly (readonly number[])[], mode: Mode) {
  const axis = { name: "a", size: rows.length };
  const build = (graph: Graph) => {
    const inputs = elements.dtypes.map((dtype, j) => leaf(graph, `x${j}`, [axis], dtype));
    return graph.make(op, inputs, elements.attributes);
  };
  const leaves = Object.fromEntries(
    elements.dtypes.map((_, j) => [`x${j}`, rows.map((row) => row[j])]),
  );
  return run(build, leaves, mode);
}

const edges: Record<DType, readonly number[]> = {
  float32: [
    ...[0, 1, 2 ** -149, 2 ** -126, 2 ** -127, 1e-30, 1e-7, 0.5, 0.3465736, 2, 3, 9, 17.4, 18],
    ...[
      87.4,
      88,
      88.72,
      88.7228,
      88.73,
      89,
      103.97,
      104,
      150,
      2 ** 23,
      2 ** 24 + 2,
      1e30,
      3e38,
      inf,
    ],
  ]
    .flatMap((x) => [Math.fround(x), Math.fround(-x)])
    .concat(nan),
  int32: [0, 1, -1, 2, 7, 2 ** 24 + 1, 2 ** 31 - 1, -(2 ** 31)],
  uint32: [0, 1, 2, 7, 2 ** 24 + 1, 2 ** 31, 2 ** 32 - 1],
  uint8: [0, 1, 127, 128, 255],
  bool: [0, 1],
};

/** Numbers in [0, 1) from a seed (mulberry32 by Tommy Ettinger, public domain). */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Any float32 there is, and many of moderate size, where functions are interesting. */
function randomOf(dtype: DType, next: () => number): number {
  if (dtype !== "float32") return rounderOf(dtype)(Math.floor(next() * 2 ** 32));
  const kind = next();
  if (kind < 0.2) return new Float32Array(Uint32Array.of(next() * 2 ** 32).buffer)[0];
  return Math.fround((next() * 2 - 1) * (kind < 0.4 ? 1 : kind < 0.6 ? 10 : 105));
}

const shifts = (op: string) => op.startsWith("shift");

/** All combinations of edge values, and random ones. */
function inputsOf(op: string, { dtypes }: Elements, random: number): number[][] {
  const next = uniform(7);
  const place = (value: number, j: number) => (shifts(op) && j === 1 ? value & 31 : value);
  const combinations = dtypes.reduce<number[][]>(
    (heads, dtype) => heads.flatMap((head) => edges[dtype].map((value) => [...head, value])),
    [[]],
  );
  const drawn = Array.from({ length: random }, () => dtypes.map((dtype) => randomOf(dtype, next)));
  return [...combinations, ...drawn].map((row) => row.map(place));
}

/** Distance in units in the last place of the exact result. */
const ulpsBetween = (exact: number, found: number) =>
  Object.is(exact, found) || exact === found || (Number.isNaN(exact) && Number.isNaN(found))
    ? 0
    : Math.abs(exact - found) / ulp32(exact);

const isElements = (item: Elements | Whole): item is Elements => "dtypes" in item;

it("has a case for every row", () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(ops).sort());
  for (const [op, list] of Object.entries(cases)) {
    expect(list.length, op).toBeGreaterThan(0);
    const elementwise = rowOf(op).kind === "elementwise";
    expect(
      list.every((item) => isElements(item) === elementwise),
      op,
    ).toBe(true);
  }
});

describe.each(Object.entries(cases))("%s", (op, list) => {
  it.each(["exact", "rounding"] as const)("gives known results (%s)", (mode) => {
    for (const item of list)
      if (isElements(item)) expectExamples(op, item, mode);
      else expect([...run(item.build, item.leaves, mode).data]).toEqual(item.result);
  });
});

function expectExamples(op: string, item: Elements, mode: Mode): void {
  const inputs = item.examples.map(([row]) => row.map((x, j) => rounderOf(item.dtypes[j])(x)));
  const found = column(op, item, inputs, mode);
  const round = rounderOf(found.dtype);
  for (const [i, [row, result]] of item.examples.entries()) {
    // Decompositions may lose the sign of a zero.
    const actual = rowOf(op).lower ? round(found.data[i]) + 0 : round(found.data[i]);
    expect(actual, `${op}(${row})`).toBe(round(result));
  }
}

const elementwise = Object.entries(cases).filter(([op]) => rowOf(op).kind === "elementwise");

describe.each(elementwise)("%s, lowered and rounded", (op, list) => {
  it("stays within its ulps and the bound of the exact result", () => {
    for (const item of list.filter(isElements)) {
      const rows = inputsOf(op, item, rowOf(op).lower ? 60_000 : 3_000);
      const exact = column(op, item, rows, "exact");
      const rounded = column(op, item, rows, "rounding");
      // The result itself may be rounded once more than the row says.
      const allowed = exact.dtype === "float32" ? (rowOf(op).ulps ?? 0) + 0.5 : 0;
      for (const [i, row] of rows.entries()) {
        const [want, got, bound] = [exact.data[i], rounded.data[i], exact.bounds[i]];
        const found = ulpsBetween(want, got);
        if (!(found <= allowed))
          expect.fail(`${op}(${row}) = ${got}, exactly ${want}: ${found} ulps`);
        if (Math.abs(want - got) > bound) expect.fail(`${op}(${row}): ${got} beyond ${bound}`);
      }
    }
  });
});

it("has an exact erf", () => {
  // Abramowitz and Stegun 1964, table 7.1, with the digits of its later computations.
  const known = [
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [-3, -0.9999779095030014],
  ] as const;
  const found = column(
    "erf",
    { dtypes: ["float32"], examples: [] },
    known.map(([x]) => [x]),
    "exact",
  );
  for (const [i, [, y]] of known.entries()) expect(Math.abs(found.data[i] - y)).toBeLessThan(1e-15);
});

it("refuses slices and pads that leave their axis", () => {
  const graph = new Graph();
  const x = leaf(graph, "x");
  const into = { name: "z", size: 3 };
  expect(() => graph.make("slice", [x], { axis: "abc", into, from: 1 })).toThrow(
    "slice: positions below 3 of axis abc, got float32[abc]",
  );
  expect(() => graph.make("slice", [x], { axis: "abc", from: -1 })).toThrow("positions below 3");
  expect(() => graph.make("slice", [x], { axis: "other", from: 0 })).toThrow("axis other");
  expect(() => graph.make("pad", [x], { axis: "abc", into, from: 1 })).toThrow(
    "pad: an axis of at least 4 positions from 0 on, got float32[abc]",
  );
  expect(() => graph.make("pad", [x], { into: abc, from: 1 })).toThrow("pad: no axis abc yet");
});

it("refuses dtypes whose bits differ between devices", () => {
  const graph = new Graph();
  const over = ["abc"];
  for (const dtype of ["bool", "uint8"] as const) {
    const x = leaf(graph, "x", [abc], dtype);
    expect(() => graph.make("sum", [x], { over })).toThrow(
      `sum: a number that is no byte (cast it first), got ${dtype}[abc]`,
    );
    expect(() => graph.make("bitcast", [x], { dtype: "int32" })).toThrow(
      `bitcast: a dtype of 32 bits on both sides of the cast to int32, got ${dtype}[abc]`,
    );
    expect(() => graph.make("bitcast", [leaf(graph, "y")], { dtype })).toThrow(
      `on both sides of the cast to ${dtype}, got float32[abc]`,
    );
  }
});

it("declares ulps that were measured, not guessed", () => {
  const measured = (op: OpName) => {
    const item = cases[op][0] as Elements;
    const rows = inputsOf(op, item, 60_000);
    const exact = column(op, item, rows, "exact");
    const rounded = column(op, item, rows, "rounding");
    return Math.max(...exact.data.map((value, i) => ulpsBetween(value, rounded.data[i])));
  };
  for (const [op, row] of Object.entries(ops as Record<string, ReturnType<typeof rowOf>>)) {
    if (!row.lower || !row.ulps) continue;
    const worst = measured(op as OpName);
    expect(worst, op).toBeLessThanOrEqual(row.ulps);
    expect(worst, `${op} is better than its row says`).toBeGreaterThan(row.ulps / 2);
  }
});
