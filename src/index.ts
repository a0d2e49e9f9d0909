/** Antler: deep learning in TypeScript. This file only names what is public. */
export { type ValueAndGradients, valueAndGradients } from "./api/eager.ts";
export { type FromJsonOptions, modelFromJson } from "./api/from-json.ts";
export { type FunctionalOptions, model } from "./api/functional.ts";
export { type LoadModelOptions, loadModel } from "./api/load-model.ts";
export { type LoadWeightsOptions, Model, type SummaryOptions } from "./api/model.ts";
export type { ModelOptions } from "./api/options.ts";
export { Sequential, sequential } from "./api/sequential.ts";
export type { DataChunk, Dataset } from "./base/dataset.ts";
export type { DType, TypedArray } from "./base/dtype.ts";
export {
  AntlerError,
  DataError,
  DeviceError,
  MemoryError,
  NameError,
  ShapeError,
  StateError,
  ValueError,
} from "./base/errors.ts";
export type { ArrayInput, HostArray, NestedNumbers } from "./base/host-array.ts";
export type { Shape } from "./base/shape.ts";
export * as datasets from "./data/datasets.ts";
export type { CompileOptions } from "./model/compiled.ts";
export type { WeightOptions } from "./model/data.ts";
export type { BatchOptions, EvaluateOptions } from "./model/evaluate.ts";
export type { McPredictOptions } from "./model/mc-predict.ts";
export type { McPrediction } from "./model/mc-totals.ts";
export type { DataInput } from "./model/rows.ts";
export type { SelfNormalizingOptions, SelfNormalizingReport } from "./model/self-normalizing.ts";
export type { Logs } from "./model/totals.ts";
export type { AxisOptions } from "./nn/activations/along.ts";
export type {
  LeakyReluOptions,
  ReluOptions,
  ShrinkOptions,
  ThresholdOptions,
} from "./nn/activations/piecewise.ts";
export type {
  CeluOptions,
  EluOptions,
  GeluOptions,
  SquareplusOptions,
} from "./nn/activations/smooth.ts";
export type {
  Activation,
  ActivationFunction,
  ActivationInput,
  ActivationName,
} from "./nn/activations.ts";
export { configText } from "./nn/config-text.ts";
export type {
  Constraint,
  ConstraintFunction,
  ConstraintInput,
  MaxNormOptions,
  MinMaxNormOptions,
  NormOptions,
} from "./nn/constraints.ts";
export type { CallContext, LayerRandom, PreActivation } from "./nn/context.ts";
export * as fields from "./nn/fields.ts";
export type { ConstantOptions, IdentityOptions } from "./nn/initializers/constants.ts";
export type { NormalOptions, OrthogonalOptions, UniformOptions } from "./nn/initializers/draws.ts";
export type { FanOptions, VarianceScalingOptions } from "./nn/initializers/scaling.ts";
export type { SeedOptions } from "./nn/initializers/seeded.ts";
export type {
  Initializer,
  InitializerContext,
  InitializerFunction,
  InitializerInput,
  InitializerName,
} from "./nn/initializers.ts";
export {
  type AnyLayer,
  type ApplyOptions,
  type BuildContext,
  Layer,
  type LayerOptions,
  layerFields,
  type WeightOptions as LayerWeightOptions,
} from "./nn/layer.ts";
export { deserializeLayer, serializeLayer } from "./nn/layer-registry.ts";
export { input } from "./nn/layers/input.ts";
export * as layers from "./nn/layers/public.ts";
export type {
  LibraryLoss,
  Loss,
  LossCallOptions,
  LossContext,
  LossFunction,
  Reduction,
} from "./nn/loss.ts";
export type {
  BinaryCrossentropyOptions,
  CategoricalCrossentropyOptions,
  SparseCategoricalCrossentropyOptions,
} from "./nn/losses/crossentropy.ts";
export type { LossOptions } from "./nn/losses/entry.ts";
export type {
  BinaryFocalCrossentropyOptions,
  CategoricalFocalCrossentropyOptions,
} from "./nn/losses/focal.ts";
export type { CosineSimilarityOptions, HuberOptions } from "./nn/losses/regression.ts";
export type { LossInput, LossName } from "./nn/losses.ts";
export {
  type Contribution,
  Metric,
  type MetricContext,
  type MetricFunction,
  type MetricRule,
  meanRule,
  type UpdateOptions,
} from "./nn/metric.ts";
export type {
  BinaryAccuracyOptions,
  SparseTopKOptions,
  TopKOptions,
} from "./nn/metrics/accuracy.ts";
export type { ConfusionOptions, PrecisionOptions } from "./nn/metrics/confusion.ts";
export type {
  AucOptions,
  PrecisionAtRecallOptions,
  RecallAtPrecisionOptions,
  SensitivityAtSpecificityOptions,
  SpecificityAtSensitivityOptions,
} from "./nn/metrics/curves.ts";
export type { MetricOptions } from "./nn/metrics/entry.ts";
export type {
  BinaryCrossentropyMetricOptions,
  CategoricalCrossentropyMetricOptions,
  SparseCategoricalCrossentropyMetricOptions,
} from "./nn/metrics/means.ts";
export type { F1ScoreOptions, FBetaScoreOptions, R2ScoreOptions } from "./nn/metrics/scores.ts";
export type { ValueMetric } from "./nn/metrics/values.ts";
export type { MetricInput, MetricName } from "./nn/metrics.ts";
export { Optimizer, type OptimizerEntry, type OptimizerOptions } from "./nn/optimizer.ts";
export type {
  AdamaxOptions,
  AdamOptions,
  MomentsOptions,
  NadamOptions,
} from "./nn/optimizers/adam.ts";
export type {
  AdadeltaOptions,
  AdagradOptions,
  FtrlOptions,
  RmspropOptions,
  RootOptions,
} from "./nn/optimizers/adaptive.ts";
export type { CommonOptions } from "./nn/optimizers/common.ts";
export type { LionOptions, MomentumOptions, SgdOptions } from "./nn/optimizers/descent.ts";
export type { BaseOptions } from "./nn/optimizers/entry.ts";
export type { OptimizerInput, OptimizerName } from "./nn/optimizers.ts";
export {
  activations,
  type Codec,
  constraints,
  initializers,
  losses,
  metrics,
  optimizers,
  regularizers,
  schedules,
} from "./nn/registries.ts";
export type {
  L1L2Options,
  L1Options,
  L2Options,
  OrthogonalRegularizerOptions,
  Regularizer,
  RegularizerFunction,
  RegularizerInput,
} from "./nn/regularizers.ts";
export type { CosineDecayOptions, CosineDecayRestartsOptions } from "./nn/schedules/cosine.ts";
export type {
  ExponentialDecayOptions,
  PiecewiseConstantDecayOptions,
  PolynomialDecayOptions,
  PowerDecayOptions,
} from "./nn/schedules/decay.ts";
export type { OneCycleOptions } from "./nn/schedules/one-cycle.ts";
export type { LearningRateInput, Schedule, ScheduleFunction } from "./nn/schedules.ts";
export { setRandomSeed } from "./nn/seed.ts";
export type {
  SelfNormalizing,
  SelfNormalizingProblem,
  SelfNormalizingSignal,
} from "./nn/self-normalizing.ts";
export {
  type RegisterOptions,
  registerSerializable,
  type Serialized,
} from "./nn/serialization.ts";
export { SymbolicTensor } from "./nn/symbolic.ts";
export type { TargetKind, TargetShapes } from "./nn/targets.ts";
export type { Slot, StepInfo, Transform, UpdateContext } from "./nn/transforms.ts";
export * as transforms from "./nn/transforms.ts";
export {
  defaultEngine,
  Engine,
  type EngineOptions,
  Snapshot,
  setDefaultEngine,
} from "./runtime/engine.ts";
export * as ops from "./tensor/composites.ts";
export { Tensor } from "./tensor/tensor.ts";
export { Trace } from "./tensor/trace.ts";
export { Variable } from "./tensor/variable.ts";
export * as callbacks from "./train/callbacks/index.ts";
export type { Callback, FitParams, TrainedModel } from "./train/callbacks.ts";
export type { DataPosition, FitControl, FitState, LogKeys } from "./train/fit-control.ts";
export type { FitOptions } from "./train/fit-options.ts";
export { History } from "./train/history.ts";
export type { FileInput } from "./train/saving/load.ts";
export type { FileFormat, SaveOptions } from "./train/saving/save.ts";
