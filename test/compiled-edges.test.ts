/** Compiled steps at the edges: odd sizes, all dtypes, special numbers, addresses beyond 2 GiB. */
import { describe, expect, it } from "vitest";
import type { DType, TypedArray } from "../src/base/dtype.ts";
import { randomBits as hostBits } from "../src/base/philox.ts";
import { compile } from "../src/compile/compile.ts";
import { logSumExp, softmax } from "../src/tensor/composites.ts";
import { gradients } from "../src/tensor/gradients.ts";
import { type RandomSource, randomBits } from "../src/tensor/random.ts";
import { Tensor } from "../src/tensor/tensor.ts";
import { Trace } from "../src/tensor/trace.ts";
import { CompiledProgram } from "./compiled.ts";
import { Recording } from "./recording.ts";

const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const f32 = (...values: number[]) => Float32Array.of(...values);
const u32 = (...values: number[]) => Uint32Array.of(...values);

describe("sizes", () => {
  it.each([1, 2, 3, 5, 17])("a whole step at batch %i", (batch) => {
    const r = new Recording();
    const x = r.input([batch, 5]);
    const labels = r.input(
      [batch],
      Uint32Array.from({ length: batch }, (_, i) => i % 3),
      "uint32",
    );
    const weights = [r.variable([5, 7]), r.variable([7]), r.variable([7, 3]), r.variable([3])];
    const [w, b, v, c] = weights.map((variable) => r.trace.read(variable));
    const logits = x.matmul(w).add(b).tanh().matmul(v).add(c);
    const hit = r.trace.indexAlong(logits, -1).equal(labels.expandDimension(-1));
    const picked = hit.where(logits, 0).sum(-1);
    const loss = logSumExp(logits).squeeze(-1).subtract(picked).mean();
    const found = gradients(loss, [w, b, v, c]);
    for (const [i, variable] of weights.entries())
      r.trace.assign(variable, r.trace.read(variable).subtract(found[i].multiply(0.1)));
    r.result(loss).result(softmax(logits));
    r.check(`batch ${batch}`);
  });

  it.each([
    [1, 1, 1],
    [1, 2, 1],
    [2, 1, 3],
    [3, 3, 3],
    [1, 600, 1],
    [2, 1000, 2],
    [5, 520, 18],
    [33, 70, 130],
    [9, 200, 260],
    [70, 1, 70],
  ])("a matrix product %i x %i x %i, its gradients and transposes", (m, k, n) => {
    const r = new Recording();
    const [a, b] = [r.trace.read(r.variable([m, k])), r.trace.read(r.variable([k, n]))];
    const y = a.matmul(b);
    const [da, db] = gradients(y.square().sum(), [a, b]);
    r.result(y).result(b.transpose().matmul(a.transpose())).result(da).result(db);
    r.check(`${m} x ${k} x ${n}`);
  });

  it.each([1, 3, 4, 15, 16, 17, 100, 127, 128, 129, 200, 1000, 4000])(
    "a softmax over %i after a matrix product",
    (width) => {
      const r = new Recording();
      const y = r.input([3, 4]).matmul(r.input([4, width]));
      r.result(softmax(y)).result(y.max(-1)).result(y.sum(-1)).result(y.sum(0));
      const [probabilities] = r.check(`width ${width}`);
      for (let row = 0; row < 3; row++) {
        const part = probabilities.slice(row * width, (row + 1) * width) as Float32Array;
        expect(part.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 4);
      }
    },
  );

  it("rows whose distance would be a multiple of 4096 bytes", () => {
    const r = new Recording();
    const x = r.variable([6, 1024]);
    const w = r.variable([1024, 16]);
    const y = r.trace.read(x).matmul(r.trace.read(w));
    r.trace.assign(w, r.trace.read(w).subtract(r.trace.read(x).transpose().matmul(y)));
    r.result(y);
    r.check();
  });

  it("products with batch axes, and with several rows, columns and reduced axes", () => {
    const r = new Recording();
    const { trace } = r;
    const { graph } = trace;
    const [n, a, b, k, l, c, d] = [3, 5, 2, 7, 4, 6, 19].map((size) => graph.axis(size));
    const leaf = (...axes: { readonly name: string; readonly size: number }[]) => {
      const tensor = r.input(axes.map(({ size }) => size));
      const names = tensor.node.axes.map((axis, i) => [axis.name, axes[i].name] as const);
      return graph.make("rename", [tensor.node], { names });
    };
    const contract = (x: ReturnType<typeof leaf>, y: typeof x, ...over: (typeof n)[]) => {
      const node = graph.make("contract", [x, y], { over: over.map(({ name }) => name) });
      r.result(new Tensor(trace, node, node.axes));
    };
    contract(leaf(n, a, k), leaf(n, k, d), k);
    contract(leaf(n, a, k, l), leaf(n, l, c, k, d), k, l);
    contract(leaf(a, b, n, k), leaf(k, d, c, n), k);
    contract(leaf(k, l, a), leaf(l, d, k), l, k);
    contract(leaf(k), leaf(k, n, d), k);
    contract(leaf(n, k, a), leaf(k, n), k);
    contract(leaf(a, n), leaf(n, d, k), n);
    contract(leaf(k, a, l), leaf(l, b, c, k, d), l, k);
    r.check();
  });

  it("layers of different widths whose rows are padded to the same length", () => {
    const r = new Recording();
    const sizes = [97, 100, 103, 112, 98];
    let x = r.input([5, 97]);
    for (const [i, size] of sizes.slice(1).entries())
      x = x.matmul(r.trace.read(r.variable([sizes[i], size]))).multiply(0.1);
    r.result(x);
    for (const rows of [3, 6])
      r.result(r.input([rows, 20]).sum(0)).result(r.input([rows, 20]).max(0));
    r.check();
  });

  it("reductions along what is left of a copied view", () => {
    const r = new Recording();
    const x = r.trace
      .read(r.variable([6, 5, 7]))
      .transpose([1, 0, 2])
      .reshape([30, 7]);
    r.result(softmax(x))
      .result(x.sum(-1))
      .result(x.max(0))
      .result(x.add(x.sum(-1, true)));
    r.check();
  });

  it("axes of no elements are refused", () => {
    const trace = new Trace();
    trace.result("y", trace.input("x", "float32", [3, 0]).add(1));
    const { computation } = trace.finish();
    expect(() => compile(computation, { threads: 1, fma: true, shared: false })).toThrow(
      /at least one element/,
    );
  });
});

