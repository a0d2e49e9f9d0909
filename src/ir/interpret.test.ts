import { describe, expect, it } from "vitest";
import type { DType } from "../base/dtype.ts";
import { ValueError } from "../base/errors.ts";
import { type Computation, Graph, type Update } from "./graph.ts";
import { interpret, type Mode, type Table, type Values } from "./interpret.ts";
import type { Axis, Node } from "./node.ts";

const a: Axis = { name: "a", size: 2 };
const b: Axis = { name: "b", size: 3 };
const inf = Number.POSITIVE_INFINITY;

type Leaves = Readonly<Record<string, ArrayLike<number> | Table>>;

function input(graph: Graph, name: string, axes: readonly Axis[], dtype: DType = "float32") {
  return graph.make("input", [], { name, dtype, axes });
}

function evaluate(node: Node, leaves: Leaves, mode: Mode = "exact", fused = false): Values {
  const computation = { results: [{ name: "y", node, axes: node.axes }], updates: [] };
  const read = (leaf: Node) => leaves[leaf.attributes.name!];
  return interpret(computation, read, mode, fused).results.get("y")!;
}

/** x / 3 for the input `x`: a value that float32 does not hold exactly. */
function third(graph: Graph, name: string, axes: readonly Axis[]): Node {
  return graph.make("divide", [input(graph, name, axes), graph.constant(3, "float32")]);
}

describe("broadcasting", () => {
  it("matches axes by name, whatever their order", () => {
    const g = new Graph();
    const x = input(g, "x", [a, b]);
    const y = input(g, "y", [b, a]);
    const leaves = { x: [1, 2, 3, 4, 5, 6], y: [10, 20, 30, 40, 50, 60] };
    const sum = evaluate(g.make("add", [x, y]), leaves);
    expect(sum.axes.map((axis) => axis.name)).toEqual(["a", "b"]);
    expect([...sum.data]).toEqual([11, 32, 53, 24, 45, 66]);
  });

  it("repeats along axes that an operand lacks", () => {
    const g = new Graph();
    const product = g.make("multiply", [input(g, "x", [a]), input(g, "y", [b])]);
    expect([...evaluate(product, { x: [1, 2], y: [1, 10, 100] }).data]).toEqual([
      1, 10, 100, 2, 20, 200,
    ]);
  });
});

