import { describe, expect, it } from "vitest";
import type { ResultEvent } from "./events.ts";
import { published } from "./published.ts";
import { tableRows } from "./table.ts";

const result = (variant: string, seed: number, more: Partial<ResultEvent> = {}): ResultEvent => ({
  event: "result",
  variant,
  seed,
  epochs: 30,
  bestEpoch: 10 * seed,
  valLoss: 1.5,
  valAccuracy: (40 + seed) / 100,
  testLoss: 1.6,
  testAccuracy: 0.4,
  microsecondsPerSample: 20,
  secondsToFirstStep: 1,
  seconds: 60,
  weightsHash: "0".repeat(64),
  secondsPerEpoch: 3,
  validation: 5000,
  folder: `out/${variant}`,
  ...more,
});

describe("tableRows", () => {
  it("has a row for each net, in the order of the runs, with means over its seeds", () => {
    const rows = tableRows([
      result("bn", 1),
      result("elu", 1),
      result("bn", 2),
      result("elu", 2),
      result("bn", 3),
    ]);
    expect(rows.map(({ variant, seeds }) => [variant, seeds])).toEqual([
      ["bn", [1, 2, 3]],
      ["elu", [1, 2]],
    ]);
    const [bn] = rows;
    expect(bn.accuracy.mean).toBeCloseTo(0.42, 12);
    // sd 0.01, t of two degrees of freedom 4.3027: 0.42 -+ 0.0248.
    expect(bn.accuracy.interval![0]).toBeCloseTo(0.39516, 5);
    expect(bn.accuracy.interval![1]).toBeCloseTo(0.44484, 5);
    expect(bn.binomialError).toBeCloseTo(0.00698, 5);
    expect(bn.bestEpoch!.mean).toBe(20);
    expect(bn.secondsPerEpoch).toEqual({
      count: 3,
      mean: 3,
      standardDeviation: 0,
      interval: [3, 3],
    });
    expect(bn.document).toBe(published.bn);
  });

  it("has Monte Carlo dropout below its net, where all its runs measured it", () => {
    const rows = tableRows([
      result("alpha", 1, { mcAccuracy: 0.5 }),
      result("alpha", 2, { mcAccuracy: 0.6 }),
      result("onecycle", 1),
    ]);
    expect(rows.map(({ variant }) => variant)).toEqual(["alpha", "mc", "onecycle"]);
    expect(rows[1].accuracy.mean).toBeCloseTo(0.55, 12);
    expect(rows[1]).toMatchObject({ document: published.mc, loss: null, bestEpoch: null });
  });

  it("of one seed has no interval", () => {
    const [row] = tableRows([result("selu", 1)]);
    expect(row.accuracy).toEqual({
      count: 1,
      mean: 0.41,
      standardDeviation: null,
      interval: null,
    });
  });
});

describe("the document's figures", () => {
  it("are those of the chapter", () => {
    const figures = Object.entries(published).map(([name, { accuracy, reruns }]) => [
      name,
      accuracy,
      ...reruns,
    ]);
    expect(figures).toEqual([
      ["elu", 0.4736, 0.4762, 0.4676],
      ["bn", 0.5506, 0.5398],
      ["selu", 0.514, 0.4792, 0.5026],
      ["alpha", 0.5082, 0.489, 0.4982],
      ["mc", 0.5094, 0.4892, 0.4984],
      ["onecycle", 0.5276, 0.5198, 0.5242],
    ]);
  });
});
