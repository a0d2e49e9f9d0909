/** Looking things up by name: activations, initializers, losses, metrics, optimizers. */
import { describe, NameError, ValueError } from "../base/errors.ts";

/** Factories by name, each callable without options. Adding a thing is adding an entry. */
export type Registry<T> = Readonly<Record<string, () => T>>;

/** What a registry makes. */
export interface Kind<T> {
  /** For messages: `activation`. */
  readonly kind: string;
  readonly entries: Registry<T>;
  /** True for a finished thing of this kind. */
  is(value: object): boolean;
  /** A thing of this kind from a user's function; absent: functions are not taken. */
  fromFunction?(value: (...args: never[]) => unknown): T;
}

/**
 * The thing that a user named, made, or wrote as a function.
 *
 * @param who names the caller in errors, e.g. `Dense "dense_1"`
 * @throws NameError where the name is not known, with the nearest one
 * @throws ValueError where the value is no such thing
 */
export function resolve<T>(value: unknown, of: Kind<T>, who: string): T {
  if (typeof value === "string") {
    if (Object.hasOwn(of.entries, value)) return of.entries[value]();
    throw new NameError({
      who,
      expected: `${of.kind} must be a known name`,
      received: describe(value),
      known: Object.keys(of.entries),
    });
  }
  if (typeof value === "function") {
    // `loss: losses.meanSquaredError`, without the call: no user's function, but the factory.
    const factory = Object.entries(of.entries).find(([, entry]) => entry === value);
    if (factory) return factory[1]();
    if (of.fromFunction) return of.fromFunction(value as (...args: never[]) => unknown);
  }
  if (typeof value === "object" && value !== null && of.is(value)) return value as T;
  const alternatives = of.fromFunction ? "a name, an object or a function" : "a name or an object";
  throw new ValueError({
    who,
    expected: `${of.kind} must be ${alternatives} of this kind`,
    received: describe(value),
    fix: `Known names: ${Object.keys(of.entries).join(", ")}.`,
  });
}

/** The name of a thing made from a user's function; no library name looks like it. */
export const functionName = (value: { readonly name: string }): string =>
  `function ${value.name || "without a name"}`;
