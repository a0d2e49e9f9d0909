import { describe, expect, it } from "vitest";
import type { DType } from "../base/dtype.ts";
import {
  type LibraryLoss,
  type Loss,
  type Reduction,
  reduceLoss,
  reductions,
  weigh,
} from "./loss.ts";
import { losses } from "./losses.ts";
import { shapeTargets } from "./targets.ts";
import { difference, golden, type Nested, valuesOf, withGradients } from "./values.case.ts";

interface Input {
  readonly yTrue: Nested;
  readonly yPred: Nested;
  readonly weight?: Nested;
}

type Reduced = Readonly<Record<Reduction, Nested>>;

interface Case {
  readonly name: keyof typeof losses;
  readonly options: Readonly<Record<string, unknown>>;
  readonly input: string;
  readonly reduced: Reduced;
  readonly gradient: Nested;
  readonly weighted?: Reduced;
  readonly weightedGradient?: Nested;
}

const { inputs, cases } = golden<{ inputs: Record<string, Input>; cases: Case[] }>("losses.json");

const make = (name: Case["name"], options: object): LibraryLoss =>
  (losses[name] as (options: object) => LibraryLoss)(options);

/** The loss (or with `none` its values), and the gradient of their sum. */
function run(loss: Loss, { yTrue, yPred, weight }: Input) {
  const given = [yPred, yTrue, ...(weight === undefined ? [] : [weight])].map((nested) => ({
    ...valuesOf(nested),
    dtype: "float32" as DType,
  }));
  const found = withGradients(given, undefined, ([x, y, w], trace) => {
    const targets = shapeTargets(loss.targets ?? "any", y, x);
    const values = loss.call(targets, x, { trace });
    const mask = loss.mask?.(targets);
    if (loss.reduction === "none") return w ? weigh(values, w) : values;
    return reduceLoss(values, loss.reduction ?? "mean", w, mask);
  });
  return { y: found.y, gradient: found.gradients[0] };
}

const far = (found: { data: ArrayLike<number> }, expected: Nested, floor = 1e-6) =>
  difference(found.data, valuesOf(expected).data, floor);

/** How far a loss is from a golden case in any reduction, weighted or not, and in its gradients. */
function distance(of: (reduction: Reduction) => Loss, one: Case): number {
  const { weight = [], ...input } = inputs[one.input];
  const distances: number[] = [];
  const compare = (expected: Reduced, given: Input) => {
    for (const reduction of reductions)
      if (reduction in expected)
        distances.push(far(run(of(reduction), given).y, expected[reduction]));
  };
  compare(one.reduced, input);
  const largest = Math.max(...valuesOf(one.gradient).data.map(Math.abs));
  const floor = Math.max(1e-6, largest * 1e-2);
  distances.push(far(run(of("sumOverBatchSize"), input).gradient, one.gradient, floor));
  if (one.weighted) {
    compare(one.weighted, { ...input, weight });
    const found = run(of("meanWithSampleWeight"), { ...input, weight });
    distances.push(far(found.gradient, one.weightedGradient!, floor));
  }
  return Math.max(...distances);
}

const label = ({ name, options, input }: Case) => `${name} ${JSON.stringify(options)} of ${input}`;

const caseOf = (name: Case["name"], input: string, options: object = {}) =>
  cases.find(
    (one) =>
      one.name === name &&
      one.input === input &&
      JSON.stringify(one.options) === JSON.stringify(options),
  )!;

describe("losses, reductions and gradients against Keras", () => {
  for (const one of cases)
    it(label(one), () => {
      const of = (reduction: Reduction) => make(one.name, { ...one.options, reduction });
      expect(distance(of, one)).toBeLessThan(2e-5);
    });
});

describe("near misses", () => {
  /** The loss with another `call`, in every reduction. */
  const changed =
    (name: Case["name"], call: Loss["call"], options: object = {}) =>
    (reduction: Reduction): Loss => ({ ...make(name, { ...options, reduction }), call });

  it("label smoothing twice", () => {
    const one = caseOf("binaryCrossentropy", "binary probabilities [n, k]", {
      labelSmoothing: 0.1,
    });
    const { call } = make("binaryCrossentropy", { labelSmoothing: 0.1 });
    const twice: Loss["call"] = (y, x, context) => call(y.multiply(0.9).add(0.05), x, context);
    expect(distance(changed("binaryCrossentropy", twice), one)).toBeGreaterThan(0.01);
    // Smoothing towards 1 / classes, as the categorical one does.
    const shares: Loss["call"] = (y, x, context) =>
      make("binaryCrossentropy", {}).call(y.multiply(0.9).add(0.1 / 4), x, context);
    expect(distance(changed("binaryCrossentropy", shares), one)).toBeGreaterThan(0.01);
  });

  it("probabilities that are not clipped, or not divided by their sum", () => {
    const bare: Loss["call"] = (y, x) => y.multiply(x.logarithm()).sum(-1).negate();
    for (const input of [
      "one-hot probabilities, extremes",
      "one-hot probabilities, not summing to 1",
    ]) {
      const one = caseOf("categoricalCrossentropy", input);
      expect(distance(changed("categoricalCrossentropy", bare), one)).toBeGreaterThan(0.01);
    }
  });

  it("a focal loss without its factor, or balanced without being asked", () => {
    const one = caseOf("binaryFocalCrossentropy", "binary probabilities [n, k]");
    const { call } = make("binaryCrossentropy", {});
    expect(distance(changed("binaryFocalCrossentropy", call), one)).toBeGreaterThan(0.1);
    const balanced = make("binaryFocalCrossentropy", { applyClassBalancing: true });
    expect(distance(changed("binaryFocalCrossentropy", balanced.call), one)).toBeGreaterThan(0.1);
  });

  it("Huber's linear part without its offset", () => {
    const one = caseOf("huber", "real [n, t, k]");
    const jumping: Loss["call"] = (y, x) => {
      const error = x.subtract(y);
      const size = error.absolute();
      return size.lessEqual(1).where(error.square().multiply(0.5), size).mean(-1);
    };
    expect(distance(changed("huber", jumping), one)).toBeGreaterThan(0.01);
  });

  it("hinges whose labels 0 stay 0", () => {
    const one = caseOf("hinge", "binary logits [n, t, k]");
    const unconverted: Loss["call"] = (y, x) => y.multiply(x).negate().add(1).maximum(0).mean(-1);
    expect(distance(changed("hinge", unconverted), one)).toBeGreaterThan(0.1);
  });

  it("the sum over the weights where the count of values belongs, and the other way round", () => {
    const one = caseOf("meanSquaredError", "real [n, k]");
    const swapped = (reduction: Reduction) => {
      const other = { sumOverBatchSize: "meanWithSampleWeight", meanWithSampleWeight: "mean" };
      const wrong = other[reduction as "sumOverBatchSize"] ?? reduction;
      return make("meanSquaredError", { reduction: wrong });
    };
    expect(distance(swapped, one)).toBeGreaterThan(0.05);
  });

  it("an ignored class that counts in the divisor", () => {
    const options = { fromLogits: true, ignoreClass: 0 };
    const one = caseOf("sparseCategoricalCrossentropy", "classes, logits [n, k]", options);
    const unmasked = (reduction: Reduction): Loss => ({
      ...make("sparseCategoricalCrossentropy", { ...options, reduction }),
      mask: undefined,
    });
    expect(distance(unmasked, one)).toBeGreaterThan(0.3);
  });
});
