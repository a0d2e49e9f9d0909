import { describe, expect, it } from "vitest";
import { axisNames } from "../../ir/node.ts";
import { deferWrites, order } from "./order.ts";
import { splitPartials } from "./partials.ts";
import { arrangeForms } from "./rules.ts";
import { schedule } from "./schedule.ts";
import {
  baseOf,
  boundsOf,
  flopsOf,
  meet,
  readsOf,
  regionRead,
  type Share,
  shard,
} from "./shard.ts";
import { axesOf, line, Sketch } from "./sketch.case.ts";

describe("parts of an axis", () => {
  it("cover it, begin at whole lines or tiles, and differ by little", () => {
    for (const isVector of [true, false])
      for (let threads = 2; threads <= 8; threads++)
        for (let size = 1; size < 400; size += size < 70 ? 1 : 7) {
          const bounds = boundsOf(size, threads, isVector);
          if (!bounds) continue;
          expect(bounds.length).toBe(threads + 1);
          expect(bounds[0]).toBe(0);
          expect(bounds.at(-1)).toBe(size);
          const unit = isVector || size >= 16 * threads ? 16 : 4;
          const parts = bounds.slice(1).map((to, t) => to - bounds[t]);
          for (const [t, part] of parts.entries()) {
            expect(part).toBeGreaterThanOrEqual(0);
            if (bounds[t] < size) expect(bounds[t] % unit).toBe(0);
          }
          const filled = parts.filter((part) => part > 0);
          expect(filled.length).toBeGreaterThan(1);
          const fair = size / Math.min(threads, Math.floor(size / unit));
          for (const part of filled) expect(Math.abs(part - fair)).toBeLessThanOrEqual(unit);
        }
  });

  it("balance a tail: 100 columns are 48 and 52 for two threads, not 64 and 36", () => {
    expect(boundsOf(100, 2, true)).toEqual([0, 48, 100]);
    expect(boundsOf(100, 3, true)).toEqual([0, 32, 64, 100]);
  });

  it("are none of an axis that is too short", () => {
    expect(boundsOf(31, 2, true)).toBeUndefined();
    expect(boundsOf(32, 2, true)).toEqual([0, 16, 32]);
    expect(boundsOf(7, 4, false)).toBeUndefined();
    expect(boundsOf(8, 4, false)).toEqual([0, 4, 8, 8, 8]);
  });
});

describe("regions", () => {
  const axes = axesOf("a64 b64");
  const share: Share = { kind: "split", axis: axes[0], bounds: [0, 32, 64] };
  const s = new Sketch();
  const x = s.variable("x", axes);
  const read = (node: typeof x, t: number) => regionRead(share, node, baseOf(node), t);

  it("are a part of the axis that is split, where the value has it", () => {
    expect(read(x, 1)).toEqual({ axis: "a", from: 32, to: 64 });
    const row = s.variable("row", axesOf("b64"));
    expect(meet(read(row, 0), read(row, 1))).toBe(true);
  });

  it("are that of the axis below, through a rename: also where two names are swapped", () => {
    const swapped = s.rename(x, ["a", "b"], ["b", "a"]);
    expect(read(swapped, 1)).toEqual({ axis: "b", from: 32, to: 64 });
    const other = s.rename(s.variable("y", axesOf("c64 b64")), ["c", "a"]);
    expect(read(other, 0)).toEqual({ axis: "c", from: 0, to: 32 });
  });

  it("are everything where the axis is part of another one", () => {
    const parts = s.split(s.variable("z", axesOf("c4096")), "c", axes);
    expect(meet(read(parts, 0), read(parts, 1))).toBe(true);
    const share2: Share = { kind: "split", axis: axesOf("d4096")[0], bounds: [0, 2048, 4096] };
    const merged = s.merge(x, ["a", "b"], share2.axis);
    const both = [0, 1].map((t) => regionRead(share2, merged, baseOf(merged), t));
    expect(meet(both[0], both[1])).toBe(true);
  });

  it("are a part of an axis along which a slice is not cut", () => {
    const [half] = axesOf("c32");
    expect(read(s.slice(x, "b", 32, half), 1)).toEqual({ axis: "a", from: 32, to: 64 });
    expect(read(s.slice(x, "b", 63), 1)).toEqual({ axis: "a", from: 32, to: 64 });
    const long = s.variable("long", axesOf("d80 b64"));
    const cut = read(s.slice(long, "d", 16, axes[0]), 0);
    expect(meet(cut, { axis: "d", from: 70, to: 80 })).toBe(true);
  });

  it("are everything where positions are moved along the axis, though it stays as long", () => {
    const later = s.slice(s.rename(x, ["a", "e"]), "e", 1, axes[0]);
    expect(meet(read(later, 0), { axis: "a", from: 32, to: 64 })).toBe(true);
    // Two rows of 64 from the middle of the first one on.
    const whole = s.merge(s.variable("w", axesOf("f3 g64")), ["f", "g"], axesOf("h192")[0]);
    const middle = s.split(s.slice(whole, "h", 32, axesOf("i128")[0]), "i", axesOf("j2 a64"));
    expect(baseOf(middle).attributes.name).toBe("w");
    expect(meet(read(middle, 0), { axis: "g", from: 32, to: 64 })).toBe(true);
  });

  it("of threads without a part are empty, and meet nothing", () => {
    const narrow: Share = { kind: "split", axis: axes[0], bounds: [0, 64, 64] };
    const none = regionRead(narrow, x, x, 1);
    expect(meet(none, none)).toBe(false);
    expect(meet(none, read(x, 0))).toBe(false);
  });

  it("on different axes meet, on one axis only where they overlap", () => {
    expect(meet({ axis: "a", from: 0, to: 1 }, { axis: "b", from: 5, to: 6 })).toBe(true);
    expect(meet({ axis: "a", from: 0, to: 4 }, { axis: "a", from: 4, to: 6 })).toBe(false);
    expect(meet({ axis: "a", from: 0, to: 5 }, { axis: "a", from: 4, to: 6 })).toBe(true);
  });
});

