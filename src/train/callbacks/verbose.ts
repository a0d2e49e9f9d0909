/** What callbacks tell while they work. */
import { describe, ValueError } from "../../base/errors.ts";
import type { Field } from "../../nn/fields.ts";

/** The option `verbose`: 0 is silent, 1 tells what the callback does. */
export const verboseField: Field<0 | 1> = {
  initial: 0,
  read: (value, name, who) => {
    if (value === 0 || value === 1) return value;
    throw new ValueError({ who, expected: `${name} must be 0 or 1`, received: describe(value) });
  },
};

/** Prints a line. */
export const say = (text: string): void => console.log(text);

/** Prints a line below a progress bar, which stays as it is. */
export const sayBelow = (text: string): void => say(`\n${text}`);
