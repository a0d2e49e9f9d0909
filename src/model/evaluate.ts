/** Loss and metrics of a model on data, in inference mode. */
import type { Dataset } from "../base/dataset.ts";
import { ValueError } from "../base/errors.ts";
import { checkWhole, settings } from "../nn/options.ts";
import { chunksOf } from "./chunks.ts";
import type { Compiled } from "./compiled.ts";
import { isDataset, type StepData, type WeightOptions } from "./data.ts";
import type { Net } from "./net.ts";
import { type PassOptions, runPass, stepsOf } from "./pass.ts";
import { Programs } from "./programs.ts";
import { chunkReader, readyData } from "./ready.ts";
import type { DataInput } from "./rows.ts";
import type { Logs, Totals } from "./totals.ts";

/** Options of `predict`. */
export interface BatchOptions {
  /**
   * Samples in a step; it changes speed, not results, but for the noise of a layer that draws outside
   * of `fit` too. Default: 32.
   */
  readonly batchSize?: number;
}

/** Options of `evaluate`. */
export interface EvaluateOptions extends BatchOptions {
  /** What each sample counts in the loss and in weighted metrics. Default: all 1. */
  readonly sampleWeight?: DataInput;
  /** How many batches to take. Default: all. */
  readonly steps?: number;
}

/** The model's loss and metrics on these samples. */
export async function evaluate(
  net: Net,
  x: DataInput | Dataset,
  y: DataInput | undefined,
  options: EvaluateOptions = {},
): Promise<Logs> {
  const defaults = { batchSize: 32, sampleWeight: undefined, steps: undefined };
  const given = settings<EvaluateOptions, typeof defaults>(options, defaults, "evaluate");
  checkWhole(given.batchSize, "batchSize", "evaluate");
  if (given.steps !== undefined) checkWhole(given.steps, "steps", "evaluate");
  net.compiledFor("evaluate");
  const held = await HeldData.open(net, "evaluate", x, y, { sampleWeight: given.sampleWeight });
  try {
    return (await held.test(given.batchSize, given.steps)) ?? {};
  } finally {
    held.close();
  }
}

/** Who acts between the calls of a test pass. */
export type TestHooks = Pick<PassOptions, "stepsFrom" | "before"> & {
  /** Ends the pass, also while a set loads. */
  readonly signal?: AbortSignal | undefined;
  /** @param totals those of the pass so far, the call's not yet among them */
  after(call: Parameters<PassOptions["after"]>[0], totals: Totals): Promise<boolean>;
};

/** Data to test on: arrays that stay on the device, or a set that is walked through each time. */
export class HeldData {
  readonly #net: Net;
  readonly #who: string;
  readonly #compiled: Compiled;
  readonly #programs: Programs | undefined;
  readonly #dataset: Dataset | undefined;
  #known: number | undefined;

  private constructor(net: Net, who: string, programs?: Programs, dataset?: Dataset) {
    this.#net = net;
    this.#who = who;
    this.#compiled = net.compiledFor(who);
    this.#programs = programs;
    this.#dataset = dataset;
  }

  /** Checks arrays and uploads them; builds the model where it is not. */
  static async open(
    net: Net,
    who: string,
    x: DataInput | Dataset,
    y: DataInput | undefined,
    weights: WeightOptions,
  ): Promise<HeldData> {
    if (isDataset(x)) {
      checkDatasetArguments(y, weights, who);
      return new HeldData(net, who, undefined, x);
    }
    return HeldData.of(net, who, readyData(net, x, y, weights, who));
  }

  static async of(net: Net, who: string, data: StepData): Promise<HeldData> {
    return new HeldData(net, who, await Programs.open(net, "test", data));
  }

  /** Rows; 0 where they are not known. */
  get rows(): number {
    return this.#programs?.rows ?? this.#dataset?.size ?? 0;
  }

  /** A pass in inference mode; undefined where a hook ended it. */
  async test(batchSize: number, steps?: number, hooks?: TestHooks): Promise<Logs | undefined> {
    if (this.#programs) return testPass(this.#programs, batchSize, steps, hooks);
    return this.#testChunks(batchSize, steps, hooks);
  }

  async #testChunks(
    batchSize: number,
    steps?: number,
    hooks?: TestHooks,
  ): Promise<Logs | undefined> {
    let totals: Totals | undefined;
    let offset = 0;
    const chunks = chunksOf(this.#dataset!, {
      batchSize,
      read: chunkReader(this.#net, this.#compiled),
      known: this.#known,
      signal: hooks?.signal,
      who: this.#who,
    });
    try {
      while (steps === undefined || offset < steps) {
        const { done, value } = await chunks.next();
        if (done) {
          if (value === undefined) return undefined;
          this.#known = value;
          break;
        }
        const programs = await Programs.open(this.#net, "test", value, this.#compiled);
        try {
          totals ??= programs.totals();
          const left = steps === undefined ? undefined : steps - offset;
          if (!(await runTest(programs, totals, batchSize, left, offset, hooks))) return undefined;
          offset += stepsOf(programs.rows, batchSize);
        } finally {
          programs.close();
        }
      }
    } finally {
      await chunks.return(undefined);
    }
    return totals!.logs();
  }

  close(): void {
    this.#programs?.close();
  }
}

/** Throws a ValueError for what a set already has. */
export function checkDatasetArguments(
  y: DataInput | undefined,
  { sampleWeight, classWeight }: WeightOptions,
  who: string,
): void {
  const extra =
    y !== undefined && y !== null ? "y" : sampleWeight !== undefined ? "sampleWeight" : undefined;
  const name = extra ?? (classWeight !== undefined ? "classWeight" : undefined);
  if (name === undefined) return;
  const method = who.split(" ")[0];
  throw new ValueError({
    who,
    expected: `no ${name} beside a Dataset, whose chunks have x, y and sampleWeight`,
    received: `a Dataset and ${name}`,
    fix: name === "y" ? `Options come third: ${method}(dataset, undefined, { ... }).` : undefined,
  });
}

async function testPass(
  programs: Programs,
  batchSize: number,
  steps: number | undefined,
  hooks?: TestHooks,
): Promise<Logs | undefined> {
  const totals = programs.totals();
  const size = Math.min(batchSize, programs.rows);
  return (await runTest(programs, totals, size, steps, 0, hooks)) ? totals.logs() : undefined;
}

function runTest(
  programs: Programs,
  totals: Totals,
  batchSize: number,
  steps: number | undefined,
  offset: number,
  hooks?: TestHooks,
): Promise<boolean> {
  return runPass({
    ...hooks,
    programs,
    batchSize,
    ...(steps !== undefined && { to: steps }),
    offset,
    after: async (call) => {
      if (hooks) return hooks.after(call, totals);
      for (let i = 0; i < call.count; i++) totals.add(call, i);
      return true;
    },
  });
}

export function batchSettings(options: BatchOptions, who: string): Required<BatchOptions> {
  const given = settings(options, { batchSize: 32 }, who);
  checkWhole(given.batchSize, "batchSize", who);
  return given;
}
