import { describe, ValueError } from "../../base/errors.ts";
import { boolean, type Field, list, optional, readOptions, text } from "../../nn/fields.ts";
import type { Callback, FitParams, TrainedModel } from "../callbacks.ts";
import type { FitControl } from "../fit-control.ts";

/** Options of `lambdaCallback`: hooks, and what a callback says of itself. All optional. */
export type LambdaCallbackOptions = Omit<Callback, "model" | "params" | "fit">;

const hook: Field = optional({
  read: (value, name, who) => {
    if (typeof value === "function") return value;
    throw new ValueError({
      who,
      expected: `${name} must be a function`,
      received: describe(value),
    });
  },
});

const fields: { readonly [K in keyof LambdaCallbackOptions]-?: Field } = {
  enclosesOthers: boolean(false),
  addsLogs: optional(list(text())),
  onlyReadsLogs: boolean(false),
  nextStop: hook,
  onTrainBegin: hook,
  onTrainEnd: hook,
  onEpochBegin: hook,
  onEpochEnd: hook,
  onTrainBatchBegin: hook,
  onTrainBatchEnd: hook,
  onTestBegin: hook,
  onTestEnd: hook,
  onTestBatchBegin: hook,
  onTestBatchEnd: hook,
  close: hook,
};

/** The hooks, so that each is known to be there. */
export interface LambdaCallback extends LambdaCallbackOptions {}

/**
 * A callback made of functions. `fit` takes an object with hooks as it is; this one also refuses a
 * hook that is misspelt. In a `function`, `this` is the callback, with its `model`.
 *
 * @throws NameError for an unknown hook, ValueError for one that is no function
 * @example callbacks.lambdaCallback({ onEpochEnd: (epoch, logs) => console.log(epoch, logs.loss) })
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor assigns what is given.
export class LambdaCallback implements Callback {
  model?: TrainedModel;
  params?: FitParams;
  fit?: FitControl;

  constructor(options: LambdaCallbackOptions = {}) {
    const read = Object.entries(readOptions(fields, options, "LambdaCallback"));
    Object.assign(this, Object.fromEntries(read.filter(([, value]) => value !== undefined)));
  }
}

/** See `LambdaCallback`. */
export const lambdaCallback = (options: LambdaCallbackOptions = {}): LambdaCallback =>
  new LambdaCallback(options);