describe("dtypes", () => {
  const bytes = Uint8Array.from({ length: 21 }, (_, i) => (i * 37) % 256);

  it("bytes and masks, in and out, as inputs, variables and results", () => {
    const r = new Recording();
    const x = r.input([3, 7], bytes, "uint8");
    const v = r.variable([3, 7], bytes.toReversed(), "uint8");
    const mask = r.input(
      [3, 7],
      Int32Array.from(bytes, (b) => -(b & 1)),
      "bool",
    );
    const flags = r.variable(
      [7],
      Int32Array.from({ length: 7 }, (_, i) => -(i & 1)),
      "bool",
    );
    r.trace.assign(v, mask.where(x, r.trace.read(v)));
    r.trace.assign(flags, r.trace.read(flags).xor(mask.max(0)));
    r.result(x).result(x.cast("float32").multiply(1.5).cast("uint8")).result(mask);
    r.result(x.transpose()).result(mask.transpose().cast("uint8")).result(r.trace.before(v));
    r.result(x.cast("float32").sum(0)).result(x.cast("uint32").max());
    const found = r.check();
    expect(found[0]).toEqual(bytes);
    expect(found[1]).toEqual(bytes.map((b) => Math.min(255, Math.trunc(b * 1.5))));
    const turned = [...bytes].map((_, at) => bytes[(at % 3) * 7 + Math.floor(at / 3)]);
    expect([...found[3]]).toEqual(turned);
    expect([...found[4]]).toEqual(turned.map((b) => b & 1));
    expect(found[5]).toEqual(bytes.toReversed());
  });

  it("the largest of masks is true where any is", () => {
    const r = new Recording();
    const mask = r.input(
      [2, 3, 5],
      Int32Array.from({ length: 30 }, (_, i) => -Number(i === 7)),
      "bool",
    );
    r.result(mask.max(-1).cast("uint32"))
      .result(mask.max(1))
      .result(mask.max([0, 1, 2]));
    r.result(mask.max(0).cast("float32"));
    const [last, middle, any] = r.check();
    expect([...last]).toEqual([0, 1, 0, 0, 0, 0]);
    expect([...middle]).toEqual([0, 0, -1, 0, 0, 0, 0, 0, 0, 0]);
    expect([...any]).toEqual([-1]);
  });

  it("every cast, at the ends of the ranges", () => {
    const floats = [0, -0, 0.5, -0.5, 1.5, -1.5, 255.9, 256, 3e9, -3e9, 2 ** 31, -(2 ** 31), 5e9];
    const numbers: [DType, TypedArray][] = [
      ["float32", f32(...floats, nan, inf, -inf, 1e-40)],
      ["int32", Int32Array.of(0, 1, -1, 255, 256, 2 ** 31 - 1, -(2 ** 31))],
      ["uint32", u32(0, 1, 255, 256, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)],
      ["uint8", Uint8Array.of(0, 1, 127, 128, 255)],
      ["bool", Int32Array.of(0, -1, -1)],
    ];
    const r = new Recording();
    for (const [from, data] of numbers) {
      const x = r.input([data.length], data, from);
      for (const [to] of numbers) if (to !== from) r.result(x.cast(to));
    }
    r.check();
  });

  it("whole numbers in sums, largest ones and comparisons", () => {
    const r = new Recording();
    const word = () => r.draw.below(2 ** 32);
    const x = r.input([6, 7], Uint32Array.from({ length: 42 }, word), "uint32");
    const y = r.input(
      [6, 7],
      Int32Array.from({ length: 42 }, () => word() | 0),
      "int32",
    );
    for (const t of [x, y]) {
      r.result(t.sum(0)).result(t.sum(1)).result(t.max(0)).result(t.max(1)).result(t.sum());
      const one = t.sum(0);
      r.result(t.less(one))
        .result(t.lessEqual(one))
        .result(t.equal(t.max(0)));
    }
    r.check();
  });

  it("random bits are those of the host, of every shape and thread", () => {
    for (const shape of [[7], [3, 5], [4, 4, 33]]) {
      const r = new Recording();
      const scalar = (value: number) => r.input([], u32(value), "uint32");
      const source: RandomSource = { seed: scalar(123), seedHigh: scalar(4), step: scalar(9) };
      r.result(randomBits(r.trace, source, "noise", r.input(shape)));
      const [found] = r.check();
      const count = shape.reduce((n, size) => n * size, 1);
      expect(found).toEqual(hostBits(123 + 4 * 2 ** 32, "noise", 9, count));
    }
  });
});

