/** The 1cycle policy, in three presets. */

import { cosTurns } from "../../base/elementary.ts";
import { ValueError } from "../../base/errors.ts";
import { boolean, choice, number, optional, whole } from "../fields.ts";
import { checkTogether, rate, type ScheduleRule, schedule } from "./schedule.ts";

/** Options of `schedules.oneCycle`. */
export interface OneCycleOptions {
  /** Whose rule: see `schedules.oneCycle`. Default: "book". */
  readonly preset?: "book" | "fastai" | "pytorch";
  /** The rate at the top. */
  readonly maxRate: number;
  /** Steps of the whole run; afterwards the last rate stays. */
  readonly totalSteps: number;
  /** The rate at the start. Default: maxRate / 10 in the book, else maxRate / 25. */
  readonly startRate?: number;
  /** The rate at the end. Default: startRate / 1000; fastai maxRate / 1e5; PyTorch startRate / 1e4. */
  readonly finalRate?: number;
  /** Steps of the last fall; only in the book. Default: floor(totalSteps / 10) + 1. */
  readonly lastSteps?: number;
  /** The share of steps on the way up; not in the book. Default: fastai 0.25, PyTorch 0.3. */
  readonly pctStart?: number;
  /** The way between two rates; only in PyTorch. Default: "cosine". */
  readonly anneal?: "cosine" | "linear";
  /** Down to the start as long as up, then to the end; only in PyTorch. Default: false. */
  readonly threePhase?: boolean;
  /** Whether the momentum goes against the rate; not in the book, which keeps it. Default: true. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the top of the rate; not in the book. Default: 0.85. */
  readonly baseMomentum?: number;
  /** The momentum at start and end; not in the book. Default: 0.95. */
  readonly maxMomentum?: number;
}

const share = number(undefined, { above: 0, below: 1 });
const momentum = number(undefined, { from: 0, below: 1 });

const fields = {
  preset: choice(["book", "fastai", "pytorch"], "book"),
  maxRate: rate(),
  totalSteps: whole(),
  startRate: optional(rate()),
  finalRate: optional(rate()),
  lastSteps: optional(whole()),
  pctStart: optional(share),
  anneal: optional(choice(["cosine", "linear"])),
  threePhase: optional(boolean()),
  cycleMomentum: optional(boolean()),
  baseMomentum: optional(momentum),
  maxMomentum: optional(momentum),
};

/** The options in full; undefined where the preset has a default. */
interface OneCycle {
  readonly preset: "book" | "fastai" | "pytorch";
  readonly maxRate: number;
  readonly totalSteps: number;
  readonly startRate: number | undefined;
  readonly finalRate: number | undefined;
  readonly lastSteps: number | undefined;
  readonly pctStart: number | undefined;
  readonly anneal: "cosine" | "linear" | undefined;
  readonly threePhase: boolean | undefined;
  readonly cycleMomentum: boolean | undefined;
  readonly baseMomentum: number | undefined;
  readonly maxMomentum: number | undefined;
}

/** Options that each preset does not have. */
const absent: Readonly<Record<OneCycle["preset"], readonly (keyof OneCycle)[]>> = {
  book: ["pctStart", "anneal", "threePhase", "cycleMomentum", "baseMomentum", "maxMomentum"],
  fastai: ["lastSteps", "anneal", "threePhase"],
  pytorch: ["lastSteps"],
};

