/** Compiled slices, pads and concatenations, at their edges. */
import { describe, expect, it } from "vitest";
import type { DType, TypedArray } from "../src/base/dtype.ts";
import { compile } from "../src/compile/compile.ts";
import { concatenate } from "../src/tensor/composites.ts";
import { gradients } from "../src/tensor/gradients.ts";
import { Tensor } from "../src/tensor/tensor.ts";
import { Recording } from "./recording.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** How the lines of a program's text begin that tell of kernels. */
const kernelsOf = (r: Recording): string[] => {
  const program = compile(r.step.computation, { threads: 1, fma: true, shared: false });
  return program.text.split("\n").filter((line) => line.startsWith("kernel "));
};

/** The numbers of `data`, row-major in `shape`, at the positions that `pick` gives. */
const part = (data: TypedArray, width: number, pick: (row: number, column: number) => boolean) =>
  [...data].filter((_, i) => pick(Math.floor(i / width), i % width));

describe("slices", () => {
  it.each([
    [0, 1],
    [0, 16],
    [1, 4],
    [3, 30],
    [5, 13],
    [16, 17],
    [32, 1],
  ])("of 33 columns from %i on, %i of them, in rows, columns and products", (from, size) => {
    const r = new Recording();
    const data = r.floats(20 * 33);
    const x = r.trace.read(r.variable([20, 33], data));
    const y = x.slice(1, from, size);
    const rows = x.slice(0, 3, 9);
    r.result(y).result(y.exponential()).result(y.sum(-1)).result(y.max(0)).result(y.transpose());
    r.result(r.input([5, 20]).matmul(y)).result(y.matmul(r.input([size, 7])));
    r.result(rows.slice(1, from, size).sum(0)).result(rows.matmul(r.input([33, 6])));
    r.result(rows.transpose().matmul(r.input([9, 4])));
    r.result(y.reshape([20 * size])).result(rows.reshape([3, 3, 33]).max(1));
    const [found] = r.check(`${size} from ${from} on`);
    expect([...found]).toEqual(part(data, 33, (_, j) => j >= from && j < from + size));
  });

  it("see nothing of their neighbours", () => {
    const r = new Recording();
    const data = r.floats(6 * 20).map((x, i) => (i % 20 < 5 || i % 20 >= 12 ? nan : x));
    const y = r.input([6, 20], data).slice(1, 5, 7);
    r.result(y.sum(-1))
      .result(y.max(-1))
      .result(y.sum(0))
      .result(y.matmul(r.input([7, 3])));
    r.result(y.transpose().matmul(r.input([6, 9])));
    for (const values of r.check()) for (const value of values) expect(value).not.toBeNaN();
  });

  it("are read where they lie: none costs a kernel or a copy", () => {
    const r = new Recording();
    const x = r.input([40, 64]).matmul(r.trace.read(r.variable([64, 66])));
    r.result(x.slice(1, 0, 33).multiply(x.slice(1, 33, 33).sigmoid()));
    r.check();
    expect(kernelsOf(r).length).toBe(2);
  });

  it("that begin elsewhere have code of their own", () => {
    const r = new Recording();
    const x = r.input([6, 32]);
    for (const from of [0, 8, 16]) r.result(x.slice(1, from, 16)).result(x.slice(0, from / 8, 4));
    const { graph } = r.trace;
    const [, axis] = x.node.axes;
    for (const from of [-1, -2, 1, 2]) {
      const attributes = { axis: axis.name, into: graph.axis(32), from };
      const node = graph.make("clampedSlice", [x.node], attributes);
      r.result(new Tensor(r.trace, node, node.axes));
    }
    const found = r.check().map((numbers) => [...numbers]);
    for (const [i, numbers] of found.entries())
      for (const other of found.slice(i + 1)) expect(other).not.toEqual(numbers);
  });

  it("that leave their axis, seen through other views", () => {
    const r = new Recording();
    const x = r.trace.read(r.variable([3, 16]));
    const { graph } = r.trace;
    const [rows, columns] = x.node.axes;
    const moved = (axis: string, from: number, size: number) =>
      graph.make("clampedSlice", [x.node], { axis, into: graph.axis(size), from });
    for (const node of [moved(rows.name, -1, 5), moved(columns.name, 3, 16)]) {
      const y = new Tensor(r.trace, node, node.axes);
      const { shape } = y;
      r.result(y.reshape([shape[0] * shape[1]])).result(y.reshape([shape[0], 4, 4]));
      r.result(y.transpose().reshape([16 * shape[0]])).result(y.matmul(r.input([16, 5])));
      r.result(y.slice(0, 1, 2).slice(1, 2, 9))
        .result(y.slice(0, 2, 1))
        .result(y.pad(1, 1, 1));
      r.result(y.sum(0)).result(y.matmul(y.transpose()));
    }
    r.check();
  });

  it("of rows of a table, and of row numbers", () => {
    const r = new Recording();
    const bytes = Uint8Array.from({ length: 40 * 23 }, (_, i) => (i * 7) % 256);
    const at = r.input(
      [30],
      Uint32Array.from({ length: 30 }, () => r.draw.below(40)),
      "uint32",
    );
    const x = r.gather(40, [23], bytes, "uint8", at);
    r.result(x.slice(1, 2, 19))
      .result(x.slice(0, 11, 17))
      .result(x.slice(0, 4, 1).slice(1, 9, 1));
    const inner = x.slice(0, 3, 20).slice(1, 1, 21).cast("float32");
    r.result(inner.sum(0)).result(inner.matmul(r.input([21, 5])));
    r.result(r.gather(40, [23], bytes, "uint8", at.slice(0, 7, 8)));
    r.result(x.pad(0, 2, 3)).result(x.pad(1, 3, 0).slice(1, 1, 9));
    r.result(r.gather(40, [23], bytes, "uint8", at.pad(0, 2, 2)));
    r.check();
  });

  it("of a variable that is updated from its own parts", () => {
    const r = new Recording();
    const v = r.variable([24, 48]);
    const before = r.trace.before(v);
    const turned = concatenate([before.slice(0, 20, 4), before.slice(0, 0, 20)], 0);
    r.trace.assign(v, concatenate([turned.slice(1, 1, 47), turned.slice(1, 0, 1)], 1));
    const other = r.variable([4, 48]);
    r.trace.assign(other, before.slice(0, 5, 4));
    r.result(before.sum());
    r.check();
  });
});

