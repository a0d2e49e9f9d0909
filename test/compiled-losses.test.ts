/** Losses with their gradients, and what metrics add to their state, as compiled programs. */
import { describe, it } from "vitest";
import type { LibraryLoss } from "../src/nn/loss.ts";
import { lossOf } from "../src/nn/loss.ts";
import { losses } from "../src/nn/losses.ts";
import { chooseMetric, type Metric } from "../src/nn/metric.ts";
import { metrics } from "../src/nn/metrics.ts";
import { shapeTargets, type TargetKind } from "../src/nn/targets.ts";
import { gradients } from "../src/tensor/gradients.ts";
import { Tensor } from "../src/tensor/tensor.ts";
import { Trace } from "../src/tensor/trace.ts";
import { canonicalCase, expectWithin, runCompiled, type StepCase } from "./compiled-case.ts";
import { Draw } from "./random/draw.ts";
import type { LeafValue } from "./random-graphs.ts";

/** Batch and outputs. A dimension of 1 takes no part in a graph. */
const usual = [6, 5] as const;
const sizes = [usual, [1, 3], [4, 1]] as const;
type Size = (typeof sizes)[number];

/** Targets of a kind, and predictions that are probabilities or logits. */
function data(kind: TargetKind, areLogits: boolean, [batch, classes]: Size) {
  const draw = new Draw(7);
  const numbers = (length: number, make: () => number) => Float32Array.from({ length }, make);
  const size = batch * classes;
  const hasClasses = kind === "classes" || typeof kind === "object";
  const whole = (below: number) => Math.floor(draw.uniform() * below);
  const target = {
    classes: () => whole(classes),
    binary: () => whole(2),
    signs: () => 2 * whole(2) - 1,
    shares: () => draw.uniform(),
    labels: () => draw.uniform(),
    counts: () => whole(4),
    output: () => draw.uniform() * 3,
    any: () => draw.uniform() * 3,
  }[hasClasses ? "classes" : kind];
  return {
    yTrue: numbers(hasClasses ? batch : size, target),
    targetShape: hasClasses ? [batch] : [batch, classes],
    yPred: numbers(size, () => (areLogits ? draw.uniform() * 6 - 3 : 0.05 + 0.9 * draw.uniform())),
    weight: numbers(batch, () => draw.uniform() * 2),
  };
}

/** A step of targets, predictions and weights. */
function step(
  kind: TargetKind,
  areLogits: boolean,
  size: Size,
  build: (given: [Tensor, Tensor, Tensor], trace: Trace) => readonly Tensor[],
): StepCase {
  const trace = new Trace();
  const [batch, classes] = size;
  const { yTrue, targetShape, yPred, weight } = data(kind, areLogits, size);
  const values = new Map<string, LeafValue>(Object.entries({ yTrue, yPred, weight }));
  const outputs = build(
    [
      trace.input("yTrue", "float32", targetShape),
      trace.input("yPred", "float32", [batch, classes]),
      trace.input("weight", "float32", [batch]),
    ],
    trace,
  );
  for (const [i, output] of outputs.entries()) trace.result(`r${i}`, output);
  return canonicalCase(trace.finish().computation, values);
}

function expectCompiled(made: StepCase, label: string): void {
  for (const threads of [1, 2])
    expectWithin(made, runCompiled(made, { threads, fma: true }), `${label}, ${threads} threads`);
}

describe("losses as programs", () => {
  const options = {
    fromLogits: { fromLogits: true },
    sparse: { ignoreClass: 2 },
    focal: { gamma: 1.5, applyClassBalancing: true },
  };
  const cases: [string, LibraryLoss, boolean][] = [
    ...Object.entries(losses).map(([name, make]): [string, LibraryLoss, boolean] => [
      name,
      make(),
      false,
    ]),
    ["from logits: binary", losses.binaryCrossentropy(options.fromLogits), true],
    ["from logits: categorical", losses.categoricalCrossentropy(options.fromLogits), true],
    ["from logits: sparse", losses.sparseCategoricalCrossentropy(options.fromLogits), true],
    ["ignoring a class", losses.sparseCategoricalCrossentropy(options.sparse), false],
    ["focal", losses.binaryFocalCrossentropy(options.focal), false],
  ];
  const sized = sizes.flatMap((size) =>
    cases.map(([name, loss, areLogits]) => ({ name: `${name} of ${size}`, loss, areLogits, size })),
  );
  it.each(sized)("$name", ({ name, loss, areLogits, size }) => {
    const made = step(loss.targets ?? "any", areLogits, size, ([yTrue, yPred, weight], trace) => {
      const plain = lossOf(loss, yTrue, yPred, { trace });
      const weighted = lossOf(
        { ...loss, reduction: "meanWithSampleWeight" },
        yTrue,
        yPred,
        { trace },
        weight,
      );
      return [plain, weighted, ...gradients(plain, [yPred]), ...gradients(weighted, [yPred])];
    });
    expectCompiled(made, name);
  });
});

describe("metrics as programs", () => {
  const plain: [string, Metric][] = Object.entries(metrics)
    .filter(([name]) => !name.includes("At"))
    .map(([name, make]) => [name, (make as () => Metric)()]);
  const special: [string, Metric][] = [
    ["precisionAtRecall", metrics.precisionAtRecall({ recall: 0.5 })],
    ["precision of the top 2", metrics.precision({ topK: 2, classId: 1 })],
    ["recall at thresholds", metrics.recall({ thresholds: [0.1, 0.35, 0.9] })],
    ["auc of labels", metrics.auc({ multiLabel: true, numThresholds: 20 })],
    ["auc of weights", metrics.auc({ thresholds: [0.2, 0.9], labelWeights: [1, 2, 3, 4, 5] })],
  ];
  const sized = sizes.flatMap((size) =>
    [...plain, ...(size === usual ? special : [])]
      // Correlations of single numbers are 0 / 0.
      .filter(([name]) => size[1] > 1 || name !== "pearsonCorrelation")
      .map(([name, metric]) => ({ name: `${name} of ${size}`, metric, size })),
  );
  it.each(sized)("$name", ({ name, metric, size }) => {
    const shapes = { target: size.slice(1), output: size.slice(1) };
    const { rule, targets } = chooseMetric(metric, shapes);
    const recorded = step(targets, false, size, ([yTrue, yPred, weight], trace) => {
      const shaped = shapeTargets(targets, yTrue, yPred);
      const parts = [undefined, weight].flatMap((sampleWeight) =>
        rule.update(shaped, yPred, { trace, sampleWeight }),
      );
      return parts.filter((part) => part instanceof Tensor);
    });
    expectCompiled(recorded, name);
  });
});
