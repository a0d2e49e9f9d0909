/** What a fit leaves behind. */
import { DataError } from "../base/errors.ts";
import type { Logs } from "../model/totals.ts";
import { list, type ValuesOf } from "../nn/fields.ts";
import { type CallbackState, count, readState, value, written } from "./state.ts";

const fields = { epoch: list(count) };

/**
 * The numbers of each epoch of a fit. It is a callback, as in Keras: `fit` has its own, which it
 * returns, and which is `model.history` from the start.
 */
export class History {
  /** By name, one number for each epoch: `history.valLoss[3]` belongs to epoch 3. */
  readonly history: Record<string, number[]> = {};
  /** The epochs, from 0. */
  readonly epoch: number[] = [];
  #goesOn = false;

  onTrainBegin(): void {
    if (!this.#goesOn) this.#clear();
    this.#goesOn = false;
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    this.add(epoch, logs);
  }

  /** Appends an epoch. */
  add(epoch: number, logs: Logs): void {
    this.epoch.push(epoch);
    for (const [name, value] of Object.entries(logs)) {
      this.history[name] ??= [];
      this.history[name].push(value);
    }
  }

  #clear(): void {
    this.epoch.length = 0;
    for (const name of Object.keys(this.history)) delete this.history[name];
  }

  getState(): CallbackState {
    const columns = Object.entries(this.history);
    return {
      epoch: [...this.epoch],
      history: Object.fromEntries(columns.map(([name, all]) => [name, all.map(written)])),
    };
  }

  /** The next fit adds to these epochs. Throws a ValueError where it is no such state. */
  setState({ epoch, history }: CallbackState): void {
    const who = "History setState";
    const found: ValuesOf<typeof fields> = readState(fields, { epoch }, who);
    if (typeof history !== "object" || history === null)
      throw new DataError({ who, expected: "history must be an object", received: `${history}` });
    const columns = Object.keys(history).map((name) => [name, list(value)] as const);
    const numbers = readState(Object.fromEntries(columns), history, who);
    this.#clear();
    this.epoch.push(...found.epoch);
    for (const [name, all] of Object.entries(numbers))
      this.history[name] = all.map((one) => one ?? Number.NaN);
    this.#goesOn = true;
  }
}
