/** A seed as the numbers that a step's noise is drawn from. */
import { seedHigh } from "../base/philox.ts";
import { stepNames } from "./step.ts";
import type { CallValues } from "./totals.ts";

/** The inputs of `count` steps that hold the seed; none for steps without noise. */
export function seedValues(inputs: ReadonlySet<string>, seed: number, count: number): CallValues {
  const values: CallValues = {};
  if (inputs.has(stepNames.seed)) values[stepNames.seed] = new Uint32Array(count).fill(seed >>> 0);
  if (inputs.has(stepNames.seedHigh))
    values[stepNames.seedHigh] = new Uint32Array(count).fill(seedHigh(seed));
  return values;
}
