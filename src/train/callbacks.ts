/** Callbacks: what they may do, and the model that they see. */
import { describe, ValueError } from "../base/errors.ts";
import type { ArrayInput, HostArray } from "../base/host-array.ts";
import type { BatchOptions, EvaluateOptions } from "../model/evaluate.ts";
import type { Net } from "../model/net.ts";
import type { DataInput } from "../model/rows.ts";
import type { Logs } from "../model/totals.ts";
import type { AnyLayer } from "../nn/layer.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import type { FitControl } from "./fit-control.ts";
import type { History } from "./history.ts";

/** The model as callbacks see it: `Model` has all of this. */
export interface TrainedModel {
  readonly name: string;
  /** The model below its methods: what it was compiled with, its engine, its weights. */
  readonly net: Net;
  readonly layers: readonly AnyLayer[];
  /** What the model was compiled with; its learning rate may be set. */
  readonly optimizer: Optimizer;
  /** Set it to true and training ends after the step, with the epoch's validation and hooks. */
  stopTraining: boolean;
  /** Of the fit that runs, or of the last one. */
  history: History | undefined;
  getWeights(): Promise<HostArray[]>;
  setWeights(weights: readonly ArrayInput[]): Promise<void>;
  evaluate(x: DataInput, y: DataInput, options?: EvaluateOptions): Promise<Logs>;
  predict(x: DataInput, options?: BatchOptions): Promise<HostArray | HostArray[]>;
}

/** Facts of a fit that do not change while it runs. */
export interface FitParams {
  readonly epochs: number;
  /** Steps in an epoch. */
  readonly steps: number;
  readonly batchSize: number;
  /** Samples to train on. */
  readonly samples: number;
  /** Samples to validate on; 0 without validation. */
  readonly validationSamples: number;
  readonly seed: number;
  readonly device: "wasm" | "reference";
  /** Threads that the train step runs on: fewer than asked for where it is too small to split. */
  readonly threads: number;
  /** Whether the train step uses fused multiply-add. */
  readonly fma: boolean;
}

/**
 * Hooks of a fit, all optional and awaited, in Keras's order. Epochs and batches count from 0. The
 * logs of a batch are the means of its epoch so far. In a hook, `this.model` may be asked and
 * changed; a hook that throws ends the fit with its error.
 *
 * A callback with a batch hook makes the fit stop after every step. Where it only reads its logs,
 * `onlyReadsLogs: true` lets several steps run in a call: it is told of them afterwards, in order.
 *
 * @example
 * const log = { onEpochEnd(epoch, logs) { console.log(epoch, logs.loss); } };
 * await model.fit(x, y, { callbacks: [log] });
 */
export interface Callback {
  /** Set by `fit` before any hook. */
  model?: TrainedModel;
  /** Set by `fit` before any hook. */
  params?: FitParams;
  /** The fit itself. Set by `fit` before any hook. */
  fit?: FitControl;
  /**
   * Sees the fit from outside: its hooks at a beginning come before those of the callbacks that do
   * not, and its hooks at an end after theirs. Default: false.
   */
  readonly enclosesOthers?: boolean;
  /** Keys that its `onEpochEnd` adds to the logs. Absent: it may add any. */
  readonly addsLogs?: readonly string[];
  /** Batch hooks neither ask nor change the model, and come later, in order. Default: false. */
  readonly onlyReadsLogs?: boolean;
  /**
   * The next step of this epoch after which the callback must see or change the model, given the
   * first that is not done yet. Default: the last one, or `step` itself where it has batch hooks.
   */
  nextStop?(step: number): number;
  onTrainBegin?(): unknown;
  /** @param logs those of the last epoch */
  onTrainEnd?(logs: Logs): unknown;
  onEpochBegin?(epoch: number): unknown;
  /** @param logs of training and validation (`valLoss`); what is added goes into the history */
  onEpochEnd?(epoch: number, logs: Logs): unknown;
  onTrainBatchBegin?(batch: number): unknown;
  onTrainBatchEnd?(batch: number, logs: Logs): unknown;
  onTestBegin?(): unknown;
  onTestEnd?(logs: Logs): unknown;
  onTestBatchBegin?(batch: number): unknown;
  onTestBatchEnd?(batch: number, logs: Logs): unknown;
  /**
   * After every fit, also one that failed, where `onTrainEnd` does not come: gives back what the
   * callback holds (files, locks).
   */
  close?(): unknown;
}

type Hook = {
  [K in keyof Callback]-?: K extends `on${string}`
    ? K extends "onlyReadsLogs"
      ? never
      : K
    : never;
}[keyof Callback];

type BatchHooks = "Train" | "Test";