/** The 1cycle schedule. */
export const oneCycles = {
  /**
   * The rate goes up and down again once in a run, then far below where it began (Smith, 2018,
   * https://arxiv.org/abs/1803.09820). Presets:
   *
   * - "book": straight up over half of all steps but the last tenth, straight down, then straight to
   *   the end; the momentum stays (Géron, Hands-On Machine Learning, chapter 11).
   * - "fastai": a half cosine up over `pctStart`, one down to the end; the momentum the other way
   *   round (`fit_one_cycle`).
   * - "pytorch": the same with other numbers, at the last step exactly at the end (`OneCycleLR`);
   *   three phases or straight lines if asked.
   *
   * A cycled momentum is obeyed by optimizers with momentum or beta1, others refuse the schedule.
   *
   * @throws ValueError where an option is not one of the preset's
   */
  oneCycle: schedule<OneCycleOptions>()("oneCycle", fields, (options): ScheduleRule => {
    for (const name of absent[options.preset])
      if (options[name] !== undefined)
        throw new ValueError({
          who: "oneCycle",
          expected: `options of the preset "${options.preset}"`,
          received: name,
          fix: "Leave it out, or choose another preset.",
        });
    if (options.preset === "book") return { rate: book(options) };
    const { maxRate, startRate = maxRate / 25, cycleMomentum = true } = options;
    const { baseMomentum = 0.85, maxMomentum = 0.95 } = options;
    const isOrdered = baseMomentum <= maxMomentum;
    const range = "baseMomentum must be at most maxMomentum";
    checkTogether(isOrdered, "oneCycle", range, [baseMomentum, maxMomentum]);
    const make = options.preset === "fastai" ? fastai : pytorch;
    const finalRate =
      options.finalRate ?? (options.preset === "fastai" ? maxRate / 1e5 : startRate / 1e4);
    const cycled = make(options, maxMomentum, baseMomentum, maxMomentum);
    return {
      rate: make(options, startRate, maxRate, finalRate),
      momentum: cycleMomentum ? cycled : undefined,
    };
  }),
};

type Curve = (step: number) => number;

function book({ maxRate, totalSteps, ...options }: OneCycle): Curve {
  const { startRate = maxRate / 10, lastSteps = Math.floor(totalSteps / 10) + 1 } = options;
  const { finalRate = startRate / 1000 } = options;
  const fits = lastSteps <= totalSteps;
  checkTogether(fits, "oneCycle", `lastSteps must be at most totalSteps ${totalSteps}`, lastSteps);
  const half = Math.floor((totalSteps - lastSteps) / 2);
  const line = (step: number, from: number, to: number, start: number, end: number) =>
    ((end - start) * (step - from)) / (to - from) + start;
  return (step) => {
    if (step < half) return line(step, 0, half, startRate, maxRate);
    if (step < 2 * half) return line(step, half, 2 * half, maxRate, startRate);
    if (step >= totalSteps) return finalRate;
    return line(step, 2 * half, totalSteps, startRate, finalRate);
  };
}

function fastai({ totalSteps, pctStart = 0.25 }: OneCycle, ...points: number[]): Curve {
  const [start, top, end] = points;
  return (step) => {
    const at = Math.min(step / totalSteps, 1);
    return at < pctStart
      ? cosine(start, top, at / pctStart)
      : cosine(top, end, (at - pctStart) / (1 - pctStart));
  };
}

function pytorch(options: OneCycle, start: number, top: number, end: number): Curve {
  const { totalSteps, pctStart = 0.3, threePhase = false, anneal = "cosine" } = options;
  const last = totalSteps - 1;
  const up = pctStart * totalSteps - 1;
  // A momentum ends where it began; of three phases its last one stays there.
  const phases = threePhase
    ? [
        { until: up, from: start, to: top },
        { until: 2 * pctStart * totalSteps - 2, from: top, to: start },
        { until: last, from: start, to: end },
      ]
    : [
        { until: up, from: start, to: top },
        { until: last, from: top, to: end },
      ];
  return (step) => {
    const at = Math.min(step, last);
    let begin = 0;
    for (const { until, from, to } of phases) {
      if (at <= until || until === last) {
        const length = until - begin;
        const passed = length > 0 ? (at - begin) / length : 1;
        return anneal === "cosine" ? cosine(from, to, passed) : from + (to - from) * passed;
      }
      begin = until;
    }
    return end;
  };
}

/** Half a cosine from one number to another. */
const cosine = (from: number, to: number, passed: number): number =>
  to + ((from - to) / 2) * (1 + cosTurns(passed / 2));
