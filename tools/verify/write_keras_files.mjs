// Writes models with the built library (dist/) for keras_files.py and h5_files*.py: files, and in
// models.json what must be found in them.
//
//     node tools/verify/write_keras_files.mjs FOLDER
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Engine,
  input,
  Layer,
  layers,
  model,
  optimizers,
  registerSerializable,
  schedules,
  sequential,
} from "antler";

const folder = process.argv[2];
const engine = new Engine({ threads: 1 });
const options = { engine, seed: 7 };
const rows = 5;

const data = (shape, k = 0) => {
  const size = shape.reduce((a, b) => a * b, rows);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + k));
  return { data: values, shape: [rows, ...shape] };
};
const labels = Int32Array.from({ length: rows }, (_, i) => i % 3);

const stack = (frozen = false) =>
  sequential(
    [
      layers.dense({ units: 4, activation: "elu", kernelRegularizer: "l2", inputShape: [3] }),
      layers.batchNormalization({ momentum: 0.9, trainable: !frozen }),
      layers.prelu(),
      layers.layerNormalization({ trainable: !frozen }),
      layers.dense({ units: 3, activation: "softmax", name: "last" }),
    ],
    options,
  );

const compiled = (net, optimizer) => {
  const losses = ["sparseCategoricalCrossentropy", "meanSquaredError"];
  const isTwo = net.outputNames.length === 2;
  net.compile({
    optimizer,
    loss: isTwo ? losses : losses[0],
    metrics: isTwo ? [["accuracy"], ["mae"]] : ["accuracy"],
  });
  return net;
};

const rate = { learningRate: 0.05 };
const keras = { ...rate, momentumDecay: 1 };
const exponential = { initialLearningRate: 0.05, decaySteps: 2, decayRate: 0.5 };

/** Optimizers whose rule Keras has. */
const shared = {
  sgd: () => optimizers.sgd({ learningRate: 1 }),
  nesterov: () =>
    optimizers.sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, clipnorm: 0.5 }),
  rmsprop: () => optimizers.rmsprop({ ...rate, momentum: 0.9, centered: true, weightDecay: 0.1 }),
  adam: () => optimizers.adam({ ...rate, amsgrad: true, globalClipnorm: 0.5 }),
  ema: () => optimizers.adam({ ...rate, useEma: true, emaMomentum: 0.9, emaOverwriteFrequency: 2 }),
  accumulating: () => optimizers.adam({ ...rate, gradientAccumulationSteps: 2 }),
  both: () => optimizers.nadam({ ...keras, useEma: true, gradientAccumulationSteps: 4 }),
  adamw: () => optimizers.adamW({ ...rate, weightDecay: 0.1 }),
  nadam: () => optimizers.nadam({ ...keras, clipvalue: 0.1 }),
  adamax: () => optimizers.adamax(rate),
  adagrad: () => optimizers.adagrad({ learningRate: 0.1 }),
  adadelta: () => optimizers.adadelta({ learningRate: 1 }),
  ftrl: () => optimizers.ftrl({ learningRate: 0.1, l1RegularizationStrength: 0.01 }),
  lion: () => optimizers.lion({ learningRate: 0.01 }),
  scaled: () => optimizers.sgd({ learningRate: 0.1, momentum: 0.5, lossScaleFactor: 16 }),
  exponential: () => optimizers.adam({ learningRate: schedules.exponentialDecay(exponential) }),
  piecewise: () =>
    optimizers.sgd({
      momentum: 0.9,
      learningRate: schedules.piecewiseConstantDecay({
        boundaries: [1, 3],
        values: [0.2, 0.1, 0.05],
      }),
    }),
  polynomial: () =>
    optimizers.nadam({
      momentumDecay: 1,
      learningRate: schedules.polynomialDecay({
        initialLearningRate: 0.1,
        decaySteps: 5,
        endLearningRate: 0.01,
        power: 2,
      }),
    }),
  inverse: () =>
    optimizers.rmsprop({
      learningRate: schedules.inverseTimeDecay({ ...exponential, staircase: true }),
    }),
  cosine: () =>
    optimizers.sgd({
      learningRate: schedules.cosineDecay({
        initialLearningRate: 0.01,
        decaySteps: 10,
        warmupTarget: 0.2,
        warmupSteps: 2,
      }),
    }),
  restarts: () =>
    optimizers.sgd({
      learningRate: schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 2 }),
    }),
  // Schedules that Keras lacks: its next step has the rate of that step.
  oneCycle: () =>
    optimizers.sgd({ learningRate: schedules.oneCycle({ maxRate: 0.5, totalSteps: 10 }) }),
  cycled: () =>
    optimizers.sgd({
      learningRate: schedules.oneCycle({ maxRate: 0.5, totalSteps: 10, preset: "pytorch" }),
    }),
  cycledAdam: () =>
    optimizers.adam({
      learningRate: schedules.oneCycle({ maxRate: 0.05, totalSteps: 10, preset: "fastai" }),
    }),
  power: () =>
    optimizers.sgd({
      learningRate: schedules.powerDecay({ initialLearningRate: 0.2, decaySteps: 2 }),
    }),
  constant: () => optimizers.adam({ learningRate: schedules.constant({ learningRate: 0.05 }) }),
  own: () => optimizers.sgd({ learningRate: (step) => 0.1 / (step + 1) }),
};

