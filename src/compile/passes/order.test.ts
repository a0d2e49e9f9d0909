import { describe, expect, it } from "vitest";
import type { Kernel } from "../kernel.ts";
import { barriersOf, deferWrites, order } from "./order.ts";
import { splitPartials } from "./partials.ts";
import { arrangeForms, fuseProducts, simplifyAndLower } from "./rules.ts";
import { schedule } from "./schedule.ts";
import { type SharedKernel, shard } from "./shard.ts";
import { axesOf, line, Sketch } from "./sketch.case.ts";
import { unifyAxes } from "./unify.ts";

const prepared = (sketch: Sketch, partials = false): Kernel[] => {
  const graph = fuseProducts(arrangeForms(unifyAxes(simplifyAndLower(sketch.computation))));
  const kernels = schedule(graph);
  const written = new Set(graph.updates.map(({ variable }) => variable));
  return partials ? splitPartials(kernels, written) : kernels;
};

const ordered = (sketch: Sketch): string[] => order(deferWrites(prepared(sketch))).map(line);

describe("updates happen all at once", () => {
  it("two variables that swap need one copy", () => {
    const s = new Sketch();
    const [v, w] = ["v", "w"].map((name) => s.variable(name, axesOf("a4")));
    s.update(v, w).update(w, v);
    const found = ordered(s);
    expect(found.length).toBe(3);
    expect(found[0]).toBe("rows [;a] copy -> kept [a]");
    expect(found.slice(1).sort()).toEqual(["rows [;a] copy -> v", "rows [;a] copy -> w"]);
  });

  it("a chain of variables needs none: the last one is written first", () => {
    const s = new Sketch();
    const [u, v, w, x] = ["u", "v", "w", "x"].map((name) => s.variable(name, axesOf("a4")));
    s.update(v, u).update(w, v).update(x, w);
    expect(ordered(s)).toEqual(["x", "w", "v"].map((name) => `rows [;a] copy -> ${name}`));
  });

  it("a ring of three needs one copy", () => {
    const s = new Sketch();
    const [u, v, w] = ["u", "v", "w"].map((name) => s.variable(name, axesOf("a4")));
    s.update(v, u).update(w, v).update(u, w);
    const found = ordered(s);
    expect(found.length).toBe(4);
    expect(found.filter((text) => text.includes("kept")).length).toBe(1);
  });

  it("a variable from its own transpose needs one", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4 b4"));
    s.update(v, s.do("absolute", s.rename(v, ["a", "b"], ["b", "a"])));
    expect(ordered(s)).toEqual(["rows [b;a] absolute -> kept [a,b]", "rows [a;b] copy -> v"]);
  });

  it("a variable from itself at the same place needs none", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4 b4"));
    s.update(v, s.do("absolute", v));
    expect(ordered(s)).toEqual(["rows [a;b] absolute -> v"]);
  });

  it("a variable from its row's sum needs one", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4 b4"));
    s.update(v, s.do("subtract", v, s.sum(v, "b")));
    expect(ordered(s).at(-1)).toBe("rows [a;b] copy -> v");
  });

  it("a weight that its own contraction reads needs one", () => {
    const s = new Sketch();
    const w = s.variable("w", axesOf("a4 b4"));
    s.update(w, s.rename(s.contract(w, s.input("x", axesOf("b4 c4")), "b"), ["c", "b"]));
    expect(ordered(s)).toEqual(["contract [a;c] contract -> kept [a,c]", "rows [a;b] copy -> w"]);
    const other = new Sketch();
    const v = other.variable("v", axesOf("a4 b4"));
    const x = other.input("x", axesOf("k3 a4"));
    other.update(v, other.contract(x, other.input("y", axesOf("k3 b4")), "k"));
    expect(ordered(other)).toEqual(["contract [a;b] contract -> v"]);
  });

  it("a result that shows a variable comes before its update", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a4"));
    s.update(v, s.do("negate", v)).result(v).result(s.sum(v, "a"));
    expect(ordered(s).at(-1)).toBe("rows [;a] negate -> v");
  });

  it("indices that a gather reads count as read", () => {
    const s = new Sketch();
    const [n, m] = axesOf("n4 m5");
    const chosen = s.variable("chosen", [n], "uint32");
    s.update(chosen, s.input("next", [n], "uint32"));
    s.result(s.graph.make("gather", [s.table("t", [m]), chosen]));
    expect(ordered(s)).toEqual(["rows [n;m] copy -> result0", "rows [;n] copy -> chosen"]);
  });

  it("and wait for the kernel that computes them", () => {
    const s = new Sketch();
    const [n, m] = axesOf("n4 m5");
    const indices = s.do("shiftRight", s.input("i", [n], "uint32"), s.graph.constant(1, "uint32"));
    s.result(s.graph.make("gather", [s.table("t", [m]), indices]));
    expect(ordered(s)).toEqual(["rows [;n] shiftRight -> kept [n]", "rows [n;m] copy -> result0"]);
  });
});

