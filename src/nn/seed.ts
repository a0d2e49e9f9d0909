/** Where models, and layers that are applied without one, get a seed if none is given. */
import { checkSeed, randomBits } from "../base/philox.ts";

let base: number | undefined;
let count = 0;

/**
 * From now on the seeds of new models, and of layers that are applied to arrays without a model,
 * follow from this one: the first's, the second's, and so on, so that a whole program repeats bit
 * for bit. Keras's `keras.utils.set_random_seed`.
 *
 * @param seed a whole number in [0, 2^53)
 * @throws ValueError for any other
 */
export function setRandomSeed(seed: number): void {
  checkSeed(seed, "setRandomSeed");
  base = seed;
  count = 0;
}

/** The seed of the next model, or of the next layer without one. */
export function nextSeed(): number {
  if (base === undefined) return Math.floor(Math.random() * 2 ** 32);
  // The first model has the seed itself, as if it had been given.
  const seed = count === 0 ? base : randomBits(base, "models", count, 1)[0];
  count++;
  return seed;
}
