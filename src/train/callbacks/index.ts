/** All callbacks: each class beside its factory. To add one, add its file and a line here. */
export {
  BackupAndRestore,
  type BackupAndRestoreOptions,
  backupAndRestore,
  type FitIdentity,
} from "./backup-and-restore.ts";
export { CSVLogger, type CSVLoggerOptions, csvLogger } from "./csv-logger.ts";
export { EarlyStopping, type EarlyStoppingOptions, earlyStopping } from "./early-stopping.ts";
export { LambdaCallback, type LambdaCallbackOptions, lambdaCallback } from "./lambda-callback.ts";
export {
  type EpochSchedule,
  LearningRateScheduler,
  type LearningRateSchedulerOptions,
  learningRateScheduler,
} from "./learning-rate-scheduler.ts";
export {
  ModelCheckpoint,
  type ModelCheckpointOptions,
  modelCheckpoint,
} from "./model-checkpoint.ts";
export { Monitor, type MonitorOptions } from "./monitor.ts";
export { ProgbarLogger, progbarLogger } from "./progbar-logger.ts";
export {
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
} from "./reduce-lr-on-plateau.ts";
export type { SaveFrequency } from "./save-frequency.ts";
export type { CallbackState, StatefulCallback, StateValue } from "./state.ts";
export { TensorBoard, type TensorBoardOptions, tensorBoard } from "./tensor-board.ts";
export { TerminateOnNaN, type TerminateOnNaNOptions, terminateOnNaN } from "./terminate-on-nan.ts";
