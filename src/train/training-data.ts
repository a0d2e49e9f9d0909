/** The data of a fit, and its walks through it: one train step after the other. */
import type { Dataset } from "../base/dataset.ts";
import { permutation } from "../base/philox.ts";
import { chunksOf } from "../model/chunks.ts";
import { isDataset, type StepData } from "../model/data.ts";
import type { HeldData } from "../model/evaluate.ts";
import type { Net } from "../model/net.ts";
import { runPass, stepsOf } from "../model/pass.ts";
import { Programs } from "../model/programs.ts";
import { chunkReader } from "../model/ready.ts";
import type { Logs, Totals } from "../model/totals.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { readVariables, writeVariables } from "../tensor/variable.ts";
import type { Callbacks, TrainedModel } from "./callbacks.ts";
import type { FitSettings } from "./fit-options.ts";
import type { ProgressLines } from "./progress.ts";
import { stepInputs } from "./step-inputs.ts";

/** Everything that a fit holds while it runs. */
export interface Run {
  readonly net: Net;
  readonly model: TrainedModel;
  readonly given: FitSettings;
  readonly callbacks: Callbacks;
  readonly data: TrainingData;
  readonly validation: HeldData | undefined;
  readonly optimizer: Optimizer;
  readonly lines: ProgressLines | undefined;
  hasWarned?: boolean;
}

export const isAborted = ({ given }: Run): boolean => given.signal?.aborted ?? false;

/** A part of a walk: the steps `from` to `to` of `programs` in this order. */
interface Part {
  readonly programs: Programs;
  readonly order: Uint32Array;
  readonly from: number;
  readonly to: number;
  /** Steps of the epoch that were done before step 0 of this order. */
  readonly offset: number;
}

/** How a part ended. */
type End = "done" | "stopped" | "aborted";

/** What a fit trains on: arrays that stay on the device, or a set that comes in chunks. */
export class TrainingData {
  readonly #net: Net;
  readonly #given: FitSettings;
  readonly #programs: Programs | undefined;
  readonly #dataset: Dataset | undefined;
  readonly batchSize: number;
  /** Rows of a set, once it was walked through. */
  #known: number | undefined;
  /** Where the next epoch goes on, with `stepsPerEpoch`. */
  #order: Uint32Array | undefined;
  #step = 0;
  #walk: AsyncGenerator<StepData, number | undefined> | undefined;
  #chunk: { programs: Programs; order: Uint32Array; step: number } | undefined;

  private constructor(
    net: Net,
    given: FitSettings,
    programs: Programs | undefined,
    dataset: Dataset | undefined,
  ) {
    this.#net = net;
    this.#given = given;
    this.#programs = programs;
    this.#dataset = dataset;
    this.batchSize = Math.min(given.batchSize, programs?.rows ?? Number.POSITIVE_INFINITY);
  }

  static async open(net: Net, data: StepData | Dataset, given: FitSettings): Promise<TrainingData> {
    if (isDataset(data)) return new TrainingData(net, given, undefined, data);
    return new TrainingData(net, given, await Programs.open(net, "train", data), undefined);
  }

  /** Rows; 0 where they are not known. */
  get rows(): number {
    return this.#programs?.rows ?? this.#dataset?.size ?? this.#known ?? 0;
  }

  /** Steps of an epoch; 0 where they are not known. */
  get steps(): number {
    const all = stepsOf(this.rows, this.batchSize);
    return this.#given.stepsPerEpoch ?? all;
  }

  /**
   * How the train step runs; a set's first chunk is loaded for it. Undefined where the fit is aborted
   * meanwhile.
   */
  async execution(): Promise<{ threads: number; fma: boolean } | undefined> {
    if (!this.#programs) this.#chunk ??= await this.#nextChunk();
    const programs = this.#programs ?? this.#chunk?.programs;
    return programs && (await programs.of(Math.min(this.batchSize, programs.rows))).execution;
  }

  /** Gives back memory, and ends the iterator of a set that is not at its end. */
  async close(): Promise<void> {
    this.#programs?.close();
    this.#chunk?.programs.close();
    await this.#walk?.return(undefined);
  }

  /** One epoch; undefined where the fit was aborted. */
  async trainEpoch(run: Run, epoch: number): Promise<Logs | undefined> {
    const held = new EpochTotals();
    const end = this.#programs
      ? await this.#arrayEpoch(run, epoch, this.#programs, held)
      : await this.#datasetEpoch(run, epoch, held);
    return end === "aborted" ? undefined : held.logs();
  }

  async #arrayEpoch(run: Run, epoch: number, programs: Programs, held: EpochTotals): Promise<End> {
    const all = stepsOf(programs.rows, this.batchSize);
    const { stepsPerEpoch } = this.#given;
    if (stepsPerEpoch === undefined) {
      const order = await this.#nextOrder(programs.rows);
      return this.#run(run, epoch, { programs, order, from: 0, to: all, offset: 0 }, held);
    }
    this.#order ??= await this.#nextOrder(programs.rows);
    const from = this.#step;
    const to = Math.min(from + stepsPerEpoch, all);
    const order = this.#order;
    const part = { programs, order, from, to, offset: -from };
    this.#step = to;
    if (to === all) {
      this.#order = undefined;
      this.#step = 0;
    }
    if (to - from < stepsPerEpoch) warnEnded(run, to - from, stepsPerEpoch);
    return this.#run(run, epoch, part, held);
  }

