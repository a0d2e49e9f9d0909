/** What the host decides for each train step, as the tables of a call's inputs. */
import type { StepProgram } from "../model/programs.ts";
import { seedValues } from "../model/seeds.ts";
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
  const numbers = Object.fromEntries(optimizer.numbers(iterations.data[0], count));
  return { ...numbers, ...seedValues(inputs, seed, count) };
}
