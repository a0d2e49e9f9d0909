/** What every device must do, as one suite: small traced steps against numbers computed by hand. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DType, TypedArray } from "../base/dtype.ts";
import type { Shape } from "../base/shape.ts";
import { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import type { Engine } from "./engine.ts";

const f32 = (...values: number[]) => Float32Array.of(...values);
const i32 = (...values: number[]) => Int32Array.of(...values);
const u32 = (...values: number[]) => Uint32Array.of(...values);

/** 0, 1, 2, ... in a shape. */
const counting = (length: number, scale = 1) => Float32Array.from({ length }, (_, i) => i * scale);

const variable = (shape: Shape, initial?: TypedArray, dtype: DType = "float32") =>
  new Variable({ path: `v/${shape.join("x")}`, shape, dtype, ...(initial && { initial }) });

const current = async (one: Variable) => (await readVariables([one]))[0]!.data;

/** Runs the suite on engines that `makeEngine` makes. */
export function deviceConformance(name: string, makeEngine: () => Engine): void {
  describe(`a device: ${name}`, () => {
    let engine: Engine;
    beforeAll(() => {
      engine = makeEngine();
    });
    afterAll(() => engine.close());

    /** Records a step, runs it and returns its results. */
    async function run(
      record: (trace: Trace) => void,
      inputs: Record<string, TypedArray> = {},
      steps = 1,
    ): Promise<Record<string, TypedArray>> {
      const trace = new Trace();
      record(trace);
      const execution = await engine.load(trace.finish());
      return execution.run(steps, inputs);
    }

    steps(() => engine, run);
    values(run);
    state(() => engine, makeEngine);
  });
}

type Run = (
  record: (trace: Trace) => void,
  inputs?: Record<string, TypedArray>,
  steps?: number,
) => Promise<Record<string, TypedArray>>;