  async #datasetEpoch(run: Run, epoch: number, held: EpochTotals): Promise<End> {
    const wanted = this.#given.stepsPerEpoch ?? Number.POSITIVE_INFINITY;
    let done = 0;
    while (done < wanted) {
      this.#chunk ??= await this.#nextChunk();
      if (!this.#chunk && isAborted(run)) return "aborted";
      // Where the last epoch took the last rows, this one begins a new walk.
      if (!this.#chunk && done === 0) continue;
      if (!this.#chunk) break;
      const { programs, order, step } = this.#chunk;
      const all = stepsOf(programs.rows, this.batchSize);
      const to = Math.min(all, step + (wanted - done));
      const part = { programs, order, from: step, to, offset: done - step };
      const end = await this.#run(run, epoch, part, held);
      done += to - step;
      this.#chunk.step = to;
      if (to === all) {
        programs.close();
        this.#chunk = undefined;
      }
      if (end !== "done") return end;
    }
    if (done < wanted && wanted !== Number.POSITIVE_INFINITY) warnEnded(run, done, wanted);
    return "done";
  }

  /** The next rows of the set; undefined, once, where a walk through it ends or is aborted. */
  async #nextChunk(): Promise<
    { programs: Programs; order: Uint32Array; step: number } | undefined
  > {
    const net = this.#net;
    this.#walk ??= chunksOf(this.#dataset!, {
      batchSize: this.batchSize,
      read: chunkReader(net, net.compiledFor("fit")),
      known: this.#known,
      signal: this.#given.signal,
      who: "fit",
    });
    const { done, value } = await this.#walk.next();
    if (done) {
      this.#known = value;
      this.#walk = undefined;
      return undefined;
    }
    const programs = await Programs.open(net, "train", value);
    return { programs, order: await this.#nextOrder(programs.rows), step: 0 };
  }

  /** Runs a part of a walk. */
  async #run(run: Run, epoch: number, part: Part, held: EpochTotals): Promise<End> {
    const { model, given, callbacks, optimizer } = run;
    const totals = held.of(part.programs);
    let end: End = "done";
    await runPass({
      ...part,
      batchSize: this.batchSize,
      // Stopped by a hook before the first step: that one is still made, as in Keras.
      stepsFrom: (step) => (model.stopTraining ? 1 : callbacks.stepsFrom("Train", step)),
      before: (step) => callbacks.beforeSteps("Train", step),
      inputs: (program, count) => stepInputs(optimizer, given.seed, program, count),
      after: async (call) => {
        for (let i = 0; i < call.count; i++) {
          const loss = totals.add(call, i);
          await callbacks.afterStep("Train", call.step + i, () => totals.logs());
          if (!Number.isFinite(loss) && !model.stopTraining)
            warnOfLoss(run, epoch, call.step + i, loss);
        }
        if (isAborted(run)) end = "aborted";
        else if (model.stopTraining) end = "stopped";
        return end === "done";
      },
    });
    return end;
  }

  /** The order of the next rows, by the count of orders over all fits of the model. */
  async #nextOrder(rows: number): Promise<Uint32Array> {
    const counter = this.#net.epoch;
    const [{ data }] = await readVariables([counter]);
    await writeVariables([counter], [Uint32Array.of(data[0] + 1)]);
    const { shuffle, seed } = this.#given;
    if (shuffle) return permutation(seed, "shuffle", data[0], rows);
    return Uint32Array.from({ length: rows }, (_, i) => i);
  }
}

/** The totals of an epoch, made when its first data is there. */
class EpochTotals {
  #totals: Totals | undefined;

  of(programs: Programs): Totals {
    this.#totals ??= programs.totals();
    return this.#totals;
  }

  logs(): Logs {
    return this.#totals?.logs() ?? {};
  }
}

function warnEnded(run: Run, steps: number, wanted: number): void {
  warnOnce(
    run,
    `fit: the data ended after ${steps} of ${wanted} steps of an epoch; it begins anew in the ` +
      "next. Lower stepsPerEpoch, or give more data.",
  );
}

function warnOfLoss(run: Run, epoch: number, step: number, loss: number): void {
  warnOnce(
    run,
    `fit: the loss is ${loss} in epoch ${epoch} at step ${step}; training goes on. ` +
      "A lower learning rate or smaller inputs may help.",
  );
}

function warnOnce(run: Run, text: string): void {
  if (run.hasWarned) return;
  run.hasWarned = true;
  run.lines?.endLine();
  console.warn(text);
}
