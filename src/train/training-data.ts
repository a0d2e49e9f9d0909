/** The data of a fit, and its walks through it: one train step after the other. */
import type { Dataset } from "../base/dataset.ts";
import { DataError } from "../base/errors.ts";
import { permutation } from "../base/philox.ts";
import { chunksOf } from "../model/chunks.ts";
import { isDataset, type StepData } from "../model/data.ts";
import type { Net } from "../model/net.ts";
import { runPass, stepsOf } from "../model/pass.ts";
import { Programs } from "../model/programs.ts";
import { chunkReader } from "../model/ready.ts";
import type { Logs } from "../model/totals.ts";
import { readVariables, writeVariables } from "../tensor/variable.ts";
import type { DataPosition } from "./fit-control.ts";
import type { FitSettings } from "./fit-options.ts";
import { isAborted, type Run } from "./run.ts";
import { stepInputs } from "./step-inputs.ts";
import { warnEnded, warnOfLoss } from "./warnings.ts";

/** A part of a walk: the steps `from` to `to` of `programs` in an order. */
interface Part {
  readonly programs: Programs;
  readonly place: Walked;
  readonly from: number;
  readonly to: number;
  /** Steps of the epoch that were done before step 0 of this order. */
  readonly offset: number;
}

/** How a part ended. */
type End = "done" | "stopped" | "aborted";

/** An order of rows that is walked through: which one it is, and how far. */
interface Walked {
  readonly order: Uint32Array;
  /** The count of orders before it, over all fits of the model. */
  readonly index: number;
  /** Steps done. */
  step: number;
}

interface WalkedChunk extends Walked {
  readonly programs: Programs;
}

/** What a fit trains on: arrays that stay on the device, or a set that comes in chunks. */
export class TrainingData {
  readonly #net: Net;
  readonly #given: FitSettings;
  readonly #programs: Programs | undefined;
  readonly #dataset: Dataset | undefined;
  readonly batchSize: number;
  /** Rows of a set, once it was walked through. */
  #known: number | undefined;
  /** Of arrays: where the next epoch goes on, with `stepsPerEpoch`. */
  #place: Walked | undefined;
  #walk: AsyncGenerator<StepData, number | undefined> | undefined;
  /** Chunks of the walk before the current one. */
  #chunks = 0;
  #chunk: WalkedChunk | undefined;

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

  /** Where it is, between two steps. */
  get position(): DataPosition {
    const place = this.#programs ? this.#place : this.#chunk;
    return {
      step: place?.step ?? 0,
      order: place?.index ?? null,
      chunks: this.#chunks,
      rows: this.#known ?? null,
    };
  }

  /**
   * Goes on from a position, once the model has the counters of that time. A set is walked through
   * anew, up to there.
   *
   * @throws DataError where a set ends before
   */
  async goTo(position: DataPosition): Promise<void> {
    const { step, order, rows } = position;
    if (this.#programs) {
      this.#place = order === null ? undefined : this.#placeAt(order, step, this.#programs.rows);
      return;
    }
    // The first chunk may be there, in an order that is void now.
    let programs = this.#chunk?.programs;
    this.#chunk = undefined;
    try {
      for (; this.#chunks < position.chunks; this.#chunks++) {
        if (!programs) this.#checkReached(await this.#nextRows(), position);
        programs?.close();
        programs = undefined;
      }
      this.#known = rows ?? undefined;
      if (!programs && order !== null)
        programs = await this.#opened(this.#checkReached(await this.#nextRows(), position));
      if (!programs) return;
      const place = order === null ? await this.#nextPlace(programs.rows) : undefined;
      this.#chunk = { ...(place ?? this.#placeAt(order!, step, programs.rows)), programs };
    } finally {
      if (!this.#chunk) programs?.close();
    }
  }

  #checkReached(rows: StepData | undefined, { chunks }: DataPosition): StepData {
    if (rows) return rows;
    const isStopped = this.#given.signal?.aborted ?? false;
    throw new DataError({
      who: "fit",
      expected: `the Dataset must give the chunks that it gave before, more than ${chunks}`,
      received: isStopped ? "a signal that ended the fit" : `${this.#chunks}`,
      fix: "To go on where a fit was, each iteration must give the same rows.",
    });
  }

  /**
   * One epoch, or the rest of it; undefined where the fit was aborted. Beginning in the middle, `run`
   * says at which step and with which totals.
   */
  async trainEpoch(run: Run, epoch: number): Promise<Logs | undefined> {
    const end = this.#programs
      ? await this.#arrayEpoch(run, epoch, this.#programs)
      : await this.#datasetEpoch(run, epoch);
    return end === "aborted" ? undefined : run.progress.totals.logs();
  }

