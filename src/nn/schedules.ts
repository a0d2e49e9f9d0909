/**
 * Schedules of the learning rate: pure functions of the step. To add one, add it to a file of
 * `schedules/`.
 */

import type { Field, Json } from "./fields.ts";
import { checkNumber } from "./options.ts";
import { type Kind, resolve } from "./registry.ts";
import { cosines } from "./schedules/cosine.ts";
import { decays } from "./schedules/decay.ts";
import { oneCycles } from "./schedules/one-cycle.ts";
import { fromFunction, type Schedule, type ScheduleFunction } from "./schedules/schedule.ts";
import { deserializePart, serializePart } from "./serialization.ts";

export type { Schedule, ScheduleFunction } from "./schedules/schedule.ts";

/** The schedules of the library. */
export const schedules = { ...decays, ...cosines, ...oneCycles };

export const scheduleKind: Kind<Schedule> = {
  kind: "schedule",
  plural: "schedules",
  module: "keras.optimizers.schedules",
  entries: schedules,
  ownEntries: ["constant", "powerDecay", "oneCycle"],
  ignoredKeys: ["name"],
  is: (value) => typeof value === "function" && Object.hasOwn(value, "options"),
  fromFunction,
};

/** What an optimizer takes as its learning rate: a number, a schedule, or a function of the step. */
export type LearningRateInput = number | Schedule | ScheduleFunction;

/** The rate that a user gave, checked. */
export function resolveRate(value: unknown, who: string): number | Schedule {
  const isSchedule = typeof value === "function" || typeof value === "string";
  if (isSchedule || (typeof value === "object" && value !== null))
    return resolve(value, scheduleKind, who);
  checkNumber(value, "learningRate", who, { from: 0 });
  return value as number;
}

/** The option `learningRate`. In files it is a number or a schedule's config. */
export const rateField = (initial: number): Field<number | Schedule> => ({
  initial,
  oldKeys: ["lr"],
  read: (value, _, who) => resolveRate(value, who),
  write: (rate) => {
    if (typeof rate === "number") return rate;
    if (rate.name === "constant") return rate.options!.learningRate as number;
    return serializePart(scheduleKind, rate) as Json;
  },
  parse: (value, custom) =>
    typeof value === "number" || value === null
      ? value
      : deserializePart(scheduleKind, value, custom),
});
