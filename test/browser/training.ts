/** What is trained both in the page and in Node, to the same bits. It imports types only. */
import type * as Antler from "../../src/index.ts";

export type Library = typeof Antler;

/** How the engine of a training runs; by default, as engines do. */
export interface Setting {
  readonly shared?: boolean;
  readonly fma?: boolean;
  readonly threads?: number;
}

/** Everything that must have the same bits wherever it is computed. */
export interface Numbers {
  /** Means of the epoch so far, after each step. */
  readonly losses: readonly number[];
  /** Of the training pictures, afterwards. */
  readonly evaluated: Readonly<Record<string, number>>;
  /** Path and digest of each weight, then of the predictions. */
  readonly digests: readonly string[];
}

export interface Training {
  /** Of the train step. */
  readonly threads: number;
  readonly fma: boolean;
  readonly numbers: Numbers;
}

const [steps, batchSize] = [20, 32];

/** The exercise's net with batch normalization. */
function net(antler: Library, engine: Antler.Engine): Antler.Sequential {
  const { layers, optimizers, sequential } = antler;
  const hidden = () => [
    layers.dense({ units: 100, kernelInitializer: "heNormal" }),
    layers.batchNormalization(),
    layers.activation({ activation: "elu" }),
  ];
  const model = sequential(
    [
      layers.flatten({ inputShape: [32, 32, 3] }),
      layers.batchNormalization(),
      ...Array.from({ length: 20 }, hidden).flat(),
      layers.dense({ units: 10, activation: "softmax" }),
    ],
    { seed: 7, engine },
  );
  model.compile({
    optimizer: optimizers.nadam({ learningRate: 5e-4 }),
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  return model;
}

/** Trains the net for an epoch of twenty steps, judges it and predicts. */
export async function train(antler: Library, setting: Setting): Promise<Training> {
  const engine = new antler.Engine(setting);
  try {
    const pictures = { train: steps * batchSize, validation: 0, test: 50 };
    const { train: known, test } = await antler.datasets.embedded(pictures);
    const model = net(antler, engine);
    const losses: number[] = [];
    const watch: Antler.Callback = {
      onlyReadsLogs: true,
      onTrainBatchEnd: (_, logs) => losses.push(logs.loss!),
    };
    await model.fit(known.x, known.y, { batchSize, callbacks: [watch] });
    const evaluated = await model.evaluate(test.x, test.y);
    const predicted = await model.predict(test.x);
    const weights = await model.getWeights();
    const digests = weights.map(({ data }, i) => `${model.weights[i].path} ${digest(data)}`);
    digests.push(`predicted ${digest(predicted.data)}`);
    const { threads, fma } = watch.params!;
    return { threads, fma, numbers: { losses, evaluated: { ...evaluated }, digests } };
  } finally {
    await engine.close();
  }
}

/** FNV-1a of the bits, 32-bit words at a time. */
function digest(data: ArrayBufferView): string {
  let hash = 0x811c9dc5;
  for (const word of new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4))
    hash = Math.imul(hash ^ word, 0x01000193);
  return (hash >>> 0).toString(16);
}
