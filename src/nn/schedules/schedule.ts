/** What a schedule of the learning rate is, and how one of the library is declared. */
import { describe, ValueError } from "../../base/errors.ts";
import { type Field, type Fields, number, type ValuesOf } from "../fields.ts";
import { checkNumber } from "../options.ts";
import { entry, type Factory, functionName, type Part } from "../registry.ts";

/**
 * A learning rate for each step: `schedule(step)`, a pure function of the count of steps done (so
 * the first step has `schedule(0)`), as in Keras.
 */
export interface Schedule extends Part {
  (step: number): number;
  /** The momentum (or beta1) of the step, where the schedule cycles it too. */
  readonly momentum?: ((step: number) => number) | undefined;
}

/** A user's schedule. */
export type ScheduleFunction = (step: number) => number;

/** The values that a schedule is made of. */
export interface ScheduleRule {
  readonly rate: ScheduleFunction;
  readonly momentum?: ScheduleFunction | undefined;
}

/**
 * A function as a part: it can be called, and has a name and options. `registry.ts` assigns both,
 * which a function's own `name` does not allow.
 */
export function scheduleOf({ rate, momentum }: ScheduleRule, name = ""): Schedule {
  const at =
    (call: ScheduleFunction) =>
    (step: number): number => {
      checkNumber(step, "step", schedule.name, { from: 0 });
      return call(step);
    };
  const schedule = at(rate);
  Object.defineProperty(schedule, "name", { value: name, writable: true });
  const cycled = momentum && { momentum: at(momentum) };
  return Object.assign(schedule, cycled) as unknown as Schedule;
}

/** A schedule from a user's function, which may have a `momentum` too. */
export const fromFunction = (call: (...args: never[]) => unknown): Schedule => {
  const { momentum } = call as { momentum?: unknown };
  const schedule = scheduleOf(
    {
      rate: call as ScheduleFunction,
      momentum: typeof momentum === "function" ? (momentum as ScheduleFunction) : undefined,
    },
    functionName(call),
  );
  // Named by a property of its own, so that it is not taken for a plain function again.
  return Object.assign(schedule, { options: undefined }) as Schedule;
};

/** Declares a schedule: a function of the step, made of its options. */
export const schedule =
  <Options extends object>() =>
  <const F extends Fields<Options>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => ScheduleRule,
  ): Factory<Options, Schedule> =>
    entry<Options, Schedule>()(name, fields, (options) => scheduleOf(make(options)) as never);

/** A rate: a finite number of at least 0. */
export const rate = (initial?: number): Field<number> => number(initial, { from: 0 });

/** A count of steps, which need not be whole. */
export const steps = (initial?: number): Field<number> => number(initial, { above: 0 });

/** Throws a ValueError of a schedule's options that do not go together. */
export function checkTogether(good: boolean, who: string, expected: string, received: unknown) {
  if (!good) throw new ValueError({ who, expected, received: describe(received) });
}
