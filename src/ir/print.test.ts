import { describe, expect, it } from "vitest";
import { canonicalize } from "./canonical.ts";
import { type Computation, Graph } from "./graph.ts";
import type { Attributes, Axis } from "./node.ts";
import { print } from "./print.ts";

interface Names {
  readonly prefix: string;
  readonly first: number;
}

/** A step with all kinds of rows; the names of axes, leaves and results are free. */
function step({ prefix, first }: Names, change?: "constant" | "cuts" | "order"): Computation {
  const g = new Graph();
  for (let i = 0; i < first; i++) g.axis(1);
  const [batch, pixel, unit] = [4, 6, 3].map((size) => g.axis(size));
  const leaf = (op: string, name: string, attributes: Attributes) =>
    g.make(op, [], { name: `${prefix}${name}`, ...attributes });
  const rows = leaf("input", "rows", { dtype: "uint32", axes: [batch] });
  const table = leaf("table", "images", { dtype: "uint8", axes: [pixel] });
  const weights = leaf("variable", "w", { dtype: "float32", axes: [pixel, unit] });
  const x = g.make("cast", [g.make("gather", [table, rows])], { dtype: "float32" });
  const cuts = change === "cuts" ? { cuts: [0, 2, 6] } : {};
  const h = g.make("contract", [x, weights], { over: [pixel.name], ...cuts });
  const limit = g.constant(change === "constant" ? 0.5 : -0, "float32");
  const relu = g.make("maximum", change === "order" ? [limit, h] : [h, limit]);
  const total = g.make("sum", [relu], { over: [batch.name] });
  const next = g.make("subtract", [weights, g.make("tanh", [total])]);
  const all: Axis = { name: "all", size: 12 };
  const merged = g.make("merge", [relu], { over: [unit.name, batch.name], into: all });
  const [one, two] = [2, 6].map((size) => g.axis(size));
  const parts = g.make("split", [merged], { axis: "all", axes: [one, two] });
  const other = g.axis(2);
  const renamed = g.make("rename", [parts], { names: [[one.name, other.name]] });
  const index = g.make("index", [], { axes: [two] });
  return {
    results: [
      { name: `${prefix}h`, node: renamed, axes: [two, other] },
      { name: `${prefix}i`, node: index, axes: [two] },
    ],
    updates: [{ variable: weights, value: next }],
  };
}

const plain: Names = { prefix: "", first: 0 };

describe("print", () => {
  it("writes one line a node", () => {
    expect(print(step(plain))).toMatchInlineSnapshot(`
      "%0 = table <images> : uint8[a1:6]
      %1 = input <rows> : uint32[a0:4]
      %2 = gather %0 %1 : uint8[a0:4, a1:6]
      %3 = cast %2 : float32[a0:4, a1:6]
      %4 = variable <w> : float32[a1:6, a2:3]
      %5 = contract <over a1> %3 %4 : float32[a0:4, a2:3]
      %6 = constant <-0> : float32[]
      %7 = maximum %5 %6 : float32[a0:4, a2:3]
      %8 = merge <over a2 a0; into all:12> %7 : float32[all:12]
      %9 = split <all> %8 : float32[a3:2, a4:6]
      %10 = rename <a3 to a5> %9 : float32[a5:2, a4:6]
      %11 = index : uint32[a4:6]
      %12 = sum <over a0> %7 : float32[a2:3]
      %13 = tanh %12 : float32[a2:3]
      %14 = subtract %4 %13 : float32[a1:6, a2:3]
      result h = %10 : [a4:6, a5:2]
      result i = %11 : [a4:6]
      update w = %14
      "
    `);
  });

  it("writes out what is special: infinite constants, cuts", () => {
    const g = new Graph();
    const x = g.make("input", [], { name: "x", dtype: "float32", axes: [{ name: "a", size: 9 }] });
    const inf = g.constant(Number.NEGATIVE_INFINITY, "float32");
    const node = g.make("contract", [g.make("add", [x, inf]), x], { over: ["a"], cuts: [0, 4, 9] });
    const text = print({ results: [{ name: "y", node, axes: [] }], updates: [] });
    expect(text).toContain("constant <-Infinity> : float32[]");
    expect(text).toContain("contract <over a; cut at 4> %2 %0 : float32[]");
  });
});

describe("canonicalize", () => {
  const text = (computation: Computation) => print(canonicalize(computation).computation);

  it("gives traces of one computation one text, whatever their names", () => {
    const other = text(step({ prefix: "model_2/", first: 11 }));
    expect(other).toBe(text(step(plain)));
    expect(other).toContain("%2 = gather %0 %1 : uint8[b:4, a:6]");
  });

  it("keeps different computations apart", () => {
    const texts = (["constant", "cuts", "order"] as const).map((change) =>
      text(step(plain, change)),
    );
    expect(new Set([...texts, text(step(plain))]).size).toBe(4);
  });

  it("tells the names under which leaves and results were traced", () => {
    const { leaves, results, computation } = canonicalize(step({ prefix: "m/", first: 2 }));
    expect(Object.fromEntries(leaves)).toEqual({
      input0: "m/rows",
      table0: "m/images",
      variable0: "m/w",
    });
    expect([...results.values()]).toEqual(["m/h", "m/i"]);
    expect(computation.results.map((result) => result.name)).toEqual(["result0", "result1"]);
  });

  it("has its own output as fixed point", () => {
    const once = canonicalize(step(plain)).computation;
    expect(text(once)).toBe(print(once));
  });

  it("keeps renames that tell axes of one leaf apart", () => {
    const g = new Graph();
    const x = g.make("input", [], { name: "x", dtype: "float32", axes: [{ name: "q", size: 2 }] });
    const outer = g.make("rename", [x], { names: [["q", "r"]] });
    const node = g.make("multiply", [x, outer]);
    const computation = { results: [{ name: "y", node, axes: node.axes }], updates: [] };
    expect(text(computation)).toContain("rename <a to b>");
  });
});
