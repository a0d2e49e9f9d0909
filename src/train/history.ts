/** What a fit leaves behind. */
import type { Logs } from "../model/totals.ts";

/** The numbers of each epoch of a fit. */
export class History {
  /** By name, one number for each epoch: `history.valLoss[3]` belongs to epoch 3. */
  readonly history: Record<string, number[]> = {};
  /** The epochs, from 0. */
  readonly epoch: number[] = [];

  /** Appends an epoch. */
  add(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= [];
      this.history[name].push(value);
    }
  }
}
