import { describe, expect, it } from "vitest";
import { check } from "../../ir/legality.ts";
import { axisNames, type Node } from "../../ir/node.ts";
import { axesOf, opsOf, Sketch } from "./sketch.case.ts";
import { unifyAxes } from "./unify.ts";

const unified = (sketch: Sketch) => {
  const computation = unifyAxes(sketch.computation);
  check(computation, "traced");
  return computation;
};

const only = (sketch: Sketch): Node => unified(sketch).results[0].node;

describe("unify axes", () => {
  it("gives the two names that a rename connects one name", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 k3"));
    const w = s.variable("w", axesOf("r3 b5"));
    s.result(s.contract(x, s.rename(w, ["r", "k"]), "k"));
    const node = only(s);
    expect(opsOf(unified(s))).toEqual(["input", "variable", "contract"]);
    const [shared] = node.attributes.over!;
    expect(node.inputs.map((input) => axisNames(input.axes).includes(shared))).toEqual([
      true,
      true,
    ]);
  });

  it("does so along chains of renames, and through values that are used twice", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4"));
    const [b, c, d] = ["b", "c", "d"].map((to) => s.rename(v, ["a", to]));
    const sum = s.do("add", s.rename(b, ["b", "c"]), c);
    s.result(s.do("add", sum, s.rename(d, ["d", "c"])));
    expect(opsOf(unified(s))).toEqual(["variable", "add", "add"]);
  });

  it("keeps a rename where x is multiplied with x transposed", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 k3"));
    s.result(s.contract(x, s.rename(x, ["a", "b"]), "k"));
    expect(opsOf(unified(s))).toEqual(["input", "rename", "contract"]);
    expect(axisNames(only(s).axes).length).toBe(2);
  });

  it("keeps a rename that swaps: a matrix and its own transpose", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4 b4"));
    s.result(s.do("add", x, s.rename(x, ["a", "b"], ["b", "a"])));
    expect(opsOf(unified(s))).toEqual(["input", "rename", "add"]);
  });

  it("keeps a rename where the axes meet only further on", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4"));
    const y = s.do("negate", s.rename(x, ["a", "b"]));
    s.result(s.do("add", s.do("absolute", x), y));
    expect(opsOf(unified(s))).toContain("rename");
  });

  it("keeps a rename where the axes meet only through a third name", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a4"));
    // a becomes b and c; b is beside c in the sum, so one of the two must remain.
    const b = s.rename(x, ["a", "b"]);
    const c = s.rename(x, ["a", "c"]);
    s.result(s.do("add", b, c));
    const ops = opsOf(unified(s));
    expect(ops.filter((op) => op === "rename").length).toBe(1);
    expect(only(s).axes.length).toBe(2);
  });

  it("keeps a rename where the axes meet only in a result", () => {
    const s = new Sketch();
    const [a, b] = axesOf("a4 b4");
    const x = s.input("x", [a]);
    // The value repeats along a; along b it varies.
    s.result(s.rename(x, ["a", "b"]), [a, b]).result(x);
    const { results } = unified(s);
    expect(new Set(axisNames(results[0].axes)).size).toBe(2);
    expect(opsOf(unified(s))).toContain("rename");
  });

  it("keeps a rename of a variable that is updated from its own transpose", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4 b4"));
    s.update(v, s.rename(v, ["a", "b"], ["b", "a"]));
    expect(unified(s).updates[0].value.op).toBe("rename");
  });

  it("does not unify the axis of a gather with one of its table", () => {
    const s = new Sketch();
    const [n, a] = axesOf("n4 a4");
    const rows = s.graph.make("gather", [s.table("t", [a]), s.input("i", [n], "uint32")]);
    const x = s.input("x", axesOf("b4"));
    s.result(s.do("add", rows, s.rename(x, ["b", "a"])));
    s.result(s.do("add", x, s.rename(s.input("y", [n]), ["n", "b"])));
    const { results } = unified(s);
    expect(new Set(axisNames(results[0].axes)).size).toBe(2);
  });

  it("names the same computation the same way every time", () => {
    const build = () => {
      const s = new Sketch();
      const x = s.input("x", axesOf("a4 k3"));
      const w = s.variable("w", axesOf("r3 b5"));
      return s.result(s.contract(x, s.rename(w, ["r", "k"]), "k"));
    };
    expect(axisNames(only(build()).axes)).toEqual(axisNames(only(build()).axes));
  });
});
