/** Parsers of options' values. What they refuse is wrong use, with the value that came. */
import { InvalidArgumentError } from "commander";
import { nearest } from "../base/errors.ts";

/** The steps that `antler explain` knows. */
export const explainKinds = ["train", "evaluate", "mc"] as const;

/** A parser of whole numbers from `least` to `most`. */
export const whole =
  (least: number, most?: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= (most ?? Number.MAX_SAFE_INTEGER)) return value;
    const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };

/** Parses a finite number of at least 0. */
export function rate(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new InvalidArgumentError("It must be a number of at least 0, such as 5e-5.");
}

/** A parser of one of these names. */
export const oneOf =
  <Name extends string>(names: readonly Name[]) =>
  (text: string): Name => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const near = nearest(text, names);
    const hint = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new InvalidArgumentError(`It must be one of: ${names.join(", ")}.${hint}`);
  };

/**
 * A parser of some of these names, commas between them, each once.
 *
 * @param hints what is said of other names
 */
export const someOf =
  <Name extends string>(names: readonly Name[], hints: Readonly<Record<string, string>> = {}) =>
  (text: string): Name[] => {
    const found = text.split(",").map((part) => {
      const name = part.trim();
      if (Object.hasOwn(hints, name)) throw new InvalidArgumentError(hints[name]);
      return oneOf(names)(name);
    });
    const twice = found.find((name, i) => found.indexOf(name) < i);
    if (twice !== undefined) throw new InvalidArgumentError(`It has ${twice} twice.`);
    return found;
  };

/** A path that is not empty. */
export function folderPath(text: string): string {
  if (text !== "") return text;
  throw new InvalidArgumentError("It must be a path.");
}