describe("pads", () => {
  it.each([
    [1, 0, 5],
    [1, 1, 0],
    [1, 3, 3],
    [1, 16, 20],
    [0, 2, 0],
    [0, 0, 9],
    [0, 5, 4],
  ])("of dimension %i, %i before and %i after, with zeros that nothing leaks into", (at, a, b) => {
    const r = new Recording();
    const [rows, columns] = [13, 18];
    const data = r.floats(rows * columns);
    for (const i of [0, columns - 1, data.length - columns, data.length - 1]) data[i] = nan;
    data[1] = inf;
    data[data.length - 2] = -0;
    const x = r.input([rows, columns], data);
    const y = x.pad(at, a, b);
    r.result(y)
      .result(x.add(1).pad(at, a, b))
      .result(y.sum(at))
      .result(y.transpose().max(at));
    r.result(y.reshape([y.shape[0] * y.shape[1]])).result(y.slice(at, a, 2));
    r.result(y.equal(0).where(1, 2)).result(y.matmul(r.input([y.shape[1], 3])));
    const [found] = r.check();
    const width = y.shape[1];
    const isInside = (i: number, j: number) => {
      const k = at === 0 ? i : j;
      return k >= a && k < a + x.shape[at];
    };
    expect(part(found, width, isInside)).toEqual([...data]);
    for (const zero of part(found, width, (i, j) => !isInside(i, j))) expect(zero).toBe(0);
  });

  it("of every dtype, of one number, of positions, and of what is the same along an axis", () => {
    const r = new Recording();
    const dtypes: [DType, TypedArray][] = [
      ["int32", Int32Array.of(-1, 2, 2 ** 31 - 1)],
      ["uint32", Uint32Array.of(7, 2 ** 32 - 1, 0)],
      ["uint8", Uint8Array.of(1, 255, 3)],
      ["bool", Int32Array.of(-1, 0, -1)],
    ];
    for (const [dtype, data] of dtypes) {
      const x = r.input([3], data, dtype);
      r.result(x.pad(0, 2, 6)).result(concatenate([x, x.slice(0, 1, 1), x], 0));
    }
    r.result(r.input([1, 5]).pad(0, 2, 1)).result(r.input([]).expandDimension(0).pad(0, 4, 0));
    const model = r.input([4, 6]);
    r.result(r.trace.indexAlong(model, 1).pad(1, 2, 3));
    r.result(r.trace.constant(3).expandDimension(0).pad(0, 1, 1));
    r.result(model.sum(0, true).add(model.multiply(0)).pad(0, 1, 2));
    const found = r.check();
    expect([...found[0]]).toEqual([0, 0, -1, 2, 2 ** 31 - 1, 0, 0, 0, 0, 0, 0]);
    expect([...found[5]]).toEqual([1, 255, 3, 255, 1, 255, 3]);
    expect([...found[6]]).toEqual([0, 0, -1, 0, -1, 0, 0, 0, 0, 0, 0]);
    expect([...found[10]]).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0]);
    expect([...found[11]]).toEqual([0, 3, 0]);
  });
});

