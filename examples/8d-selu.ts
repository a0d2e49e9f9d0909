/** Exercise 8, part d: SELU on standardized inputs, so that the net normalizes itself. */
import {
  callbacks,
  datasets,
  layers,
  loadModel,
  optimizers,
  sequential,
  setRandomSeed,
} from "antler";
import { standardize, statistics } from "./standardize.ts";

setRandomSeed(9527);

const model = sequential([layers.flatten({ inputShape: [32, 32, 3] })]);
for (let i = 0; i < 20; i++)
  model.add(layers.dense({ units: 100, activation: "selu", kernelInitializer: "lecunNormal" }));
model.add(layers.dense({ units: 10, activation: "softmax" }));

model.compile({
  loss: "sparseCategoricalCrossentropy",
  optimizer: optimizers.nadam({ learningRate: 7e-4 }),
  metrics: ["accuracy"],
});

const { train, validation, test } = await datasets.cifar10();
const pixels = statistics(train.x);
const trainScaled = standardize(train.x, pixels);
const validationScaled = standardize(validation.x, pixels);
const testScaled = standardize(test.x, pixels);

const file = "my_cifar10_selu_model.keras";
const runIndex = 1; // increment every time you train the model
const run = `run_selu_${String(runIndex).padStart(3, "0")}`;

await model.fit(trainScaled, train.y, {
  epochs: 100,
  validationData: [validationScaled, validation.y],
  callbacks: [
    callbacks.earlyStopping({ patience: 20 }),
    callbacks.modelCheckpoint(file, { saveBestOnly: true }),
    callbacks.tensorBoard(`my_cifar10_logs/${run}`),
  ],
  verbose: 2,
});

const best = await loadModel(file);
console.log(await best.evaluate(validationScaled, validation.y));
console.log("on test images:", await best.evaluate(testScaled, test.y));
