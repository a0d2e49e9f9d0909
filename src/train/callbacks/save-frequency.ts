/** When something is saved: after each epoch, or after every so many steps. */
import { describe, ValueError } from "../../base/errors.ts";
import type { Field } from "../../nn/fields.ts";

/** `"epoch"`, or a count of steps. */
export type SaveFrequency = "epoch" | number;

export const frequencyField: Field<SaveFrequency> = {
  initial: "epoch",
  read: (value, name, who) => {
    if (value === "epoch" || (Number.isSafeInteger(value) && (value as number) >= 1))
      return value as SaveFrequency;
    throw new ValueError({
      who,
      expected: `${name} must be "epoch" or a whole number of steps of at least 1`,
      received: describe(value),
    });
  },
};

/** Counts steps over epochs, as Keras does: a step that is not after the last one begins a new epoch. */
export class StepCounter {
  readonly every: number;
  /** Steps since the last time. */
  since = 0;
  /** The last step that was counted. */
  last: number | undefined;

  constructor(every: number) {
    this.every = every;
  }

  /** Counts up to this step, from 0 in its epoch; whether it is time. */
  isDue(step: number): boolean {
    this.since += this.#upTo(step);
    this.last = step;
    if (this.since < this.every) return false;
    this.since = 0;
    return true;
  }

  /** The step, from this one on, at which it will be time. */
  next(step: number): number {
    return step + Math.max(this.every - this.since - this.#upTo(step), 0);
  }

  #upTo(step: number): number {
    return this.last === undefined || step <= this.last ? step + 1 : step - this.last;
  }
}
