import { describe, ValueError } from "../base/errors.ts";

/** Throws a ValueError unless the option `name` of `who` is a whole number from `min` to `max`. */
export function checkCount(
  who: string,
  name: string,
  value: number,
  min: number,
  max: number,
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new ValueError({
    who,
    expected: `${name} must be a whole number from ${min} to ${max}`,
    received: describe(value),
  });
}
