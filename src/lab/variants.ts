/** The nets of the exercise. To add one, add its name to `variantNames` and an entry here. */
import { type Sequential, sequential } from "../api/sequential.ts";
import type { ArrayInput } from "../base/host-array.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { activation } from "../nn/layers/activation.ts";
import { alphaDropout } from "../nn/layers/alpha-dropout.ts";
import { batchNormalization } from "../nn/layers/batch-normalization.ts";
import { dense } from "../nn/layers/dense.ts";
import { flatten } from "../nn/layers/flatten.ts";
import { Normalization, normalization } from "../nn/layers/normalization.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { optimizers } from "../nn/optimizers.ts";
import { schedules } from "../nn/schedules.ts";
import type { Engine } from "../runtime/engine.ts";
import { trainings, type VariantName } from "./settings.ts";

/** What a net is made with. */
export interface VariantOptions {
  /** Of the initial weights, and of the order of the pictures. */
  readonly seed: number;
  /** Default: the variant's own. */
  readonly learningRate?: number | undefined;
  /** Of the whole run, for a schedule. Default: those of the exercise. */
  readonly steps?: number | undefined;
  readonly engine: Engine;
}

interface Variant {
  readonly layers: () => AnyLayer[];
  optimizer(learningRate: number, steps: number): Optimizer;
}

const inputShape = [32, 32, 3];
const hiddenLayers = Array.from({ length: 20 });
const output = () => dense({ units: 10, activation: "softmax" });
const nadam = (learningRate: number) => optimizers.nadam({ learningRate });

/** Each pixel's own mean and deviation, which `prepareVariant` takes from the training pictures. */
const standardized = () => [normalization({ axis: [1, 2, 3], inputShape }), flatten()];

const selus = () =>
  hiddenLayers.map(() =>
    dense({ units: 100, activation: "selu", kernelInitializer: "lecunNormal" }),
  );

const alphaNet = () => [...standardized(), ...selus(), alphaDropout({ rate: 0.1 }), output()];

const variants: Record<VariantName, Variant> = {
  /** Twenty ELU layers on the pixels as they are, 0 to 255. */
  elu: {
    layers: () => [
      flatten({ inputShape }),
      ...hiddenLayers.map(() =>
        dense({ units: 100, activation: "elu", kernelInitializer: "heNormal" }),
      ),
      output(),
    ],
    optimizer: nadam,
  },

  /** Batch normalization after the pixels and between each layer and its activation. */
  bn: {
    layers: () => [
      flatten({ inputShape }),
      batchNormalization(),
      ...hiddenLayers.flatMap(() => [
        dense({ units: 100, kernelInitializer: "heNormal" }),
        batchNormalization(),
        activation({ activation: "elu" }),
      ]),
      output(),
    ],
    optimizer: nadam,
  },

  /** Twenty SELU layers on standardized pixels. */
  selu: { layers: () => [...standardized(), ...selus(), output()], optimizer: nadam },

  /** The same with alpha dropout before the output. */
  alpha: { layers: alphaNet, optimizer: nadam },

  /** The net of `alpha` with the book's 1cycle schedule and plain gradient descent. */
  onecycle: {
    layers: alphaNet,
    optimizer: (maxRate, totalSteps) =>
      optimizers.sgd({
        learningRate: schedules.oneCycle({ preset: "book", maxRate, totalSteps }),
      }),
  },
};

/** Pictures that CIFAR-10 trains on, 5,000 being held out. */
const trainingPictures = 45_000;

/** The net of this name, compiled. Throws a ValueError for a seed or rate that is none. */
export function variantModel(name: VariantName, options: VariantOptions): Sequential {
  const { seed, engine, ...training } = options;
  const model = sequential(variants[name].layers(), { name, seed, engine });
  compileVariant(model, name, training);
  return model;
}

function compileVariant(
  model: Sequential,
  name: VariantName,
  options: Pick<VariantOptions, "learningRate" | "steps">,
): void {
  const { epochs, batchSize, learningRate: usual } = trainings[name];
  const { learningRate = usual, steps } = options;
  const usualSteps = epochs * Math.ceil(trainingPictures / batchSize);
  model.compile({
    optimizer: variants[name].optimizer(learningRate, steps ?? usualSteps),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
}

/** Fits a net to its pictures: statistics of standardized pixels, and a schedule's length. */
export async function prepareVariant(
  model: Sequential,
  name: VariantName,
  pictures: ArrayInput,
  options: Pick<VariantOptions, "learningRate"> & { readonly steps: number },
): Promise<void> {
  for (const layer of model.layers) if (layer instanceof Normalization) await layer.adapt(pictures);
  compileVariant(model, name, options);
}
