import { describe, expect, it } from "vitest";
// The user's parts are written with what the package exports, and nothing else.
import {
  type CallContext,
  Layer,
  type LossFunction,
  layers,
  type losses,
  type MetricFunction,
  Optimizer,
  ops,
  optimizers,
  type Shape,
  type Tensor,
  type Transform,
  type Variable,
} from "../src/index.ts";
import { canonicalize } from "../src/ir/canonical.ts";
import { check } from "../src/ir/legality.ts";
import { topological } from "../src/ir/node.ts";
import { print } from "../src/ir/print.ts";
import type { CompileOptions } from "../src/model/compiled.ts";
import { Net } from "../src/model/net.ts";
import { Sequence } from "../src/model/sequence.ts";
import type { StepKind, StepShapes } from "../src/model/step.ts";
import { Engine } from "../src/runtime/engine.ts";

const engine = () => new Engine({ device: "reference" });

const shapes: StepShapes = {
  batch: 6,
  x: [{ dtype: "uint8", shape: [2, 3] }],
  y: [{ dtype: "uint8", shape: [] }],
};

function net(all: readonly Layer[], options: CompileOptions, seed = 1): Net {
  const made = new Net(new Sequence(all), "net", seed, engine);
  made.compile(options);
  return made;
}

function text(made: Net, kind: StepKind = "train", given = shapes): string {
  const { computation } = canonicalize(made.stepOf(kind, given).traced.computation);
  check(computation, "traced");
  return print(computation);
}

const libraryLayers = (name = "hidden") => [
  layers.flatten({ inputShape: [2, 3] }),
  layers.dense({ units: 5, activation: "elu", kernelInitializer: "heNormal", name }),
  layers.dropout({ rate: 0.25 }),
  layers.dense({ units: 4, activation: "softmax" }),
];

const library = (rate = 0.01): CompileOptions => ({
  optimizer: optimizers.nadam({ learningRate: rate }),
  loss: "sparseCategoricalCrossentropy",
  metrics: ["accuracy"],
});

// ------------------------------------------------------------------ the same net, by a user's hand

class Unroll extends Layer {
  call(x: Tensor): Tensor {
    return x.reshape([x.shape[0], -1]);
  }
}

abstract class Affine extends Layer {
  readonly size: number;
  weight!: Variable;
  offset!: Variable;
  constructor(size: number) {
    super();
    this.size = size;
  }
  override build(inputShape: Shape): void {
    this.weight = this.addWeight({ name: "weight", shape: [inputShape[0], this.size] });
    this.offset = this.addWeight({ name: "offset", shape: [this.size] });
  }
  affine(x: Tensor, { trace }: CallContext): Tensor {
    return x.matmul(trace.read(this.weight)).add(trace.read(this.offset));
  }
}

class Bent extends Affine {
  call(x: Tensor, context: CallContext): Tensor {
    const sum = this.affine(x, context);
    return sum.maximum(0).add(context.trace.constant(0).minimum(sum).expm1());
  }
}

class Chances extends Affine {
  call(x: Tensor, context: CallContext): Tensor {
    return context.activate(chances, this.affine(x, context));
  }
}

const chances = (x: Tensor) => ops.softmax(x);

class Dropout extends Layer {
  call(x: Tensor, { sampling, random }: CallContext): Tensor {
    if (!sampling) return x;
    return random
      .uniform(x)
      .greaterEqual(0.25)
      .where(x.multiply(1 / 0.75), 0);
  }
}

const surprise: LossFunction = (yTrue, yPred, { trace, preActivation }) => {
  expect(preActivation?.activation).toBe("function chances");
  const logits = preActivation?.tensor ?? yPred;
  const label = yTrue.cast("uint32");
  const hit = ops.isClass(trace, label, logits);
  return hit.where(ops.logSoftmax(logits), 0).sum(-1).negate();
};

const right: MetricFunction = (yTrue, yPred, { trace }) =>
  ops.argmax(trace, yPred).equal(yTrue.cast("uint32")).cast("float32");

/** Nadam once more. */
const direction: Transform = {
  name: "direction",
  slots: ["first", "second"],
  numbers: ({ iteration }) => ({ a: 0.1, b: 0.001, c: 1 / iteration, d: 2, e: 3 }),
  update: (gradients, { number, slot }) =>
    gradients.map((gradient, i) => {
      const [first, second] = [slot("first", i), slot("second", i)];
      const m = gradient.subtract(first.value).multiply(number("a")).add(first.value);
      const square = gradient.square();
      const v = square.subtract(second.value).multiply(number("b")).add(second.value);
      first.set(m);
      second.set(v);
      const ahead = m.multiply(number("c")).add(gradient.multiply(number("d")));
      return ahead.divide(v.multiply(number("e")).squareRoot().add(1e-7));
    }),
};

