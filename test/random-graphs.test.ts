/** Random graphs: lowered and rounded to float32, against the exact values of what was traced. */
import { describe, expect, it } from "vitest";
import { type Computation, type Graph, rootsOf } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { check } from "../src/ir/legality.ts";
import { lower } from "../src/ir/lower.ts";
import { type Node, topological } from "../src/ir/node.ts";
import { ops } from "../src/ir/ops.ts";
import { print } from "../src/ir/print.ts";
import { rewrite } from "../src/ir/rewrite.ts";
import { simplify } from "../src/ir/simplify.ts";
import { compareWithin, randomComputation } from "./random-graphs.ts";

const seeds = Array.from({ length: 200 }, (_, seed) => seed);
/** How many bounds a device may be off. */
const factor = 2;

describe("random graphs", () => {
  it("are valid, a function of their seed, and use every row", () => {
    const used = new Set<string>();
    for (const seed of seeds) {
      const { computation } = randomComputation(seed);
      check(computation, "traced");
      expect(print(randomComputation(seed).computation)).toBe(print(computation));
      for (const node of topological(rootsOf(computation))) used.add(node.op);
      expect(computation.results.length + computation.updates.length).toBeGreaterThan(0);
    }
    expect([...used].sort()).toEqual(Object.keys(ops).sort());
  });

  it("lie within the bounds once lowered and rounded, nearly all of them", () => {
    let [skipped, count, worst] = [0, 0, 0];
    for (const seed of seeds) {
      const { computation, read } = randomComputation(seed);
      const lowered = lower(simplify(computation));
      check(lowered, "lowered");
      const exact = interpret(computation, read, "exact");
      const rounded = interpret(lowered, read, "rounding", seed % 2 === 1);
      for (const kind of ["results", "updates"] as const)
        for (const [name, expected] of exact[kind]) {
          const found = compareWithin(expected, rounded[kind].get(name)!.data, factor);
          if (found.failures.length > 0)
            expect.fail(
              `seed ${seed}, ${name}: ${found.failures.length} of ${found.count} wrong, as ` +
                `${JSON.stringify(found.failures[0])}\n${print(computation)}`,
            );
          skipped += found.skipped;
          count += found.count;
          worst = Math.max(worst, found.worst);
        }
    }
    // At most 1 % hang on a comparison too close to call; and the bounds are no empty promise.
    expect(skipped).toBeLessThan(count / 100);
    expect(worst).toBeGreaterThan(0.3);
  });
});

describe("near misses", () => {
  /** How many of these seeds show a device that computes `wrong` instead. */
  const caught = (wrong: (computation: Computation) => Computation): number =>
    seeds.slice(0, 30).filter((seed) => {
      const { computation, read } = randomComputation(seed);
      const exact = interpret(computation, read, "exact");
      const rounded = interpret(lower(wrong(computation)), read, "rounding");
      return [...exact.results].some(([name, expected]) => {
        const { failures } = compareWithin(expected, rounded.results.get(name)!.data, factor);
        return failures.length > 0;
      });
    }).length;

  const replace = (from: string, make: (graph: Graph, node: Node) => Node) => {
    const done = new Set<Node>();
    return (computation: Computation) =>
      rewrite(computation, [
        (graph, node) => {
          if (node.op !== from || done.has(node)) return undefined;
          const other = make(graph, node);
          for (const made of topological([other])) done.add(made);
          return other;
        },
      ]);
  };

  it("shows a multiplication that is off by four steps", () => {
    const slightly = (graph: Graph, node: Node) => {
      if (node.dtype !== "float32") return node;
      const factor = graph.constant(1 + 2 ** -21, "float32");
      return graph.make("divide", [graph.make("multiply", node.inputs), factor]);
    };
    expect(caught((computation) => computation)).toBe(0);
    expect(caught(replace("multiply", slightly))).toBeGreaterThan(10);
  });

  it("shows operands in the wrong order, and a maximum that is none", () => {
    const swapped = (graph: Graph, { op, inputs: [x, y] }: Node) => graph.make(op, [y, x]);
    expect(caught(replace("subtract", swapped))).toBeGreaterThan(1);
    const first = (graph: Graph, { inputs: [x, y] }: Node) => graph.make("minimum", [x, y]);
    expect(caught(replace("maximum", first))).toBeGreaterThan(1);
  });
});

describe("compareWithin", () => {
  const expected = (data: number[], bounds: number[], dtype: "float32" | "bool" = "float32") => ({
    axes: [{ name: "a", size: data.length }],
    dtype,
    data: Float64Array.from(data),
    bounds: Float64Array.from(bounds),
  });
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

  it("measures errors in bounds, and skips what has none", () => {
    const found = compareWithin(expected([1, 2, 3], [0.1, 0.1, inf]), [1.05, 2.3, 99], 2);
    expect(found).toMatchObject({ skipped: 1, count: 3 });
    expect(found.worst).toBeCloseTo(3);
    expect(found.failures).toMatchObject([{ index: 1, expected: 2, actual: 2.3, bound: 0.1 }]);
  });

  it("takes nothing else for what is exact, NaN or infinite", () => {
    const exact = expected([1, nan, inf, 0], [0, 0, 0, 0.1]);
    expect(compareWithin(exact, [1, nan, inf, 0], 2).failures).toEqual([]);
    expect(compareWithin(exact, [1.0000001, 0, -inf, nan], 2).failures.length).toBe(4);
  });

  it("takes any number but 0 as true", () => {
    const mask = expected([1, 0, 1], [0, 0, 0], "bool");
    expect(compareWithin(mask, [-1, 0, 1], 1).failures).toEqual([]);
    expect(compareWithin(mask, [0, 0, 1], 1).failures.length).toBe(1);
  });
});
