/** What callbacks remember of a fit, as plain data. */
import { describe, ValueError } from "../../base/errors.ts";
import { type Field, optional, readOptions, whole } from "../../nn/fields.ts";
import type { Callback } from "../callbacks.ts";

/** Plain data: it survives `JSON.stringify`. */
export type CallbackState = Readonly<Record<string, number | string | null>>;

/** A callback that remembers something from epoch to epoch. */
export interface StatefulCallback extends Callback {
  /** What it must remember to go on later where it is now. */
  getState(): CallbackState;
  /**
   * The next fit goes on from this state, instead of from the beginning.
   *
   * @throws ValueError, NameError where it is no state of such a callback
   */
  setState(state: CallbackState): void;
}

/** A count in a state. */
export const count = whole(undefined, 0);

/** A number in a state that may be missing; JSON has no NaN and no infinities. */
export const value: Field<number | undefined> = optional<number>({
  read: (given, name, who) => {
    const found = typeof given === "string" && given !== "" ? Number(given) : given;
    const isName = typeof given === "string" && String(found) === given;
    if (typeof found === "number" && (typeof given === "number" || isName)) return found;
    throw new ValueError({ who, expected: `${name} must be a number`, received: describe(given) });
  },
});

/** Such a number as JSON can hold it. */
export const written = (number: number | undefined): number | string | null => {
  if (number === undefined) return null;
  return Number.isFinite(number) ? number : String(number);
};

/** Reads a state with these fields. */
export const readState = readOptions;