describe("special numbers", () => {
  const specials = [nan, inf, -inf, -0, 0, 1, -1, 1e-40, -1e-40, 3e38, -3e38, 88, -104];

  it("pass through elementwise ops as in the interpreter", () => {
    const r = new Recording();
    const column = r.input([specials.length, 1], f32(...specials));
    const row = r.input([1, specials.length], f32(...specials));
    r.result(column.minimum(row)).result(column.maximum(row)).result(column.less(row));
    r.result(column.lessEqual(row)).result(column.equal(row)).result(column.divide(row));
    r.result(column.less(row).where(column, row)).result(column.absolute().squareRoot());
    r.result(column.exponential()).result(column.tanh()).result(column.absolute().logarithm());
    r.result(column.expm1()).result(column.round()).result(column.floor());
    r.check();
  });

  it.each([1, 3, 4, 7, 16, 33])("in a row of %i: a NaN is found, and padding is not", (width) => {
    const r = new Recording();
    const cases = [nan, inf, -inf, -5];
    const rows = cases.flatMap((special) =>
      Array.from({ length: width }, (_, at) => {
        const row = new Float32Array(width).fill(-9);
        row[at] = special;
        return row;
      }),
    );
    const data = Float32Array.from(rows.flatMap((row) => [...row]));
    const x = r.input([rows.length, width], data);
    r.result(x.max(-1)).result(x.sum(-1)).result(x.transpose().max(0)).result(x.sum(0));
    r.result(x.max(0)).result(x.subtract(100).max(-1));
    const [largest] = r.check(`width ${width}`);
    for (const [i, row] of rows.entries()) {
      const expected = row.some(Number.isNaN) ? nan : Math.max(...row);
      expect(largest[i]).toBe(expected);
    }
  });

  it("stay in their row and column of a matrix product", () => {
    const r = new Recording();
    const a = r.floats(9 * 20);
    const b = r.floats(20 * 11);
    a[3 * 20 + 19] = nan;
    b[0 * 11 + 10] = inf;
    r.result(r.input([9, 20], a).matmul(r.input([20, 11], b)));
    const [y] = r.check();
    for (let i = 0; i < 9; i++)
      for (let j = 0; j < 11; j++) expect(Number.isFinite(y[i * 11 + j])).toBe(i !== 3 && j !== 10);
  });

  it("as constants of the step", () => {
    const r = new Recording();
    const x = r.input([3], f32(1, 2, 3));
    for (const value of [nan, inf, -inf, -0]) r.result(x.multiply(value)).result(x.maximum(value));
    r.result(r.trace.constant(nan)).result(r.trace.constant(-1).squareRoot());
    const found = r.check();
    expect(found.at(-1)![0]).toBeNaN();
    expect(found.at(-2)![0]).toBeNaN();
  });
});