const functions: readonly (Hook | "nextStop" | "close")[] = [
  ...(["onTrainBegin", "onTrainEnd", "onEpochBegin", "onEpochEnd"] as const),
  ...(["onTrainBatchBegin", "onTrainBatchEnd", "onTestBegin", "onTestEnd"] as const),
  ...(["onTestBatchBegin", "onTestBatchEnd", "nextStop", "close"] as const),
];

/** Throws a ValueError unless these are objects whose hooks are functions. */
export function checkCallbacks(callbacks: readonly Callback[]): void {
  if (!Array.isArray(callbacks) || callbacks.some((c) => typeof c !== "object" || c === null))
    throw new ValueError({
      who: "fit",
      expected: "callbacks must be an array of objects with hooks",
      received: describe(callbacks),
      fix: "Example: callbacks: [{ onEpochEnd(epoch, logs) { console.log(logs.loss); } }]",
    });
  for (const callback of callbacks)
    for (const name of functions) {
      const hook: unknown = callback[name];
      if (hook !== undefined && typeof hook !== "function")
        throw new ValueError({
          who: "fit",
          expected: `${name} of a callback must be a function`,
          received: describe(hook),
        });
    }
}

/** The callbacks of a fit, called as one. */
export class Callbacks {
  /** As given: the order of hooks at a beginning, but for those that enclose the others. */
  readonly #callbacks: readonly Callback[];
  /** The order of hooks at an end. */
  readonly #atEnd: readonly Callback[];
  readonly #net: Net;
  #hasBegun = false;

  constructor(callbacks: readonly Callback[], net: Net) {
    const outer = callbacks.filter(({ enclosesOthers }) => enclosesOthers);
    const inner = callbacks.filter(({ enclosesOthers }) => !enclosesOthers);
    this.#callbacks = [...outer, ...inner];
    this.#atEnd = [...inner, ...outer.reverse()];
    this.#net = net;
  }

  begin(model: TrainedModel, params: FitParams, fit: FitControl): void {
    this.#hasBegun = true;
    for (const callback of this.#callbacks) {
      callback.model = model;
      callback.params = params;
      callback.fit = fit;
    }
  }

  /**
   * The fit is over: all callbacks give back what they hold, whatever the others throw.
   *
   * @throws what the first one throws
   */
  async close(): Promise<void> {
    if (!this.#hasBegun) return;
    const errors: unknown[] = [];
    for (const callback of this.#atEnd)
      try {
        await callback.close?.();
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 0) throw errors[0];
  }

  /** Calls a hook of all callbacks, one after the other. */
  async call<H extends Hook>(
    hook: H,
    ...values: Parameters<NonNullable<Callback[H]>>
  ): Promise<void> {
    const inOrder = hook.endsWith("Begin") ? this.#callbacks : this.#atEnd;
    for (const callback of inOrder) await this.#callOne(callback, hook, values);
  }

  /** How many steps from `step` on may run before a callback must see or change the model. */
  stepsFrom(kind: BatchHooks, step: number): number {
    let most = Number.POSITIVE_INFINITY;
    for (const callback of this.#callbacks) {
      if (this.#isLive(callback, kind)) most = 1;
      if (kind === "Train" && callback.nextStop)
        most = Math.min(most, Math.max(callback.nextStop(step) - step + 1, 1));
    }
    return most;
  }

  /** Before a call of `count` steps: batch hooks that must come before the step. */
  async beforeSteps(kind: BatchHooks, step: number): Promise<void> {
    for (const callback of this.#callbacks)
      if (this.#isLive(callback, kind))
        await this.#callOne(callback, `on${kind}BatchBegin`, [step]);
  }

  /** After each step, in order: batch hooks. Logs are made only where someone reads them. */
  async afterStep(kind: BatchHooks, step: number, logs: () => Logs): Promise<void> {
    for (const callback of this.#atEnd) {
      if (!this.#isLive(callback, kind))
        await this.#callOne(callback, `on${kind}BatchBegin`, [step]);
      if (callback[`on${kind}BatchEnd`])
        await this.#callOne(callback, `on${kind}BatchEnd`, [step, logs()]);
    }
  }

  /** Whether it must act between any two steps. */
  #isLive(callback: Callback, kind: BatchHooks): boolean {
    if (callback.onlyReadsLogs) return false;
    return Boolean(callback[`on${kind}BatchBegin`] ?? callback[`on${kind}BatchEnd`]);
  }

  async #callOne(callback: Callback, hook: Hook, values: readonly unknown[]): Promise<void> {
    const method = callback[hook] as ((...values: readonly unknown[]) => unknown) | undefined;
    if (method) await this.#net.inHook(() => method.apply(callback, [...values]));
  }
}
