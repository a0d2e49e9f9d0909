import { describe, expect, it } from "vitest";
import { chooseMetric, Metric, type MetricFunction, meanRule } from "./metric.ts";
import { metricKind, metrics, resolveMetric, serializeMetric } from "./metrics.ts";
import { deserializePart } from "./serialization.ts";
import { shapeTargets } from "./targets.ts";
import { compute, golden, type Nested, valuesOf } from "./values.case.ts";

interface Case {
  readonly yTrue: Nested;
  readonly yPred: Nested;
  readonly perSample: Nested;
}

const { accuracy: cases } = golden<{ accuracy: Case[] }>("library.json");

/** What a metric adds for each sample on its own. */
const values = (metric: Metric, yTrue: Nested, yPred: Nested): number[] => {
  const rows = (nested: Nested) => nested as readonly Nested[];
  return rows(yTrue).map((target, i) => {
    const [targets, output] = [valuesOf([target]), valuesOf([rows(yPred)[i]])];
    const shapes = { target: targets.shape.slice(1), output: output.shape.slice(1) };
    const { rule, targets: kind } = chooseMetric(metric, shapes);
    const [found] = compute([targets, output], ([y, x], trace) => [
      rule.update(shapeTargets(kind, y, x), x, { trace })[0] as typeof x,
    ]);
    return found.data[0];
  });
};

describe("accuracy against Keras", () => {
  for (const [i, { yTrue, yPred, perSample }] of cases.entries())
    it(`sparse, labels of form ${i}: the first of equal maxima counts`, () => {
      const found = values(metrics.accuracy(), yTrue, yPred);
      const expected = [...valuesOf(perSample).data];
      // The last row is [-0, 0, -1]: JAX takes 0 for the larger one, NumPy and PyTorch the first.
      expect(found.slice(0, -1)).toEqual(expected.slice(0, -1));
      expect(found.at(-1)).toBe(0);
    });

  it("rejects a near miss: the last of equal maxima", () => {
    const { yTrue, yPred, perSample } = cases[0];
    const last: MetricFunction = (y, x, { trace }) => {
      const largest = x.equal(x.max(-1, true));
      const position = largest.where(trace.indexAlong(x, -1), trace.constant(0, "uint32"));
      return position.max(-1).equal(y.cast("uint32")).cast("float32");
    };
    const metric = new Metric("last", meanRule(last, "classes"));
    expect(values(metric, yTrue, yPred)).not.toEqual([...valuesOf(perSample).data]);
  });

  it("chooses by the shapes, as Keras does, and keeps its name", () => {
    const chosen = (target: number[], output: number[]) =>
      chooseMetric(metrics.accuracy(), { target, output });
    expect(chosen([], [10])).toMatchObject({ name: "accuracy", targets: "classes" });
    expect(chosen([1], [10]).targets).toBe("classes");
    expect(chosen([10], [10]).targets).toBe("output");
    const oneHot = [
      [0, 1, 0],
      [1, 0, 0],
    ];
    const scores = [
      [0.1, 0.8, 0.1],
      [0.1, 0.2, 0.7],
    ];
    expect(values(metrics.accuracy(), oneHot, scores)).toEqual([1, 0]);
    expect(values(metrics.accuracy(), [1, 0, 1], [[0.6], [0.6], [0.5]])).toEqual([1, 0, 0]);
  });
});

