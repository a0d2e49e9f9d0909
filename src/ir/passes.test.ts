/** Rewriting, lowering, simplifying, and what may stand where. */
import { describe, expect, it } from "vitest";
import { type Computation, Graph } from "./graph.ts";
import { check } from "./legality.ts";
import { lower } from "./lower.ts";
import { type Axis, GraphError, type Node, topological } from "./node.ts";
import { ops, rowOf } from "./ops.ts";
import { print } from "./print.ts";
import { type Rule, renameAxes, rewrite } from "./rewrite.ts";
import { simplify } from "./simplify.ts";

const a: Axis = { name: "a", size: 2 };
const leaf = (g: Graph, name = "x", op = "input") =>
  g.make(op, [], { name, dtype: "float32", axes: [a] });
const result = (node: Node): Computation => ({
  results: [{ name: "y", node, axes: node.axes }],
  updates: [],
});
const opsOf = ({ results }: Computation) =>
  topological(results.map(({ node }) => node)).map((node) => node.op);

describe("rewrite", () => {
  it("applies the first rule that fits, inputs first, again to what it returned", () => {
    const g = new Graph();
    const node = g.make("negate", [g.make("absolute", [g.make("squareRoot", [leaf(g)])])]);
    const replace =
      (from: string, to: string): Rule =>
      (graph, at) =>
        at.op === from ? graph.make(to, at.inputs) : undefined;
    const rules = [
      replace("squareRoot", "floor"),
      replace("floor", "round"),
      replace("squareRoot", "negate"),
    ];
    expect(opsOf(rewrite(result(node), rules))).toEqual(["input", "round", "absolute", "negate"]);
  });

  it("rewrites new nodes below the one a rule returned", () => {
    const g = new Graph();
    const expand: Rule = (graph, node) =>
      node.op === "tanh"
        ? graph.make("negate", [graph.make("absolute", [graph.make("floor", node.inputs)])])
        : undefined;
    const floor: Rule = (graph, node) =>
      node.op === "floor" ? graph.make("round", node.inputs) : undefined;
    const found = rewrite(result(g.make("tanh", [leaf(g)])), [expand, floor]);
    expect(opsOf(found)).toEqual(["input", "round", "absolute", "negate"]);
  });

  it("keeps the original and shares what was shared", () => {
    const g = new Graph();
    const x = g.make("tanh", [leaf(g)]);
    const before = result(g.make("add", [x, g.make("negate", [x])]));
    const text = print(before);
    const after = rewrite(before, [
      (graph, node) => (node.op === "tanh" ? graph.make("floor", node.inputs) : undefined),
    ]);
    expect(print(before)).toBe(text);
    expect(opsOf(after)).toEqual(["input", "floor", "negate", "add"]);
  });

  it("moves a rule down through what is shared once", () => {
    const g = new Graph();
    let node = leaf(g);
    for (let i = 0; i < 60; i++) node = g.make("add", [node, node]);
    const sink: Rule = (graph, { op, inputs: [x] }) =>
      op === "negate" && x.op === "add"
        ? graph.make(
            "add",
            x.inputs.map((input) => graph.make("negate", [input])),
          )
        : undefined;
    let calls = 0;
    const counted: Rule = (graph, at) => {
      calls++;
      return sink(graph, at);
    };
    const found = opsOf(rewrite(result(g.make("negate", [node])), [counted]));
    expect(found.slice(0, 3)).toEqual(["input", "negate", "add"]);
    expect(calls).toBeLessThan(1000);
  });

  it("maps variables and values of updates", () => {
    const g = new Graph();
    const v = leaf(g, "v", "variable");
    const before = { results: [], updates: [{ variable: v, value: g.make("tanh", [v]) }] };
    const [{ variable, value }] = rewrite(before, [
      (graph, node) => (node.op === "tanh" ? graph.make("floor", node.inputs) : undefined),
    ]).updates;
    expect([variable.op, value.op]).toEqual(["variable", "floor"]);
    expect(value.inputs[0]).toBe(variable);
  });
});

describe("renameAxes", () => {
  it("renames in nodes, attributes and results, and drops renames that became empty", () => {
    const g = new Graph();
    const renamed = g.make("rename", [leaf(g)], { names: [["a", "b"]] });
    const computation = result(g.make("sum", [renamed], { over: ["b"] }));
    const text = print(renameAxes(computation, () => "z"));
    expect(text).toContain("%0 = input <x> : float32[z:2]\n%1 = sum <over z> %0");
  });
});