describe("reads of a kernel", () => {
  const readsIn = (build: (s: Sketch) => void) => {
    const s = new Sketch();
    build(s);
    return schedule(arrangeForms(s.computation)).map((kernel) =>
      readsOf(kernel).map(
        (node) => `${baseOf(node).attributes.name ?? "kept"} ${axisNames(node.axes)}`,
      ),
    );
  };

  it("are its operands, what it copies, and the row numbers of a gather", () => {
    const [n, m] = axesOf("n4 m5");
    expect(
      readsIn((s) => {
        s.result(s.do("add", s.input("x", [n]), s.variable("v", [n])));
        s.result(s.input("y", [m]));
        const rows = s.graph.make("gather", [s.table("t", [m]), s.input("i", [n], "uint32")]);
        s.result(s.do("negate", s.rename(rows, ["n", "z"])));
      }),
    ).toEqual([["t z,m", "i z"], ["x n", "v n"], ["y m"]]);
  });
});

describe("the choice of splits", () => {
  const choose = (build: (s: Sketch) => void, threads: number) => {
    const s = new Sketch();
    build(s);
    const graph = arrangeForms(s.computation);
    const written = new Set(graph.updates.map(({ variable }) => variable));
    const kernels = order(deferWrites(splitPartials(schedule(graph), written)));
    return shard(kernels, threads).map(({ kernel, share }) => ({
      text: line(kernel),
      share: share.kind === "split" ? share.axis.name : share.kind,
    }));
  };

  it("keeps a weight with the thread that updates it: one split for forward and update", () => {
    const found = choose((s) => {
      const x = s.input("x", axesOf("a32 k100"));
      const w = s.variable("w", axesOf("k100 b100"));
      const y = s.do("tanh", s.contract(x, w, "k"));
      s.result(y);
      s.update(w, s.do("subtract", w, s.contract(x, y, "a")));
    }, 2);
    expect(found.map(({ share }) => share)).toEqual(["b", "b"]);
  });

  it("splits the partial sums of a long reduction over a weight that is updated", () => {
    const found = choose((s) => {
      const x = s.input("x", axesOf("a32 k3072"));
      const w = s.variable("w", axesOf("k3072 b100"));
      const y = s.contract(x, w, "k");
      s.update(w, s.do("subtract", w, s.contract(x, y, "a")));
    }, 2);
    expect(found[0].share).toBe("slice of k");
    expect(found[1].text).toMatch(/^rows \[a;b\] partials/);
    expect(found[2].share).toBe("k");
  });

  it("splits rows where weights stay as they are", () => {
    const found = choose((s) => {
      let x = s.input("x", axesOf("a512 k100"));
      for (const [from, to] of ["kb", "bc", "cd"]) {
        const w = s.variable(`w${to}`, axesOf(`${from}100 ${to}100`));
        x = s.do("absolute", s.contract(x, w, from));
      }
      s.result(x);
    }, 2);
    expect(found.map(({ share }) => share)).toEqual(["a", "a", "a"]);
  });

  it("splits no row that is reduced, and nothing that a store would miss", () => {
    const found = choose((s) => {
      const x = s.input("x", axesOf("a5 b640"));
      s.result(s.do("subtract", x, s.max(x, "b")));
      s.result(s.sum(x, "a", "b"));
    }, 2);
    expect(found.map(({ share }) => share)).toEqual(["single", "single"]);
  });

  it("lets each thread compute numbers without axes for itself", () => {
    const found = choose((s) => {
      s.result(s.do("negate", s.do("absolute", s.input("rate", []))));
    }, 3);
    expect(found).toEqual([
      { text: "uniform [;] absolute negate -> kept []", share: "copies" },
      { text: "uniform [;] copy -> result0", share: "single" },
    ]);
  });
});

describe("floating-point operations", () => {
  it("are two for each multiply-add, and none for what is elementwise", () => {
    const s = new Sketch();
    const x = s.input("x", axesOf("a7 k11"));
    const y = s.contract(x, s.variable("w", axesOf("k11 b13")), "k");
    s.result(s.do("tanh", y));
    s.result(
      s.contract(s.input("z", axesOf("n3 a7 k2")), s.variable("v", axesOf("n3 k2 c5")), "k"),
    );
    const flops = schedule(s.computation).map(flopsOf);
    expect(flops).toEqual([2 * 7 * 11 * 13, 2 * 3 * 7 * 2 * 5]);
  });
});
