/** Keras's golden values of callbacks, and a model that takes the place of a trained one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compileFor } from "../../model/compiled.ts";
import type { Logs } from "../../model/totals.ts";
import type { MetricInput } from "../../nn/metrics.ts";
import { optimizers } from "../../nn/optimizers.ts";
import { toCamelKey } from "../../nn/serialization.ts";
import type { Callback, TrainedModel } from "../callbacks.ts";

/** NaN and infinities are texts. */
type Num = number | string;
type Row = Record<string, Num>;
type Options = Record<string, number | string | boolean>;

interface Sequence {
  readonly sequence: string;
  readonly options: Options;
}

export interface Golden {
  readonly sequences: Record<string, (Num | null)[]>;
  readonly earlyStopping: (Sequence & {
    readonly last: number;
    readonly stopped: number;
    readonly best: Num | null;
    readonly bestEpoch: number;
    readonly waits: number[];
    readonly restored: number | null;
  })[];
  readonly reduceLROnPlateau: (Sequence & {
    readonly logged: number[];
    readonly rates: number[];
    readonly waits: number[];
    readonly cooldowns: number[];
  })[];
  readonly learningRateScheduler: { readonly name: string; readonly logged: number[] }[];
  readonly csvLogger: {
    readonly options: Options;
    readonly before: string | null;
    readonly fits: Row[][];
    readonly text: string;
  }[];
  readonly terminateOnNaN: { readonly losses: Num[]; readonly batch: number | null }[];
  readonly directions: Record<string, "min" | "max" | null>;
}

const path = join(import.meta.dirname, "../../../tools/golden/callbacks.json");
export const golden: Golden = JSON.parse(readFileSync(path, "utf8"));

/** A model of an optimizer and metrics; its only weight is the number of the epoch. */
export class FakeModel {
  readonly optimizer = optimizers.sgd({ learningRate: 0.01 });
  readonly net;
  stopTraining = false;
  epoch = -1;
  restored: number | null = null;

  constructor(metrics: readonly MetricInput[] = ["accuracy"], outputs = ["output"]) {
    const ports = outputs.map((name) => ({ name }) as never);
    const loss = outputs.map(() => "mse" as const);
    const given = outputs.length === 1 ? { metrics } : { metrics: outputs.map(() => metrics) };
    const compiled = compileFor(ports, { loss, ...given });
    this.net = { compiledFor: () => compiled };
  }

  async getWeights() {
    return [{ data: Float32Array.of(this.epoch), shape: [1] }];
  }

  async setWeights([weight]: readonly { readonly data: ArrayLike<number> }[]) {
    this.restored = weight.data[0];
  }

  get trained(): TrainedModel {
    return this as unknown as TrainedModel;
  }
}

/** Options as we spell them. */
export const ourOptions = (options: Options): Record<string, never> =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [toCamelKey(key), value as never]),
  );

/** Logs as we spell them. */
export const ourLogs = (row: Row): Logs =>
  Object.fromEntries(Object.entries(row).map(([key, value]) => [toCamelKey(key), Number(value)]));

/** The rows of a sequence, under the key that is watched. */
export const rowsOf = ({ sequence, options }: Sequence): Logs[] =>
  golden.sequences[sequence].map((value) => {
    const key = String(options.monitor ?? "val_loss");
    return ourLogs(value === null ? { loss: 1 } : { loss: 1, [key]: value });
  });

/** Calls the hooks as `fit` does, and `after` each epoch. */
export async function replay(
  callback: Callback,
  model: FakeModel,
  rows: readonly Logs[],
  after: (epoch: number, logs: Logs) => void = () => undefined,
  first = 0,
): Promise<void> {
  callback.model = model.trained;
  await callback.onTrainBegin?.();
  for (const [i, row] of rows.entries()) {
    model.epoch = first + i;
    const logs = { ...row };
    await callback.onEpochBegin?.(first + i);
    await callback.onEpochEnd?.(first + i, logs);
    after(first + i, logs);
    if (model.stopTraining) break;
  }
  await callback.onTrainEnd?.({});
}
