import { describe, expect, it } from "vitest";
import type { Computation } from "../../ir/graph.ts";
import { interpret } from "../../ir/interpret.ts";
import { check } from "../../ir/legality.ts";
import { type Node, topological } from "../../ir/node.ts";
import { gradients } from "../../tensor/gradients.ts";
import { Trace } from "../../tensor/trace.ts";
import { arrangeForms, cutsOf, fuseProducts, simplifyAndLower } from "./rules.ts";
import { axesOf, opsOf, Sketch } from "./sketch.case.ts";

const arranged = (sketch: Sketch): Computation => {
  const computation = arrangeForms(sketch.computation);
  check(computation, "traced");
  return computation;
};

const find = (computation: Computation, op: string): Node =>
  topological(computation.results.map(({ node }) => node)).find((node) => node.op === op)!;

describe("cuts of a reduced axis", () => {
  it.each<[size: number, slices: number, length: number]>([
    [512, 8, 64],
    [513, 7, 80],
    [576, 8, 80],
    [768, 12, 64],
    [1000, 11, 96],
    [1536, 24, 64],
    [3072, 24, 128],
    [100_000, 24, 4176],
  ])("of size %i are %i slices of %i", (size, slices, length) => {
    const cuts = cutsOf(size)!;
    expect(cuts.length - 1).toBe(slices);
    expect(cuts[1]).toBe(length);
  });

  it("are none below 512", () => {
    for (const size of [1, 64, 256, 511]) expect(cutsOf(size)).toBeUndefined();
  });

  it("are at least 4 slices of one length, a multiple of a line, but for the last", () => {
    for (let size = 512; size < 5000; size += size < 700 ? 1 : 37) {
      const cuts = cutsOf(size)!;
      const lengths = cuts.slice(1).map((to, i) => to - cuts[i]);
      expect(lengths.length).toBeGreaterThanOrEqual(4);
      const last = lengths.pop()!;
      expect(new Set(lengths).size).toBe(1);
      expect(lengths[0] % 16).toBe(0);
      expect(last).toBeGreaterThan(0);
      expect(last).toBeLessThanOrEqual(lengths[0]);
      expect(cuts[0]).toBe(0);
      expect(cuts.at(-1)).toBe(size);
    }
  });

  it("are put on long contractions over one axis, and on no others", () => {
    const cutsIn = (over: string, ...names: string[]) => {
      const s = new Sketch();
      const x = s.input("x", axesOf(`a4 ${over}`));
      const w = s.variable("w", axesOf(`${over} b5`));
      s.result(s.contract(x, w, ...names));
      return find(arranged(s), "contract").attributes.cuts;
    };
    expect(cutsIn("k512", "k")).toEqual(cutsOf(512));
    expect(cutsIn("k511", "k")).toBeUndefined();
    expect(cutsIn("k600 l2", "k", "l")).toBeUndefined();
  });
});

describe("regrouping of axes", () => {
  const [m] = axesOf("m12");

  it("moves below elementwise work, of which only what has the axes is regrouped", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a3 b4"));
    const rate = s.input("rate", []);
    const scaled = s.do("multiply", s.do("absolute", x), rate);
    s.result(s.merge(scaled, ["a", "b"], m));
    expect(opsOf(arranged(s))).toEqual(["input", "merge", "absolute", "input", "multiply"]);
  });

  it("moves a split likewise", () => {
    const s = new Sketch();
    const x = s.input("x", [m]);
    s.result(s.split(s.do("negate", s.do("absolute", x)), "m", axesOf("a3 b4")));
    expect(opsOf(arranged(s))).toEqual(["input", "split", "absolute", "negate"]);
  });

  it("stays where an input has only some of the axes", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a3 b4"));
    const row = s.input("row", axesOf("b4"));
    s.result(s.merge(s.do("add", x, row), ["a", "b"], m));
    expect(opsOf(arranged(s)).slice(-2)).toEqual(["add", "merge"]);
  });

  it("stays above a contraction and a reduction", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a3 k2"));
    const w = s.variable("w", axesOf("k2 b4"));
    s.result(s.merge(s.contract(x, w, "k"), ["a", "b"], m));
    s.result(s.merge(s.sum(s.input("y", axesOf("a3 b4 c5")), "c"), ["a", "b"], m));
    const ops = opsOf(arranged(s));
    expect(ops.slice(0, 4)).toEqual(["input", "variable", "contract", "merge"]);
    expect(ops.slice(-2)).toEqual(["sum", "merge"]);
  });

  it("of positions is positions again", () => {
    const s = new Sketch();
    const [a] = axesOf("a12");
    const index = s.graph.make("index", [], { axes: [a] });
    s.result(s.rename(index, ["a", "z"]));
    s.result(s.split(index, "a", axesOf("b3 c4")));
    s.result(s.merge(index, ["a"], m));
    const { results } = arranged(s);
    expect(results.map(({ node }) => node.op)).toEqual(["index", "add", "index"]);
    expect(results[0].node.axes).toEqual(axesOf("z12"));
    expect(opsOf({ results: [results[1]], updates: [] })).toEqual([
      "index",
      "constant",
      "multiply",
      "index",
      "add",
    ]);
    expect(results[2].node.axes).toEqual([m]);
  });
});

