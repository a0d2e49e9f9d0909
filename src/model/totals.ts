/** Means over samples, exact: sums of steps are added in doubles. */
import type { TypedArray } from "../base/dtype.ts";
import type { HostArray } from "../base/host-array.ts";
import type { Metric } from "../nn/metric.ts";
import { type MetricParts, stepNames } from "./step.ts";

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
  /** What each step adds to the metrics, as far as it is known beforehand. */
  readonly metrics: readonly MetricParts[];
}

/** What steps report, beside the loss. */
export interface Reported {
  /** Keys of the losses of single outputs, by their position; undefined: not reported. */
  readonly losses: readonly (string | undefined)[];
  /** As chosen for their shapes. */
  readonly metrics: readonly { readonly name: string; readonly metric: Metric }[];
}

/** What totals have added up. */
export interface TotalsState {
  /** Samples, their losses, and those of single outputs. */
  readonly sums: HostArray;
  /** For each metric the sums of its parts; null before its first step. */
  readonly metrics: readonly (readonly HostArray[] | null)[];
  readonly [key: string]: HostArray | readonly (readonly HostArray[] | null)[];
}

/** Adds up what steps report. It belongs to one pass. */
export class Totals {
  readonly #reported: Reported;
  #count = 0;
  #loss = 0;
  readonly #losses: number[];
  readonly #states: (Float64Array[] | undefined)[];

  constructor(reported: Reported) {
    this.#reported = reported;
    this.#losses = reported.losses.map(() => 0);
    this.#states = reported.metrics.map(() => undefined);
  }

  /** Adds the step at `index` of a call; returns the sum of its samples' losses. */
  add(call: PassCall, index: number): number {
    const { results, batch } = call;
    const loss = results[stepNames.loss][index];
    this.#loss += loss;
    this.#count += batch;
    for (const [i, name] of this.#reported.losses.entries())
      if (name !== undefined) this.#losses[i] += results[stepNames.outputLoss(i)][index];
    for (let i = 0; i < this.#states.length; i++) this.#addMetric(i, call, index);
    return loss;
  }

  #addMetric(position: number, { results, count, metrics }: PassCall, index: number): void {
    const parts = metrics[position];
    this.#states[position] ??= parts.map((known, part) => {
      const name = stepNames.metric(position, part);
      return new Float64Array(known === undefined ? results[name].length / count : 1);
    });
    for (const [part, state] of this.#states[position].entries()) {
      const known = parts[part];
      if (known !== undefined) state[0] += known;
      else {
        const values = results[stepNames.metric(position, part)];
        const size = state.length;
        for (let i = 0; i < size; i++) state[i] += values[index * size + i];
      }
    }
  }

  /** The sums so far, as plain arrays. */
  getState(): TotalsState {
    const sums = Float64Array.of(this.#count, this.#loss, ...this.#losses);
    const array = (data: Float64Array) => ({ data: data.slice(), shape: [data.length] });
    return {
      sums: array(sums),
      metrics: this.#states.map((parts) => parts?.map(array) ?? null),
    };
  }

  /** Goes on from such sums, of the same losses and metrics. */
  setState({ sums, metrics }: TotalsState): void {
    const [count, loss, ...losses] = sums.data;
    this.#count = count;
    this.#loss = loss;
    for (const i of this.#losses.keys()) this.#losses[i] = losses[i];
    for (const i of this.#states.keys())
      this.#states[i] = metrics[i]?.map(({ data }) => Float64Array.from(data));
  }

  /** The means so far. A metric with several numbers has one key for each: `f1Score_0`. */
  logs(): Logs {
    const logs: Logs = { loss: this.#loss / this.#count };
    for (const [i, name] of this.#reported.losses.entries())
      if (name !== undefined) logs[name] = this.#losses[i] / this.#count;
    for (const [i, { name, metric }] of this.#reported.metrics.entries()) {
      const state = this.#states[i];
      const result = state ? metric.rule.compute(state) : Number.NaN;
      if (typeof result === "number") logs[name] = result;
      else for (const [k, value] of result.entries()) logs[`${name}_${k}`] = value;
    }
    return logs;
  }
}
