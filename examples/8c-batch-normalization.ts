/** Exercise 8, part c: batch normalization before each activation, and after the pixels. */
import {
  callbacks,
  datasets,
  layers,
  loadModel,
  optimizers,
  sequential,
  setRandomSeed,
} from "antler";

setRandomSeed(9527);

const model = sequential([
  layers.flatten({ inputShape: [32, 32, 3] }),
  layers.batchNormalization(),
]);
for (let i = 0; i < 20; i++) {
  model.add(layers.dense({ units: 100, kernelInitializer: "heNormal" }));
  model.add(layers.batchNormalization());
  model.add(layers.activation({ activation: "elu" }));
}
model.add(layers.dense({ units: 10, activation: "softmax" }));

model.compile({
  loss: "sparseCategoricalCrossentropy",
  optimizer: optimizers.nadam({ learningRate: 5e-4 }),
  metrics: ["accuracy"],
});

const { train, validation } = await datasets.cifar10();

const file = "my_cifar10_bn_model.keras";
const runIndex = 1; // increment every time you train the model
const run = `run_bn_${String(runIndex).padStart(3, "0")}`;

await model.fit(train.x, train.y, {
  epochs: 100,
  validationData: [validation.x, validation.y],
  callbacks: [
    callbacks.earlyStopping({ patience: 20 }),
    callbacks.modelCheckpoint(file, { saveBestOnly: true }),
    callbacks.tensorBoard(`my_cifar10_logs/${run}`),
  ],
  verbose: 2,
});

const best = await loadModel(file);
console.log(await best.evaluate(validation.x, validation.y));
