import { describe, ValueError } from "../../base/errors.ts";
import type { Logs } from "../../model/totals.ts";
import { readOptions } from "../../nn/fields.ts";
import type { TrainedModel } from "../callbacks.ts";
import { type StatefulCallback, Stateless } from "./state.ts";
import { sayBelow, verboseField } from "./verbose.ts";

/** Options of `learningRateScheduler`. */
export interface LearningRateSchedulerOptions {
  /** 1: tells each epoch's rate. Default: 0. */
  readonly verbose?: 0 | 1;
}

/** The rate of an epoch, from 0, given the rate as it is. */
export type EpochSchedule = (epoch: number, learningRate: number) => number;

const who = "LearningRateScheduler";

/**
 * Sets the learning rate at the start of each epoch, and adds it to the logs as `learningRate`. (A
 * rate that changes from step to step is a schedule of the optimizer: `schedules`.)
 *
 * @throws NameError, ValueError for options and where the schedule is no function; in a fit a
 *   ValueError where it returns no finite number of at least 0, or the optimizer has a schedule
 * @example callbacks.learningRateScheduler((epoch, rate) => (epoch < 10 ? rate : 0.9 * rate))
 */
export class LearningRateScheduler extends Stateless implements StatefulCallback {
  model?: TrainedModel;
  readonly addsLogs = ["learningRate"];
  readonly #schedule: EpochSchedule;
  readonly #verbose: 0 | 1;

  constructor(schedule: EpochSchedule, options: LearningRateSchedulerOptions = {}) {
    super();
    if (typeof schedule !== "function")
      throw new ValueError({
        who,
        expected: "schedule must be a function of the epoch and the rate",
        received: describe(schedule),
        fix: "Example: callbacks.learningRateScheduler((epoch, rate) => 0.9 * rate)",
      });
    this.#schedule = schedule;
    this.#verbose = readOptions({ verbose: verboseField }, options, who).verbose;
  }

  onTrainBegin(): void {
    const { schedule } = this.model!.optimizer;
    if (schedule)
      throw new ValueError({
        who,
        expected: "an optimizer whose learning rate is a number",
        received: `one with the schedule ${schedule.name}`,
        fix: "Set optimizer.learningRate to a number first, or leave this callback out.",
      });
  }

  onEpochBegin(epoch: number): void {
    const { optimizer } = this.model!;
    const rate: unknown = this.#schedule(epoch, optimizer.learningRate);
    if (typeof rate !== "number" || !Number.isFinite(rate) || rate < 0)
      throw new ValueError({
        who,
        expected: "the schedule must return a finite number of at least 0",
        received: `${describe(rate)} at epoch ${epoch}`,
      });
    optimizer.learningRate = rate;
    if (this.#verbose === 1)
      sayBelow(`Epoch ${epoch + 1}: ${who} setting learning rate to ${rate}.`);
  }

  onEpochEnd(_: number, logs: Logs): void {
    logs.learningRate = this.model!.optimizer.learningRate;
  }
}

/** See `LearningRateScheduler`. */
export const learningRateScheduler = (
  schedule: EpochSchedule,
  options: LearningRateSchedulerOptions = {},
): LearningRateScheduler => new LearningRateScheduler(schedule, options);
