/** All layers: each class beside its factory. To add one, add its file and a line here. */
export { Layer, type LayerOptions } from "../layer.ts";
export { Activation, type ActivationOptions, activation } from "./activation.ts";
export {
  ActivityRegularization,
  type ActivityRegularizationOptions,
  activityRegularization,
} from "./activity-regularization.ts";
export { Add, add } from "./add.ts";
export { AlphaDropout, type AlphaDropoutOptions, alphaDropout } from "./alpha-dropout.ts";
export { Average, average } from "./average.ts";
export {
  BatchNormalization,
  type BatchNormalizationOptions,
  batchNormalization,
} from "./batch-normalization.ts";
export { Concatenate, type ConcatenateOptions, concatenate } from "./concatenate.ts";
export { Dense, type DenseOptions, dense } from "./dense.ts";
export { Dot, type DotOptions, dot } from "./dot.ts";
export { Dropout, type DropoutOptions, dropout } from "./dropout.ts";
export { ELU, type ELUOptions, elu } from "./elu.ts";
export { Flatten, type FlattenOptions, flatten } from "./flatten.ts";
export {
  GaussianDropout,
  type GaussianDropoutOptions,
  gaussianDropout,
} from "./gaussian-dropout.ts";
export { GaussianNoise, type GaussianNoiseOptions, gaussianNoise } from "./gaussian-noise.ts";
export { InputLayer, type InputOptions, inputLayer as input } from "./input.ts";
export {
  LayerNormalization,
  type LayerNormalizationOptions,
  layerNormalization,
} from "./layer-normalization.ts";
export { LeakyReLU, type LeakyReLUOptions, leakyRelu } from "./leaky-relu.ts";
export { Maximum, maximum } from "./maximum.ts";
export type { MergeOptions } from "./merge.ts";
export { Minimum, minimum } from "./minimum.ts";
export { Multiply, multiply } from "./multiply.ts";
export { Normalization, type NormalizationOptions, normalization } from "./normalization.ts";
export { Permute, type PermuteOptions, permute } from "./permute.ts";
export { PReLU, type PReLUOptions, prelu } from "./prelu.ts";
export { ReLU, type ReLUOptions, relu } from "./relu.ts";
export { Rescaling, type RescalingOptions, rescaling } from "./rescaling.ts";
export { Reshape, type ReshapeOptions, reshape } from "./reshape.ts";
export {
  RMSNormalization,
  type RMSNormalizationOptions,
  rmsNormalization,
} from "./rms-normalization.ts";
export { Softmax, type SoftmaxOptions, softmax } from "./softmax.ts";
export { Subtract, subtract } from "./subtract.ts";
export {
  UnitNormalization,
  type UnitNormalizationOptions,
  unitNormalization,
} from "./unit-normalization.ts";
