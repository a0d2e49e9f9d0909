/** The learning rate of an optimizer: a number or a schedule, times a factor. */
import { describe, ValueError } from "../../base/errors.ts";
import { checkNumber } from "../options.ts";
import { type LearningRateInput, resolveRate, type Schedule } from "../schedules.ts";
import type { MomentumAt } from "../transforms/transform.ts";

export class LearningRate {
  readonly #who: string;
  readonly #obeysMomentum: boolean;
  readonly #stepsPerUpdate: number;
  #base: number | Schedule = 0;
  #factor = 1;
  #momentum: MomentumAt | undefined;

  /**
   * @param obeysMomentum whether the optimizer has a momentum that a schedule may cycle
   * @param stepsPerUpdate how many steps gradients are accumulated
   */
  constructor(who: string, obeysMomentum: boolean, stepsPerUpdate: number) {
    this.#who = who;
    this.#obeysMomentum = obeysMomentum;
    this.#stepsPerUpdate = stepsPerUpdate;
  }

  /** The number or the schedule, without the factor. */
  get base(): number | Schedule {
    return this.#base;
  }

  /** Sets number or schedule, and the factor to 1. */
  set(value: LearningRateInput): void {
    const base = resolveRate(value, this.#who);
    const momentum = typeof base === "number" ? undefined : base.momentum;
    if (momentum && !this.#obeysMomentum)
      throw new ValueError({
        who: this.#who,
        expected: "an optimizer with momentum or beta1 for a schedule that cycles it",
        received: `schedule ${(base as Schedule).name}`,
        fix: "Pass cycleMomentum: false to the schedule.",
      });
    this.#base = base;
    this.#factor = 1;
    // Made once for a schedule: transforms remember products by it.
    this.#momentum = momentum && ((update) => this.#cycled(momentum, update));
  }

  get factor(): number {
    return this.#factor;
  }

  set factor(factor: number) {
    checkNumber(factor, "rateFactor", this.#who, { from: 0 });
    this.#factor = factor;
  }

  /** The rate of the step after `step` ones. */
  at(step: number): number {
    if (typeof this.#base === "number") return this.#base * this.#factor;
    const rate: unknown = this.#base(step);
    this.#check(rate, step, Number.POSITIVE_INFINITY, "a finite number of at least 0");
    return (rate as number) * this.#factor;
  }

  /** The momentum of each update, where the schedule says it. */
  get momentum(): MomentumAt | undefined {
    return this.#momentum;
  }

  #cycled(momentum: (step: number) => number, update: number): number {
    const step = update * this.#stepsPerUpdate - 1;
    const value: unknown = momentum(step);
    this.#check(value, step, 1, "a momentum in [0, 1)");
    return value as number;
  }

  #check(value: unknown, step: number, below: number, expected: string): void {
    if (typeof value === "number" && value >= 0 && value < below) return;
    throw new ValueError({
      who: `${this.#who} schedule ${(this.#base as Schedule).name}`,
      expected: `it must return ${expected}`,
      received: `${describe(value)} at step ${step}`,
    });
  }
}
