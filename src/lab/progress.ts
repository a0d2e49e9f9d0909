/** What the history of a run says of it. */
import type { History } from "../train/history.ts";

/** How far a run is, and its best epoch. */
export interface RunProgress {
  /** Whole epochs. */
  readonly epochs: number;
  readonly best: BestEpoch;
}

/** The epoch with the lowest validation loss. */
export interface BestEpoch {
  /** From 1. */
  readonly bestEpoch: number;
  readonly valLoss: number;
  readonly valAccuracy: number;
}

/** Undefined before the end of the first epoch. */
export function progressOf({ epoch, history }: History): RunProgress | undefined {
  if (epoch.length === 0) return undefined;
  const { valLoss, valAccuracy } = history;
  let best = 0;
  for (let i = 1; i < epoch.length; i++) if (isLower(valLoss[i], valLoss[best])) best = i;
  return {
    epochs: epoch.length,
    best: { bestEpoch: best + 1, valLoss: valLoss[best], valAccuracy: valAccuracy[best] },
  };
}

/** As the checkpoint compares: in float32, and nothing is lower than NaN. */
const isLower = (a: number, b: number): boolean => Math.fround(a) < Math.fround(b);
