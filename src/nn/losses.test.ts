import { describe, expect, it } from "vitest";
import { softmax } from "../tensor/composites.ts";
import { valueAndGradients } from "../tensor/eager.ts";
import type { Trace } from "../tensor/trace.ts";
import type { PreActivation } from "./context.ts";
import type { LibraryLoss, Loss } from "./loss.ts";
import { losses, lossKind, resolveLoss, serializeLoss } from "./losses.ts";
import { deserializePart, toCamelKey } from "./serialization.ts";
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

/** How a loss goes back to what the last activation was applied to. */
describe("from pre-activations", () => {
  const logits = [
    [60, -60, 0],
    [0.5, -1, 2],
  ];
  const targets = [
    [0, 1, 0],
    [1, 0, 0],
  ];
  const of = (loss: Loss, activation: string | undefined) => {
    const given = [valuesOf(logits), valuesOf(targets)];
    const found = withGradients(given, undefined, ([x, y], trace) => {
      const output = activation === "sigmoid" ? x.sigmoid() : softmax(x);
      const preActivation = activation === undefined ? undefined : { activation, tensor: x };
      return loss.call(y, output, { trace, preActivation });
    });
    return { y: [...found.y.data], gradient: [...found.gradients[0].data] };
  };

  it.each([
    ["binaryCrossentropy", "sigmoid"],
    ["categoricalCrossentropy", "softmax"],
  ] as const)("%s is unclipped after a %s", (name, activation) => {
    const direct = withGradients(
      [valuesOf(logits), valuesOf(targets)],
      undefined,
      ([x, y], trace) => losses[name]({ fromLogits: true }).call(y, x, { trace }),
    );
    const found = of(losses[name](), activation);
    expect(difference(found.y, direct.y.data, 1e-6)).toBeLessThan(1e-6);
    expect(difference(found.gradient, direct.gradients[0].data, 1e-6)).toBeLessThan(1e-6);
    // Without it, or after another activation, it is clipped, and its gradient 0.
    const other = activation === "sigmoid" ? "softmax" : "sigmoid";
    for (const unknown of [undefined, other]) {
      const clipped = of({ ...losses[name]() }, unknown);
      expect(difference(clipped.y, direct.y.data, 1e-6)).toBeGreaterThan(0.1);
    }
  });
});

