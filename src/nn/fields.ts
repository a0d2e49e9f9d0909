/**
 * Options declared once, as fields: the default, the check, and the form in Keras's configs. What
 * every part and layer has of options (settings, errors, files) comes from these tables.
 */
import { describe, NameError, ShapeError, ValueError } from "../base/errors.ts";
import { checkBoolean, checkNumber, checkWhole, type Range } from "./options.ts";

/** A value in a config: what JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Brings parts inside a config back: see `deserialize`. */
export type CustomObjects = Readonly<Record<string, unknown>>;

/** One option. */
export interface Field<T = unknown> {
  /** What an absent option means, as a user would write it; undefined: `read` decides. */
  readonly initial?: unknown;
  /** Checks what came and returns what is kept. Errors name `who` and the option. */
  read(value: unknown, name: string, who: string): T;
  /** The key in Keras's config. Default: the name in snake case; null: Keras has none. */
  readonly key?: string | null;
  /** Older keys that configs may have instead, e.g. `lr`. */
  readonly oldKeys?: readonly string[];
  /** Keras has no such option, and refuses a config with its key. */
  readonly isOwn?: boolean;
  /** The value in a config. Default: as it is, undefined as null. */
  write?(value: T): Json;
  /** What `read` takes, of the value in a config. Default: as it is, null as undefined. */
  parse?(value: Json, custom: CustomObjects): unknown;
}

/** A field for each option. */
export type Fields<Options = Record<string, unknown>> = {
  readonly [K in keyof Options]-?: Field;
};

/** What the fields' `read` return. */
export type ValuesOf<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/**
 * The options in full, each checked.
 *
 * @throws NameError where an option is not one of the fields, with the nearest one
 * @throws ValueError, ShapeError where a value is impossible
 */
export function readOptions<const F extends Fields>(
  fields: F,
  options: object,
  who: string,
): ValuesOf<F> {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new ValueError({
      who,
      expected: "options must be an object",
      received: describe(options),
      fix: `Options: ${Object.keys(fields).join(", ") || "none"}.`,
    });
  for (const name of Object.keys(options))
    if (!Object.hasOwn(fields, name))
      throw new NameError({
        who,
        expected: "option names must be known",
        received: describe(name),
        known: Object.keys(fields),
      });
  const given = options as Record<string, unknown>;
  const values = Object.entries(fields).map(([name, field]) => {
    const value = given[name] === undefined ? field.initial : given[name];
    return [name, field.read(value, name, who)];
  });
  return Object.fromEntries(values) as ValuesOf<F>;
}

/** A finite number in `range`. */
export const number = (initial?: number, range: Range = {}, fix?: string): Field<number> => ({
  initial,
  read: (value, name, who) => {
    checkNumber(value, name, who, range, fix);
    return value as number;
  },
});

/** A whole number of at least `least`. */
export const whole = (initial?: number, least = 1): Field<number> => ({
  initial,
  read: (value, name, who) => {
    checkWhole(value, name, who, least);
    return value as number;
  },
});

/** True or false. */
export const boolean = (initial?: boolean): Field<boolean> => ({
  initial,
  read: (value, name, who) => {
    checkBoolean(value, name, who);
    return value as boolean;
  },
});

/**
 * One of a few words.
 *
 * @param written how Keras spells them, where that is not the same: `{ fanIn: "fan_in" }`
 */
export const choice = <const T extends string>(
  words: readonly T[],
  initial?: NoInfer<T>,
  written: Readonly<Record<string, string>> = {},
): Field<T> => ({
  initial,
  read: (value, name, who) => {
    if ((words as readonly unknown[]).includes(value)) return value as T;
    throw new NameError({
      who,
      expected: `${name} must be one of ${words.map((word) => `"${word}"`).join(", ")}`,
      received: describe(value),
      known: words,
    });
  },
  write: (value) => written[value] ?? value,
  parse: (value) => words.find((word) => (written[word] ?? word) === value) ?? value,
});

/** A text that is not empty. */
export const text = (initial?: string): Field<string> => ({
  initial,
  read: (value, name, who) => {
    if (typeof value === "string" && value !== "") return value;
    throw new ValueError({ who, expected: `${name} must be a text`, received: describe(value) });
  },
});

/** A whole number that may be negative: a dimension, counted from the end. */
export const dimension = (initial?: number): Field<number> => ({
  initial,
  read: (value, name, who) => {
    if (Number.isSafeInteger(value)) return value as number;
    throw new ValueError({
      who,
      expected: `${name} must be a whole number`,
      received: describe(value),
    });
  },
});

/** A shape: whole numbers of at least `least`. */
export const shape = (initial?: readonly number[], least = 1): Field<readonly number[]> => ({
  initial,
  read: (value, name, who) => {
    const fits =
      Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= least);
    if (fits) return [...value] as readonly number[];
    throw new ShapeError({
      who,
      expected: `${name} must be an array of whole numbers of at least ${least}`,
      received: describe(value),
    });
  },
});

/** A list, each element read as `field` reads it. */
export const list = <T>(field: Field<T>, initial?: readonly unknown[]): Field<readonly T[]> => ({
  initial,
  read: (value, name, who) => {
    if (Array.isArray(value)) return value.map((one, i) => field.read(one, `${name}[${i}]`, who));
    throw new ValueError({ who, expected: `${name} must be an array`, received: describe(value) });
  },
  write: (values) => values.map((value) => (field.write ? field.write(value) : (value as Json))),
  parse: (values, custom) =>
    Array.isArray(values)
      ? values.map((value) => (field.parse ? field.parse(value, custom) : value))
      : values,
});

/** The field, or nothing: undefined and null mean that the option is off. */
export const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  ...field,
  read: (value, name, who) =>
    value === undefined || value === null ? undefined : field.read(value, name, who),
  write: (value) =>
    value === undefined ? null : field.write ? field.write(value) : (value as Json),
  parse: (value, custom) =>
    value === null ? undefined : field.parse ? field.parse(value, custom) : value,
});

/** The field under another key in Keras's configs; null: not written there. */
export const keyed = <T>(
  key: string | null,
  field: Field<T>,
  oldKeys: readonly string[] = [],
): Field<T> => ({ ...field, key, oldKeys });
