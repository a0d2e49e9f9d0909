/** Kernels that share a function: the same form must mean the same code, however it came about. */
import { describe, expect, it } from "vitest";
import { formOf } from "../src/compile/form.ts";
import { deferWrites, order } from "../src/compile/passes/order.ts";
import { splitPartials } from "../src/compile/passes/partials.ts";
import { arrangeForms, fuseProducts, simplifyAndLower } from "../src/compile/passes/rules.ts";
import { schedule } from "../src/compile/passes/schedule.ts";
import { shard } from "../src/compile/passes/shard.ts";
import { unifyAxes } from "../src/compile/passes/unify.ts";
import { emitKernel } from "../src/compile/wasm/kernels.ts";
import type { Computation } from "../src/ir/graph.ts";
import { gradients } from "../src/tensor/gradients.ts";
import { Trace } from "../src/tensor/trace.ts";
import { Variable } from "../src/tensor/variable.ts";
import { randomComputation } from "./random-graphs.ts";

interface Emitted {
  /** The function's bytes, and for each of its arguments what it is and the position of its place. */
  readonly code: string;
  readonly label: string;
}

/** Emits every kernel of a step for itself; all kernels of one form must come out the same. */
function collect(
  found: Map<string, Emitted>,
  computation: Computation,
  threads: number,
  label: string,
): number {
  const graph = fuseProducts(arrangeForms(unifyAxes(simplifyAndLower(computation))));
  const written = new Set(graph.updates.map(({ variable }) => variable));
  const all = schedule(graph);
  const kernels = shard(
    order(deferWrites(threads > 1 ? splitPartials(all, written) : all)),
    threads,
  );
  let shared = 0;
  for (const { kernel, share } of kernels) {
    const split = share.kind === "split" ? share.axis.name : undefined;
    const form = formOf(kernel, split);
    const frame = emitKernel(kernel, split, { fma: true, tiles: undefined });
    const used = frame.arguments.map((argument) => {
      if (argument.kind === "place") return `place ${form.places.indexOf(argument.node)}`;
      return argument.kind === "result"
        ? `result ${form.results.indexOf(argument.name)}`
        : argument.kind;
    });
    expect(used).not.toContain("place -1");
    expect(used).not.toContain("result -1");
    const code = `${used.join()} ${frame.scratchBytes} ${frame.code.finish().join()}`;
    const known = found.get(form.text);
    if (known) shared++;
    else found.set(form.text, { code, label });
    if (known && known.code !== code)
      expect.fail(`one form, other code: ${known.label} and ${label}\n${form.text}`);
  }
  return shared;
}

/** A train step of plain layers of these sizes. */
function netOf(batch: number, sizes: readonly number[]): Computation {
  const trace = new Trace();
  let x = trace.input("x", "float32", [batch, sizes[0]]);
  const weights = sizes.slice(1).map((size, i) => {
    const shape = [sizes[i], size];
    return new Variable({ path: `w${i}`, shape });
  });
  for (const weight of weights) x = x.matmul(trace.read(weight)).tanh();
  const loss = x.square().sum();
  const before = weights.map((weight) => trace.read(weight));
  for (const [i, gradient] of gradients(loss, before).entries())
    trace.assign(weights[i], before[i].subtract(gradient.multiply(0.1)));
  trace.result("loss", loss);
  trace.result("columns", x.sum(0));
  return trace.finish().computation;
}

describe("kernels of one form", () => {
  it("are the same code in nets of all sizes", () => {
    const found = new Map<string, Emitted>();
    let shared = 0;
    // Many of these sizes have the same padded rows.
    for (const batch of [1, 4, 31, 32])
      for (const sizes of [
        [97, 100, 103, 112],
        [100, 97, 112, 103],
        [30, 31, 32, 33],
        [600, 601, 17, 18],
        [608, 592, 10, 3],
        [2, 1, 2, 3],
      ])
        for (const threads of [1, 2, 3])
          shared += collect(found, netOf(batch, sizes), threads, `${batch} ${sizes} ${threads}`);
    expect(shared).toBeGreaterThan(50);
  });

  it("are the same code in random graphs", () => {
    const found = new Map<string, Emitted>();
    let shared = 0;
    for (let seed = 0; seed < 160; seed++) {
      const options = [{}, { largest: 6 }, { largest: 20, nodes: [10, 30] as const }][seed % 3];
      const { computation } = randomComputation(80_000 + seed, options);
      for (const threads of [1, 2]) shared += collect(found, computation, threads, `seed ${seed}`);
    }
    expect(shared).toBeGreaterThan(50);
  });
});
