/** Training: epochs of steps, validation, callbacks. */
import { describe, ValueError } from "../base/errors.ts";
import type { ArrayInput } from "../base/host-array.ts";
import { checkSeed, permutation } from "../base/philox.ts";
import { inputRows, type Rows, targetRows } from "../model/data.ts";
import { buildFor, testPass } from "../model/evaluate.ts";
import type { Net } from "../model/net.ts";
import { runPass, stepsOf } from "../model/pass.ts";
import { Programs } from "../model/programs.ts";
import type { Logs, PassCall } from "../model/totals.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { checkBoolean, checkWhole, settings } from "../nn/options.ts";
import { readVariables, writeVariables } from "../tensor/variable.ts";
import { type Callback, Callbacks, type TrainedModel } from "./callbacks.ts";
import { History } from "./history.ts";
import { stepInputs } from "./step-inputs.ts";

/** Options of `fit`. */
export interface FitOptions {
  /** Samples in a step; the last step of an epoch has what is left. Default: 32. */
  readonly batchSize?: number;
  /** Default: 1. */
  readonly epochs?: number;
  /** `[x, y]`, evaluated after each epoch: `valLoss` and so on. */
  readonly validationData?: readonly [ArrayInput, ArrayInput];
  /**
   * Whether each epoch takes the samples in a new order, by (seed, epochs so far). Default: true.
   */
  readonly shuffle?: boolean;
  /** Of order and noise, a whole number in [0, 2^53). Default: the model's seed. */
  readonly seed?: number;
  /** Ends the fit after the running call (about 10 ms), with the history so far. */
  readonly signal?: AbortSignal;
  readonly callbacks?: readonly Callback[];
}

type FitSettings = ReturnType<typeof fitSettings>;

/** Everything that a fit holds while it runs. */
interface Run {
  readonly net: Net;
  readonly model: TrainedModel;
  readonly given: FitSettings;
  readonly callbacks: Callbacks;
  readonly train: Programs;
  readonly validation: Programs | undefined;
  readonly optimizer: Optimizer;
  readonly batchSize: number;
  hasWarned: boolean;
}

/**
 * Trains the model on these samples and returns its history.
 *
 * @param model what callbacks see of it
 * @throws StateError before compile and while another fit of the model runs; ShapeError, DataError,
 *   ValueError, NameError for data and options, before anything is changed
 */
export async function fitModel(
  net: Net,
  model: TrainedModel,
  x: ArrayInput,
  y: ArrayInput,
  options: FitOptions = {},
): Promise<History> {
  net.beginFit();
  const opened: Programs[] = [];
  const open = async (...args: Parameters<typeof Programs.open>) => {
    const programs = await Programs.open(...args);
    opened.push(programs);
    return programs;
  };
  try {
    const given = fitSettings(options, net.seed);
    const { optimizer } = net.compiledFor("fit");
    const callbacks = new Callbacks(given.callbacks, net);
    buildFor(net, x, "fit x");
    const samples = rowsFor(net, x, y, "fit");
    const { validationData } = given;
    const held = validationData && rowsFor(net, ...validationData, "fit validationData");
    const train = await open(net, "train", samples.x, samples.y);
    const validation = held && (await open(net, "test", held.x, held.y));
    const batchSize = Math.min(given.batchSize, train.rows);
    const shared = { net, model, given, callbacks, train, validation, optimizer, batchSize };
    return await runEpochs({ ...shared, hasWarned: false });
  } finally {
    for (const programs of opened) programs.close();
    net.endFit();
  }
}

function fitSettings(options: FitOptions, modelSeed: number) {
  const defaults = {
    batchSize: 32,
    epochs: 1,
    validationData: undefined,
    shuffle: true,
    seed: modelSeed,
    signal: undefined,
    callbacks: [],
  };
  const given = settings<FitOptions, typeof defaults>(options, defaults, "fit");
  checkWhole(given.batchSize, "batchSize", "fit");
  checkWhole(given.epochs, "epochs", "fit");
  checkBoolean(given.shuffle, "shuffle", "fit");
  checkSeed(given.seed, "fit");
  const { validationData: pair, signal } = given;
  if (pair !== undefined && (!Array.isArray(pair) || pair.length !== 2))
    throw new ValueError({
      who: "fit",
      expected: "validationData must be [x, y]",
      received: describe(pair),
    });
  if (signal !== undefined && typeof signal?.aborted !== "boolean")
    throw new ValueError({
      who: "fit",
      expected: "signal must be an AbortSignal",
      received: describe(signal),
      fix: "Pass controller.signal of an AbortController.",
    });
  return given;
}

