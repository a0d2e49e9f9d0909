/** Exercise 8, part e, without retraining: Monte Carlo dropout with the model of 8e-alpha-dropout.ts. */
import {
  type CallContext,
  datasets,
  type HostArray,
  layers,
  loadModel,
  type Model,
  sequential,
  setRandomSeed,
  type Tensor,
} from "antler";
import { standardize, statistics } from "./standardize.ts";

class MCAlphaDropout extends layers.AlphaDropout {
  override call(x: Tensor, context: CallContext): Tensor {
    return super.call(x, { ...context, sampling: true });
  }
}

async function mcDropoutPredictProbas(mcModel: Model, x: HostArray, nSamples = 10) {
  const samples: HostArray[] = [];
  for (let i = 0; i < nSamples; i++) samples.push(await mcModel.predict(x));
  const sums = new Float64Array(samples[0].data.length);
  for (const { data } of samples) for (let i = 0; i < sums.length; i++) sums[i] += data[i];
  return { data: sums.map((sum) => sum / nSamples), shape: samples[0].shape };
}

const mcDropoutPredictClasses = async (mcModel: Model, x: HostArray, nSamples = 10) =>
  argmax(await mcDropoutPredictProbas(mcModel, x, nSamples));

/** The most probable class of each row. */
const argmax = ({ data, shape: [rows, classes] }: HostArray) =>
  Array.from({ length: rows }, (_, i) => {
    const probas = data.subarray(i * classes, (i + 1) * classes);
    return probas.indexOf(Math.max(...probas));
  });

const accuracyOf = (predicted: number[], y: HostArray) =>
  predicted.filter((label, i) => label === y.data[i]).length / predicted.length;

setRandomSeed(9527);

const { train, validation } = await datasets.cifar10();
const validationScaled = standardize(validation.x, statistics(train.x));

const model = await loadModel("my_cifar10_alpha_dropout_model.keras");
const mcModel = sequential(
  model.layers.map((layer) =>
    layer instanceof layers.AlphaDropout ? new MCAlphaDropout({ rate: layer.rate }) : layer,
  ),
);
const yPred = await mcDropoutPredictClasses(mcModel, validationScaled);
console.log("mean of 10 samples: accuracy", accuracyOf(yPred, validation.y));

// The library's own: the layers before the noise run once, however many the samples are.
const { mean, mutualInformation } = await model.mcPredict(validationScaled, { samples: 100 });
console.log("mcPredict, 100 samples: accuracy", accuracyOf(argmax(mean), validation.y));
const nats = Array.from(mutualInformation!.data); // how far the samples disagree, for each image
console.log("mean mutual information", nats.reduce((sum, n) => sum + n, 0) / nats.length);