const downhill: Transform = {
  name: "downhill",
  numbers: ({ learningRate }) => ({ rate: -learningRate }),
  update: (gradients, { number }) => gradients.map((g) => g.multiply(number("rate"))),
};

const users = (): CompileOptions => ({
  optimizer: new Optimizer({ name: "mine", learningRate: 1, transforms: [direction, downhill] }),
  loss: surprise,
  metrics: [right],
});

const userLayers = () => [
  new Unroll({ inputShape: [2, 3] }),
  new Bent(5),
  new Dropout(),
  new Chances(4),
];

describe("the step's text", () => {
  it("of a net of user-written layers, loss and optimizer is that of the library's", () => {
    for (const kind of ["train", "test"] as const)
      expect(text(net(userLayers(), users()), kind)).toBe(
        text(net(libraryLayers(), library()), kind),
      );
    const { y: _, ...inputs } = shapes;
    expect(text(net(userLayers(), users()), "predict", inputs)).toBe(
      text(net(libraryLayers(), library()), "predict", inputs),
    );
  });

  it("does not hang on names, seeds, and rates", () => {
    expect(text(net(libraryLayers("another"), library(0.5), 99))).toBe(
      text(net(libraryLayers(), library())),
    );
  });

  it("hangs on what differs", () => {
    const base = text(net(libraryLayers(), library()));
    const others = [
      text(net(libraryLayers(), { ...library(), optimizer: "sgd" })),
      text(net(libraryLayers(), { ...library(), metrics: [] })),
      text(net(libraryLayers(), library()), "train", { ...shapes, batch: 5 }),
      text(net(libraryLayers().toSpliced(2, 1), library())),
    ];
    expect(new Set([base, ...others]).size).toBe(5);
  });

  it("of one batch row holds no batch axis and still is legal", () => {
    expect(text(net(libraryLayers(), library()), "train", { ...shapes, batch: 1 })).toContain(
      "uint32[]",
    );
  });

  it("draws noise only in training", () => {
    const made = net(libraryLayers(), library());
    const ops = (kind: StepKind) => {
      const { computation } = made.stepOf(kind, shapes).traced;
      return topological(computation.results.map(({ node }) => node)).map(({ op }) => op);
    };
    expect(ops("train")).toContain("multiplyHigh");
    expect(ops("test")).not.toContain("multiplyHigh");
    expect(made.stepOf("train", shapes).inputs).toContain("seed");
    expect(made.stepOf("test", shapes).inputs).toEqual(new Set(["rows"]));
  });

  it("is recorded once", () => {
    const made = net(libraryLayers(), library());
    const step = made.stepOf("train", shapes);
    // No `toBe` on the steps: it prints all of them, which takes seconds.
    expect(made.stepOf("train", { ...shapes }) === step).toBe(true);
    expect(made.stepOf("test", shapes) === step).toBe(false);
    made.compile(library());
    expect(made.stepOf("train", shapes) === step).toBe(false);
  });
});

describe("a user's loss or metric", () => {
  const record = (loss: LossFunction | ReturnType<typeof losses.meanSquaredError>) => () =>
    net(libraryLayers(), { optimizer: "sgd", loss }).stepOf("train", shapes);

  it("may return one value for all, or several for a sample", () => {
    expect(record((_, yPred) => yPred.sum().multiply(0.5))).not.toThrow();
    expect(record((_, yPred) => yPred.square())).not.toThrow();
  });

  it("is named where it does wrong", () => {
    function odd(_: Tensor, yPred: Tensor): Tensor {
      return yPred.sum(0);
    }
    expect(record(odd)).toThrow(
      "loss function odd: it must return a value for each of the 6 samples, shape [6], got [4].",
    );
    expect(record((() => 3) as never)).toThrow("it must return a float32 Tensor, got 3.");
    expect(record((yTrue) => yTrue.cast("uint32"))).toThrow(
      "it must return a float32 Tensor, got uint32.",
    );
    function clash(yTrue: Tensor, yPred: Tensor): Tensor {
      return yPred.subtract(yTrue);
    }
    expect(record(clash)).toThrow(
      "loss function clash: subtract: shapes that broadcast (equal sizes, or 1, counted from the " +
        "end), got [6, 4] and [6].",
    );
    const metric = function strange(): Tensor {
      return undefined as never;
    };
    const made = net(libraryLayers(), { ...library(), metrics: [metric] });
    expect(() => made.stepOf("test", shapes)).toThrow(
      "metric strange: it must return a float32 Tensor, got undefined.",
    );
  });
});