/** Plateaus: the factor is in the rate. */
const lowered = (name, make) => [
  name,
  () => {
    const net = compiled(stack(), make());
    net.optimizer.rateFactor = 0.25;
    return net;
  },
];

class Shift extends Layer {
  static className = "Shift";
  build([size]) {
    this.offset = this.addWeight({ name: "offset", shape: [size], initializer: "ones" });
  }
  call(x, { trace }) {
    return x.add(trace.read(this.offset));
  }
}
registerSerializable(Shift, { package: "mine" });

function chain() {
  return sequential(
    [
      layers.normalization({ inputShape: [2, 6] }),
      layers.rescaling({ scale: 0.5, offset: 0.1 }),
      layers.reshape({ targetShape: [3, 4] }),
      layers.permute({ dims: [2, 1] }),
      layers.gaussianNoise({ stddev: 0.1 }),
      layers.gaussianDropout({ rate: 0.1 }),
      layers.dense({ units: 5, activation: "selu", kernelInitializer: "lecunNormal" }),
      layers.alphaDropout({ rate: 0.1 }),
      layers.prelu({ sharedAxes: [1] }),
      layers.leakyRelu({ negativeSlope: 0.1 }),
      layers.unitNormalization(),
      layers.layerNormalization({ axis: [1, 2], epsilon: 0.01 }),
      layers.elu({ alpha: 0.7 }),
      layers.relu({ maxValue: 6, negativeSlope: 0.1, threshold: 0.2 }),
      layers.activityRegularization({ l1: 0.01, l2: 0.02 }),
      layers.batchNormalization({ axis: 1, scale: false }),
      layers.rmsNormalization(),
      layers.activation({ activation: "tanh" }),
      layers.flatten(),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 4, useBias: false }),
      layers.softmax(),
    ],
    { ...options, name: "chain" },
  );
}

function merges() {
  const [a, b] = ["a", "b"].map((name) => input({ shape: [4], name }));
  const x = layers.dense({ units: 4, activation: "relu" }).apply(a);
  const y = layers.dense({ units: 4, activation: "tanh" }).apply(b);
  const kinds = ["subtract", "multiply", "average", "maximum", "minimum"];
  const parts = kinds.map((name) => layers[name]().apply([x, y]));
  parts.push(layers.dot({ axes: 1, normalize: true }).apply([x, y]));
  const outputs = layers.dense({ units: 2 }).apply(layers.concatenate().apply(parts));
  return model({ inputs: [a, b], outputs, ...options });
}

function ends() {
  const [left, right] = ["left", "right"].map((name) => input({ shape: [3], name }));
  const block = layers.dense({ units: 4, activation: "elu", name: "shared" });
  const after = block.apply(right);
  const deeper = layers.dense({ units: 4 }).apply(block.apply(left));
  const added = layers.add().apply([deeper, after]);
  const joined = layers.concatenate().apply([added, left]);
  const kind = layers.dense({ units: 3, activation: "softmax", name: "kind" }).apply(joined);
  const value = layers.dense({ units: 2, name: "value" }).apply(added);
  return model({ inputs: [left, right], outputs: [kind, value], ...options });
}

