/** Training: epochs of steps, validation, callbacks. */
import type { Dataset } from "../base/dataset.ts";
import { ValueError } from "../base/errors.ts";
import { isDataset, type StepData, sliceData } from "../model/data.ts";
import { checkDatasetArguments, HeldData } from "../model/evaluate.ts";
import type { Net } from "../model/net.ts";
import { readyData } from "../model/ready.ts";
import type { DataInput } from "../model/rows.ts";
import type { Logs } from "../model/totals.ts";
import { Callbacks, checkCallbacks, type TrainedModel } from "./callbacks.ts";
import { type FitOptions, type FitSettings, fitSettings } from "./fit-options.ts";
import type { History } from "./history.ts";
import { type ProgressLines, progressLines } from "./progress.ts";
import { RunningFit } from "./resume/running-fit.ts";
import { isAborted, Progress, type Run, validationName } from "./run.ts";
import { TrainingData } from "./training-data.ts";

/**
 * Trains the model on these samples and returns its history.
 *
 * @param model what callbacks see of it
 * @param y undefined where `x` is a `Dataset`
 * @throws StateError before compile and while another fit of the model runs; ShapeError, DataError,
 *   ValueError, NameError for data and options, before anything is changed
 */
export async function fitModel(
  net: Net,
  model: TrainedModel,
  x: DataInput | Dataset,
  y: DataInput | undefined,
  options: FitOptions = {},
): Promise<History> {
  net.beginFit("fit");
  const opened: { close(): unknown }[] = [];
  let lines: ProgressLines | undefined;
  try {
    const given = fitSettings(options, net.seed);
    const { optimizer } = net.compiledFor("fit");
    lines = progressLines(given.verbose);
    checkCallbacks(given.callbacks);
    const fit = new RunningFit(() => run, given.callbacks);
    const callbacks = new Callbacks([...given.callbacks, ...(lines ? [lines] : []), fit], net);
    const { train, held, sources } = await splitData(net, x, y, given);
    const data = await TrainingData.open(net, train, given);
    opened.push(data);
    const validation = held && (await held());
    if (validation) opened.push(validation);
    const progress = new Progress(given.initialEpoch);
    const parts = { net, model, given, callbacks, data, validation, optimizer, lines };
    const run = { ...parts, sources, progress };
    return await runEpochs(run, data, fit);
  } finally {
    lines?.endLine();
    try {
      for (const data of opened) await data.close();
    } finally {
      net.endFit();
    }
  }
}

/** Checks all data before any of it goes to the device. */
async function splitData(
  net: Net,
  x: DataInput | Dataset,
  y: DataInput | undefined,
  given: FitSettings,
): Promise<{
  train: StepData | Dataset;
  held: (() => Promise<HeldData>) | undefined;
  sources: Run["sources"];
}> {
  const { sampleWeight, classWeight, validationData, validationSplit } = given;
  const weights = { sampleWeight, classWeight };
  if (isDataset(x)) {
    checkDatasetArguments(y, weights, "fit");
    if (validationSplit !== undefined)
      throw new ValueError({
        who: "fit",
        expected: "no validationSplit beside a Dataset",
        received: `${validationSplit}`,
        fix: "Pass another Dataset as validationData.",
      });
  }
  let train = isDataset(x) ? x : readyData(net, x, y, weights, "fit");
  const who = "fit validationData";
  if (isDataset(validationData)) {
    const none = { sampleWeight: undefined };
    const open = () => HeldData.open(net, who, validationData, undefined, none);
    return { train, held: open, sources: { train, held: validationData } };
  }
  let held: StepData | undefined;
  if (validationData) {
    const [heldX, heldY, heldWeight] = validationData;
    held = readyData(net, heldX, heldY, { sampleWeight: heldWeight }, who);
  } else if (validationSplit !== undefined && !isDataset(train)) {
    const at = Math.floor(train.count * (1 - validationSplit));
    if (at === 0 || at === train.count)
      throw new ValueError({
        who: "fit",
        expected: "validationSplit must leave samples on both sides",
        received: `${validationSplit} of ${train.count} samples`,
      });
    // Class weights are of training alone, as in Keras.
    const whole =
      classWeight && !isDataset(x) ? readyData(net, x, y, { sampleWeight }, "fit") : train;
    held = sliceData(whole, at, train.count);
    train = sliceData(train, 0, at);
  }
  const rows = held;
  const sources = rows ? { train, held: rows } : { train };
  return { train, held: rows && (() => HeldData.of(net, who, rows)), sources };
}

async function runEpochs(run: Run, data: TrainingData, fit: RunningFit): Promise<History> {
  const { net, model, given, callbacks, progress } = run;
  model.stopTraining = false;
  model.history = fit.history;
  const execution = await data.execution();
  // Aborted before its first data came.
  if (!execution) return fit.history;
  const { threads, fma } = execution;
  const params = {
    epochs: given.epochs,
    steps: data.steps,
    batchSize: data.batchSize,
    samples: data.rows,
    validationSamples: run.validation?.rows ?? 0,
    seed: given.seed,
    device: net.engine.device,
    threads,
    fma,
  };
  return await closing(callbacks, async () => {
    callbacks.begin(model, params, fit);
    await callbacks.call("onTrainBegin");
    const isOver = () => progress.epoch >= given.epochs || model.stopTraining;
    let isBroken = false;
    while (!isOver() && !isAborted(run) && !isBroken) {
      const { epoch } = progress;
      const logs = await runEpoch(run, data, epoch);
      isBroken = !logs;
      if (logs) await callbacks.call("onEpochEnd", epoch, logs);
    }
    fit.isFinished = isOver() && !isBroken;
    // Before hooks see the end: restoring the best weights comes after it, as in Keras.
    await run.optimizer.finalizeVariableValues(net.trainableWeights);
    await callbacks.call("onTrainEnd", progress.last);
    return fit.history;
  });
}

/** Whatever a hook throws, all callbacks are closed; the first error is the fit's. */
async function closing<T>(callbacks: Callbacks, body: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await body();
  } catch (error) {
    await callbacks.close().catch(() => undefined);
    throw error;
  }
  await callbacks.close();
  return result;
}

/** One epoch, or the rest of it, with its validation; undefined where the fit was aborted. */
async function runEpoch(run: Run, data: TrainingData, epoch: number): Promise<Logs | undefined> {
  const { callbacks, validation, given, progress } = run;
  if (progress.step === 0) await callbacks.call("onEpochBegin", epoch);
  const logs = await data.trainEpoch(run, epoch);
  if (!logs || !validation || !isValidated(given.validationFreq, epoch)) return logs;
  await callbacks.call("onTestBegin");
  const size = given.validationBatchSize ?? given.batchSize;
  const totals = await validation.test(size, given.validationSteps, {
    signal: given.signal,
    stepsFrom: (step) => callbacks.stepsFrom("Test", step),
    before: (step) => callbacks.beforeSteps("Test", step),
    after: async (call, seen) => {
      for (let i = 0; i < call.count; i++) {
        seen.add(call, i);
        await callbacks.afterStep("Test", call.step + i, () => seen.logs());
      }
      return !isAborted(run);
    },
  });
  if (!totals) return undefined;
  await callbacks.call("onTestEnd", totals);
  for (const [name, value] of Object.entries(totals)) logs[validationName(name)] = value;
  return logs;
}

/** Whether the epoch, counted from 0, is followed by a validation. */
const isValidated = (frequency: number | readonly number[], epoch: number): boolean =>
  typeof frequency === "number" ? (epoch + 1) % frequency === 0 : frequency.includes(epoch + 1);
