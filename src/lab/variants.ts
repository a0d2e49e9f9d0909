/** The nets of the exercise. To add one, add its name to `variantNames` and an entry here. */
import { type Sequential, sequential } from "../api/sequential.ts";
import { dense } from "../nn/layers/dense.ts";
import { flatten } from "../nn/layers/flatten.ts";
import { optimizers } from "../nn/optimizers.ts";
import type { Engine } from "../runtime/engine.ts";
import type { VariantName } from "./settings.ts";

/** What a net is made with. */
export interface VariantOptions {
  /** Of the initial weights, and of the order of the pictures. */
  readonly seed: number;
  /** Default: the variant's own. */
  readonly learningRate?: number | undefined;
  readonly engine: Engine;
}

const hiddenLayers = Array.from({ length: 20 });

const variants: Record<VariantName, (options: VariantOptions) => Sequential> = {
  /** Twenty ELU layers on the pixels as they are, 0 to 255. */
  elu: ({ seed, learningRate = 5e-5, engine }) => {
    const model = sequential(
      [
        flatten({ inputShape: [32, 32, 3] }),
        ...hiddenLayers.map(() =>
          dense({ units: 100, activation: "elu", kernelInitializer: "heNormal" }),
        ),
        dense({ units: 10, activation: "softmax" }),
      ],
      { name: "elu", seed, engine },
    );
    model.compile({
      optimizer: optimizers.nadam({ learningRate }),
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
    });
    return model;
  },
};

/** The net of this name, compiled. Throws a ValueError for a seed or rate that is none. */
export const variantModel = (name: VariantName, options: VariantOptions): Sequential =>
  variants[name](options);
