/** Regularizers and constraints in models: what counts, what doesn't, and who is blamed. */
import { afterAll, describe, expect, it } from "vitest";
import { constraints } from "../nn/constraints.ts";
import { initializers } from "../nn/initializers.ts";
import { type DenseOptions, dense } from "../nn/layers/dense.ts";
import { optimizers } from "../nn/optimizers.ts";
import { regularizers } from "../nn/regularizers.ts";
import { Engine } from "../runtime/engine.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Model } from "./model.ts";
import { sequential } from "./sequential.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const half = initializers.constant({ value: 0.5 });
const zeros = (rows: number, columns: number) =>
  Array.from({ length: rows }, () => new Array(columns).fill(0) as number[]);

function compiled(options: Partial<DenseOptions>): Model {
  const layer = dense({ units: 2, inputShape: [3], kernelInitializer: half, ...options });
  const model = sequential([layer], { seed: 1, engine });
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: "meanSquaredError" });
  return model;
}

const lossOf = async (model: Model, samples = 4): Promise<number> => {
  const logs = await model.evaluate(zeros(samples, 3), zeros(samples, 2));
  return (logs as { loss: number }).loss;
};

describe("penalties of a model", () => {
  it("on weights are added as they are, whatever the batch", async () => {
    const model = compiled({ kernelRegularizer: regularizers.l2({ l2: 0.1 }) });
    for (const samples of [1, 4, 33]) expect(await lossOf(model, samples)).toBeCloseTo(0.15, 6);
  });

  it("of frozen layers don't count, as in Keras", async () => {
    const model = compiled({ kernelRegularizer: "l1", trainable: false });
    expect(await lossOf(model)).toBe(0);
  });

  it("move the weights", async () => {
    const model = compiled({ kernelRegularizer: regularizers.l2({ l2: 0.5 }) });
    await model.fit(zeros(4, 3), zeros(4, 2), { epochs: 1, verbose: 0 });
    // w - 0.1 * 2 * 0.5 w.
    const [kernel] = await model.getWeights();
    for (const weight of kernel.data) expect(weight).toBeCloseTo(0.45, 6);
  });

  it("on outputs are means over the batch", async () => {
    const biasInitializer = initializers.constant({ value: 2 });
    const model = compiled({ biasInitializer, activityRegularizer: regularizers.l1({ l1: 0.5 }) });
    // Mean squared error 4, and 0.5 (|2| + |2|) for each sample.
    for (const samples of [1, 4]) expect(await lossOf(model, samples)).toBeCloseTo(6, 6);
  });

  it("that are no number are the layer's fault", async () => {
    const mine = (x: Tensor) => x.square();
    const model = compiled({ name: "first", kernelRegularizer: mine });
    await expect(lossOf(model)).rejects.toThrow(
      'Dense "first": regularizer function mine: it must return one number, got shape [3, 2]. ' +
        "Add them up: .sum().",
    );
  });
});

describe("constraints of a model", () => {
  const trained = (model: Model) =>
    model.fit(zeros(4, 3), zeros(4, 2), { epochs: 1, verbose: 0 }).then(() => model.getWeights());

  it("hold after each update", async () => {
    const [kernel] = await trained(
      compiled({ kernelConstraint: constraints.maxNorm({ maxValue: 0.3 }) }),
    );
    // Norms of columns were sqrt(3) / 2.
    for (let column = 0; column < 2; column++) {
      const norm = Math.hypot(...[0, 1, 2].map((row) => kernel.data[2 * row + column]));
      expect(norm).toBeCloseTo(0.3, 6);
    }
  });

  it("leave frozen weights alone", async () => {
    const unitNorm = constraints.unitNorm();
    const [kernel] = await trained(compiled({ kernelConstraint: unitNorm, trainable: false }));
    expect([...kernel.data]).toEqual(new Array(6).fill(0.5));
  });

  it("that change the shape are the layer's fault", async () => {
    const mine = (x: Tensor) => x.sum(0);
    await expect(trained(compiled({ name: "first", kernelConstraint: mine }))).rejects.toThrow(
      'Dense "first": constraint function mine: it must return the weight\'s shape, [3, 2], got [2].',
    );
  });
});
