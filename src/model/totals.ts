/** Means over samples, exact: sums of steps are added in doubles. */
import type { TypedArray } from "../base/dtype.ts";
import type { Metric } from "../nn/metrics.ts";
import { stepNames } from "./step.ts";

/** Loss and metrics by name, e.g. `{ loss: 0.5, accuracy: 0.8 }`. */
export type Logs = Record<string, number>;

/** The numbers of all steps of a call, by the names of the step's inputs or results. */
export type CallValues = Record<string, TypedArray>;

/** A call of several steps that is done. */
export interface PassCall {
  /** Number of its first step in the pass, from 0. */
  readonly step: number;
  readonly count: number;
  /** Rows in each of its steps. */
  readonly batch: number;
  readonly results: CallValues;
}

/** Adds up what steps report. It belongs to one pass. */
export class Totals {
  readonly #metrics: readonly Metric[];
  #count = 0;
  #loss = 0;
  readonly #sums: (Float64Array | undefined)[];

  /** @param metrics those that the steps report, as chosen for their shapes */
  constructor(metrics: readonly Metric[]) {
    this.#metrics = metrics;
    this.#sums = metrics.map(() => undefined);
  }

  /** Adds the step at `index` of a call; returns the sum of its samples' losses. */
  add({ results, batch, count }: PassCall, index: number): number {
    const loss = results[stepNames.loss][index];
    this.#loss += loss;
    this.#count += batch;
    for (let i = 0; i < this.#metrics.length; i++) this.#addMetric(i, results, count, index);
    return loss;
  }

  #addMetric(position: number, results: CallValues, count: number, index: number): void {
    const values = results[stepNames.metric(position)];
    const size = values.length / count;
    this.#sums[position] ??= new Float64Array(size);
    const sums = this.#sums[position];
    for (let i = 0; i < size; i++) sums[i] += values[index * size + i];
  }

  /** The means so far. */
  logs(): Logs {
    const logs: Logs = { loss: this.#loss / this.#count };
    for (const [i, { name, result }] of this.#metrics.entries()) {
      const sums = this.#sums[i] ?? new Float64Array(1);
      logs[name] = result ? result(sums, this.#count) : sums[0] / this.#count;
    }
    return logs;
  }
}
