/** One pass over data: all batches in order, several steps a call. */
import type { Programs, StepProgram } from "./programs.ts";
import { seedValues } from "./seeds.ts";
import { stepNames } from "./step.ts";
import type { CallValues, PassCall } from "./totals.ts";

/** What a pass runs over, and who acts between its calls. */
export interface PassOptions {
  readonly programs: Programs;
  readonly batchSize: number;
  /** Numbers of the rows in the order they are taken. Default: as they lie. */
  readonly order?: Uint32Array;
  /** The first step of it, and the step after the last one. Default: all. */
  readonly from?: number;
  readonly to?: number;
  /** Added to the numbers of steps that others are told. Default: 0. */
  readonly offset?: number;
  /** How many steps may run from `step` on before the host must act. Default: any number. */
  stepsFrom?(step: number): number;
  /** Called before each call. */
  before?(step: number, count: number): Promise<void>;
  /** The inputs of a call, beside the rows; seeds of its noise are the model's unless they are here. */
  inputs?(program: StepProgram, count: number): Promise<CallValues>;
  /** Called after each call; false ends the pass. */
  after(call: PassCall): Promise<boolean>;
}

/** How many steps a pass over `rows` has; the last one may be smaller. */
export const stepsOf = (rows: number, batchSize: number): number => Math.ceil(rows / batchSize);

/** Runs the pass, or a part of it; false where `after` ended it. */
export async function runPass(options: PassOptions): Promise<boolean> {
  const { programs, batchSize, after, offset = 0 } = options;
  const { rows } = programs;
  const order = options.order ?? Uint32Array.from({ length: rows }, (_, i) => i);
  const steps = Math.min(stepsOf(rows, batchSize), options.to ?? Number.POSITIVE_INFINITY);
  const wholeSteps = Math.floor(rows / batchSize);
  let step = options.from ?? 0;
  while (step < steps) {
    const isWhole = step < wholeSteps;
    const batch = isWhole ? batchSize : rows - wholeSteps * batchSize;
    const program = await programs.of(batch);
    const left = isWhole ? Math.min(wholeSteps, steps) - step : 1;
    const allowed = options.stepsFrom?.(step + offset) ?? left;
    const count = Math.max(1, Math.min(left, allowed, program.pace.steps));
    await options.before?.(step + offset, count);
    const first = step * batchSize;
    const others = await options.inputs?.(program, count);
    const seeds = seedValues(program.inputs, programs.seed, count);
    const inputs = {
      ...seeds,
      ...others,
      [stepNames.rows]: order.subarray(first, first + count * batch),
    };
    const results = await program.run(count, inputs);
    const goOn = await after({
      step: step + offset,
      count,
      batch,
      results,
      metrics: program.metrics,
    });
    if (!goOn) return false;
    step += count;
  }
  return true;
}
