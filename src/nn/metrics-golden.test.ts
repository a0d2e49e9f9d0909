import { describe, expect, it } from "vitest";
import type { HostArray } from "../base/host-array.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Metric, type MetricRule, meanRule, perSample } from "./metric.ts";
import type { ValueMetric } from "./metrics/values.ts";
import { metrics } from "./metrics.ts";
import { difference, golden, type Nested, valuesOf } from "./values.case.ts";

interface Batch {
  readonly yTrue: Nested;
  readonly yPred: Nested;
  readonly sampleWeight: Nested;
}

interface Case {
  readonly name: keyof typeof metrics;
  readonly options: Readonly<Record<string, unknown>>;
  readonly input: string;
  readonly plain: readonly Nested[];
  readonly weighted?: readonly Nested[];
}

interface ValueCase {
  readonly name: "mean" | "sum";
  readonly batches: readonly { readonly values: Nested; readonly sampleWeight: Nested }[];
  readonly plain: readonly Nested[];
  readonly weighted: readonly Nested[];
}

const facts = golden<{
  inputs: Record<string, Batch[]>;
  cases: Case[];
  values: ValueCase[];
  chosen: { target: number[]; output: number[]; accuracy: string; crossentropy: string }[];
}>("metrics.json");

const words: Readonly<Record<string, string>> = {
  uniform_average: "uniformAverage",
  variance_weighted_average: "varianceWeightedAverage",
};

/** The metric with options as Keras has them. */
function make({ name, options }: Pick<Case, "name" | "options">): Metric {
  const given = Object.entries(options).map(([key, value]) => [
    key,
    words[value as string] ?? value,
  ]);
  return (metrics[name] as (options: object) => Metric)(Object.fromEntries(given));
}

const array = (nested: Nested): HostArray => {
  const { data, shape } = valuesOf(nested);
  return { data: Float32Array.from(data), shape };
};

/** How far results after each batch are from the golden ones. */
async function distance(metric: Metric, one: Case, weighted: boolean): Promise<number> {
  const expected = weighted ? one.weighted! : one.plain;
  metric.resetState();
  let worst = 0;
  for (const [i, { yTrue, yPred, sampleWeight }] of facts.inputs[one.input].entries()) {
    const options = weighted ? { sampleWeight: array(sampleWeight) } : {};
    await metric.updateState(array(yTrue), array(yPred), options);
    const result = metric.result();
    const found = typeof result === "number" ? [result] : result;
    worst = Math.max(worst, difference(found, valuesOf(expected[i]).data, 0.1));
  }
  return worst;
}

const label = ({ name, options, input }: Case) => `${name} ${JSON.stringify(options)} of ${input}`;

const caseOf = (name: Case["name"], input: string, options: object = {}) =>
  facts.cases.find(
    (one) =>
      one.name === name &&
      one.input === input &&
      JSON.stringify(one.options) === JSON.stringify(options),
  )!;

const tolerance = 2e-5;

describe("metrics over batches against Keras", () => {
  for (const one of facts.cases)
    it(label(one), async () => {
      const metric = make(one);
      expect(await distance(metric, one, false)).toBeLessThan(tolerance);
      if (one.weighted) expect(await distance(metric, one, true)).toBeLessThan(tolerance);
      // A state that was reset counts as new.
      expect(await distance(metric, one, false)).toBeLessThan(tolerance);
    });

  for (const [i, { name, batches, plain, weighted }] of facts.values.entries())
    it(`${name} of values, case ${i}`, async () => {
      for (const expected of [plain, weighted]) {
        const metric = metrics[name]() as ValueMetric;
        for (const [k, { values, sampleWeight }] of batches.entries()) {
          const options = expected === weighted ? { sampleWeight: array(sampleWeight) } : {};
          await metric.updateState(array(values), options);
          expect(metric.result()).toBeCloseTo(Number(expected[k]), 4);
        }
      }
    });

  it("the string accuracy chooses by the shapes", () => {
    for (const { target, output, accuracy } of facts.chosen) {
      const chosen = metrics.accuracy().rule.choose!({ target, output });
      expect(chosen.entry).toBe(accuracy[0].toLowerCase() + accuracy.slice(1));
    }
  });
});

