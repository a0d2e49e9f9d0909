/** What the host decides for each train step, as the tables of a call's inputs. */
import { seedHigh } from "../base/philox.ts";
import type { StepProgram } from "../model/programs.ts";
import { stepNames } from "../model/step.ts";
import type { CallValues } from "../model/totals.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { readVariables } from "../tensor/variable.ts";

/**
 * The inputs of the next `count` steps: seeds, and the optimizer's numbers, which follow from its
 * count of updates. That is asked anew for each call, because a hook may have set it.
 */
export async function stepInputs(
  optimizer: Optimizer,
  seed: number,
  { inputs }: StepProgram,
  count: number,
): Promise<CallValues> {
  const [iterations] = await readVariables([optimizer.iterations]);
  const values: CallValues = Object.fromEntries(optimizer.numbers(iterations.data[0], count));
  if (inputs.has(stepNames.seed)) values[stepNames.seed] = new Uint32Array(count).fill(seed >>> 0);
  if (inputs.has(stepNames.seedHigh))
    values[stepNames.seedHigh] = new Uint32Array(count).fill(seedHigh(seed));
  return values;
}
