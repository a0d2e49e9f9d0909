// Trains with the built library (dist/) and TensorBoard's callback, for tensor_board.py: logs, and in
// expected.json what must be found in them.
//
//     node tools/verify/write_logs.mjs FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { callbacks, Engine, input, layers, model, sequential } from "antler";

const folder = process.argv[2];
const engine = new Engine({ threads: 1 });
const x = { data: Float32Array.from({ length: 400 }, (_, i) => Math.sin(i)), shape: [100, 4] };
const y = Float32Array.from({ length: 100 }, (_, i) => i % 3);

function plain() {
  const parts = [
    layers.dense({ units: 7, inputShape: [4], activation: "selu" }),
    layers.batchNormalization(),
    layers.alphaDropout({ rate: 0.1 }),
    layers.dense({ units: 3, activation: "softmax" }),
  ];
  return sequential(parts, { engine, seed: 7, name: "plain" });
}

function wide() {
  const inputs = input({ shape: [4], name: "features" });
  const sides = ["left", "right"].map((name) =>
    layers.dense({ units: 5, activation: "relu", name }).apply(inputs),
  );
  const joined = layers.concatenate({ name: "both" }).apply(sides);
  const outputs = layers.dense({ units: 3, activation: "softmax", name: "out" }).apply(joined);
  return model({ inputs, outputs, engine, seed: 7, name: "wide" });
}

const expected = [];

/** A fit, cut off after an epoch and continued where `isResumed`, and what its logs must have. */
async function write(name, net, options, isResumed = false) {
  net.compile({
    optimizer: "nadam",
    loss: "sparseCategoricalCrossentropy",
    metrics: ["accuracy"],
  });
  const weights = [];
  const batches = [];
  let state;
  const make = () => callbacks.tensorBoard(join(folder, name), options);
  let board = make();
  const watch = {
    onlyReadsLogs: true,
    onTrainBatchEnd: (_, { loss }) => {
      batches.push(loss);
    },
    onEpochEnd: async (epoch) => {
      const values = await net.getWeights();
      weights.push(values.map(({ data, shape }) => ({ data: [...data], shape })));
      if (epoch === 0) state = await board.getState();
    },
  };
  const trainTo = (epochs, initialEpoch) =>
    net.fit(x, y, {
      batchSize: 10,
      epochs,
      initialEpoch,
      validationSplit: 0.2,
      callbacks: [board, watch],
    });
  const { history } = await trainTo(3, 0);
  if (isResumed) {
    // The two epochs after the state are cut off: trained on, they come out otherwise.
    board = make();
    board.setState(JSON.parse(JSON.stringify(state)));
    batches.splice(8);
    weights.splice(1);
    const { history: more } = await trainTo(3, 1);
    for (const key of Object.keys(history)) history[key].splice(1, 2, ...more[key]);
  }
  expected.push({
    name,
    history,
    batches,
    weights,
    every: options.updateFreq ?? 0,
    histogramFreq: options.histogramFreq ?? 0,
    steps: isResumed ? [8, 32, 40] : [8, 16, 24],
    layers: net.layers.map((layer) => layer.name),
    names: net.layers.flatMap((layer) =>
      layer.weights.map(({ path }) => `${layer.name}/${path.split("/").at(-1)}`),
    ),
  });
}

await write("plain", plain(), { histogramFreq: 1, writeImages: true, updateFreq: 1 });
await write("wide", wide(), { histogramFreq: 2 });
await write("resumed", plain(), { updateFreq: 3 }, true);
writeFileSync(join(folder, "expected.json"), JSON.stringify(expected));
await engine.close();
