/** Antler: deep learning in TypeScript. This file only names what is public. */
export { Model, type SummaryOptions } from "./api/model.ts";
export { type ModelOptions, Sequential, sequential } from "./api/sequential.ts";
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
export type { BatchOptions } from "./model/evaluate.ts";
export type { CompileOptions } from "./model/net.ts";
export type { Logs } from "./model/totals.ts";
export {
  type Activation,
  type ActivationFunction,
  type ActivationInput,
  type ActivationName,
  activations,
} from "./nn/activations.ts";
export type { CallContext, LayerRandom, PreActivation } from "./nn/context.ts";
export {
  type Initializer,
  type InitializerContext,
  type InitializerFunction,
  type InitializerInput,
  type InitializerName,
  initializers,
} from "./nn/initializers.ts";
export { type BuildContext, Layer, type LayerOptions, type WeightOptions } from "./nn/layer.ts";
export * as layers from "./nn/layers/index.ts";
export {
  type Loss,
  type LossContext,
  type LossFunction,
  type LossInput,
  type LossName,
  losses,
} from "./nn/losses.ts";
export {
  type Metric,
  type MetricFunction,
  type MetricInput,
  type MetricName,
  metrics,
} from "./nn/metrics.ts";
export { Optimizer, type OptimizerOptions } from "./nn/optimizer.ts";
export { type OptimizerInput, type OptimizerName, optimizers } from "./nn/optimizers.ts";
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
export type { Callback, FitParams, TrainedModel } from "./train/callbacks.ts";
export type { FitOptions } from "./train/fit.ts";
export { History } from "./train/history.ts";