function values(run: Run): void {
  describe("values", () => {
    it("arithmetic, comparisons and choice", async () => {
      const found = await run(
        (trace) => {
          const x = trace.input("x", "float32", [5]);
          const y = trace.input("y", "float32", [5]);
          trace.result("sum", x.add(y));
          trace.result("difference", x.subtract(y));
          trace.result("product", x.multiply(y));
          trace.result("quotient", x.divide(y));
          trace.result("smaller", x.minimum(y));
          trace.result("larger", x.maximum(y));
          trace.result("root", x.absolute().squareRoot());
          trace.result("floor", y.floor());
          trace.result("round", y.round());
          trace.result("chosen", x.less(y).where(x, y.negate()));
        },
        { x: f32(4, -9, 0, 1, 16), y: f32(2, 0.5, -2.5, 1, 1.5) },
      );
      expect(found).toEqual({
        sum: f32(6, -8.5, -2.5, 2, 17.5),
        difference: f32(2, -9.5, 2.5, 0, 14.5),
        product: f32(8, -4.5, -0, 1, 24),
        quotient: f32(2, -18, -0, 1, Math.fround(16 / 1.5)),
        smaller: f32(2, -9, -2.5, 1, 1.5),
        larger: f32(4, 0.5, 0, 1, 16),
        root: f32(2, 3, 0, 1, 4),
        floor: f32(2, 0, -3, 1, 1),
        round: f32(2, 0, -2, 1, 2),
        chosen: f32(-2, -9, 2.5, -1, -1.5),
      });
    });

    it("float32 that rounds after every operation", async () => {
      const { sum } = await run(
        (trace) => {
          const x = trace.input("x", "float32", []);
          trace.result("sum", x.add(1).subtract(x));
        },
        { x: f32(2 ** 24) },
      );
      expect(sum).toEqual(f32(0));
    });

    it("whole numbers that wrap, their bits, and conversions that saturate", async () => {
      const found = await run(
        (trace) => {
          const a = trace.input("a", "uint32", [3]);
          const b = trace.input("b", "int32", [3]);
          const x = trace.input("x", "float32", [3]);
          trace.result("product", a.multiply(trace.constant(3, "uint32")));
          trace.result("high", a.multiplyHigh(trace.constant(0xd2511f53, "uint32")));
          trace.result("shifted", b.shiftRight(1));
          trace.result("logical", a.shiftRight(28));
          trace.result("mixed", a.xor(trace.constant(0xff, "uint32")));
          trace.result("float", a.cast("float32"));
          trace.result("signed", x.cast("int32"));
          trace.result("unsigned", x.cast("uint32"));
          trace.result("bits", x.bitcast("uint32"));
        },
        { a: u32(1, 2 ** 31, 2 ** 32 - 1), b: i32(-3, 6, -(2 ** 31)), x: f32(-1.75, 1e10, 3.5) },
      );
      expect(found).toEqual({
        product: u32(3, 2 ** 31, 2 ** 32 - 3),
        high: u32(0, 0xd2511f53 >>> 1, 0xd2511f52),
        shifted: i32(-2, 3, -(2 ** 30)),
        logical: u32(0, 8, 15),
        mixed: u32(0xfe, 0x800000ff, 0xffffff00),
        float: f32(1, 2 ** 31, 2 ** 32),
        signed: i32(-1, 2 ** 31 - 1, 3),
        unsigned: u32(0, 2 ** 32 - 1, 3),
        bits: u32(0xbfe00000, 0x501502f9, 0x40600000),
      });
    });

    it("bool as 0 and -1, in and out", async () => {
      const found = await run(
        (trace) => {
          const flags = trace.input("flags", "bool", [4]);
          const x = trace.input("x", "float32", [4]);
          trace.result("both", flags.and(x.less(0)));
          trace.result("number", flags.cast("float32"));
        },
        { flags: i32(0, -1, 1, 0), x: f32(-1, -1, 1, 1) },
      );
      expect(found).toEqual({ both: i32(0, -1, 0, 0), number: f32(0, 1, 1, 0) });
    });

    it("sums and maxima over each axis", async () => {
      const found = await run(
        (trace) => {
          const x = trace.input("x", "float32", [2, 3, 5]);
          trace.result("all", x.sum());
          trace.result("last", x.sum(-1));
          trace.result("first", x.sum(0, true));
          trace.result("middle", x.max(1));
          trace.result("two", x.max([0, 2]));
        },
        { x: counting(30) },
      );
      expect(found).toEqual({
        all: f32(435),
        last: f32(10, 35, 60, 85, 110, 135),
        first: Float32Array.from({ length: 15 }, (_, i) => 2 * i + 15),
        middle: f32(10, 11, 12, 13, 14, 25, 26, 27, 28, 29),
        two: f32(19, 24, 29),
      });
    });

    it.each([
      [1, 1, 1],
      [4, 3, 2],
      [7, 33, 10],
      [1, 100, 37],
      [33, 300, 17],
    ])("matrix products %i x %i x %i", async (m, k, n) => {
      // Whole numbers below 2^24 add up exactly in any order.
      const a = Float32Array.from({ length: m * k }, (_, i) => (i % 7) - 3);
      const b = Float32Array.from({ length: k * n }, (_, i) => (i % 5) - 2);
      const expected = new Float32Array(m * n);
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++)
          for (let r = 0; r < k; r++) expected[i * n + j]! += a[i * k + r]! * b[r * n + j]!;
      const { plain, transposed } = await run(
        (trace) => {
          const x = trace.input("a", "float32", [m, k]);
          const y = trace.input("b", "float32", [k, n]);
          trace.result("plain", x.matmul(y));
          trace.result("transposed", y.transpose().matmul(x.transpose()));
        },
        { a, b },
      );
      expect(plain).toEqual(expected);
      const turned = expected.map((_, at) => expected[(at % m) * n + Math.floor(at / m)]!);
      expect(transposed).toEqual(turned);
    });

    it("shapes: transposed, reshaped, repeated, with axes of size 1", async () => {
      const found = await run(
        (trace) => {
          const x = trace.input("x", "float32", [2, 1, 3]);
          const row = trace.input("row", "float32", [1, 3]);
          trace.result("turned", x.transpose());
          trace.result("flat", x.reshape([6]).multiply(trace.constant(2)));
          trace.result("pairs", x.reshape([3, 2]).add(row.reshape([3, 1])));
          trace.result("repeated", row.add(x.multiply(0)));
          trace.result("one", trace.constant(5));
        },
        { x: counting(6), row: f32(10, 20, 30) },
      );
      expect(found).toEqual({
        turned: f32(0, 3, 1, 4, 2, 5),
        flat: f32(0, 2, 4, 6, 8, 10),
        pairs: f32(10, 11, 22, 23, 34, 35),
        repeated: f32(10, 20, 30, 10, 20, 30),
        one: f32(5),
      });
    });
  });
}