describe("results and updates", () => {
  it("gives a result in its own axes, repeated along those that the node lacks", () => {
    const g = new Graph();
    const node = input(g, "x", [a]);
    const computation = { results: [{ name: "y", node, axes: [b, a] }], updates: [] };
    const { data, bounds } = interpret(computation, () => [1, 2], "exact").results.get("y")!;
    expect([...data]).toEqual([1, 2, 1, 2, 1, 2]);
    expect([...bounds]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("updates all variables at once, in the axes of their leaves", () => {
    const g = new Graph();
    const [v, w] = ["v", "w"].map((name) =>
      g.make("variable", [], { name, dtype: "float32", axes: [a] }),
    );
    const updates: Update[] = [
      { variable: v, value: w },
      { variable: w, value: v },
    ];
    const scalar = g.make("variable", [], { name: "s", dtype: "float32", axes: [b] });
    updates.push({ variable: scalar, value: g.constant(7, "float32") });
    const leaves: Leaves = { v: [1, 2], w: [3, 4], s: [0, 0, 0] };
    const found = interpret({ results: [], updates }, (n) => leaves[n.attributes.name!], "exact");
    expect([...found.updates].map(([name, { data }]) => [name, ...data])).toEqual([
      ["v", 3, 4],
      ["w", 1, 2],
      ["s", 7, 7, 7],
    ]);
  });

  it("hands out copies", () => {
    const g = new Graph();
    const node = input(g, "x", [a]);
    const results = ["y", "z"].map((name) => ({ name, node, axes: [a] }));
    const found = interpret({ results, updates: [] }, () => [1, 2], "exact").results;
    found.get("y")!.data.fill(0);
    expect([...found.get("z")!.data]).toEqual([1, 2]);
  });

  it("reads leaves as what they are declared to be", () => {
    const g = new Graph();
    const read = (dtype: DType, x: number) => [
      ...evaluate(input(g, `x${dtype}`, [], dtype), { [`x${dtype}`]: [x] }).data,
    ];
    expect(read("float32", 0.1)).toEqual([Math.fround(0.1)]);
    expect(read("bool", -1)).toEqual([1]);
    expect(read("uint32", -1)).toEqual([2 ** 32 - 1]);
  });
});

describe("errors", () => {
  it("says which leaf has the wrong number of numbers", () => {
    const g = new Graph();
    const run = () => evaluate(input(g, "x", [a, b]), { x: [1] });
    expect(run).toThrow(ValueError);
    expect(run).toThrow("input x: 6 numbers, got 1.");
  });

  it("says which table is incomplete, and which row is missing", () => {
    const g = new Graph();
    const table = g.make("table", [], { name: "t", dtype: "uint8", axes: [b] });
    const node = g.make("gather", [table, input(g, "i", [], "uint32")]);
    const rows = (i: number, data: number[]) => () =>
      evaluate(node, { t: { rows: 2, data }, i: [i] });
    expect(rows(0, [1, 2, 3])).toThrow("table t: 6 numbers in 2 rows, got 3.");
    expect(rows(2, [1, 2, 3, 4, 5, 6])).toThrow("gather from t: row indices below 2, got 2.");
  });
});

describe("bounds in exact mode", () => {
  it("are 0 for what float32 computes exactly, and half a step for one rounding", () => {
    const g = new Graph();
    const x = input(g, "x", [b]);
    const sum = evaluate(g.make("add", [x, g.constant(1, "float32")]), { x: [1, 0.5, 2 ** -30] });
    expect(sum.bounds[0]).toBe(0);
    expect(sum.bounds[1]).toBe(0);
    expect(sum.bounds[2] / 2 ** -24).toBeCloseTo(1, 5);
    expect(evaluate(g.make("negate", [third(g, "x", [b])]), { x: [3, 1, 1] }).bounds[1]).toBe(
      evaluate(third(g, "x", [b]), { x: [3, 1, 1] }).bounds[1],
    );
  });

  it("grow by the slopes of what follows", () => {
    const g = new Graph();
    const x = third(g, "x", []);
    const before = evaluate(x, { x: [1] }).bounds[0];
    const scaled = g.make("multiply", [x, g.constant(1024, "float32")]);
    const after = evaluate(scaled, { x: [1] }).bounds[0];
    expect(after / (1024 * before)).toBeCloseTo(2, 2);
  });

  it("see a kink that the slope in the middle does not see", () => {
    const g = new Graph();
    // x is so far below 1/3 that its own error decides which of both is the larger one.
    const x = third(g, "x", []);
    const node = g.make("maximum", [x, g.constant(0.33333334, "float32")]);
    const { bounds } = evaluate(node, { x: [1] });
    expect(bounds[0]).toBeGreaterThan(0);
  });

  it("see the pole of a division", () => {
    const g = new Graph();
    const x = third(g, "x", []);
    const zero = g.make("subtract", [x, g.constant(0.33333334, "float32")]);
    const one = g.constant(1, "float32");
    expect(evaluate(g.make("divide", [one, zero]), { x: [1] }).bounds[0]).toBe(inf);
    // A divisor that is 0 for certain is no question of rounding.
    const certain = evaluate(g.make("divide", [one, input(g, "z", [])]), { z: [0] });
    expect([certain.data[0], certain.bounds[0]]).toEqual([inf, 0]);
  });

  it("see the end of a domain and of the range", () => {
    const g = new Graph();
    const zero = g.make("subtract", [third(g, "x", []), g.constant(0.33333334, "float32")]);
    expect(evaluate(g.make("squareRoot", [zero]), { x: [1] }).bounds[0]).toBe(inf);
    const one = g.make("multiply", [third(g, "x", []), g.constant(3, "float32")]);
    const large = g.make("multiply", [one, g.constant(3.4028234663852886e38, "float32")]);
    expect(evaluate(large, { x: [1] }).bounds[0]).toBe(inf);
    expect(evaluate(large, { x: [0.5] }).bounds[0]).toBeLessThan(1e32);
    const over = evaluate(large, { x: [2] });
    expect([over.data[0], over.bounds[0]]).toEqual([inf, 0]);
  });

  it("are infinite where rounding decides a jump", () => {
    const g = new Graph();
    const x = third(g, "x", []);
    const f = (value: number) => g.constant(value, "float32");
    const bound = (node: Node, at: number) => evaluate(node, { x: [at] }).bounds[0];
    expect(bound(g.make("less", [x, f(0.33333334)]), 1)).toBe(inf);
    expect(bound(g.make("less", [x, f(0.3334)]), 1)).toBe(0);
    const whole = g.make("multiply", [x, f(3)]);
    expect(bound(g.make("floor", [whole]), 1)).toBe(inf);
    expect(bound(g.make("floor", [whole]), 1.5)).toBe(0);
    expect(bound(g.make("round", [g.make("add", [x, f(1 / 6)])]), 1)).toBe(inf);
    expect(bound(g.make("cast", [whole], { dtype: "int32" }), 1)).toBe(inf);
    expect(bound(g.make("bitcast", [x], { dtype: "int32" }), 1)).toBe(inf);
    // Exact halves are not close, they are known.
    expect(evaluate(g.make("round", [input(g, "h", [])]), { h: [2.5] }).bounds[0]).toBe(0);
  });

  describe("after a comparison too close to call", () => {
    const g = new Graph();
    const x = third(g, "x", []);
    const f = (value: number) => g.constant(value, "float32");
    const open = g.make("less", [x, f(0.33333334)]);
    const bound = (node: Node, y = 0) => evaluate(node, { x: [1], y: [y], v: [1, 2, 3] }).bounds[0];
    const select = (yes: Node, no: Node) => g.make("select", [open, yes, no]);

    it("are infinite for what depends on it", () => {
      const chosen = select(f(1), f(2));
      expect(bound(chosen)).toBe(inf);
      expect(bound(g.make("add", [chosen, f(1)]))).toBe(inf);
      const asNumber = g.make("cast", [open], { dtype: "uint32" });
      expect(bound(asNumber)).toBe(inf);
      expect(bound(g.make("equal", [asNumber, g.constant(1, "uint32")]))).toBe(inf);
      const spread = g.make("multiply", [chosen, input(g, "v", [b])]);
      expect(bound(g.make("sum", [spread], { over: ["b"] }))).toBe(inf);
    });

    it("are finite where both branches agree", () => {
      expect(bound(select(f(2), f(2)))).toBe(0);
      const same = bound(select(x, f(0.33333334)));
      expect(same).toBeGreaterThan(0);
      expect(same).toBeLessThan(1e-7);
      const no = g.make("less", [f(1), f(0)]);
      expect(bound(g.make("and", [open, no]))).toBe(0);
    });

    it("are finite where the unknown is not chosen", () => {
      const yes = g.make("less", [input(g, "y", []), f(1)]);
      const chosen = g.make("select", [yes, f(3), select(f(1), f(2))]);
      expect(bound(chosen, 0)).toBe(0);
      expect(bound(chosen, 5)).toBe(inf);
    });
  });

  it("hold for one node on both sides, and for the largest of many and its term", () => {
    const g = new Graph();
    const x = third(g, "x", [b]);
    const bounds = (node: Node, xs: number[]) => [...evaluate(node, { x: xs }).bounds];
    expect(bounds(g.make("less", [x, x]), [1, 2, 4])).toEqual([0, 0, 0]);
    const largest = g.make("max", [x], { over: ["b"] });
    const hits = evaluate(g.make("equal", [x, largest]), { x: [1, 4, 2] });
    expect([...hits.data]).toEqual([0, 1, 0]);
    expect([...hits.bounds]).toEqual([0, 0, 0]);
    expect(bounds(g.make("equal", [largest, x]), [1, 4, 2])).toEqual([0, 0, 0]);
    // Two candidates so close that either may be the largest: both are open, the third is not.
    const factor = g.constant(0.7, "float32");
    const rough = g.make("multiply", [g.make("multiply", [x, factor]), factor]);
    const either = g.make("equal", [rough, g.make("max", [rough], { over: ["b"] })]);
    expect(bounds(either, [1, 4, 4.0000005])).toEqual([0, inf, inf]);
    // An uncertain bool and itself is no comparison.
    expect(bounds(g.make("and", [either, either]), [1, 4, 4.0000005])).toEqual([0, inf, inf]);
  });

  it("of sums grow with the number of terms, but whole numbers add up exactly", () => {
    const g = new Graph();
    const n: Axis = { name: "n", size: 1000 };
    const sum = g.make("sum", [input(g, "x", [n])], { over: ["n"] });
    const fractions = Array.from({ length: 1000 }, (_, i) => 1 + i / 7);
    const exact = evaluate(sum, { x: fractions });
    const rounded = evaluate(sum, { x: fractions }, "rounding");
    const off = Math.abs(exact.data[0] - rounded.data[0]);
    expect(off).toBeGreaterThan(0);
    expect(off).toBeLessThan(exact.bounds[0]);
    expect(exact.bounds[0]).toBeLessThan(1e-4 * exact.data[0]);
    expect(evaluate(sum, { x: fractions.map(Math.round) }).bounds[0]).toBe(0);
  });

  it("of contractions hold for terms that cancel", () => {
    const g = new Graph();
    const n: Axis = { name: "n", size: 4 };
    const node = g.make("contract", [input(g, "x", [n]), input(g, "y", [n])], { over: ["n"] });
    const leaves = { x: [1e4, 1e4, 1, 0.1], y: [1e4 + 1, -1e4, 0.1, 0.1] };
    const exact = evaluate(node, leaves);
    for (const fused of [false, true]) {
      const { data } = evaluate(node, leaves, "rounding", fused);
      const off = Math.abs(exact.data[0] - data[0]);
      expect(off).toBeGreaterThan(0);
      expect(off).toBeLessThan(exact.bounds[0]);
    }
    expect(evaluate(node, { x: [1, 2, 3, 4], y: [1, 1, 1, 0] }).bounds[0]).toBe(0);
  });
});

describe("rounding mode", () => {
  const n: Axis = { name: "n", size: 4 };
  const tiny = 2 ** -24;
  const dot = (cuts?: readonly number[]) => {
    const g = new Graph();
    const inputs = [input(g, "x", [n]), input(g, "y", [n])];
    return g.make("contract", inputs, { over: ["n"], ...(cuts && { cuts }) });
  };

  it("adds one term after the other", () => {
    const g = new Graph();
    const sum = g.make("sum", [input(g, "x", [n])], { over: ["n"] });
    expect(evaluate(sum, { x: [1, tiny, tiny, tiny] }, "rounding").data[0]).toBe(1);
    expect(evaluate(sum, { x: [tiny, tiny, tiny, 1] }, "rounding").data[0]).toBe(1 + 4 * tiny);
  });

  it("adds each slice of a contraction for itself, then the slices in order", () => {
    const leaves = { x: [1, tiny, tiny, tiny], y: [1, 1, 1, 1] };
    expect(evaluate(dot(), leaves, "rounding").data[0]).toBe(1);
    expect(evaluate(dot([0, 2, 4]), leaves, "rounding").data[0]).toBe(1 + 2 * tiny);
    expect(evaluate(dot([0, 1, 4]), leaves, "rounding").data[0]).toBe(1 + 4 * tiny);
  });

  it("rounds once where multiply and add are fused", () => {
    const x = 1 + 2 ** -23;
    const leaves = { x: [-1 - 2 ** -22, x, 0, 0], y: [1, x, 0, 0] };
    expect(evaluate(dot(), leaves, "rounding").data[0]).toBe(0);
    expect(evaluate(dot(), leaves, "rounding", true).data[0]).toBe(2 ** -46);
  });
});

it("runs 500 nodes on [32, 100] in about a second", () => {
  const g = new Graph();
  const axes = [
    { name: "a", size: 32 },
    { name: "b", size: 100 },
  ];
  const y = input(g, "y", [axes[1]]);
  let x = input(g, "x", axes);
  for (let i = 0; i < 250; i++)
    x = g.make("multiply", [g.make("add", [x, y]), g.constant(0.5 + i * 1e-6, "float32")]);
  const computation: Computation = { results: [{ name: "y", node: x, axes }], updates: [] };
  const numbers = { x: new Float32Array(3200).fill(0.3), y: new Float32Array(100).fill(0.1) };
  const start = performance.now();
  const read = (leaf: Node) => numbers[leaf.attributes.name as "x" | "y"];
  const { data } = interpret(computation, read, "exact").results.get("y")!;
  expect(Math.abs(data[0] - 0.1)).toBeLessThan(0.01);
  // Many times what a quiet machine takes.
  expect(performance.now() - start).toBeLessThan(10_000);
});