  async #arrayEpoch(run: Run, epoch: number, programs: Programs): Promise<End> {
    const done = run.progress.step;
    const all = stepsOf(programs.rows, this.batchSize);
    const wanted = this.#given.stepsPerEpoch ?? all;
    this.#place ??= await this.#nextPlace(programs.rows);
    const place = this.#place;
    const from = place.step;
    const to = Math.min(from + wanted - done, all);
    if (done + to - from < wanted) warnEnded(run, done + to - from, wanted);
    const end = await this.#run(run, epoch, { programs, place, from, to, offset: done - from });
    if (to === all) this.#place = undefined;
    return end;
  }

  async #datasetEpoch(run: Run, epoch: number): Promise<End> {
    const wanted = this.#given.stepsPerEpoch ?? Number.POSITIVE_INFINITY;
    let { step: done } = run.progress;
    // In an epoch that goes on, no step may be left.
    if (this.#chunk) run.progress.totals.of(this.#chunk.programs);
    while (done < wanted) {
      this.#chunk ??= await this.#nextChunk();
      if (!this.#chunk && isAborted(run)) return "aborted";
      // Where the last epoch took the last rows, this one begins a new walk.
      if (!this.#chunk && done === 0) continue;
      if (!this.#chunk) break;
      const { programs } = this.#chunk;
      const from = this.#chunk.step;
      const all = stepsOf(programs.rows, this.batchSize);
      const to = Math.min(all, from + (wanted - done));
      const place = this.#chunk;
      const end = await this.#run(run, epoch, { programs, place, from, to, offset: done - from });
      done += to - from;
      if (to === all) {
        programs.close();
        this.#chunk = undefined;
        this.#chunks++;
      }
      if (end !== "done") return end;
    }
    if (done < wanted && wanted !== Number.POSITIVE_INFINITY) warnEnded(run, done, wanted);
    return "done";
  }

  /** The next rows of the set; undefined, once, where a walk through it ends or is aborted. */
  async #nextRows(): Promise<StepData | undefined> {
    const net = this.#net;
    this.#walk ??= chunksOf(this.#dataset!, {
      batchSize: this.batchSize,
      read: chunkReader(net, net.compiledFor("fit")),
      known: this.#known,
      signal: this.#given.signal,
      who: "fit",
    });
    const { done, value } = await this.#walk.next();
    if (!done) return value;
    this.#known = value;
    this.#walk = undefined;
    this.#chunks = 0;
    return undefined;
  }

  async #nextChunk(): Promise<WalkedChunk | undefined> {
    const rows = await this.#nextRows();
    if (!rows) return undefined;
    const programs = await this.#opened(rows);
    return { ...(await this.#nextPlace(programs.rows)), programs };
  }

  #opened(rows: StepData): Promise<Programs> {
    return Programs.open(this.#net, "train", rows);
  }

  /** Runs a part of a walk. */
  async #run(run: Run, epoch: number, part: Part): Promise<End> {
    const { model, given, callbacks, optimizer, progress } = run;
    const { programs, place, from, to, offset } = part;
    const totals = progress.totals.of(programs);
    let end: End = "done";
    await runPass({
      programs,
      order: place.order,
      from,
      to,
      offset,
      batchSize: this.batchSize,
      // Stopped by a hook before the first step: that one is still made, as in Keras.
      stepsFrom: (step) => (model.stopTraining ? 1 : callbacks.stepsFrom("Train", step)),
      before: (step) => callbacks.beforeSteps("Train", step),
      inputs: (program, count) => stepInputs(optimizer, given.seed, program, count),
      after: async (call) => {
        for (let i = 0; i < call.count; i++) {
          const loss = totals.add(call, i);
          const step = call.step + i;
          place.step = step - offset + 1;
          progress.step = step + 1;
          progress.isAtRest = i === call.count - 1;
          await callbacks.afterStep("Train", step, () => totals.logs());
          if (!Number.isFinite(loss) && !model.stopTraining) warnOfLoss(run, epoch, step, loss);
        }
        if (isAborted(run)) end = "aborted";
        else if (model.stopTraining) end = "stopped";
        return end === "done";
      },
    });
    return end;
  }

  /** The order of the next rows, by the count of orders over all fits of the model. */
  async #nextPlace(rows: number): Promise<Walked> {
    const counter = this.#net.epoch;
    const [{ data }] = await readVariables([counter]);
    await writeVariables([counter], [Uint32Array.of(data[0] + 1)]);
    return this.#placeAt(data[0], 0, rows);
  }

  #placeAt(index: number, step: number, rows: number): Walked {
    const { shuffle, seed } = this.#given;
    const order = shuffle
      ? permutation(seed, "shuffle", index, rows)
      : Uint32Array.from({ length: rows }, (_, i) => i);
    return { order, index, step };
  }
}