const custom = () =>
  sequential(
    [layers.dense({ units: 3, inputShape: [3] }), new Shift(), layers.softmax(), new Shift()],
    options,
  );

/** Weights that no initializer draws. */
async function stir(net) {
  const weights = await net.getWeights();
  const fresh = weights.map(({ data: values, shape }, k) => ({
    data: values.map((value, i) =>
      shape.length === 0 ? value : value + 0.3 * Math.cos(i + k) ** 2,
    ),
    shape,
  }));
  await net.setWeights(fresh);
}

const numbers = ({ data: values, shape }) => ({ data: [...values], shape });
const one = (list) => (list.length === 1 ? list[0] : list);
const batch = (net, k) => {
  const x = net.inputShapes.map((shape, i) => data(shape, k + i));
  const y = net.outputNames.length === 2 ? [labels, data([2], k)] : [labels];
  return { x, y };
};

const all = [];

/** Trains some steps, saves, and takes one more step. */
async function add(name, net, { isShared = true, warns = "", steps = 3 } = {}) {
  await stir(net);
  const isTrained = net.net.compiled !== undefined;
  if (isTrained)
    for (let step = 0; step < steps; step++) {
      const { x, y } = batch(net, step);
      await net.trainOnBatch(one(x), one(y));
    }
  await net.save(join(folder, `${name}.keras`));
  await net.save(join(folder, `${name}.h5`));
  await net.saveWeights(join(folder, `${name}.weights.h5`));
  const inputs = net.inputShapes.map((shape, i) => data(shape, 20 + i));
  const fact = {
    name,
    layers: net.layers.map((layer) => layer.name),
    inputs: inputs.map(numbers),
    outputs: [await net.predict(one(inputs))].flat().map(numbers),
    warns,
    isTrained,
  };
  if (isTrained && isShared) {
    const { x, y } = batch(net, 9);
    await net.trainOnBatch(one(x), one(y));
    const targets = y.map((target) =>
      numbers(target.shape ? target : { data: target, shape: [rows] }),
    );
    fact.step = { x: x.map(numbers), y: targets, weights: (await net.getWeights()).map(numbers) };
  }
  all.push(fact);
}

for (const [name, make] of Object.entries(shared)) await add(name, compiled(stack(), make()));
const cosine = { initialLearningRate: 0.2, decaySteps: 10, alpha: 0.1, warmupTarget: 0.4 };
for (const [name, make] of [
  lowered("lowered", () => optimizers.adam(rate)),
  lowered("lowered-cosine", () =>
    optimizers.sgd({ learningRate: schedules.cosineDecay({ ...cosine, warmupSteps: 5 }) }),
  ),
  lowered("lowered-cycle", shared.oneCycle),
])
  await add(name, make());
await add("unused", compiled(stack(), optimizers.nadam(keras)), { steps: 0 });
await add("uncompiled", stack());
await add("frozen", compiled(stack(true), optimizers.adam(rate)));
await add("ends", compiled(ends(), optimizers.adam(rate)));
await add("custom", compiled(custom(), optimizers.adam(rate)));
await add("chain", chain());
await add("merges", merges());
// The book's Nadam: Keras says that it ignores the decay.
await add("nadam-book", compiled(stack(), optimizers.nadam(rate)), {
  isShared: false,
  warns: "decay",
});
// Rules that Keras lacks: it reads the model, and trains by its own.
const unlike = {
  coupled: () => optimizers.adam({ ...rate, weightDecay: 0.1, weightDecayMode: "coupled" }),
  pytorch: () =>
    optimizers.sgd({ ...rate, momentum: 0.9, momentumOf: "gradients", dampening: 0.1 }),
  corrected: () => optimizers.adam({ ...rate, biasCorrection: "moments" }),
  outside: () => optimizers.rmsprop({ ...rate, epsilonPlace: "outside" }),
};
for (const [name, make] of Object.entries(unlike))
  await add(name, compiled(stack(), make()), { isShared: false });

writeFileSync(join(folder, "models.json"), JSON.stringify(all));
await engine.close();
