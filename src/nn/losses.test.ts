import { describe, expect, it } from "vitest";
import type { PreActivation } from "./context.ts";
import { type Loss, losses, resolveLoss } from "./losses.ts";
import { shapeTargets } from "./targets.ts";
import { difference, golden, type Nested, valuesOf, withGradients } from "./values.case.ts";

interface Case {
  readonly name: "sparseCategoricalCrossentropy" | "meanSquaredError";
  readonly case: string;
  readonly config: { readonly fromLogits?: boolean };
  readonly yTrue: Nested;
  readonly yPred: Nested;
  readonly perSample: Nested;
  readonly gradient: Nested;
}

interface Saturated {
  readonly logits: Nested;
  readonly yTrue: Nested;
  readonly fromProbabilities: { readonly perSample: Nested; readonly gradient: Nested };
  readonly fromLogits: { readonly perSample: Nested; readonly gradient: Nested };
}

const { losses: facts } = golden<{ losses: { cases: Case[]; saturated: Saturated } }>(
  "library.json",
);

/** Values per sample, and the gradient of their mean with respect to the predictions. */
function run(loss: Loss, yTrue: Nested, yPred: Nested, activation?: "softmax") {
  const [predictions, targets] = [valuesOf(yPred), valuesOf(yTrue)];
  const found = withGradients([predictions, targets], undefined, ([x, y], trace) => {
    const preActivation: PreActivation | undefined = activation && { activation, tensor: x };
    const output = activation ? x.trace.constant(0).add(x) : x;
    return loss.call(shapeTargets(loss.targets ?? "any", y, output), output, {
      trace,
      preActivation,
    });
  });
  const count = found.y.data.length;
  return { y: found.y.data, gradient: found.gradients[0].data.map((value) => value / count) };
}

/** How far a loss is from a golden case. */
function distance(
  loss: Loss,
  { yTrue, yPred, perSample, gradient }: Omit<Case, "name" | "case" | "config">,
) {
  const found = run(loss, yTrue, yPred);
  return Math.max(
    difference(found.y, valuesOf(perSample).data, 1e-6),
    difference(found.gradient, valuesOf(gradient).data, 1e-6),
  );
}

describe("losses against Keras", () => {
  for (const golden of facts.cases)
    it(`${golden.name}: ${golden.case}`, () => {
      const loss = losses[golden.name](golden.config);
      expect(distance(loss, golden)).toBeLessThan(2e-6);
    });

  it("from a softmax's pre-activation it is the unclipped form", () => {
    const { logits, yTrue, fromLogits, fromProbabilities } = facts.saturated;
    const loss = losses.sparseCategoricalCrossentropy();
    const found = run(loss, yTrue, logits, "softmax");
    expect(difference(found.y, valuesOf(fromLogits.perSample).data, 1e-6)).toBeLessThan(2e-6);
    const gradient = valuesOf(fromLogits.gradient).data;
    expect(difference(found.gradient, gradient, 1e-6)).toBeLessThan(2e-6);
    // The near miss: the clipped form is another loss.
    const clipped = valuesOf(fromProbabilities.perSample).data;
    expect(difference(found.y, clipped, 1e-6)).toBeGreaterThan(0.1);
  });

  it("a pre-activation of another activation is not taken for logits", () => {
    const loss = losses.sparseCategoricalCrossentropy();
    const golden = facts.cases.find((one) => one.case === "probabilities")!;
    const call: Loss["call"] = (yTrue, yPred, context) =>
      loss.call(yTrue, yPred, {
        ...context,
        preActivation: { activation: "function softmax", tensor: yPred.multiply(3) },
      });
    expect(distance({ ...loss, call }, golden)).toBeLessThan(2e-6);
  });

  it("rejects near misses", () => {
    const [logits] = facts.cases;
    const probabilities = facts.cases.find((one) => one.case.includes("not summing"))!;
    const scce = losses.sparseCategoricalCrossentropy;
    expect(distance(scce(), logits)).toBeGreaterThan(0.1);
    // Without dividing by the sum.
    const bare: Loss["call"] = (yTrue, yPred, { trace }) => {
      const hit = trace.indexAlong(yPred, -1).equal(yTrue.cast("uint32").expandDimension(-1));
      return hit.where(yPred, 0).sum(-1).logarithm().negate();
    };
    expect(distance({ ...scce(), call: bare }, probabilities)).toBeGreaterThan(0.1);
    const squared = facts.cases.find(({ name }) => name === "meanSquaredError")!;
    const summed: Loss["call"] = (yTrue, yPred) => yPred.subtract(yTrue).square().sum(-1);
    expect(distance({ ...losses.meanSquaredError(), call: summed }, squared)).toBeGreaterThan(0.1);
  });
});

describe("choosing a loss", () => {
  it("says which name is near", () => {
    expect(() => resolveLoss("sparse_categorical_crossentropy" as never, "compile")).toThrow(
      'compile: loss must be a known name, got "sparse_categorical_crossentropy". ' +
        'Did you mean "sparseCategoricalCrossentropy"?',
    );
    expect(() => resolveLoss(undefined as never, "compile")).toThrow(
      "compile: loss must be a name, an object or a function of this kind, got undefined. " +
        "Known names: sparseCategoricalCrossentropy, meanSquaredError.",
    );
  });

  it("checks options", () => {
    expect(() => losses.sparseCategoricalCrossentropy({ fromLogits: 1 as never })).toThrow(
      "sparseCategoricalCrossentropy: fromLogits must be true or false, got 1.",
    );
  });
});