describe("slices", () => {
  const [c, d] = axesOf("c6 d5");

  it("of positions are positions again, also where they leave their axis", () => {
    const s = new Sketch();
    const index = s.graph.make("index", [], { axes: axesOf("a8") });
    for (const from of [0, 2, -2, 4]) s.result(s.slice(index, "a", from, c));
    s.result(s.slice(index, "a", 7));
    const { results } = arranged(s);
    const found = interpret({ results, updates: [] }, () => [], "exact").results;
    expect([...found.values()].map(({ data }) => [...data])).toEqual([
      [0, 1, 2, 3, 4, 5],
      [2, 3, 4, 5, 6, 7],
      [0, 0, 0, 1, 2, 3],
      [4, 5, 6, 7, 7, 7],
      [7],
    ]);
    expect(opsOf({ results, updates: [] })).not.toContain("slice");
    expect(opsOf({ results, updates: [] })).not.toContain("clampedSlice");
  });

  it("that leave their axis are copied before they are split, contracted, or row numbers", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a8 b4"));
    const moved = s.slice(x, "a", -1, c);
    s.result(s.split(moved, "c", axesOf("e2 f3")));
    s.result(s.contract(moved, s.variable("w", axesOf("c6 g3")), "c"));
    const rows = s.slice(s.input("rows", axesOf("a8"), "uint32"), "a", 4, d);
    s.result(s.do("gather", s.table("t", axesOf("h2")), rows));
    const copies = ["contract", "split", "gather"].map(
      (op) => find(arranged(s), op).inputs[op === "gather" ? 1 : 0].op,
    );
    expect(copies).toEqual(["cast", "cast", "cast"]);
  });

  it("of rows of a table are read there, unless they leave them", () => {
    const s = new Sketch();
    const rows = s.do("gather", s.table("t", axesOf("h8")), s.input("i", axesOf("a8"), "uint32"));
    s.result(s.slice(rows, "a", 2, c)).result(s.slice(rows, "h", -1, d));
    expect(find(arranged(s), "slice").inputs[0].op).toBe("gather");
    expect(find(arranged(s), "clampedSlice").inputs[0].op).toBe("cast");
  });
});

describe("contractions", () => {
  it("whose second operand has no axis of its own become sums of products", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a3 k4"));
    s.result(s.contract(x, s.variable("w", axesOf("k4")), "k"));
    s.result(s.contract(x, s.variable("v", axesOf("a3 k4")), "k"));
    s.result(s.contract(s.variable("u", axesOf("k4")), x, "k"));
    const ops = arranged(s).results.map(({ node }) => node.op);
    expect(ops).toEqual(["sum", "sum", "contract"]);
  });

  it("read rows of a table from a place of their own", () => {
    const s = new Sketch();
    const [n, k] = axesOf("n3 k4");
    const rows = s.graph.make("gather", [s.table("t", [k]), s.input("i", [n], "uint32")]);
    s.result(s.contract(rows, s.variable("w", axesOf("k4 b5")), "k"));
    expect(find(arranged(s), "contract").inputs.map(({ op }) => op)).toEqual(["cast", "variable"]);
  });

  it("do so through a view as well", () => {
    const s = new Sketch();
    const [n, k] = axesOf("n3 k4");
    const rows = s.graph.make("gather", [s.table("t", [k]), s.input("i", [n], "uint32")]);
    const parts = s.split(rows, "k", axesOf("c2 d2"));
    s.result(s.contract(parts, s.variable("w", axesOf("c2 b5")), "c"));
    expect(find(arranged(s), "contract").inputs[0].op).toBe("cast");
  });

  it("keep the cuts that they have", () => {
    const s = new Sketch();
    const inputs = [s.input("x", axesOf("a3 k600")), s.variable("w", axesOf("k600 b5"))];
    s.result(s.graph.make("contract", inputs, { over: ["k"], cuts: [0, 100, 600] }));
    expect(find(arranged(s), "contract").attributes.cuts).toEqual([0, 100, 600]);
  });
});