describe("losses on arrays", () => {
  it("are numbers, or values with the reduction none", async () => {
    const [yTrue, yPred] = [
      [
        [0, 1],
        [2, 2],
      ],
      [
        [0.5, 1],
        [2, 4],
      ],
    ];
    const mean = await losses.meanSquaredError().apply(yTrue, yPred);
    expect(mean).toEqual({ data: Float32Array.of(1.0625), shape: [] });
    const weighted = await losses
      .meanSquaredError({ reduction: "meanWithSampleWeight" })
      .apply(yTrue, yPred, { sampleWeight: [1, 0.5] });
    expect(weighted.data[0]).toBeCloseTo((0.125 + 1) / 1.5, 6);
    const values = losses.meanSquaredError({ reduction: "none" });
    expect(await values.apply(yTrue, yPred)).toEqual({
      data: Float32Array.of(0.125, 2),
      shape: [2],
    });
    expect((await values.apply(yTrue, yPred, { sampleWeight: [2, 1] })).data).toEqual(
      Float32Array.of(0.25, 2),
    );
  });

  it("are 0, not NaN, where all weights are", async () => {
    const loss = losses.meanAbsoluteError({ reduction: "meanWithSampleWeight" });
    expect((await loss.apply([1, 2], [3, 4], { sampleWeight: [0, 0] })).data[0]).toBe(0);
    const ignoring = losses.sparseCategoricalCrossentropy({ ignoreClass: -1 });
    expect((await ignoring.apply([-1], [[0.5, 0.5]])).data[0]).toBe(0);
  });

  it("has a finite gradient for a cosine of nothing", async () => {
    const { gradients } = await valueAndGradients(
      (x) =>
        losses
          .cosineSimilarity()
          .call(x.multiply(0).add(1), x, { trace: x.trace as Trace })
          .sum(),
      [[[0, 0]]],
    );
    expect([...gradients[0].data].every(Number.isFinite)).toBe(true);
  });

  it("refuse what does not fit", async () => {
    const fails = (loss: LibraryLoss, ...given: unknown[]) =>
      expect(loss.apply(...(given as [number[], number[]]))).rejects;
    await fails(
      losses.sparseCategoricalCrossentropy(),
      [0, 2],
      [
        [1, 0],
        [0, 1],
      ],
    ).toThrow(
      "sparseCategoricalCrossentropy yTrue: labels must be whole numbers from 0 to 1, " +
        "got 2 at 1. " +
        "Labels count from 0; 3 classes need as many units at the end.",
    );
    const ignoring = losses.sparseCategoricalCrossentropy({ ignoreClass: 255 });
    await fails(
      ignoring,
      [255, -1],
      [
        [1, 0],
        [0, 1],
      ],
    ).toThrow("got -1 at 1.");
    await fails(losses.sparseCategoricalCrossentropy(), [[0, 1]], [[1, 0]]).toThrow(
      "sparseCategoricalCrossentropy needs one label for each prediction, [n] or [n, 1], " +
        "got [n, 2]. These look like one-hot rows: pass the number of the class instead.",
    );
    await fails(losses.categoricalCrossentropy(), [[0, 2]], [[1, 0]]).toThrow(
      "categoricalCrossentropy yTrue: categoricalCrossentropy needs targets in [0, 1], " +
        "got 2 at 1. " +
        "For numbers of classes use sparseCategoricalCrossentropy, or make one-hot rows of them.",
    );
    await fails(
      losses.categoricalCrossentropy(),
      [0, 1],
      [
        [1, 0],
        [0, 1],
      ],
    ).toThrow("categoricalCrossentropy needs targets of the output's shape [n, 2], got [n].");
    await fails(losses.binaryCrossentropy(), [0, -1], [0.5, 0.5]).toThrow(
      "binaryCrossentropy yTrue: binaryCrossentropy needs targets in [0, 1], got -1 at 1.",
    );
    await fails(losses.hinge(), [0, -1], [0.5, 0.5]).toThrow(
      "hinge yTrue: hinge needs targets that are all -1 or 1, got 0 at 0. " +
        "Labels of two classes are -1 and 1, or 0 and 1, not a mixture.",
    );
    await fails(losses.squaredHinge(), [0, 2], [0.5, 0.5]).toThrow("all 0 or 1, got 2 at 1.");
    await fails(losses.categoricalHinge(), [[0, 0.5]], [[1, 0]]).toThrow(
      "categoricalHinge needs targets that are 0 or 1, got 0.5 at 1.",
    );
    await fails(losses.klDivergence(), [[0, Number.NaN]], [[1, 0]]).toThrow("got NaN at 1.");
    await fails(losses.meanSquaredError(), [], []).toThrow(
      "meanSquaredError yTrue: at least one sample, [n, ...], got [0].",
    );
    await fails(losses.meanSquaredError(), [1, 2], [1]).toThrow(
      "meanSquaredError yTrue: as many samples as yPred, 1, got 2.",
    );
    await fails(losses.poisson(), [1, 2], [1, 2], { sampleWeight: [1, -1] }).toThrow(
      "poisson sampleWeight: weights must be finite numbers of at least 0, got -1 at 1.",
    );
    await fails(losses.poisson(), [1, 2], [1, 2], {
      sampleWeight: [
        [1, 1],
        [1, 1],
      ],
    }).toThrow("sampleWeight: the first dimensions of the values, [2], got [2, 2].");
    await fails(losses.binaryCrossentropy({ axis: 0 }), [[1]], [[0.5]]).toThrow(
      "loss binaryCrossentropy: axis must be a dimension of the predictions [1, 1] " +
        "but the first, the batch, got 0.",
    );
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
        "Known names: sparseCategoricalCrossentropy, ",
    );
  });

  it("takes Keras's short names", () => {
    const names = ["mse", "MAE", "mape", "msle", "bce", "kld", "ce"] as const;
    expect(names.map((name) => resolveLoss(name, "compile").name)).toEqual([
      "meanSquaredError",
      "meanAbsoluteError",
      "meanAbsolutePercentageError",
      "meanSquaredLogarithmicError",
      "binaryCrossentropy",
      "klDivergence",
      "crossentropy",
    ]);
  });

  it("crossentropy chooses by the shapes, as Keras does", async () => {
    const chosen = golden<{
      chosen: { target: number[]; output: number[]; crossentropy: string }[];
    }>("metrics.json").chosen;
    for (const { target, output, crossentropy } of chosen) {
      const name = toCamelKey(crossentropy) as "binaryCrossentropy";
      const array = (shape: number[], make: (i: number) => number) => ({
        data: Float32Array.from({ length: 3 * shape.reduce((n, size) => n * size, 1) }, (_, i) =>
          make(i),
        ),
        shape: [3, ...shape],
      });
      const yTrue = array(target, (i) => i % 2);
      const yPred = array(output, (i) => 0.1 + (i % 7) / 10);
      const expected = await losses[name]().apply(yTrue, yPred);
      expect(await losses.crossentropy().apply(yTrue, yPred)).toEqual(expected);
    }
  });

  it("checks options", () => {
    expect(() => losses.sparseCategoricalCrossentropy({ fromLogits: 1 as never })).toThrow(
      "sparseCategoricalCrossentropy: fromLogits must be true or false, got 1.",
    );
    expect(() => losses.categoricalCrossentropy({ labelSmoothing: 1.1 })).toThrow(
      "categoricalCrossentropy: labelSmoothing must be in [0, 1], got 1.1.",
    );
    expect(() => losses.huber({ delta: 0 })).toThrow(
      "huber: delta must be a finite number above 0, got 0.",
    );
    expect(() => losses.binaryFocalCrossentropy({ gamma: -1 })).toThrow(
      "binaryFocalCrossentropy: gamma must be a finite number of at least 0, got -1.",
    );
    expect(() => losses.binaryFocalCrossentropy({ alpha: 2 })).toThrow(
      "binaryFocalCrossentropy: alpha must be in [0, 1], got 2.",
    );
    expect(() => losses.hinge({ reduction: "average" as never })).toThrow(
      'hinge: reduction must be one of "sumOverBatchSize", "sum", "mean", ' +
        '"meanWithSampleWeight", "none", got "average".',
    );
    expect(() => losses.meanSquaredError({ axis: 1 } as never)).toThrow(
      'meanSquaredError: option names must be known, got "axis".',
    );
  });
});

