/** Exercise 8, part f: the net of part e with 1cycle scheduling. */
import { datasets, layers, optimizers, schedules, sequential, setRandomSeed } from "antler";
import { standardize, statistics } from "./standardize.ts";

const batchSize = 128;
const epochs = 15;

setRandomSeed(9527);

const model = sequential([layers.flatten({ inputShape: [32, 32, 3] })]);
for (let i = 0; i < 20; i++)
  model.add(layers.dense({ units: 100, activation: "selu", kernelInitializer: "lecunNormal" }));
model.add(layers.alphaDropout({ rate: 0.1 }));
model.add(layers.dense({ units: 10, activation: "softmax" }));

const { train, validation } = await datasets.cifar10();
const pixels = statistics(train.x);
const trainScaled = standardize(train.x, pixels);
const validationScaled = standardize(validation.x, pixels);

// Up to the highest rate and down again in nine tenths of all steps, then far below the first one.
const learningRate = schedules.oneCycle({
  preset: "book",
  maxRate: 0.05,
  totalSteps: Math.ceil(train.x.shape[0] / batchSize) * epochs,
});
model.compile({
  loss: "sparseCategoricalCrossentropy",
  optimizer: optimizers.sgd({ learningRate }),
  metrics: ["accuracy"],
});

await model.fit(trainScaled, train.y, {
  batchSize,
  epochs,
  validationData: [validationScaled, validation.y],
  verbose: 2,
});
console.log(await model.evaluate(validationScaled, validation.y));