describe("outputs", () => {
  it("that are leaves, constants, positions, or repeated numbers", () => {
    const r = new Recording();
    const x = r.input([4, 6]);
    const v = r.variable([4, 6]);
    const row = r.input([6]);
    r.result(x).result(x.transpose()).result(r.trace.read(v)).result(r.trace.constant(3, "uint32"));
    r.result(
      r.trace.indexAlong(x, 0).add(x.cast("uint32").multiply(r.trace.constant(0, "uint32"))),
    );
    r.result(r.trace.indexAlong(x, 1))
      .result(x.reshape([3, 8]))
      .result(x.transpose().reshape([24]));
    r.result(row.add(x.multiply(0)));
    r.trace.assign(v, x.multiply(0).add(row));
    const other = r.variable([4, 6]);
    r.trace.assign(other, r.trace.before(v));
    r.check();
  });

  it("that are one value several times, and under several variables", () => {
    const r = new Recording();
    const x = r.input([5, 9]);
    const y = x.exponential();
    const [v, w] = [r.variable([5, 9]), r.variable([9, 5])];
    r.result(y).result(y.transpose()).result(y);
    r.trace.assign(v, y);
    r.trace.assign(w, y.transpose());
    r.check();
  });

  it("of a step without inputs, and of one that only moves a number", () => {
    const r = new Recording();
    const count = r.variable([], u32(41), "uint32");
    r.trace.assign(count, r.trace.read(count).add(1));
    r.check();
    const other = new Recording();
    other.result(other.input([], f32(3)));
    expect(other.check()[0][0]).toBe(3);
  });

  it("of a variable that is updated from itself in every arrangement", () => {
    const r = new Recording();
    const [square, row] = [r.variable([40, 40]), r.variable([40])];
    const before = r.trace.before(square);
    r.trace.assign(square, before.transpose().matmul(before).multiply(0.1).add(before.sum(0)));
    r.trace.assign(row, r.trace.before(row).add(before.sum(1)));
    r.result(before.max(0));
    r.check();
  });

  it("of a variable whose every row, or number, becomes one of its own", () => {
    const r = new Recording();
    const [square, row] = [r.variable([7, 9]), r.variable([40])];
    for (const variable of [square, row]) {
      const before = r.trace.before(variable);
      // The part lies in the variable itself, and is the same along an axis that it does not have.
      const { node } = before.slice(0, 2, 1);
      r.trace.assign(variable, new Tensor(r.trace, node, before.dimensions));
    }
    r.check();
  });
});

describe("gathers", () => {
  it("by indices that are computed, constant, positions, or seen under another name", () => {
    const r = new Recording();
    const table = (at: Tensor) =>
      r.gather(
        50,
        [3, 2],
        Uint8Array.from({ length: 300 }, (_, i) => i % 251),
        "uint8",
        at,
      );
    const at = r.input(
      [40],
      Uint32Array.from({ length: 40 }, () => r.draw.below(50)),
      "uint32",
    );
    const halved = table(at.shiftRight(1)).cast("float32");
    r.result(halved)
      .result(halved.sum(0))
      .result(table(r.trace.indexAlong(at, 0)));
    r.result(table(r.trace.constant(7, "uint32")));
    // x times x transposed.
    const flat = table(at).cast("float32").reshape([40, 6]);
    r.result(flat.matmul(flat.transpose()));
    r.result(table(at).transpose([1, 0, 2]).cast("float32").reshape([120, 2]));
    r.check();
  });

  it("of rows of one number", () => {
    const r = new Recording();
    const at = r.input(
      [33],
      Uint32Array.from({ length: 33 }, () => r.draw.below(9)),
      "uint32",
    );
    const labels = r.gather(9, [], u32(4, 2, 9, 7, 5, 3, 1, 8, 6), "uint32", at);
    r.result(labels).result(labels.sum()).result(labels.cast("float32").max());
    r.check();
  });
});

describe("addresses beyond 2 GiB", () => {
  it("are no negative numbers", () => {
    const r = new Recording();
    const rows = 300;
    const data = Uint8Array.from({ length: rows * 700 }, (_, i) => (i * 7) % 256);
    const at = r.input(
      [20],
      Uint32Array.from({ length: 20 }, () => r.draw.below(rows)),
      "uint32",
    );
    const x = r.gather(rows, [700], data, "uint8", at).cast("float32").divide(255);
    const w = r.variable([700, 33]);
    const y = x.matmul(r.trace.read(w));
    r.trace.assign(w, r.trace.read(w).subtract(x.transpose().matmul(y).multiply(0.01)));
    r.result(softmax(y))
      .result(y.sum(0))
      .result(
        y
          .transpose()
          .matmul(y)
          .reshape([33 * 33]),
      );
    const { computation, values } = r.step;
    const outcomes = [0, 2 ** 31 - 2 ** 17, 3.5 * 2 ** 30].flatMap((start) =>
      [1, 2].map((threads) => {
        const program = compile(computation, { threads, fma: true, shared: false });
        const compiled = new CompiledProgram(program, values, 1, start);
        compiled.setInputs(0, (name) => values.get(name) as ArrayLike<number>);
        if (threads === 1) compiled.run();
        else compiled.runInTurns("last");
        return compiled.outcome();
      }),
    );
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  });
});
