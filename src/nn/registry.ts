/**
 * Parts by name: activations, initializers, regularizers, constraints, losses, metrics, schedules,
 * optimizers. A part is one entry in its registry; its options are declared once, as fields.
 */
import { describe, NameError, ValueError } from "../base/errors.ts";
import { type Fields, readOptions, type ValuesOf } from "./fields.ts";

/** What every part has. */
export interface Part {
  /** The name in its registry; `function NAME` for a user's function. */
  readonly name: string;
  /** The options in full, defaults filled in; absent: a user's own part. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** The user's function that it was made from. */
  readonly source?: unknown;
}

/** Makes a part from options; `fields` say which there are. */
export interface Factory<Options, T extends Part> {
  (...args: Record<never, never> extends Options ? [options?: Options] : [options: Options]): T;
  readonly fields: Fields;
}

/** What an entry makes: the part without what every part has. */
type Made<T extends Part> = Omit<T, keyof Part>;

/**
 * A registry's entry: a factory that checks its options.
 *
 * @param name the key in the registry
 * @param fields the options: default, check and form in Keras's configs
 * @param make what the part does, given all options
 * @example
 * elu: entry<EluOptions, Activation>()("elu", { alpha: number(1) }, ({ alpha }) => ({
 *   call: (x) => elu(x, alpha),
 * })),
 */
export const entry =
  <Options extends object, T extends Part>() =>
  <const F extends Fields<Options>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => Made<T>,
  ): Factory<Options, T> => {
    const factory = (options: Options = {} as Options): T => {
      const values = readOptions(fields, options, name);
      return Object.assign(make(values), { name, options: values }) as unknown as T;
    };
    return Object.assign(factory, { fields });
  };

/** Entries by name, each callable without options unless it needs some. */
export type Registry<T extends Part> = Readonly<Record<string, Factory<never, T>>>;

/** What a registry makes, and how Keras's files name it. */
export interface Kind<T extends Part> {
  /** For messages: `activation`. */
  readonly kind: string;
  /** Where users find the factories, for messages: `activations`. */
  readonly plural: string;
  readonly entries: Registry<T>;
  /** Other names that users may write: `{ mse: "meanSquaredError" }`. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** True for a finished thing of this kind. */
  is(value: object): boolean;
  /** A thing of this kind from a user's function; absent: functions are not taken. */
  fromFunction?(value: (...args: never[]) => unknown): T;
  /** Keras's module, e.g. `keras.initializers`. */
  readonly module: string;
  /** Keras's class names where they are not the name in Pascal case. */
  readonly classNames?: Readonly<Record<string, string>>;
  /** Keras has functions for these, not classes: written by name alone. */
  readonly areFunctions?: boolean;
  /** Entries that Keras lacks: written as classes of a package `antler`, for users to register. */
  readonly ownEntries?: readonly string[];
  /** Keys of Keras's configs that have no option here and change nothing (`name`, `dtype`). */
  readonly ignoredKeys?: readonly string[];
  /** Options of this config where its keys say more than the fields (see `fromConfig`). */
  adaptConfig?(name: string, config: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

/**
 * For `Kind.is` of parts with a `call`: a user's own part, or one of these entries. Not another
 * kind's, which has a `call` too.
 */
export const isCallable =
  (entries: object) =>
  (value: object): boolean => {
    const { name, call, options } = value as Partial<Part> & { readonly call?: unknown };
    if (typeof call !== "function" || typeof name !== "string") return false;
    return options === undefined || Object.hasOwn(entries, name);
  };

/** The name in the registry that a user's text means, or undefined. */
export function nameIn<T extends Part>(of: Kind<T>, text: string): string | undefined {
  const name = of.aliases?.[text] ?? text;
  return Object.hasOwn(of.entries, name) ? name : undefined;
}

/**
 * The thing that a user named, made, or wrote as a function.
 *
 * @param who names the caller in errors, e.g. `Dense "dense_1"`
 * @throws NameError where the name is not known, with the nearest one
 * @throws ValueError where the value is no such thing
 */
export function resolve<T extends Part>(value: unknown, of: Kind<T>, who: string): T {
  if (typeof value === "string") {
    const name = nameIn(of, value);
    if (name !== undefined) return makeDefault(of, name, who);
    throw new NameError({
      who,
      expected: `${of.kind} must be a known name`,
      received: describe(value),
      known: Object.keys(of.entries),
    });
  }
  // A part may be callable itself (a schedule): then it has options, which no plain function has.
  const isPlain = typeof value === "function" && !Object.hasOwn(value, "options");
  if (isPlain) {
    // `loss: losses.meanSquaredError`, without the call: no user's function, but the factory.
    const factory = Object.entries(of.entries).find(([, one]) => (one as unknown) === value);
    if (factory) return makeDefault(of, factory[0], who);
    if (of.fromFunction) {
      const made = of.fromFunction(value as (...args: never[]) => unknown);
      return Object.assign(made, { source: value });
    }
  }
  const isThing =
    (typeof value === "object" && value !== null) || (typeof value === "function" && !isPlain);
  if (isThing && of.is(value as object)) return value as T;
  const alternatives = of.fromFunction ? "a name, an object or a function" : "a name or an object";
  throw new ValueError({
    who,
    expected: `${of.kind} must be ${alternatives} of this kind`,
    received: describe(value),
    fix: `Known names: ${Object.keys(of.entries).join(", ")}.`,
  });
}

/** The part of this name with its default options. */
function makeDefault<T extends Part>(of: Kind<T>, name: string, who: string): T {
  try {
    return (of.entries[name] as unknown as () => T)();
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    throw new ValueError({
      who,
      expected: `${of.kind} "${name}" needs options: ${error.expected}`,
      received: "only its name",
      fix: `Write ${of.plural}.${name}({ ... }).`,
    });
  }
}

/** The name of a thing made from a user's function; no library name looks like it. */
export const functionName = (value: { readonly name: string }): string =>
  `function ${value.name || "without a name"}`;
