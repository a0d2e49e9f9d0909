/** Exercise 8, parts a and b: twenty hidden layers of ELU, Nadam, early stopping. */
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

const model = sequential([layers.flatten({ inputShape: [32, 32, 3] })]);
for (let i = 0; i < 20; i++)
  model.add(layers.dense({ units: 100, activation: "elu", kernelInitializer: "heNormal" }));
model.add(layers.dense({ units: 10, activation: "softmax" }));

model.compile({
  loss: "sparseCategoricalCrossentropy",
  optimizer: optimizers.nadam({ learningRate: 5e-5 }),
  metrics: ["accuracy"],
});

// The first 5,000 training images are the validation set.
const { train, validation } = await datasets.cifar10();

const earlyStopping = callbacks.earlyStopping({ patience: 20 });
const modelCheckpoint = callbacks.modelCheckpoint("my_cifar10_model.keras", { saveBestOnly: true });
const runIndex = 1; // increment every time you train the model
const run = `run_${String(runIndex).padStart(3, "0")}`;
const tensorBoard = callbacks.tensorBoard(`my_cifar10_logs/${run}`);

await model.fit(train.x, train.y, {
  epochs: 100,
  validationData: [validation.x, validation.y],
  callbacks: [earlyStopping, modelCheckpoint, tensorBoard],
  verbose: 2,
});

const best = await loadModel("my_cifar10_model.keras");
console.log(await best.evaluate(validation.x, validation.y));
