/** Checks of what users pass as options: a misspelt or impossible one is an error at once. */
import { describe, NameError, ValueError } from "../base/errors.ts";

/** For each option its default; undefined where there is none. */
type Defaults<T> = { readonly [K in keyof T]-?: T[K] | undefined };

/** Options with the defaults filled in: what has a default is never undefined. */
export type Settings<T, D> = {
  [K in keyof D]: K extends keyof T
    ? undefined extends T[K]
      ? undefined extends D[K]
        ? T[K]
        : Exclude<T[K], undefined>
      : T[K]
    : never;
};

/**
 * `options` with `defaults` where an option is absent or undefined. `defaults` names every option.
 *
 * @throws NameError where an option is not one of them, with the nearest one
 * @throws ValueError where `options` is no object
 */
export function settings<T extends object, const D extends Defaults<T>>(
  options: T,
  defaults: D,
  who: string,
): Settings<T, D> {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new ValueError({
      who,
      expected: "options must be an object",
      received: describe(options),
      fix: `Options: ${Object.keys(defaults).join(", ")}.`,
    });
  for (const name of Object.keys(options))
    if (!Object.hasOwn(defaults, name))
      throw new NameError({
        who,
        expected: "option names must be known",
        received: describe(name),
        known: Object.keys(defaults),
      });
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(given) } as Settings<T, D>;
}

/** Throws a ValueError unless `value` is a whole number of at least `least`. */
export function checkWhole(value: unknown, name: string, who: string, least = 1): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new ValueError({
      who,
      expected: `${name} must be a whole number of at least ${least}`,
      received: describe(value),
    });
}

/** What a number may be: `[0, 1)` is `{ from: 0, below: 1 }`. */
export interface Range {
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  readonly below?: number;
}

/** Throws a ValueError unless `value` is a finite number in `range`. */
export function checkNumber(
  value: unknown,
  name: string,
  who: string,
  range: Range = {},
  fix?: string,
): void {
  const { from, above, to, below } = range;
  const fits =
    typeof value === "number" &&
    Number.isFinite(value) &&
    (from === undefined || value >= from) &&
    (above === undefined || value > above) &&
    (to === undefined || value <= to) &&
    (below === undefined || value < below);
  if (fits) return;
  throw new ValueError({
    who,
    expected: `${name} must be ${formatRange(range)}`,
    received: describe(value),
    fix,
  });
}

function formatRange({ from, above, to, below }: Range): string {
  if ((to ?? below) === undefined) {
    if (from !== undefined) return `a finite number of at least ${from}`;
    return above === undefined ? "a finite number" : `a finite number above ${above}`;
  }
  const left = from === undefined ? `(${above ?? "-inf"}` : `[${from}`;
  return `in ${left}, ${to === undefined ? `${below})` : `${to}]`}`;
}

/** Throws a ValueError unless `value` is true or false. */
export function checkBoolean(value: unknown, name: string, who: string): void {
  if (typeof value !== "boolean")
    throw new ValueError({
      who,
      expected: `${name} must be true or false`,
      received: describe(value),
    });
}
