/** A running fit: what callbacks see of it, and how it is captured and goes on. */
import { describe, StateError, ValueError } from "../../base/errors.ts";
import type { Logs, TotalsState } from "../../model/totals.ts";
import type { Json } from "../../nn/fields.ts";
import { isStateful, type StatefulCallback } from "../callbacks/state.ts";
import type { Callback, FitParams } from "../callbacks.ts";
import type { FitControl, FitState, LogKeys } from "../fit-control.ts";
import { History } from "../history.ts";
import { EpochTotals, type Run, validationName } from "../run.ts";
import { type CallbackState, readState, value, written } from "../state.ts";
import { checkSame, type Identity, identityOf } from "./identity.ts";

/**
 * It is itself the last callback of those that do not enclose the others: what comes after it sees
 * the epoch in the history.
 */
export class RunningFit implements FitControl, Callback {
  readonly history = new History();
  isResumed = false;
  isFinished = false;
  params?: FitParams;
  readonly #run: () => Run;
  readonly addsLogs = [];
  readonly #all: readonly Callback[];
  readonly #callbacks: readonly StatefulCallback[];
  #identity: Identity | undefined;

  /** @param run known from the first hook on */
  constructor(run: () => Run, callbacks: readonly Callback[]) {
    this.#run = run;
    this.#all = callbacks;
    this.#callbacks = callbacks.filter(isStateful);
  }

  get logKeys(): LogKeys {
    const { net, sources } = this.#run();
    const { losses, metrics } = net.compiledFor("fit");
    const names = [...losses, ...metrics].flatMap(({ name }) => name ?? []);
    const batch = ["loss", ...names];
    const held = sources.held ? batch.map(validationName) : [];
    const added = this.#all.flatMap(({ addsLogs = [] }) => addsLogs);
    const isComplete = this.#all.every((one) => !one.onEpochEnd || one.addsLogs);
    return { batch, epoch: [...batch, ...held, ...added], isComplete };
  }

  onTrainBegin(): void {
    this.history.onTrainBegin();
  }

  onEpochEnd(epoch: number, logs: Logs): void {
    this.history.onEpochEnd(epoch, logs);
    this.#run().progress.endEpoch(epoch, logs);
  }

  async identify(): Promise<void> {
    this.#identity ??= await identityOf(this.#run(), this.params!, this.#callbacks);
  }

  async capture(): Promise<FitState> {
    const { progress, data, model, optimizer } = this.#run();
    if (!this.#identity || !progress.isAtRest)
      throw new StateError({
        who: "capture",
        expected: "identify must come first, and the device must not be ahead of the hook",
        received: this.#identity ? `step ${progress.step}` : "no identity",
        fix: "Call it in onEpochEnd, or in onTrainBatchEnd of the batch that nextStop named.",
      });
    const callbacks: CallbackState[] = [];
    for (const callback of this.#callbacks) {
      const found: unknown = await callback.getState();
      if (typeof found !== "object" || found === null || Array.isArray(found))
        throw new ValueError({
          who: "getState of a callback",
          expected: "a state must be an object",
          received: describe(found),
        });
      callbacks.push(found as CallbackState);
    }
    return {
      identity: this.#identity,
      epoch: progress.epoch,
      step: progress.step,
      totals: progress.step === 0 ? null : (progress.totals.getState() ?? null),
      last: writtenLogs(progress.last),
      stopped: model.stopTraining,
      learningRate: optimizer.schedule ? null : optimizer.baseLearningRate,
      rateFactor: optimizer.rateFactor,
      position: data.position,
      history: this.history.getState(),
      callbacks,
    };
  }

  async resume(state: FitState, restore: () => Promise<void>, who: string): Promise<void> {
    await this.identify();
    checkSame(state.identity, sinceCompile(this.#identity!, state), who);
    const { progress, data, model, optimizer, given } = this.#run();
    if (given.epochs < state.epoch)
      throw new ValueError({
        who,
        expected: `fit epochs of at least ${state.epoch}, which are done`,
        received: `${given.epochs}`,
        fix: "Ask for more epochs, or remove this file to begin anew.",
      });
    const { schedule } = optimizer;
    await restore();
    // The identity of the first fit stays: what it began with.
    this.#identity = state.identity;
    optimizer.learningRate = schedule ?? state.learningRate!;
    optimizer.rateFactor = state.rateFactor;
    await data.goTo(state.position);
    progress.epoch = state.epoch;
    progress.step = state.step;
    progress.totals = new EpochTotals((state.totals as TotalsState | null) ?? undefined);
    progress.last = readLogs(state.last);
    model.stopTraining = state.stopped;
    this.history.setState(state.history);
    for (const [i, callback] of this.#callbacks.entries())
      await callback.setState(state.callbacks[i]);
    this.isResumed = true;
  }
}

/**
 * As plain JSON. A model that goes on in the process where its fit was interrupted has the learning
 * rate of that time instead of the one it was compiled with: that is the same fit.
 */
function sinceCompile(identity: Identity, { learningRate, identity: saved }: FitState): Json {
  const plain = JSON.parse(JSON.stringify(identity));
  const config = plain.compile?.optimizer?.config;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any form; what is not there differs.
  const before = (saved as any)?.compile?.optimizer?.config?.learning_rate;
  if (config && learningRate !== null && config.learning_rate === learningRate)
    config.learning_rate = before;
  return plain;
}

const writtenLogs = (logs: Logs): CallbackState =>
  Object.fromEntries(Object.entries(logs).map(([name, one]) => [name, written(one)]));

function readLogs(state: CallbackState): Logs {
  const fields = Object.fromEntries(Object.keys(state).map((name) => [name, value]));
  const read = Object.entries(readState(fields, state, "fit"));
  return Object.fromEntries(read.map(([name, one]) => [name, one ?? Number.NaN]));
}