describe("concatenated tensors", () => {
  it("hold all numbers exactly, along any dimension, signs of zeros too", () => {
    const r = new Recording();
    const shapes = [
      [7, 5],
      [7, 1],
      [7, 19],
    ];
    const data = shapes.map(([a, b]) => r.floats(a * b).map((x, i) => [nan, -0, x, inf][i % 4]));
    const tensors = shapes.map((shape, i) => r.input(shape, data[i]));
    r.result(concatenate(tensors, -1));
    r.result(
      concatenate(
        tensors.map((tensor) => tensor.transpose()),
        0,
      ),
    );
    const [columns, rows] = r.check();
    const wanted = Array.from({ length: 7 }, (_, i) =>
      shapes.flatMap(([, width], k) => [...data[k].subarray(i * width, (i + 1) * width)]),
    );
    expect([...columns]).toEqual(wanted.flat());
    expect([...rows]).toEqual(wanted[0].flatMap((_, j) => wanted.map((row) => row[j])));
  });

  it("have the parts of the whole's gradient, without a mask in between", () => {
    const r = new Recording();
    const [x, y, z] = [r.input([12, 20]), r.input([12, 9]), r.input([12, 3])];
    const whole = concatenate([x, y, z], 1);
    const loss = whole
      .matmul(r.trace.read(r.variable([32, 10])))
      .square()
      .sum();
    for (const found of gradients(loss, [x, y, z, whole])) r.result(found);
    const [dx, dy, dz, all] = r.check();
    expect([...dx]).toEqual(part(all, 32, (_, j) => j < 20));
    expect([...dy]).toEqual(part(all, 32, (_, j) => j >= 20 && j < 29));
    expect([...dz]).toEqual(part(all, 32, (_, j) => j >= 29));
    // A choice by position makes the whole; none its gradient.
    expect(kernelsOf(r).filter((line) => line.includes("select")).length).toBe(1);
  });

  it("in a step that trains on them, on any number of threads", () => {
    const r = new Recording();
    const x = r.input([48, 24]);
    const kernels = [r.variable([24, 40]), r.variable([24, 56]), r.variable([48, 32])];
    const [a, b, c] = kernels.map((kernel) => r.trace.read(kernel));
    const hidden = concatenate([x.matmul(a).tanh(), x.matmul(b)], -1);
    // Gated: one half times the other.
    const gated = hidden.slice(1, 0, 48).multiply(hidden.slice(1, 48, 48).sigmoid());
    const loss = gated.matmul(c).square().mean();
    for (const [i, found] of gradients(loss, [a, b, c]).entries())
      r.trace.assign(kernels[i], r.trace.read(kernels[i]).subtract(found.multiply(0.1)));
    r.result(loss);
    r.check();
  });
});
