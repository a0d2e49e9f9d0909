import { describe, expect, it } from "vitest";
import type { Node } from "../../ir/node.ts";
import { deferWrites, order } from "./order.ts";
import { arrangeForms, simplifyAndLower } from "./rules.ts";
import { schedule } from "./schedule.ts";
import { axesOf, line, Sketch } from "./sketch.case.ts";

/** The kernels of a sketch, a line each, in the order in which they run. */
const lines = (sketch: Sketch): string[] =>
  order(deferWrites(schedule(arrangeForms(simplifyAndLower(sketch.computation))))).map(line);

/** Leaf-only work beyond what may be computed again: 10 divisions. */
const costly = (s: Sketch, x: Node): Node => {
  let y = x;
  for (let i = 0; i < 10; i++) y = s.do("divide", y, s.float(3 + i));
  return y;
};

describe("schedule", () => {
  it("runs bias, activation and an update on a contraction's block", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 k3"));
    const [w, b] = [s.variable("w", axesOf("k3 b5")), s.variable("b", axesOf("b5"))];
    const y = s.do("maximum", s.do("add", s.contract(x, w, "k"), b), s.float(0));
    const g = s.contract(x, y, "a");
    const rate = s.input("rate", []);
    s.update(w, s.do("subtract", w, s.do("multiply", g, rate))).result(y);
    expect(lines(s)).toEqual([
      "contract [a;b] contract add maximum -> result0, kept [a,b]",
      "contract [k;b] contract multiply subtract -> w",
    ]);
  });

  it("makes softmax and the mean of its logarithm one kernel of rows and one across them", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 b5"));
    const shifted = s.do("subtract", x, s.max(x, "b"));
    const e = s.do("absolute", shifted);
    const total = s.sum(e, "b");
    s.result(s.do("divide", e, total));
    s.result(s.sum(s.do("squareRoot", total), "a"));
    expect(lines(s)).toEqual([
      "rows [a;b] max subtract absolute sum divide squareRoot -> result0, kept [a]",
      "rows [;a] sum -> result1",
    ]);
  });

  it("begins a kernel of columns where a sum runs across the rows", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 k3"));
    const w = s.variable("w", axesOf("k3 b5"));
    const y = s.contract(x, w, "k");
    s.result(s.do("negate", s.sum(y, "a")));
    expect(lines(s)).toEqual([
      "contract [a;b] contract -> kept [a,b]",
      "columns [;b] sum negate -> result0",
    ]);
  });

  it("reduces several axes along the row, and several across it", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 b5 c6 d7"));
    s.result(s.sum(x, "c", "d"))
      .result(s.max(x, "a", "c"))
      .result(s.sum(x, "a", "d"));
    s.result(s.sum(x, "a", "b", "c", "d"));
    expect(lines(s).sort()).toEqual([
      "columns [b;d] max -> result1",
      "rows [;a,b,c,d] sum -> result3",
      "rows [a,b;c,d] sum -> result0",
      "rows [b,c;a,d] sum -> result2",
    ]);
  });

  it("joins a sum along the row to the contraction whose row it is", () => {
    const s = new Sketch();
    const y = s.contract(s.input("x", axesOf("a4 k3")), s.variable("w", axesOf("k3 b5")), "k");
    const centred = s.do("subtract", y, s.sum(y, "b"));
    s.result(centred);
    expect(lines(s)).toEqual(["contract [a;b] contract sum subtract -> result0"]);
  });

  it("does not join what needs the whole value first", () => {
    const s = new Sketch();
    const y = s.contract(s.input("x", axesOf("a4 k3")), s.variable("w", axesOf("k3 b5")), "k");
    const total = s.sum(y, "a", "b");
    s.result(s.do("subtract", y, total)).result(s.do("subtract", y, s.sum(y, "a")));
    expect(lines(s)).toEqual([
      "contract [a;b] contract -> kept [a,b]",
      "columns [;b] sum -> kept [b]",
      "rows [;a,b] sum subtract -> result0",
      "rows [a;b] subtract -> result1",
    ]);
  });

  it("does not join what reads the same value through a view", () => {
    const s = new Sketch();
    const y = s.contract(s.input("x", axesOf("a4 k3")), s.variable("w", axesOf("k3 b4")), "k");
    s.result(s.do("add", y, s.rename(y, ["a", "b"], ["b", "a"])));
    expect(lines(s)).toEqual([
      "contract [a;b] contract -> kept [a,b]",
      "rows [a;b] add -> result0",
    ]);
  });

  it("computes a value once that two kernels read, and stores it where they find it", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 k3"));
    const y = s.do("tanh", s.contract(x, s.variable("w", axesOf("k3 b5")), "k"));
    s.result(s.contract(y, s.variable("v", axesOf("b5 c6")), "b"));
    s.result(s.contract(y, s.variable("u", axesOf("b5 d6")), "b"));
    s.result(y);
    const found = lines(s);
    expect(found.length).toBe(3);
    expect(found[0]).toMatch(/-> result2, kept \[a,b\]$/);
    expect(found.slice(1)).toEqual([
      "contract [a;c] contract -> result0",
      "contract [a;d] contract -> result1",
    ]);
  });

  describe("work on leaves only", () => {
    const twoUsers = (x: (s: Sketch, x: Node) => Node) => {
      const s = new Sketch();
      const value = x(s, s.input("x", axesOf("a4 b5")));
      const [w, v] = [s.variable("w", axesOf("k3 b5")), s.variable("v", axesOf("k3 b5"))];
      const z = s.input("z", axesOf("a4 k3"));
      s.result(s.do("add", s.contract(z, w, "k"), value));
      s.result(s.do("subtract", s.contract(z, v, "k"), value));
      return lines(s);
    };

    it("joins its only user", () => {
      const s = new Sketch();
      const y = s.contract(s.input("z", axesOf("a4 k3")), s.variable("w", axesOf("k3 b5")), "k");
      s.result(s.do("add", y, costly(s, s.input("x", axesOf("a4 b5")))));
      expect(lines(s).length).toBe(1);
    });

    it("is computed again for a second user where that is cheap", () => {
      expect(twoUsers((s, x) => s.do("absolute", x))).toEqual([
        "contract [a;b] contract absolute add -> result0",
        "contract [a;b] contract absolute subtract -> result1",
      ]);
    });

    it("is kept for a second user where it is not", () => {
      const found = twoUsers(costly);
      expect(found.length).toBe(3);
      expect(found[0]).toMatch(/^rows \[a;b\] divide .* -> kept \[a,b\]$/);
    });

    it("that is a result, or is read through a view, has a kernel of its own", () => {
      const s = new Sketch();
      const x = s.do("absolute", s.input("x", axesOf("a4 b4")));
      s.result(x).result(s.do("add", x, s.rename(x, ["a", "b"], ["b", "a"])));
      expect(lines(s)).toEqual([
        "rows [a;b] absolute -> result0, kept [a,b]",
        "rows [a;b] add -> result1",
      ]);
    });
  });

  it("copies leaves, constants, positions and views that are results themselves", () => {
    const s = new Sketch();
    const [a, b, m] = axesOf("a4 b5 m20");
    const x = s.input("x", [a, b]);
    s.result(x, [b, a])
      .result(s.merge(x, ["a", "b"], m))
      .result(s.graph.make("index", [], { axes: [a] }), [a, b]);
    s.result(s.float(2), [a]).result(s.float(3));
    s.update(s.variable("v", [a, b]), s.input("y", [b]));
    expect(lines(s).sort()).toEqual([
      "rows [;a] copy -> result3",
      "rows [a;b] copy -> result2",
      "rows [a;b] copy -> v",
      "rows [a;b] merge -> result1",
      "rows [b;a] copy -> result0",
      "uniform [;] copy -> result4",
    ]);
  });

  it("copies a view that cannot be read where its value lies", () => {
    const s = new Sketch();
    const [a, b, m] = axesOf("a4 b5 m20");
    // Rows are padded: only an axis that is a line long lies without gaps.
    const y = s.sum(s.input("x", [a, b, ...axesOf("c2")]), "c");
    s.result(s.do("negate", s.merge(y, ["a", "b"], m)));
    expect(lines(s)).toEqual([
      "rows [a,b;c] sum -> kept [a,b]",
      "rows [a;b] merge -> kept [m]",
      "rows [;m] negate -> result0",
    ]);
  });

  it("reduces no copied view while it is copied: the copy walks other axes", () => {
    const s = new Sketch();
    const [a, b, c, m] = axesOf("a4 b5 c6 m20");
    const merged = s.merge(s.input("x", [a, b, c]), ["b", "a"], m);
    s.result(s.max(merged, "c"));
    expect(lines(s)).toEqual(["rows [a,b;c] merge -> kept [m,c]", "rows [m;c] max -> result0"]);
  });

  it("reads a view without a copy where it can", () => {
    const s = new Sketch();
    const [a, b, m] = axesOf("a4 b0 m0");
    const wide = { ...b, size: 16 };
    const y = s.sum(s.input("x", [a, wide, ...axesOf("c2")]), "c");
    s.result(s.do("negate", s.merge(y, ["a", "b"], { ...m, size: 64 })));
    expect(lines(s)).toEqual(["rows [a,b;c] sum -> kept [a,b]", "rows [;m] negate -> result0"]);
  });

  it("reads two parts of a value in one kernel, though neither has it at hand", () => {
    const s = new Sketch();
    const x = s.contract(s.input("x", axesOf("a4 b8")), s.variable("w", axesOf("b8 c12")), "b");
    const [d] = axesOf("d6");
    const halves = [0, 6].map((from) => s.slice(x, "c", from, d));
    s.result(s.do("add", s.do("absolute", halves[0]), s.do("negate", halves[1])));
    expect(schedule(s.computation).map(line)).toEqual([
      "contract [a;c] contract -> kept [a,c]",
      "rows [a;d] absolute negate add -> result0",
    ]);
  });

  it("brings numbers without axes together, before and after what they wait for", () => {
    const s = new Sketch();
    const rate = s.input("rate", []);
    const x = s.input("x", axesOf("a4"));
    const before = s.do("absolute", rate);
    const total = s.sum(s.do("multiply", x, before), "a");
    s.result(s.do("negate", total)).result(s.do("squareRoot", before));
    expect(lines(s)).toEqual([
      "uniform [;] absolute -> kept []",
      "rows [;a] multiply sum -> kept []",
      "uniform [;] negate squareRoot -> kept [], kept []",
      "uniform [;] copy -> result0",
      "uniform [;] copy -> result1",
    ]);
  });

  it("makes no circle of a number that waits for what an earlier one is needed for", () => {
    const s = new Sketch();
    const rate = s.do("absolute", s.input("rate", []));
    // The first kernel reads `doubled`, which is on leaves only and so placed last.
    const doubled = s.do("multiply", s.variable("v", axesOf("a4")), rate);
    const x = s.contract(s.input("x", axesOf("k3")), s.variable("w", axesOf("k3 a4")), "k");
    const y = s.do("add", x, doubled);
    const total = s.sum(y, "a");
    s.result(s.do("negate", total)).result(y);
    const found = lines(s);
    const uniform = found.filter((text) => text.startsWith("uniform") && !text.includes("copy"));
    expect(uniform).toEqual(["uniform [;] absolute -> kept []", "uniform [;] negate -> kept []"]);
    expect(found.at(0)).toBe(uniform[0]);
  });
});
