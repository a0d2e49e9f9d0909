/** Everything that a fit holds while it runs. */
import type { Dataset } from "../base/dataset.ts";
import type { StepData } from "../model/data.ts";
import type { HeldData } from "../model/evaluate.ts";
import type { Net } from "../model/net.ts";
import type { Programs } from "../model/programs.ts";
import type { Logs, Totals, TotalsState } from "../model/totals.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import type { Callbacks, TrainedModel } from "./callbacks.ts";
import type { DataPosition } from "./fit-control.ts";
import type { FitSettings } from "./fit-options.ts";
import type { ProgressLines } from "./progress.ts";

/** What a fit trains on. */
export interface WalkedData {
  readonly position: DataPosition;
  goTo(position: DataPosition): Promise<void>;
}

export interface Run {
  readonly net: Net;
  readonly model: TrainedModel;
  readonly given: FitSettings;
  readonly callbacks: Callbacks;
  readonly data: WalkedData;
  readonly validation: HeldData | undefined;
  /** What data and validation were made of. */
  readonly sources: { readonly train: StepData | Dataset; readonly held?: StepData | Dataset };
  readonly optimizer: Optimizer;
  readonly lines: ProgressLines | undefined;
  readonly progress: Progress;
  hasWarned?: boolean;
}

export const isAborted = ({ given }: Pick<Run, "given">): boolean => given.signal?.aborted ?? false;

/** How far a fit is. */
export class Progress {
  /** The epoch that runs or comes next. */
  epoch: number;
  /** Steps done in it. */
  step = 0;
  /** Whether the device has done no more than these steps. */
  isAtRest = true;
  totals = new EpochTotals();
  /** Logs of the last whole epoch. */
  last: Logs = {};

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** An epoch is over. */
  endEpoch(epoch: number, logs: Logs): void {
    this.epoch = epoch + 1;
    this.step = 0;
    this.totals = new EpochTotals();
    this.last = logs;
  }
}

/** The totals of an epoch, made when its first data is there. */
export class EpochTotals {
  #totals: Totals | undefined;
  #begun: TotalsState | undefined;

  /** @param begun what earlier steps of the epoch reported */
  constructor(begun?: TotalsState) {
    this.#begun = begun;
  }

  of(programs: Programs): Totals {
    this.#totals ??= programs.totals();
    if (this.#begun) this.#totals.setState(this.#begun);
    this.#begun = undefined;
    return this.#totals;
  }

  getState(): TotalsState | undefined {
    return this.#totals?.getState() ?? this.#begun;
  }

  logs(): Logs {
    return this.#totals?.logs() ?? {};
  }
}

/** `valLoss`, `valAccuracy`. */
export const validationName = (name: string): string =>
  `val${name[0].toUpperCase()}${name.slice(1)}`;
