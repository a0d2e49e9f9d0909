/** Plain data that a fit is remembered with, and how numbers and counts in it are read. */
import { describe, ValueError } from "../base/errors.ts";
import { type HostArray, isHostArray } from "../base/host-array.ts";
import { type Field, optional, readOptions, whole } from "../nn/fields.ts";

/** What a state may hold: what JSON can, any number, and arrays. */
export type StateValue =
  | null
  | boolean
  | number
  | string
  | HostArray
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** Plain data and arrays: a file can hold it. */
export type CallbackState = Readonly<Record<string, StateValue>>;

/** A count in a state. */
export const count = whole(undefined, 0);

/** An array in a state. */
export const array: Field<HostArray> = {
  read: (given, name, who) => {
    if (isHostArray(given)) return given;
    throw new ValueError({ who, expected: `${name} must be an array`, received: describe(given) });
  },
};

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