describe("row numbers of a gather", () => {
  it("lie in memory: positions and constants are brought there", () => {
    const s = new Sketch();
    const [n] = axesOf("n3");
    const table = s.table("t", []);
    const gather = (indices: Node) => s.result(s.graph.make("gather", [table, indices]));
    gather(s.graph.make("index", [], { axes: [n] }));
    gather(s.graph.constant(2, "uint32"));
    gather(s.input("i", [n], "uint32"));
    const indices = arranged(s).results.map(({ node }) => node.inputs[1].op);
    expect(indices).toEqual(["cast", "cast", "input"]);
  });
});

describe("simplify and decompose", () => {
  it("leaves basic ops only, without neutral elements and constants that can be computed", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a3"));
    const one = s.do("subtract", s.float(3), s.float(2));
    s.result(s.do("exponential", s.do("multiply", x, one)));
    const lowered = simplifyAndLower(s.computation);
    check(lowered, "lowered");
    const first = topological([lowered.results[0].node]).find(({ op }) => op === "minimum");
    expect(first!.inputs[0].op).toBe("input");
  });
});

describe("products and sums", () => {
  it("become one op where the product has no other use", () => {
    const s = new Sketch();
    const [x, y, z] = ["x", "y", "z"].map((name) => s.input(name, axesOf("a3")));
    s.result(s.do("add", s.do("multiply", x, y), z));
    s.result(s.do("subtract", z, s.do("multiply", x, z)));
    expect(fuseProducts(s.computation).results.map(({ node }) => node.op)).toEqual([
      "multiplyAdd",
      "subtractProduct",
    ]);
  });

  it("stay two where it is used elsewhere, or a result itself", () => {
    const s = new Sketch();
    const [x, y] = ["x", "y"].map((name) => s.input(name, axesOf("a3")));
    const product = s.do("multiply", x, y);
    s.result(s.do("add", product, x)).result(product);
    const squared = s.do("multiply", x, x);
    s.result(s.do("add", squared, y)).result(s.do("negate", squared));
    const ops = fuseProducts(s.computation).results.map(({ node }) => node.op);
    expect(ops).toEqual(["add", "multiply", "add", "negate"]);
  });

  it("of whole numbers stay two", () => {
    const s = new Sketch();
    const [x, y] = ["x", "y"].map((name) => s.input(name, axesOf("a3"), "uint32"));
    s.result(s.do("add", s.do("multiply", x, y), y));
    expect(fuseProducts(s.computation).results[0].node.op).toBe("add");
  });
});

describe("the gradient of two branches", () => {
  it("is one product with one choice", () => {
    const trace = new Trace();
    const x = trace.input("x", "float32", [8]);
    const bent = x.maximum(0).add(trace.constant(0).minimum(x).exponential());
    const [slope] = gradients(bent, [x], trace.input("g", "float32", [8]));
    trace.result("slope", slope);
    const { computation } = trace.finish();
    const before = opCounts(computation);
    const after = opCounts(simplifyAndLower(computation));
    expect(before.get("select")).toBe(2);
    // A choice between 1 and the slope of the exponential.
    expect(after.get("select")).toBe(1);
  });

  it("stays where the branches hang on different conditions", () => {
    const trace = new Trace();
    const x = trace.input("x", "float32", [8]);
    const g = trace.input("g", "float32", [8]);
    const sum = x.less(1).where(g, 0).add(x.less(2).where(0, g));
    trace.result("sum", sum);
    const after = opCounts(simplifyAndLower(trace.finish().computation));
    expect([after.get("select"), after.get("add")]).toEqual([2, 1]);
  });
});

function opCounts(computation: Computation): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of topological(computation.results.map(({ node }) => node)))
    counts.set(op, (counts.get(op) ?? 0) + 1);
  return counts;
}
