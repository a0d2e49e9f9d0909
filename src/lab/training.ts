/** The fit of a run, with the callbacks of the exercise. */
import type { Model } from "../api/model.ts";
import type { ImageDataset } from "../data/images.ts";
import { backupAndRestore } from "../train/callbacks/backup-and-restore.ts";
import { csvLogger } from "../train/callbacks/csv-logger.ts";
import { earlyStopping } from "../train/callbacks/early-stopping.ts";
import { modelCheckpoint } from "../train/callbacks/model-checkpoint.ts";
import { tensorBoard } from "../train/callbacks/tensor-board.ts";
import type { Callback } from "../train/callbacks.ts";
import type { History } from "../train/history.ts";
import { type RunFolder, runFiles } from "./run-folder.ts";
import type { RunIdentity } from "./run-identity.ts";
import { trainings } from "./settings.ts";

/** What is trained, and where it is written. */
export interface TrainingParts {
  readonly model: Model;
  readonly pictures: ImageDataset;
  readonly identity: RunIdentity;
  readonly folder: RunFolder;
  /** Goes first: a folder with anything in it has a record. */
  readonly keeper: Callback;
  /** Goes before the others, whose work is in its times. */
  readonly recorder: Callback;
  /** Come last. */
  readonly callbacks: readonly Callback[];
  readonly signal: AbortSignal;
}

/** Trains, from the last whole epoch on that is in the folder, and returns the whole history. */
export function train(parts: TrainingParts): Promise<History> {
  const { model, pictures, identity, folder, signal } = parts;
  const { variant, epochs, batchSize } = identity.options;
  const { patience } = trainings[variant];
  const { train, validation } = pictures;
  return model.fit(train.x, train.y, {
    epochs,
    batchSize,
    validationData: [validation.x, validation.y],
    callbacks: [
      parts.keeper,
      parts.recorder,
      ...(patience === null ? [] : [earlyStopping({ patience })]),
      csvLogger(folder.file("history")),
      tensorBoard(folder.file("logs")),
      modelCheckpoint(folder.file("best"), { saveBestOnly: true }),
      backupAndRestore(folder.path, {
        fileName: runFiles.last,
        deleteCheckpoint: false,
        identity: { run: identity.name },
      }),
      ...parts.callbacks,
    ],
    signal,
  });
}