describe("choosing a metric", () => {
  it("names it", () => {
    expect(resolveMetric("sparseCategoricalAccuracy", "x").name).toBe("sparseCategoricalAccuracy");
    const meanError: MetricFunction = (yTrue, yPred) => yPred.subtract(yTrue);
    expect(resolveMetric(meanError, "x").name).toBe("meanError");
    expect(() => resolveMetric("acuracy" as never, "compile")).toThrow(
      'compile: metric must be a known name, got "acuracy". Did you mean "accuracy"?',
    );
  });

  it("takes Keras's short names, and reports under them", () => {
    expect(resolveMetric("acc", "x")).toMatchObject({ name: "acc", entry: "accuracy" });
    expect(resolveMetric("mse", "x")).toMatchObject({ name: "mse", entry: "meanSquaredError" });
    expect(metrics.auc({ name: "area" })).toMatchObject({ name: "area", entry: "auc" });
  });

  it("checks options", () => {
    expect(() => metrics.topKCategoricalAccuracy({ k: 0 })).toThrow(
      "topKCategoricalAccuracy: k must be a whole number of at least 1, got 0.",
    );
    expect(() => metrics.precision({ thresholds: 1.5 })).toThrow(
      "precision: thresholds must be in [0, 1], got 1.5.",
    );
    expect(() => metrics.recall({ thresholds: [0.5, -0.1] })).toThrow(
      "recall: thresholds[1] must be in [0, 1], got -0.1.",
    );
    expect(() => metrics.recall({ thresholds: [] })).toThrow(
      "recall: thresholds must have at least one number, got [].",
    );
    expect(() => metrics.auc({ numThresholds: 1 })).toThrow(
      "auc: numThresholds must be a whole number of at least 2, got 1.",
    );
    expect(() => metrics.auc({ curve: "RoC" as never })).toThrow(
      'auc: curve must be one of "ROC", "PR", "PRGAIN", got "RoC". Did you mean "ROC"?',
    );
    expect(() => metrics.auc({ numLabels: 3 })).toThrow(
      "auc: numLabels needs multiLabel, got numLabels 3 without it.",
    );
    expect(() => metrics.fBetaScore({ beta: 0 })).toThrow(
      "fBetaScore: beta must be a finite number above 0, got 0.",
    );
    expect(() => metrics.f1Score({ threshold: 0 })).toThrow(
      "f1Score: threshold must be in (0, 1], got 0.",
    );
    expect(() => metrics.r2Score({ numRegressors: -1 })).toThrow(
      "r2Score: numRegressors must be a whole number of at least 0, got -1.",
    );
    expect(() => metrics.precisionAtRecall({ recall: 2 })).toThrow(
      "precisionAtRecall: recall must be in [0, 1], got 2.",
    );
    expect(() => resolveMetric("precisionAtRecall", "compile")).toThrow(
      'compile: metric "precisionAtRecall" needs options: recall must be in [0, 1], ' +
        "got only its name.",
    );
  });
});

describe("metrics on arrays", () => {
  it("have no result before there is data", async () => {
    const metric = metrics.mean();
    expect(() => metric.result()).toThrow(
      "mean: updateState must be called first, got a metric that has seen no data.",
    );
    await metric.updateState([1, 2, 6], { sampleWeight: [1, 1, 0] } as never);
    expect(metric.result()).toBe(1.5);
    metric.resetState();
    expect(() => metric.result()).toThrow("updateState must be called first");
  });

  it("report lists where there are several numbers", async () => {
    const f1 = metrics.f1Score();
    const rows = [
      [1, 0],
      [0, 1],
    ];
    await f1.updateState(rows, rows);
    // Keras's 1e-7 in each divisor shows beside a single count.
    expect(f1.result()).toEqual([Math.fround(0.9999998), Math.fround(0.9999998)]);
    const counts = metrics.truePositives({ thresholds: [0.2, 0.7] });
    await counts.updateState([1, 1, 0], [0.5, 0.9, 0.9]);
    expect(counts.result()).toEqual([2, 1]);
  });

  it("refuse what does not fit", async () => {
    const fails = (metric: Metric, ...given: unknown[]) =>
      expect(metric.updateState(...(given as [number[], number[]]))).rejects;
    await fails(metrics.precision(), [0, 2], [0.1, 0.9]).toThrow(
      "precision yTrue: precision needs targets that are 0 or 1, got 2 at 1.",
    );
    await fails(metrics.precision(), [0, 1, 1], [0.1, 0.9]).toThrow(
      "precision yTrue: as many samples as yPred, 2, got 3.",
    );
    await fails(
      metrics.accuracy(),
      [0, 3],
      [
        [0.1, 0.9],
        [0, 1],
      ],
    ).toThrow("accuracy yTrue: labels must be whole numbers from 0 to 1, got 3 at 1.");
    await fails(metrics.auc(), [0, 1], [0.1, 0.9], { sampleWeight: [1] }).toThrow(
      "auc sampleWeight: a weight for each of the 2 samples, got shape [1].",
    );
    await fails(metrics.auc(), [0, 1], [0.1, 0.9], { sampleWeight: [1, -1] }).toThrow(
      "auc sampleWeight: weights must be finite numbers of at least 0, got -1 at 1.",
    );
    await fails(metrics.auc(), [0, 1], [0.1, 0.9], { sampleWeight: [Number.NaN, 1] }).toThrow(
      "auc sampleWeight: weights must be finite numbers of at least 0, got NaN at 0.",
    );
    await fails(metrics.auc({ multiLabel: true }), [0, 1], [0.1, 0.9]).toThrow(
      "auc: predictions [n, labels] where labels have curves or weights of their own, got [2].",
    );
    await fails(metrics.recall({ classId: 2 }), [[0, 1]], [[0.1, 0.9]]).toThrow(
      "recall: classId 2 must be a position along the last of several dimensions, " +
        "got predictions [1, 2].",
    );
    await fails(metrics.f1Score(), [0, 1], [0.1, 0.9]).toThrow(
      "f1Score: predictions [n, outputs], got [2].",
    );
    await fails(metrics.mean(), [0, 1], [0.1, 0.9]).toThrow(
      "mean: updateState(values, { sampleWeight }): it has no targets, got [0.1, 0.9].",
    );
    const growing = metrics.f1Score();
    await growing.updateState([[0, 1]], [[0.2, 0.9]]);
    await fails(growing, [[0, 1, 1]], [[0.2, 0.9, 0.1]]).toThrow(
      "f1Score: batches of one kind of shapes, got one with other outputs than those before. " +
        "Call resetState() first.",
    );
  });
});