function rowsFor(net: Net, x: ArrayInput, y: ArrayInput, who: string): { x: Rows; y: Rows } {
  const { inputShape, outputShape } = net.topology;
  const rows = inputRows(x, inputShape, `${who} x`);
  const targets = targetRows(y, rows.count, outputShape, net.compiledFor("fit"), `${who} y`);
  return { x: rows, y: targets };
}

async function runEpochs(run: Run): Promise<History> {
  const { net, model, given, callbacks, train, batchSize } = run;
  const history = new History();
  const { execution } = await train.of(batchSize);
  model.stopTraining = false;
  callbacks.begin(model, {
    epochs: given.epochs,
    steps: stepsOf(train.rows, batchSize),
    batchSize,
    samples: train.rows,
    validationSamples: run.validation?.rows ?? 0,
    seed: given.seed,
    device: net.engine.device,
    threads: execution.threads,
    fma: execution.fma,
  });
  let last: Logs = {};
  await callbacks.call("onTrainBegin");
  for (let epoch = 0; epoch < given.epochs; epoch++) {
    if (model.stopTraining || isAborted(run)) break;
    const logs = await runEpoch(run, epoch);
    if (!logs) break;
    await callbacks.call("onEpochEnd", epoch, logs);
    history.add(epoch, logs);
    last = logs;
  }
  await callbacks.call("onTrainEnd", last);
  return history;
}

/** One epoch with its validation; undefined where the fit was aborted. */
async function runEpoch(run: Run, epoch: number): Promise<Logs | undefined> {
  const { callbacks, validation } = run;
  await callbacks.call("onEpochBegin", epoch);
  const logs = await trainPass(run, epoch);
  if (!logs || !validation) return logs;
  await callbacks.call("onTestBegin");
  const totals = await validationPass(run, validation);
  if (!totals) return undefined;
  await callbacks.call("onTestEnd", totals);
  for (const [name, value] of Object.entries(totals)) logs[validationName(name)] = value;
  return logs;
}

async function trainPass(run: Run, epoch: number): Promise<Logs | undefined> {
  const { model, given, callbacks, train, optimizer, batchSize } = run;
  const totals = train.totals();
  const order = await nextOrder(run);
  let isAbort = false;
  await runPass({
    programs: train,
    batchSize,
    order,
    stepsFrom: (step) => callbacks.stepsFrom("Train", step),
    before: (step) => callbacks.beforeSteps("Train", step),
    inputs: (program, count) => stepInputs(optimizer, given.seed, program, count),
    after: async (call) => {
      for (let i = 0; i < call.count; i++) {
        const loss = totals.add(call, i);
        if (!Number.isFinite(loss)) warn(run, epoch, call, i, loss);
        await callbacks.afterStep("Train", call.step + i, () => totals.logs());
      }
      isAbort = isAborted(run);
      return !isAbort && !model.stopTraining;
    },
  });
  return isAbort ? undefined : totals.logs();
}

function validationPass(run: Run, validation: Programs): Promise<Logs | undefined> {
  const { callbacks, given } = run;
  let seen = validation.totals();
  return testPass(validation, given.batchSize, {
    stepsFrom: (step) => callbacks.stepsFrom("Test", step),
    before: (step) => callbacks.beforeSteps("Test", step),
    after: async (call) => {
      if (call.step === 0) seen = validation.totals();
      for (let i = 0; i < call.count; i++) {
        seen.add(call, i);
        await callbacks.afterStep("Test", call.step + i, () => seen.logs());
      }
      return !isAborted(run);
    },
  });
}

/** The order of the next epoch, counted over all fits of the model. */
async function nextOrder({ net, given, train }: Run): Promise<Uint32Array> {
  const [count] = await readVariables([net.epoch]);
  const epoch = count.data[0];
  await writeVariables([net.epoch], [Uint32Array.of(epoch + 1)]);
  if (given.shuffle) return permutation(given.seed, "shuffle", epoch, train.rows);
  return Uint32Array.from({ length: train.rows }, (_, i) => i);
}

const isAborted = ({ given }: Run): boolean => given.signal?.aborted ?? false;

/** `valLoss`, `valAccuracy`. */
const validationName = (name: string): string => `val${name[0].toUpperCase()}${name.slice(1)}`;

function warn(run: Run, epoch: number, call: PassCall, index: number, loss: number): void {
  if (run.hasWarned) return;
  run.hasWarned = true;
  const step = call.step + index;
  console.warn(
    `fit: the loss is ${loss} in epoch ${epoch} at step ${step}; training goes on. ` +
      "A lower learning rate or smaller inputs may help.",
  );
}
