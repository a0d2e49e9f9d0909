import { describe, expect, it } from "vitest";
import { Metric } from "../nn/metric.ts";
import { metrics } from "../nn/metrics.ts";
import { Pace } from "./pace.ts";
import { Totals } from "./totals.ts";

describe("totals", () => {
  it("are means over samples, whatever the batches", () => {
    const totals = new Totals({
      losses: [],
      metrics: [{ name: "accuracy", metric: metrics.binaryAccuracy() }],
    });
    const call = {
      step: 0,
      count: 2,
      batch: 4,
      results: { loss: Float32Array.of(8, 4), metric0: Float32Array.of(3, 1) },
      metrics: [[undefined, 4]],
    };
    expect(totals.add(call, 0)).toBe(8);
    expect(totals.logs()).toEqual({ loss: 2, accuracy: 0.75 });
    totals.add(call, 1);
    const last = { loss: Float32Array.of(6), metric0: Float32Array.of(2) };
    totals.add({ step: 2, count: 1, batch: 2, results: last, metrics: [[undefined, 2]] }, 0);
    expect(totals.logs()).toEqual({ loss: 1.8, accuracy: 0.6 });
  });

  it("are exact where float32 sums would not be", () => {
    const totals = new Totals({ losses: [], metrics: [] });
    const losses = Float32Array.from({ length: 100_000 }, () => 1e8);
    losses[0] = 1;
    const call = {
      step: 0,
      count: losses.length,
      batch: 1,
      results: { loss: losses },
      metrics: [],
    };
    for (let i = 0; i < losses.length; i++) totals.add(call, i);
    expect(totals.logs().loss).toBe((1e8 * 99_999 + 1) / 100_000);
  });

  it("a metric may make its number of several sums", () => {
    const ratio = new Metric("ratio", {
      update: () => [],
      compute: ([[a, b], [count]]) => (100 * a) / b + count,
    });
    const both = new Metric("both", { update: () => [], compute: ([[a, b]]) => [a, b] });
    const totals = new Totals({
      losses: ["firstLoss"],
      metrics: [
        { name: "ratio", metric: ratio },
        { name: "both", metric: both },
      ],
    });
    const call = {
      step: 0,
      count: 2,
      batch: 5,
      results: {
        loss: Float32Array.of(0, 0),
        loss0: Float32Array.of(5, 10),
        metric0: Float32Array.of(1, 4, 2, 8),
        metric1: Float32Array.of(1, 2, 3, 4),
      },
      metrics: [[undefined, 5], [undefined]],
    };
    for (const i of [0, 1]) totals.add(call, i);
    expect(totals.logs()).toEqual({ loss: 0, firstLoss: 1.5, ratio: 35, both_0: 4, both_1: 6 });
  });
});

describe("pace", () => {
  it("learns with one step, then fills twenty milliseconds", () => {
    const pace = new Pace(1000);
    expect(pace.steps).toBe(1);
    pace.took(1, 0.5);
    expect(pace.steps).toBe(40);
    pace.took(20, 400);
    expect(pace.steps).toBe(1);
  });

  it("is bounded by the memory of a call", () => {
    const pace = new Pace(2 ** 20);
    pace.took(1, 0);
    expect(pace.steps).toBe(4);
  });
});
