/** Loss and metrics of a model on data, in inference mode. */
import { StateError } from "../base/errors.ts";
import type { ArrayInput } from "../base/host-array.ts";
import { checkWhole, settings } from "../nn/options.ts";
import { inputRows, sampleShape, targetRows } from "./data.ts";
import type { Net } from "./net.ts";
import { type PassOptions, runPass } from "./pass.ts";
import { Programs } from "./programs.ts";
import type { Logs } from "./totals.ts";

/** Options of `evaluate` and `predict`. */
export interface BatchOptions {
  /** Samples in a step; it changes speed, not results. Default: 32. */
  readonly batchSize?: number;
}

/** The model's loss and metrics on these samples. */
export async function evaluate(
  net: Net,
  x: ArrayInput,
  y: ArrayInput,
  options: BatchOptions = {},
): Promise<Logs> {
  const { batchSize } = batchSettings(options, "evaluate");
  const compiled = net.compiledFor("evaluate");
  buildFor(net, x, "evaluate x");
  const xRows = inputRows(x, net.topology.inputShape, "evaluate x");
  const { outputShape } = net.topology;
  const yRows = targetRows(y, xRows.count, outputShape, compiled, "evaluate y");
  const programs = await Programs.open(net, "test", xRows, yRows);
  try {
    return (await testPass(programs, batchSize)) ?? {};
  } finally {
    programs.close();
  }
}

/** Who acts between the calls of a test pass. */
export type TestHooks = Pick<PassOptions, "stepsFrom" | "before" | "after">;

/** A pass in inference mode; undefined where a hook ended it. */
export async function testPass(
  programs: Programs,
  batchSize: number,
  hooks?: TestHooks,
): Promise<Logs | undefined> {
  const totals = programs.totals();
  const isDone = await runPass({
    ...hooks,
    programs,
    batchSize: Math.min(batchSize, programs.rows),
    after: async (call) => {
      for (let i = 0; i < call.count; i++) totals.add(call, i);
      return (await hooks?.after(call)) ?? true;
    },
  });
  return isDone ? totals.logs() : undefined;
}

export function batchSettings(options: BatchOptions, who: string): Required<BatchOptions> {
  const given = settings(options, { batchSize: 32 }, who);
  checkWhole(given.batchSize, "batchSize", who);
  return given;
}

/** Builds a model whose input shape is not known, for these inputs. */
export function buildFor(net: Net, x: ArrayInput, who: string): void {
  if (net.topology.built) return;
  if (net.topology.knownInputShape) net.buildIfKnown();
  else net.build(sampleShape(x, who));
  if (!net.topology.built)
    throw new StateError({ who, expected: "a model that is built", received: "one that is not" });
}