describe("losses in Keras's files", () => {
  const read = (value: unknown) => deserializePart(lossKind, value);

  it("are written in its spelling and read back", () => {
    const loss = losses.binaryFocalCrossentropy({ gamma: 3, reduction: "none" });
    const written = serializeLoss(loss);
    expect(written).toEqual({
      module: "keras.losses",
      class_name: "BinaryFocalCrossentropy",
      config: {
        apply_class_balancing: false,
        alpha: 0.25,
        gamma: 3,
        from_logits: false,
        label_smoothing: 0,
        axis: -1,
        reduction: "none",
      },
      registered_name: null,
    });
    expect(read(written).options).toEqual(loss.options);
    expect(serializeLoss(losses.klDivergence())).toMatchObject({ class_name: "KLDivergence" });
    expect(serializeLoss(losses.crossentropy())).toBe("crossentropy");
  });

  it("are read in all of its spellings", () => {
    expect(read("kl_divergence").name).toBe("klDivergence");
    expect(read("mse").name).toBe("meanSquaredError");
    expect(read("crossentropy").name).toBe("crossentropy");
    const config = { name: "huber_loss", reduction: "auto", delta: 2, fn: null };
    expect(read({ class_name: "Huber", config })).toMatchObject({
      name: "huber",
      reduction: "sumOverBatchSize",
      options: { delta: 2 },
    });
    expect(read({ class_name: "Poisson", config: { reduction: null } }).reduction).toBe("none");
    expect(() => read({ class_name: "Dice", config: {} })).toThrow(
      "deserialize loss: class_name must be a loss of the library or a registered one, " +
        'got "Dice".',
    );
  });
});

describe("counts", () => {
  it("of a Poisson loss are refused below 0", async () => {
    const loss = losses.poisson();
    await expect(loss.apply([[1, -2]], [[1, 1]])).rejects.toThrow(
      "poisson yTrue: poisson needs targets of at least 0, got -2 at 1.",
    );
    expect((await loss.apply([[2, 0]], [[1, 1]])).data[0]).toBeCloseTo(1, 5);
  });
});
