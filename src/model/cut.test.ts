/** Steps cut at their noise: what is kept, and that both parts make the whole. */
import { afterAll, describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import { uniform } from "../base/philox.ts";
import { Engine, type Table } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { type Cut, cutAtNoise } from "./cut.ts";

const engine = new Engine({ device: "reference" });
afterAll(() => engine.close());

const batch = 4;
/** The rows of the batch. */
const order = [2, 0, 1, 3];
const size = 3;
const numbers = (name: string, count: number) => Float32Array.from(uniform(1, name, 0, count));
const x = { data: numbers("x", batch * size).map((u) => 2 * u - 1), shape: [batch, size] };
const kernel = new Variable({ path: "kernel", shape: [size, size], initial: numbers("w", 9) });
const count = new Variable({ path: "count", shape: [], dtype: "uint32" });

/** A batch of inputs, a weight, and a scalar that stands for the noise. */
interface Given {
  readonly trace: Trace;
  readonly x: Tensor;
  readonly kernel: Tensor;
  readonly noise: Tensor;
}

function traced(build: (given: Given) => readonly Tensor[]): Traced {
  const trace = new Trace();
  const rows = trace.input("rows", "uint32", [batch]);
  const results = build({
    trace,
    x: trace.gather("x", "float32", [size], rows),
    kernel: trace.read(kernel),
    noise: trace.input("noise", "float32", []),
  });
  for (const [i, result] of results.entries()) trace.result(`result${i}`, result);
  return trace.finish();
}

const cut = (step: Traced): Cut => cutAtNoise(step, new Set(["noise"]), "rows");

/** All results of a step for tables by name, and the count that it leaves. */
async function run(step: Traced, data: Record<string, HostArray>, noise = 2) {
  const tables: Record<string, Table> = {};
  for (const [name, array] of Object.entries(data)) tables[name] = await engine.upload(array);
  await count.write({ data: Uint32Array.of(0), shape: [] });
  const execution = await engine.load(step, tables);
  const inputs = { rows: Uint32Array.from(order), noise: Float32Array.of(noise) };
  const results = await execution.run(1, inputs);
  for (const table of Object.values(tables)) table.release();
  return { results, count: [...(await count.read()).data] };
}

/** Checks that trunk and head make what the whole step makes. */
async function same(step: Traced, { trunk, head, kept }: Cut): Promise<void> {
  const tables: Record<string, HostArray> = { x };
  // The trunk's rows are those of the batch: each goes to its place in a table.
  const left = trunk ? (await run(trunk, { x })).results : {};
  for (const { name, shape } of kept) {
    const row = left[name].length / batch;
    const data = new Float32Array(left[name].length);
    for (const [i, at] of order.entries())
      data.set(left[name].subarray(i * row, (i + 1) * row), at * row);
    tables[name] = { data, shape: [batch, ...shape] };
  }
  for (const noise of [2, -0.5])
    expect(await run(head, tables, noise)).toEqual(await run(step, { x }, noise));
}

describe("a step cut at its noise", () => {
  it.each<[string, (given: Given) => readonly Tensor[], (readonly number[])[]]>([
    ["after a product", (g) => [g.x.matmul(g.kernel).tanh().multiply(g.noise)], [[size]]],
    ["with a sum for each row", (g) => [g.x.sum(1).add(g.noise)], [[]]],
    [
      "in two places",
      (g) => {
        const first = g.x.matmul(g.kernel);
        const second = first.exponential();
        return [first.multiply(g.noise).matmul(g.kernel).add(second)];
      },
      [[size], [size]],
    ],
    [
      "with a result that has none",
      (g) => [g.x.matmul(g.kernel), g.x.sum(1).multiply(g.noise)],
      [[size], []],
    ],
    // A comparison is made anew from what it compares.
    [
      "behind a comparison",
      (g) => {
        const y = g.x.matmul(g.kernel);
        return [y.greater(0).where(g.noise, 0)];
      },
      [[size]],
    ],
    // Rows that a reshape merges have no place in a table; what was merged has.
    [
      "behind merged rows",
      (g) => {
        const y = g.x.matmul(g.kernel);
        return [
          y
            .reshape([batch * size])
            .exponential()
            .multiply(g.noise),
        ];
      },
      [[size]],
    ],
    [
      "with two dimensions of a row",
      (g) => {
        const y = g.x.expandDimension(2).multiply(g.x.expandDimension(1)).exponential();
        return [y.multiply(g.noise)];
      },
      [[size, size]],
    ],
    ["of data alone", (g) => [g.x.multiply(3).add(1).multiply(g.noise).matmul(g.kernel)], []],
    ["of weights alone", (g) => [g.kernel.exponential().sum().multiply(g.noise)], []],
  ])("%s", async (_, build, shapes) => {
    const step = traced(build);
    const parts = cut(step);
    expect(parts.kept.map(({ shape }) => shape)).toEqual(shapes);
    expect(parts.trunk === undefined).toBe(shapes.length === 0);
    await same(step, parts);
  });

  it("tells which results hang on it", () => {
    const step = traced((g) => [g.x, g.noise.multiply(2), g.x.add(g.noise), g.kernel]);
    expect(cut(step).isNoisy).toEqual([false, true, true, false]);
  });

  it("updates variables in the head, once for each draw", async () => {
    const step = traced((g) => {
      g.trace.assign(count, g.trace.before(count).add(1));
      return [g.x.matmul(g.kernel).multiply(g.noise)];
    });
    const parts = cut(step);
    expect(parts.trunk!.computation.updates).toEqual([]);
    expect(parts.head.computation.updates).toHaveLength(1);
    await same(step, parts);
  });
});
