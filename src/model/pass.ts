/** One pass over data: all batches in order, several steps a call. */
import type { Programs, StepProgram } from "./programs.ts";
import { stepNames } from "./step.ts";
import type { CallValues, PassCall } from "./totals.ts";

/** What a pass runs over, and who acts between its calls. */
export interface PassOptions {
  readonly programs: Programs;
  readonly batchSize: number;
  /** Numbers of the rows in the order they are taken. Default: as they lie. */
  readonly order?: Uint32Array;
  /** How many steps may run from `step` on before the host must act. Default: any number. */
  stepsFrom?(step: number): number;
  /** Called before each call. */
  before?(step: number, count: number): Promise<void>;
  /** The inputs of a call, beside the rows. */
  inputs?(program: StepProgram, count: number): Promise<CallValues>;
  /** Called after each call; false ends the pass. */
  after(call: PassCall): Promise<boolean>;
}

/** How many steps a pass over `rows` has; the last one may be smaller. */
export const stepsOf = (rows: number, batchSize: number): number => Math.ceil(rows / batchSize);

/** Runs the pass; false where `after` ended it. */
export async function runPass(options: PassOptions): Promise<boolean> {
  const { programs, batchSize, after } = options;
  const { rows } = programs;
  const order = options.order ?? Uint32Array.from({ length: rows }, (_, i) => i);
  const steps = stepsOf(rows, batchSize);
  const wholeSteps = Math.floor(rows / batchSize);
  let step = 0;
  while (step < steps) {
    const isWhole = step < wholeSteps;
    const batch = isWhole ? batchSize : rows - wholeSteps * batchSize;
    const program = await programs.of(batch);
    const left = isWhole ? wholeSteps - step : 1;
    const allowed = options.stepsFrom?.(step) ?? left;
    const count = Math.max(1, Math.min(left, allowed, program.pace.steps));
    await options.before?.(step, count);
    const first = step * batchSize;
    const others = await options.inputs?.(program, count);
    const inputs = { ...others, [stepNames.rows]: order.subarray(first, first + count * batch) };
    const results = await program.run(count, inputs);
    const goOn = await after({ step, count, batch, results });
    if (!goOn) return false;
    step += count;
  }
  return true;
}
