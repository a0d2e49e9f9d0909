/**
 * What all random initializers share. A draw is a function of (seed, path of the weight, element):
 * layers that share an initializer get different weights, always. (In Keras a given whole number as
 * seed makes them equal, and units that start equal stay equal: they learn as one.)
 */
import { ValueError } from "../../base/errors.ts";
import { type Field, optional, whole } from "../fields.ts";
import type { InitializerContext } from "../initializer.ts";

/** Options of every random initializer. */
export interface SeedOptions {
  /**
   * A whole number below 2^32 that takes the place of the model's seed. The path of the weight
   * still counts: two layers never get the same draw. Default: the model's seed.
   */
  readonly seed?: number;
}

const plain = optional(whole(undefined, 0));
const end = 2 ** 32;

/** Keras's files may hold a negative seed, or a generator with its own. */
const seed: Field<number | undefined> = {
  ...plain,
  read: (value, name, who) => {
    const own = plain.read(value, name, who);
    if (own === undefined || own < end) return own;
    // Keras would fail on it when it draws.
    throw new ValueError({ who, expected: `${name} must be below 2^32`, received: `${own}` });
  },
  parse: (value) => {
    const own =
      typeof value === "object" && value !== null
        ? (value as { config?: { seed?: unknown } }).config?.seed
        : value;
    return typeof own === "number" ? ((own % end) + end) % end : own;
  },
};

/** The field of `SeedOptions`. */
export const seedFields = { seed };

/** What keys a draw. */
export type Source = Pick<InitializerContext, "seed" | "stream">;

/** Where a draw comes from: the option `seed` before the model's. */
export const sourceOf = (own: number | undefined, { seed: model, stream }: Source): Source => ({
  seed: own ?? model,
  stream,
});

/** mean + deviation draws. */
export function scaled(draws: Float32Array, mean: number, deviation: number): Float32Array {
  for (let i = 0; i < draws.length; i++) draws[i] = draws[i] * deviation + mean;
  return draws;
}