describe("metrics in Keras's files", () => {
  it("are written in its spelling and read back", () => {
    const written = serializeMetric(metrics.auc({ curve: "PR", thresholds: [0.5], name: "myAuc" }));
    expect(written).toMatchObject({
      module: "keras.metrics",
      class_name: "AUC",
      config: { name: "my_auc", curve: "PR", thresholds: [0.5], num_labels: null },
    });
    expect(deserializePart(metricKind, written)).toMatchObject({
      name: "myAuc",
      options: { curve: "PR", thresholds: [0.5] },
    });
    const r2 = serializeMetric(metrics.r2Score({ classAggregation: "none" }));
    expect(r2).toMatchObject({ class_name: "R2Score", config: { class_aggregation: null } });
    expect(deserializePart(metricKind, r2).options).toMatchObject({ classAggregation: "none" });
    expect(serializeMetric(metrics.logCoshError())).toMatchObject({
      class_name: "LogCoshError",
      config: { name: "logcosh" },
    });
    expect(serializeMetric(metrics.accuracy())).toBe("accuracy");
    expect(serializeMetric(metrics.exactAccuracy())).toMatchObject({ class_name: "Accuracy" });
  });

  it("have floats where Keras refuses whole numbers", () => {
    const written = serializeMetric(metrics.fBetaScore({ beta: 2, threshold: 1 }));
    const text = JSON.stringify(written);
    expect(text).toContain('"beta":1.9999999999999998');
    expect(text).toContain('"threshold":0.9999999999999999');
    const back = deserializePart(metricKind, JSON.parse(text));
    expect(back.options).toMatchObject({ beta: 2, threshold: 1 });
  });

  it("are read in all of its spellings", () => {
    const read = (value: unknown) => deserializePart(metricKind, value);
    const tensor = { class_name: "__tensor__", config: { value: [1, 2.5], dtype: "float32" } };
    const auc = { class_name: "AUC", config: { label_weights: tensor, curve: "roc" } };
    expect(read(auc).options).toMatchObject({ labelWeights: [1, 2.5], curve: "ROC" });
    expect(read("accuracy").entry).toBe("accuracy");
    expect(read("sparse_categorical_accuracy").entry).toBe("sparseCategoricalAccuracy");
    expect(read("fbeta_score").entry).toBe("fBetaScore");
    const config = { name: "accuracy", dtype: "float32" };
    expect(read({ class_name: "Accuracy", config })).toMatchObject({ entry: "exactAccuracy" });
    const sparse = {
      class_name: "SparseCategoricalCrossentropy",
      config: { name: "sce", from_logits: true, ignore_class: null, axis: -1, dtype: "float32" },
    };
    expect(read(sparse)).toMatchObject({ name: "sce", options: { fromLogits: true } });
    const odd = { ...sparse, config: { axis: 1 } };
    expect(() => read(odd)).toThrow("keys of its config must be known");
  });
});