describe("barriers", () => {
  const shared = (sketch: Sketch, threads: number): SharedKernel[] =>
    shard(order(deferWrites(prepared(sketch, true))), threads);
  const shareOf = ({ share }: SharedKernel): string =>
    share.kind === "split" ? `split ${share.axis.name}` : share.kind;

  it("are none on one thread", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a64 b64"));
    s.result(s.do("negate", s.sum(s.do("absolute", x), "a")));
    expect(barriersOf(shared(s, 1), 1)).toEqual([]);
  });

  it("are none where each thread reads only what it wrote", () => {
    const s = new Sketch();
    const x = s.contract(s.input("x", axesOf("a64 k3")), s.variable("w", axesOf("k3 b64")), "k");
    s.result(s.sum(x, "a")).result(x);
    const kernels = shared(s, 2);
    expect(kernels.map(shareOf)).toEqual(["split b", "split b"]);
    expect(barriersOf(kernels, 2)).toEqual([]);
  });

  it("stand where a value crosses, one for all that cross there", () => {
    const s = new Sketch();
    const [x, w, v] = [
      s.input("x", axesOf("a64 k512")),
      s.variable("w", axesOf("k512 b512")),
      s.variable("v", axesOf("b512 c512")),
    ];
    const y = s.contract(x, w, "k");
    s.result(s.contract(y, v, "b"));
    const kernels = shared(s, 2);
    expect(kernels.length).toBe(2);
    const crosses =
      shareOf(kernels[0]) !== shareOf(kernels[1]) || shareOf(kernels[0]) !== "split a";
    expect(barriersOf(kernels, 2).length).toBe(crosses ? 1 : 0);
  });

  it("stand between the last reader of a variable and its writer, if they are different threads", () => {
    const s = new Sketch();
    const v = s.variable("v", axesOf("a64 b64"));
    // The part that one thread writes was read by the other, transposed or not.
    s.result(s.do("add", v, s.rename(v, ["a", "b"], ["b", "a"])));
    s.update(v, s.do("absolute", v));
    const kernels = shared(s, 2);
    expect(kernels.map(shareOf).every((share) => share.startsWith("split"))).toBe(true);
    expect(barriersOf(kernels, 2)).toEqual([{ after: 0, before: 1 }]);
  });

  it("stand after what one thread alone computes", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a64 b64"));
    s.result(s.do("multiply", x, s.sum(x, "a", "b")), axesOf("b64 a64"));
    const kernels = shared(s, 3);
    const barriers = barriersOf(kernels, 3);
    const alone = kernels.findIndex(({ share }) => share.kind === "single");
    if (kernels.length > 1) expect(barriers).toEqual([{ after: alone, before: alone + 1 }]);
    else expect(barriers).toEqual([]);
  });

  it("stand before a copy of what every thread has computed only if the copy's place is read", () => {
    const s = new Sketch();
    const rate = s.variable("rate", []);
    s.update(rate, s.do("multiply", rate, s.float(0.5)));
    s.update(s.variable("v", axesOf("a64")), s.do("negate", rate));
    const kernels = shared(s, 2);
    const commit = kernels.findIndex(({ kernel }) => line(kernel) === "uniform [;] copy -> rate");
    // Thread 1 still reads the old rate when thread 0 would write the new one.
    expect(barriersOf(kernels, 2).some(({ before }) => before <= commit)).toBe(true);
  });
});