function steps(engineOf: () => Engine, run: Run): void {
  describe("steps", () => {
    it("each have their own inputs and results, and see what the one before left", async () => {
      const v = variable([3]);
      const record = (trace: Trace) => {
        const rate = trace.input("rate", "float32", []);
        const x = trace.input("x", "float32", [3]);
        const next = trace.read(v).add(x.multiply(rate));
        trace.assign(v, next);
        trace.result("v", next);
        trace.result("before", trace.before(v).sum());
      };
      const inputs = { rate: f32(1, 10, 100), x: f32(1, 2, 3, 4, 5, 6, 7, 8, 9) };
      expect(await run(record, inputs, 3)).toEqual({
        v: f32(1, 2, 3, 41, 52, 63, 741, 852, 963),
        before: f32(0, 6, 156),
      });
      expect(await current(v)).toEqual(f32(741, 852, 963));
    });

    it("in one call and in several leave the same bits", async () => {
      const [one, many] = [variable([37]), variable([37])];
      const record = (v: Variable) => (trace: Trace) => {
        const x = trace.input("x", "float32", [37]);
        const next = trace.read(v).multiply(0.9).add(x.multiply(x).divide(3)).exponential();
        trace.assign(v, next.minimum(5));
        trace.result("sum", next.sum());
      };
      const x = counting(37 * 8, 0.01);
      const { sum } = await run(record(one), { x }, 8);
      const parts: number[] = [];
      for (const [from, to] of [
        [0, 1],
        [1, 6],
        [6, 8],
      ] as const)
        parts.push(
          ...(await run(record(many), { x: x.slice(from * 37, to * 37) }, to - from)).sum!,
        );
      expect(parts).toEqual([...sum!]);
      expect(await current(many)).toEqual(await current(one));
    });

    it("update all variables at once", async () => {
      const [a, b, c] = [variable([20], counting(20)), variable([20]), variable([20])];
      const record = (trace: Trace) => {
        const [before, other] = [trace.before(a!), trace.before(b!)];
        trace.assign(a!, other);
        trace.assign(b!, before);
        trace.assign(c!, before.add(other));
      };
      await run(record);
      expect(await current(a!)).toEqual(new Float32Array(20));
      expect(await current(b!)).toEqual(counting(20));
      await run(record, {}, 3);
      expect(await current(a!)).toEqual(counting(20));
      expect(await current(c!)).toEqual(counting(20));
    });

    it("update a matrix from its own transpose at once", async () => {
      const v = variable([3, 3], counting(9));
      await run((trace) => trace.assign(v, trace.read(v).transpose()));
      expect(await current(v)).toEqual(f32(0, 3, 6, 1, 4, 7, 2, 5, 8));
    });

    it("gather rows of a table, in its own dtype", async () => {
      const engine = engineOf();
      const rows = 5;
      const width = 21;
      const bytes = Uint8Array.from({ length: rows * width }, (_, i) => (i * 11) % 256);
      const labels = u32(4, 3, 2, 1, 0);
      const images = await engine.upload({ data: bytes, shape: [rows, 3, 1, 7] });
      const classes = await engine.upload({ data: labels, shape: [rows] });
      const trace = new Trace();
      const at = trace.input("at", "uint32", [2]);
      const picture = trace.gather("images", "uint8", [3, 1, 7], at).cast("float32");
      trace.result("picture", picture.multiply(2));
      trace.result("class", trace.gather("classes", "uint32", [], at));
      const traced = trace.finish();
      const execution = await engine.load(traced, { images, classes });
      const found = await execution.run(3, { at: u32(4, 0, 2, 2, 1, 3) });
      const row = (r: number) => [...bytes.subarray(r * width, (r + 1) * width)].map((v) => 2 * v);
      expect(found).toEqual({
        picture: f32(...[4, 0, 2, 2, 1, 3].flatMap(row)),
        class: u32(0, 4, 2, 2, 3, 1),
      });

      // Another execution may use the same tables; released, they cannot be used.
      const again = await engine.load(traced, { images, classes });
      expect((await again.run(1, { at: u32(1, 1) })).class).toEqual(u32(3, 3));
      const compilations = engine.compilations;
      const more = await engine.upload({
        data: new Uint8Array(2 * width).fill(9),
        shape: [2, 3, 1, 7],
      });
      const other = await engine.load(traced, { images: more, classes });
      expect((await other.run(1, { at: u32(1, 0) })).picture).toEqual(
        new Float32Array(2 * width).fill(18),
      );
      expect(engine.compilations).toBe(compilations);

      // Rows that are set anew are those of the next call.
      const next = other.run(1, { at: u32(1, 0) });
      await engine.rewrite(more, new Uint8Array(2 * width).fill(7));
      expect((await next).picture).toEqual(new Float32Array(2 * width).fill(18));
      expect((await other.run(1, { at: u32(1, 0) })).picture).toEqual(
        new Float32Array(2 * width).fill(14),
      );
      await expect(engine.rewrite(more, new Uint8Array(3))).rejects.toThrow(
        "rewrite: all 42 numbers of the table, got 3",
      );
      for (const table of [images, classes, more]) table.release();
      await expect(engine.rewrite(more, new Uint8Array(2 * width))).rejects.toThrow(
        "rewrite: data that is on the device, got a table that was released",
      );
      await expect(again.run(1, { at: u32(0, 0) })).rejects.toThrow("a table that was released");
    });

    it("leave inputs alone that they do not use", async () => {
      const { x } = await run(
        (trace) => {
          trace.input("unused", "float32", [3]);
          trace.result("x", trace.input("x", "float32", []));
        },
        { x: f32(4), unused: f32(1), more: f32(1) },
      );
      expect(x).toEqual(f32(4));
    });
  });
}