describe("lower", () => {
  const derived = Object.entries(ops).filter(
    ([, row]) => "lower" in row && row.kind === "elementwise",
  );

  it.each(derived)("leaves nothing of %s", (op) => {
    const g = new Graph();
    const lowered = lower(result(g.make(op, [g.make(op, [leaf(g)])])));
    expect(() => check(lowered, "lowered")).not.toThrow();
    expect(opsOf(lowered).filter((name) => rowOf(name).lower)).toEqual([]);
  });

  it("leaves a choice of a pad", () => {
    const g = new Graph();
    const pad = g.make("pad", [leaf(g)], { axis: "a", into: { name: "b", size: 5 }, from: 2 });
    const lowered = lower(result(pad));
    check(lowered, "lowered");
    expect(opsOf(lowered)).toContain("clampedSlice");
    expect(opsOf(lowered).at(-1)).toBe("select");
    const at = g.make("pad", [leaf(g)], { into: { name: "b", size: 5 }, from: 2 });
    expect(opsOf(lower(result(at)))).not.toContain("clampedSlice");
  });

  it("leaves basic rows as they are", () => {
    const g = new Graph();
    const before = result(g.make("add", [leaf(g), g.constant(1, "float32")]));
    expect(print(lower(before))).toBe(print(before));
  });

  it("lowers a graph of 100 derived ops in a row", () => {
    const g = new Graph();
    let node = leaf(g);
    for (let i = 0; i < 100; i++) node = g.make("tanh", [node]);
    const start = performance.now();
    const lowered = lower(result(node));
    expect(performance.now() - start).toBeLessThan(5_000);
    check(lowered, "lowered");
  });
});

describe("a slice of a choice by position", () => {
  const wide = { name: "w", size: 6 };
  const part = (from: number, size: number, limit: number, otherAxes = [a, wide]) => {
    const g = new Graph();
    const x = g.make("input", [], { name: "x", dtype: "float32", axes: [a, wide] });
    const y = g.make("input", [], { name: "y", dtype: "float32", axes: otherAxes });
    const position = g.make("index", [], { axes: [wide] });
    const condition = g.make("less", [position, g.constant(limit, "uint32")]);
    const choice = g.make("select", [condition, x, y]);
    const into = { name: "p", size };
    const slice = g.make("slice", [choice], { axis: "w", into, from });
    return rowOf("slice").simplify!(g, slice)?.inputs[0].attributes.name;
  };

  it("is one of the side on which all of it lies", () => {
    expect(part(0, 2, 2)).toBe("x");
    expect(part(2, 4, 2)).toBe("y");
    expect(part(3, 1, 4)).toBe("x");
  });

  it("stays where both sides are in it, or a side lacks an axis of it", () => {
    expect(part(0, 3, 2)).toBeUndefined();
    expect(part(1, 4, 2)).toBeUndefined();
    expect(part(2, 4, 2, [wide])).toBeUndefined();
    expect(part(2, 4, 2, [a])).toBeUndefined();
  });
});