describe("near misses", () => {
  const changed = (base: Metric, rule: Partial<MetricRule>) =>
    new Metric(base.name, { ...base.rule, ...rule });

  /** The mean of the means of batches: each batch counts the same. */
  const ofBatches = (base: Metric) =>
    changed(base, {
      update: (...given) => {
        const [total, count] = base.rule.update(...given) as [Tensor, Tensor | number];
        const mean = typeof count === "number" ? total.multiply(1 / count) : total.divide(count);
        return [mean, 1];
      },
    });

  it("the mean of batch means", async () => {
    const one = caseOf("meanSquaredError", "real [n, t, k]");
    expect(await distance(ofBatches(make(one)), one, false)).toBeGreaterThan(1e-3);
    expect(await distance(ofBatches(make(one)), one, true)).toBeGreaterThan(1e-3);
    // The mean of roots is no root of a mean.
    const root = caseOf("rootMeanSquaredError", "real [n, t, k]");
    const rooted = changed(make(root), {
      ...meanRule((y, x) => perSample(x.subtract(y).square()).squareRoot(), "output"),
    });
    expect(await distance(rooted, root, false)).toBeGreaterThan(1e-3);
  });

  it("weights that count in the sum but not in what it is divided by", async () => {
    const one = caseOf("binaryAccuracy", "binary");
    const base = make(one);
    const undivided = changed(base, {
      update: (yTrue, yPred, context) => [
        base.rule.update(yTrue, yPred, context)[0],
        yPred.shape[0],
      ],
    });
    expect(await distance(undivided, one, true)).toBeGreaterThan(0.01);
  });

  it("another curve, another summation", async () => {
    const auc = (curve: string, summationMethod: string) =>
      caseOf("auc", "binary", { curve, summationMethod });
    for (const [right, wrong] of [
      [auc("ROC", "minoring"), auc("ROC", "majoring")],
      [auc("ROC", "interpolation"), auc("ROC", "minoring")],
      [auc("PR", "interpolation"), auc("PR", "majoring")],
      [auc("PR", "minoring"), auc("PR", "interpolation")],
      [auc("PR", "interpolation"), auc("PRGAIN", "interpolation")],
    ])
      expect(await distance(make(wrong), right, false)).toBeGreaterThan(1e-3);
  });

  it("predictions on a threshold that count as above it", async () => {
    const one = caseOf("truePositives", "multi-label");
    const base = make(one);
    const atLeast = changed(base, {
      update: (yTrue, yPred, context) => base.rule.update(yTrue, yPred.add(1e-6), context),
    });
    expect(await distance(atLeast, one, false)).toBeGreaterThan(0.01);
  });

  it("equal predictions that push the right one out of the top", async () => {
    const one = caseOf("topKCategoricalAccuracy", "one-hot, ties", { k: 2 });
    const base = make(one);
    const strict = changed(base, {
      update: (yTrue, yPred, context) =>
        base.rule.update(yTrue, yPred.subtract(yTrue.multiply(1e-6)), context),
    });
    expect(await distance(strict, one, false)).toBeGreaterThan(0.01);
  });

  it("micro for macro, macro for weighted", async () => {
    const f1 = (average: string) => caseOf("f1Score", "multi-label", { average, threshold: null });
    expect(await distance(make(f1("macro")), f1("micro"), false)).toBeGreaterThan(1e-3);
    expect(await distance(make(f1("weighted")), f1("macro"), false)).toBeGreaterThan(1e-3);
  });

  it("outputs averaged in another way", async () => {
    const one = caseOf("r2Score", "real", { classAggregation: "uniform_average" });
    const aggregated = caseOf("r2Score", "real", {
      classAggregation: "variance_weighted_average",
    });
    expect(await distance(make(aggregated), one, false)).toBeGreaterThan(1e-3);
  });
});
