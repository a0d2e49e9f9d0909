/** Keys of Keras's configs for what is not here: read where they ask for nothing. */
import { describe, ValueError } from "../../base/errors.ts";
import type { Field, Json } from "../fields.ts";

/**
 * A key that may only have the value that turns the thing off.
 *
 * @param instead what a user who wants it is told
 */
export const only = <T extends Json>(value: T, instead: string): Field<T | undefined> => ({
  initial: value ?? undefined,
  read: (given, name, who) => {
    if (given === undefined || given === value) return value;
    throw new ValueError({
      who,
      expected: `${name} must be ${describe(value)}`,
      received: describe(given),
      fix: instead,
    });
  },
});
