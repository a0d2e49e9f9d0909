// Writes models of the built library (dist/) for open_models.py: configs, weights, predictions.
//
//     node tools/golden/write_models.mjs FILE
import { writeFileSync } from "node:fs";
import {
  constraints,
  Engine,
  input,
  layers,
  losses,
  metrics,
  model,
  optimizers,
  regularizers,
  schedules,
  sequential,
} from "antler";

const engine = new Engine({ threads: 1 });
const options = { engine, seed: 7 };

function plain() {
  const net = sequential(
    [
      layers.input({ shape: [2, 3] }),
      layers.normalization({ mean: 0.5, variance: 2 }),
      layers.flatten(),
      layers.dense({
        units: 5,
        activation: "elu",
        kernelInitializer: "heNormal",
        kernelRegularizer: regularizers.l1l2({ l1: 0.01, l2: 0.02 }),
        biasConstraint: constraints.nonNeg(),
      }),
      layers.batchNormalization({ momentum: 0.9 }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 4, useBias: false, kernelConstraint: "maxNorm" }),
      layers.prelu(),
      layers.activation({ activation: "hardSilu" }),
      layers.dense({ units: 3, activation: "softmax", name: "last" }),
    ],
    { ...options, name: "plain" },
  );
  net.compile({
    optimizer: optimizers.nadam({ learningRate: 0.01, beta1: 0.8, globalClipnorm: 2 }),
    loss: losses.categoricalCrossentropy({ labelSmoothing: 0.1 }),
    metrics: [
      "accuracy",
      metrics.auc({ numThresholds: 50, name: "area" }),
      "topKCategoricalAccuracy",
    ],
    weightedMetrics: ["accuracy", metrics.f1Score({ average: "macro" })],
  });
  return net;
}

const bare = () => sequential([layers.dense({ units: 2, inputShape: [3] })], options);

function all() {
  const net = sequential(
    [
      layers.permute({ dims: [2, 1], inputShape: [2, 6] }),
      layers.reshape({ targetShape: [3, -1] }),
      layers.rescaling({ scale: 0.5, offset: 0.1 }),
      layers.layerNormalization(),
      layers.leakyRelu({ negativeSlope: 0.2 }),
      layers.gaussianNoise({ stddev: 0.1 }),
      layers.gaussianDropout({ rate: 0.1 }),
      layers.alphaDropout({ rate: 0.1 }),
      layers.dense({ units: 3, activation: "selu", kernelInitializer: "lecunNormal" }),
      layers.elu({ alpha: 0.5 }),
      layers.relu({ maxValue: 6 }),
      layers.rmsNormalization(),
      layers.unitNormalization(),
      layers.activityRegularization({ l2: 0.01 }),
      layers.softmax(),
    ],
    options,
  );
  net.compile({
    optimizer: optimizers.sgd({
      learningRate: schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 }),
      momentum: 0.9,
      nesterov: true,
      useEma: true,
      gradientAccumulationSteps: 2,
    }),
    loss: "logCosh",
    metrics: ["mae", "rootMeanSquaredError", "cosineSimilarity"],
  });
  return net;
}

function ends() {
  const last = layers.dense({ units: 2, name: "value" });
  const kind = layers.dense({ units: 3, activation: "softmax" });
  const right = input({ shape: [3], name: "right" });
  const left = input({ shape: [3], name: "left" });
  const shared = layers.dense({ units: 4, activation: "tanh" });
  const after = shared.apply(right);
  const deeper = layers.dense({ units: 4 }).apply(shared.apply(left));
  const added = layers.add().apply([deeper, after]);
  const joined = layers.concatenate().apply([added, left]);
  const outputs = [kind.apply(joined), last.apply(added)];
  const net = model({ inputs: [left, right], outputs, ...options, name: "ends" });
  const [first] = net.outputNames;
  net.compile({
    optimizer: "adamW",
    loss: { [first]: "sparseCategoricalCrossentropy", value: losses.huber({ delta: 0.5 }) },
    lossWeights: { value: 0.25, [first]: 1 },
    metrics: { [first]: ["accuracy"], value: ["mae"] },
    weightedMetrics: { [first]: ["accuracy"] },
  });
  return net;
}

function twice() {
  const x = input({ shape: [3] });
  const block = layers.dense({ units: 3, activation: "silu" });
  const y = block.apply(layers.dense({ units: 3 }).apply(block.apply(x)));
  const outputs = layers.average().apply([y, x]);
  return model({ inputs: x, outputs, ...options });
}

function listOfOne() {
  const x = input({ shape: [2] });
  return model({ inputs: [x], outputs: [layers.dense({ units: 2 }).apply(x)], ...options });
}

/** A layer and an input of another model. */
function partOfAnother() {
  const x = input({ shape: [2], name: "x" });
  const hidden = layers.dense({ units: 4, activation: "relu" });
  const inner = hidden.apply(x);
  hidden.apply(input({ shape: [2], name: "other" }));
  const outputs = layers.dense({ units: 1 }).apply(inner);
  model({ inputs: x, outputs, ...options });
  const products = ["subtract", "multiply", "maximum", "minimum"].map((name) =>
    layers[name]().apply([inner, hidden.apply(x)]),
  );
  return model({ inputs: x, outputs: products, ...options });
}

const numbers = ({ data, shape }) => ({ data: [...data], shape });

async function written(make) {
  const net = make();
  const inputs = net.inputShapes.map((shape, k) => {
    const size = shape.reduce((a, b) => a * b, 3);
    return {
      data: Float32Array.from({ length: size }, (_, i) => Math.sin(i + k)),
      shape: [3, ...shape],
    };
  });
  const outputs = await net.predict(inputs.length === 1 ? inputs[0] : inputs);
  return {
    name: make.name,
    config: net.toJson(),
    layers: net.layers.map(({ name }) => name),
    weights: (await net.getWeights()).map(numbers),
    inputs: inputs.map(numbers),
    outputs: [outputs].flat().map(numbers),
  };
}

const made = [];
for (const make of [plain, bare, all, ends, twice, listOfOne, partOfAnother])
  made.push(await written(make));
writeFileSync(process.argv[2], JSON.stringify(made));
await engine.close();
