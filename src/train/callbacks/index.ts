/** All callbacks: each class beside its factory. To add one, add its file and a line here. */
export { CSVLogger, type CSVLoggerOptions, csvLogger } from "./csv-logger.ts";
export { EarlyStopping, type EarlyStoppingOptions, earlyStopping } from "./early-stopping.ts";
export { LambdaCallback, type LambdaCallbackOptions, lambdaCallback } from "./lambda-callback.ts";
export {
  type EpochSchedule,
  LearningRateScheduler,
  type LearningRateSchedulerOptions,
  learningRateScheduler,
} from "./learning-rate-scheduler.ts";
export { Monitor, type MonitorOptions } from "./monitor.ts";
export { ProgbarLogger, progbarLogger } from "./progbar-logger.ts";
export {
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
} from "./reduce-lr-on-plateau.ts";
export type { CallbackState, StatefulCallback } from "./state.ts";
export { TerminateOnNaN, type TerminateOnNaNOptions, terminateOnNaN } from "./terminate-on-nan.ts";
