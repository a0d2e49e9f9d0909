import { describe, expect, it } from "vitest";
import { chooseMetric, type Metric, metrics, resolveMetric } from "./metrics.ts";
import { shapeTargets } from "./targets.ts";
import { compute, golden, type Nested, valuesOf } from "./values.case.ts";

interface Case {
  readonly yTrue: Nested;
  readonly yPred: Nested;
  readonly perSample: Nested;
}

const { accuracy: cases } = golden<{ accuracy: Case[] }>("library.json");

const values = (metric: Metric, yTrue: Nested, yPred: Nested): number[] => {
  const [targets, output] = [valuesOf(yTrue), valuesOf(yPred)];
  const shapes = { target: targets.shape.slice(1), output: output.shape.slice(1) };
  const chosen = chooseMetric(metric, shapes);
  const [found] = compute([targets, output], ([y, x], trace) => [
    chosen.call(shapeTargets(chosen.targets ?? "any", y, x), x, { trace }),
  ]);
  return [...found.data];
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
    const last: Metric = {
      name: "last",
      targets: "classes",
      call: (y, x, { trace }) => {
        const largest = x.equal(x.max(-1, true));
        const position = largest.where(trace.indexAlong(x, -1), trace.constant(0, "uint32"));
        return position.max(-1).equal(y.cast("uint32")).cast("float32");
      },
    };
    expect(values(last, yTrue, yPred)).not.toEqual([...valuesOf(perSample).data]);
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
    const meanError: Metric["call"] = (yTrue, yPred) => yPred.subtract(yTrue);
    expect(resolveMetric(meanError, "x").name).toBe("meanError");
    expect(() => resolveMetric("acuracy" as never, "compile")).toThrow(
      'compile: metric must be a known name, got "acuracy". Did you mean "accuracy"?',
    );
  });
});