describe("simplify", () => {
  const f = (g: Graph, value: number) => g.constant(value, "float32");
  const simple = (node: Node) => opsOf(simplify(result(node)));

  it("folds elementwise rows of constants, rounded as a device rounds", () => {
    const g = new Graph();
    const third = g.make("divide", [f(g, 1), f(g, 3)]);
    const folded = simplify(result(g.make("add", [g.make("multiply", [third, f(g, 7)]), leaf(g)])));
    expect(opsOf(folded)).toEqual(["constant", "input", "add"]);
    const [constant] = folded.results[0].node.inputs;
    expect(constant.attributes.value).toBe(Math.fround(Math.fround(1 / 3) * 7));
  });

  it("folds whole numbers with wrapping, bit casts, comparisons", () => {
    const g = new Graph();
    const fold = (node: Node) => simplify(result(node)).results[0].node.attributes.value;
    const u = (value: number) => g.constant(value, "uint32");
    expect(fold(g.make("add", [u(2 ** 32 - 1), u(2)]))).toBe(1);
    expect(fold(g.make("xor", [u(2 ** 31), u(1)]))).toBe(2 ** 31 + 1);
    expect(fold(g.make("bitcast", [f(g, 1)], { dtype: "int32" }))).toBe(0x3f800000);
    expect(fold(g.make("less", [f(g, 1), f(g, 2)]))).toBe(1);
    expect(fold(g.make("exponential", [f(g, 0)]))).toBe(1);
  });

  it("does not fold to NaN, whose bits a number does not tell", () => {
    const g = new Graph();
    const zero = f(g, 0);
    expect(simple(g.make("divide", [zero, zero]))).toEqual(["constant", "divide"]);
    const bits = g.constant(0x7fc00001, "uint32");
    expect(simple(g.make("bitcast", [bits], { dtype: "float32" }))).toEqual([
      "constant",
      "bitcast",
    ]);
  });

  it("drops neutral elements where the row says so", () => {
    const g = new Graph();
    const x = leaf(g);
    const [zero, one] = [f(g, 0), f(g, 1)];
    expect(simple(g.make("add", [x, zero]))).toEqual(["input"]);
    expect(simple(g.make("add", [zero, x]))).toEqual(["input"]);
    expect(simple(g.make("multiply", [one, x]))).toEqual(["input"]);
    expect(simple(g.make("divide", [x, one]))).toEqual(["input"]);
    expect(simple(g.make("subtract", [x, zero]))).toEqual(["input"]);
    // Of a row that is not commutative, the right side only.
    expect(simple(g.make("subtract", [zero, x]))).toEqual(["constant", "input", "subtract"]);
    expect(simple(g.make("divide", [one, x]))).toEqual(["constant", "input", "divide"]);
    // No row says anything about these.
    expect(simple(g.make("multiply", [x, zero]))).toEqual(["input", "constant", "multiply"]);
    expect(simple(g.make("maximum", [x, zero]))).toEqual(["input", "constant", "maximum"]);
  });

  it("leaves leaves, reductions and single constants alone", () => {
    const g = new Graph();
    const total = g.make("sum", [leaf(g)], { over: ["a"] });
    expect(simple(total)).toEqual(["input", "sum"]);
    expect(simple(f(g, 3))).toEqual(["constant"]);
  });
});

describe("check", () => {
  const throws = (computation: Computation, stage: "traced" | "lowered", text: string) => {
    expect(() => check(computation, stage)).toThrow(GraphError);
    expect(() => check(computation, stage)).toThrow(text);
  };

  it("refuses derived ops once lowered", () => {
    const g = new Graph();
    const computation = result(g.make("tanh", [leaf(g)]));
    expect(() => check(computation, "traced")).not.toThrow();
    throws(computation, "lowered", "tanh: only basic ops once lowered, got tanh.");
  });

  it("refuses a node that is not what its row says", () => {
    const g = new Graph();
    const node = g.make("add", [leaf(g), leaf(g)]);
    throws(result({ ...node, dtype: "int32" }), "traced", "add: float32 with 1 axes, as its row");
    throws(result({ ...node, axes: [] }), "traced", "add: float32 with 1 axes, as its row says");
  });

  it("refuses one axis name of two sizes, anywhere", () => {
    const g = new Graph();
    const other = { name: "a", size: 5 };
    const y = g.make("input", [], { name: "y", dtype: "float32", axes: [other] });
    const results = [leaf(g), y].map((node, i) => ({ name: `${i}`, node, axes: node.axes }));
    throws({ results, updates: [] }, "traced", "input: axis a of size 2 everywhere, got 5.");
  });

  it("refuses results that hide an axis", () => {
    const g = new Graph();
    const computation = { results: [{ name: "y", node: leaf(g), axes: [] }], updates: [] };
    throws(computation, "traced", "result y: axis a among the result's axes, got none.");
  });

  it("refuses updates of what is no variable, of another dtype or shape, or twice", () => {
    const g = new Graph();
    const v = leaf(g, "v", "variable");
    const update = (variable: Node, ...values: Node[]): Computation => ({
      results: [],
      updates: values.map((value) => ({ variable, value })),
    });
    throws(update(leaf(g), v), "traced", "update of x: a variable and a value of its dtype");
    throws(update(v, g.constant(1, "int32")), "traced", "update of v: a variable and a value");
    const wide = g.make("add", [v, g.make("rename", [v], { names: [["a", "b"]] })]);
    throws(update(v, wide), "traced", "update of v: axes of the variable, got b.");
    throws(update(v, v, v), "traced", "update of v: one update a variable, got two.");
    expect(() => check(update(v, g.constant(1, "float32")), "traced")).not.toThrow();
  });
});