function state(engineOf: () => Engine, makeEngine: () => Engine): void {
  describe("state", () => {
    const shapes: [Shape, DType][] = [
      [[], "float32"],
      [[1], "int32"],
      [[17], "uint32"],
      [[3, 1, 5], "float32"],
      [[2, 3, 4, 5], "float32"],
      [[100, 32], "float32"],
      [[2, 1024], "float32"],
      [[9], "bool"],
    ];

    it.each(shapes)(
      "of shape %j and dtype %s is read and written row-major",
      async (shape, dtype) => {
        const engine = engineOf();
        const v = variable(shape, undefined, dtype);
        const trace = new Trace();
        trace.result("v", trace.read(v));
        const execution = await engine.load(trace.finish());
        const values = (await current(v)).map((_, i) => (dtype === "bool" ? -(i % 2) : i + 1));
        await writeVariables([v], [values]);
        expect((await execution.run(1)).v).toEqual(values);
        expect(await current(v)).toEqual(values);
        await execution.run(2);
        expect(await engine.read([v])).toEqual([values]);
      },
    );

    const countUp = async (engine: Engine, v: Variable) => {
      const trace = new Trace();
      const next = trace.read(v).add(1);
      trace.assign(v, next);
      trace.result("v", next.sum());
      return engine.load(trace.finish());
    };

    it("is one, however many executions share it", async () => {
      const engine = engineOf();
      const v = variable([4]);
      const [a, b] = [await countUp(engine, v), await countUp(engine, v)];
      await Promise.all([a.run(2), b.run(1), a.run(1)]);
      expect((await b.run(1)).v).toEqual(f32(20));
    });

    it("is copied by a snapshot and set back by restoring it, as often as wanted", async () => {
      const engine = engineOf();
      const [v, w] = [variable([5], f32(1, 2, 3, 4, 5)), variable([2, 2])];
      const execution = await countUp(engine, v);
      await execution.run(1);
      const snapshot = await engine.snapshot([v, w]);
      for (let k = 0; k < 2; k++) {
        await execution.run(3);
        await writeVariables([w], [f32(9, 9, 9, 9)]);
        await engine.restore(snapshot);
        expect(await current(v)).toEqual(f32(2, 3, 4, 5, 6));
        expect(await current(w)).toEqual(new Float32Array(4));
      }
      expect((await execution.run(1)).v).toEqual(f32(25));
    });

    it("goes to another engine with its value", async () => {
      const other = makeEngine();
      try {
        const v = variable([2, 3]);
        const [here, there] = [await countUp(engineOf(), v), await countUp(other, v)];
        for (const execution of [here, there, here, there, there]) await execution.run(1);
        expect(await current(v)).toEqual(new Float32Array(6).fill(5));
      } finally {
        await other.close();
      }
    });

    it("outlives its engine", async () => {
      const engine = makeEngine();
      const v = variable([3]);
      const execution = await countUp(engine, v);
      await execution.run(4);
      await engine.close();
      expect(v.hostValue).toEqual(f32(4, 4, 4));
      await expect(execution.run(1)).rejects.toThrow("one that was closed");
    });

    it("and results are copies: writing to them changes nothing", async () => {
      const v = variable([3]);
      const execution = await countUp(engineOf(), v);
      await execution.run(1);
      (await current(v)).fill(50);
      (await engineOf().read([v]))[0]!.fill(50);
      expect(await current(v)).toEqual(f32(1, 1, 1));
    });
  });
}
