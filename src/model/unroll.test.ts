/** Steps for several values of an input at once. */
import { afterAll, describe, expect, it } from "vitest";
import { rootsOf } from "../ir/graph.ts";
import { topological } from "../ir/node.ts";
import { Engine } from "../runtime/engine.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { unroll, workOf } from "./unroll.ts";

const engine = new Engine({ device: "reference" });
afterAll(() => engine.close());

const kernel = new Variable({
  path: "kernel",
  shape: [3, 5],
  initial: Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)),
});

/** A function of x that is dear, times one of a scalar, and a product with the kernel. */
function recorded(batch = 2): Traced {
  const trace = new Trace();
  const x = trace.input("x", "float32", [batch, 3]);
  const word = trace.input("word", "uint32", []).cast("float32");
  const shared = x.exponential();
  const own = shared.multiply(word.add(1));
  trace.result("own", own.matmul(trace.read(kernel)));
  trace.result("shared", shared);
  return trace.finish();
}

const count = (step: Traced, op: string) =>
  topological(rootsOf(step.computation)).filter((node) => node.op === op).length;

describe("unroll", () => {
  const name = (result: string, copy: number) => `${result}${copy}`;

  it("makes for each value what the step makes, and once what is the same", async () => {
    const step = recorded();
    const all = unroll(step, "word", [0, 3, 7], name);
    expect([count(all, "exponential"), count(all, "contract")]).toEqual([1, 3]);
    expect(count(all, "input")).toBe(1);
    const inputs = { x: Float32Array.of(1, -2, 0.5, 3, 0, -1) };
    const found = await (await engine.load(all)).run(1, inputs);
    const one = await engine.load(step);
    for (const [copy, value] of [0, 3, 7].entries()) {
      const wanted = await one.run(1, { ...inputs, word: Uint32Array.of(value) });
      expect(found[`own${copy}`]).toEqual(wanted.own);
      expect(found[`shared${copy}`]).toEqual(wanted.shared);
    }
    expect(found.own1).not.toEqual(found.own2);
  });

  it("knows what is done once and what for each value, whatever the batch", () => {
    const rows = (step: Traced) => step.computation.results[0].axes[0].name;
    const works = [2, 7].map((batch) => {
      const step = recorded(batch);
      const { shared, own } = workOf(step, "word", rows(step));
      return [shared / batch, own / batch];
    });
    const [[shared, own]] = works;
    expect(works[1]).toEqual([shared, own]);
    // Three multiplications, and three times five multiply-adds.
    expect(own).toBe(3 + 15);
    expect(shared).toBe(3 * 18);
  });
});
