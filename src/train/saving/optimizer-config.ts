/** An optimizer as Keras can take it, and what is beyond that. */
import type { Net } from "../../model/net.ts";
import type { Optimizer, OptimizerEntry } from "../../nn/optimizer.ts";
import { optimizerKind, optimizers, serializeOptimizer } from "../../nn/optimizers.ts";
import { type Schedule, scheduleKind, schedules } from "../../nn/schedules.ts";
import { registeredNameOf, type Serialized, serializePart } from "../../nn/serialization.ts";
import type { NetValues } from "./net-values.ts";

/** Options of Keras's schedules that are rates. */
const rateOptions = ["initialLearningRate", "endLearningRate", "warmupTarget", "values"];

/** An optimizer for a file. */
export interface WrittenOptimizer {
  /** What Keras reads. */
  readonly config: Serialized | string;
  /** All of it, where Keras's config says less; absent where there is no more to say. */
  readonly full?: Serialized | string;
  /** The numbers and arrays beside it, in Keras's order. */
  readonly entries: readonly OptimizerEntry[];
}

/**
 * The optimizer as Keras can take it: with a schedule of Keras's (times `rateFactor`) or else the
 * rate of today, and without options that Keras lacks; undefined before `compile`.
 *
 * @throws ValueError for a user's own optimizer that is not registered
 */
export function writtenOptimizer(net: Net, values: NetValues): WrittenOptimizer | undefined {
  const optimizer = net.compiled?.optimizer;
  const { entries } = values;
  if (!optimizer || !entries) return undefined;
  const { entry, options, schedule } = optimizer;
  const iterations = values.countOf(optimizer.iterations);
  if (entry === undefined || options === undefined)
    return { config: serializeOptimizer(optimizer), entries };
  const keras = schedule && kerasSchedule(schedule, optimizer.rateFactor);
  const rate = keras ?? (schedule ?? (() => optimizer.baseLearningRate))(iterations);
  const learningRate = typeof rate === "number" ? rate * optimizer.rateFactor : rate;
  const { fields } = optimizers[entry as keyof typeof optimizers];
  const own = Object.entries(fields).filter(([, field]) => field.isOwn);
  const plain = {
    ...options,
    ...Object.fromEntries(own.map(([name, { initial }]) => [name, initial])),
    ...cycled(schedule, options, iterations),
    learningRate,
  };
  const config = serializePart(optimizerKind, { name: entry, options: plain } as never);
  const full = fullConfig(optimizer);
  return {
    config,
    ...(full && JSON.stringify(full) !== JSON.stringify(config) && { full }),
    entries: schedule && !keras ? withRate(entries, learningRate as number) : entries,
  };
}

/** Keras has a variable for a rate that is a number. */
function withRate(entries: readonly OptimizerEntry[], rate: number): OptimizerEntry[] {
  const [iteration, ...others] = entries;
  return [iteration, { name: "learning_rate", value: () => rate }, ...others];
}

/** The schedule times the factor, if Keras has such a one. */
function kerasSchedule(schedule: Schedule, factor: number): Schedule | undefined {
  const { name, options } = schedule;
  const isKeras = Object.hasOwn(schedules, name) && !scheduleKind.ownEntries!.includes(name);
  if (!options || !isKeras) return undefined;
  if (factor === 1) return schedule;
  const scaled = Object.entries(options).map(([key, value]) => {
    if (!rateOptions.includes(key) || value === undefined) return [key, value];
    const times = (rate: number) => rate * factor;
    return [key, Array.isArray(value) ? value.map(times) : times(value as number)];
  });
  return schedules[name as "cosineDecay"](Object.fromEntries(scaled));
}

/** The momentum of today where the schedule cycles it. */
function cycled(
  schedule: Schedule | undefined,
  options: Readonly<Record<string, unknown>>,
  iterations: number,
): Record<string, number> {
  if (!schedule?.momentum) return {};
  const name = "momentum" in options ? "momentum" : "beta1";
  return { [name]: schedule.momentum(iterations) };
}

/** With everything that this library knows; a user's own function cannot be written. */
function fullConfig(optimizer: Optimizer): Serialized | string | undefined {
  const { schedule, entry, options, rateFactor, baseLearningRate } = optimizer;
  if (schedule && !isWritable(schedule)) return undefined;
  const learningRate = schedule ?? baseLearningRate;
  const given = { ...options, learningRate, rateFactor };
  return serializePart(optimizerKind, { name: entry!, options: given } as never);
}

function isWritable(schedule: Schedule): boolean {
  if (schedule.options) return true;
  return [schedule, schedule.source].some((one) => registeredNameOf(one) !== undefined);
}
