/** What a link of an optimizer's chain is, and what it finds. */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";

/** What a link's numbers may hang on. */
export interface StepInfo {
  /** Counts the updates, from 1. */
  readonly iteration: number;
  readonly learningRate: number;
  /**
   * Where the schedule of the rate cycles the momentum too: the momentum of an update, counted from
   * 1. It stands in for the link's own momentum or beta1. The same function at every step.
   */
  readonly momentum?: MomentumAt | undefined;
}

/** The momentum of an update, counted from 1. */
export type MomentumAt = (iteration: number) => number;

/** State of one weight, of the weight's shape. */
export interface Slot {
  /** Before this step. */
  readonly value: Tensor;
  /** Sets the value after this step, and returns it. */
  set(value: Tensor): Tensor;
}

/** What a link finds in its `update`. */
export interface UpdateContext {
  readonly trace: Trace;
  /** The weights before this step, in the order of the gradients; decayed where weights decay. */
  readonly weights: readonly Tensor[];
  /** One of the link's `numbers`, as a scalar. */
  number(name: string): Tensor;
  /** One of the link's `slots`, for the weight at `index`. */
  slot(name: string, index: number): Slot;
}

/** A link of an optimizer's chain. */
export interface Transform {
  readonly name: string;
  /** Names of the state that it keeps for each weight; those of Keras where it has the same. */
  readonly slots?: readonly string[];
  /** What the slots hold at first, by name. Default: 0. */
  readonly initialValues?: Readonly<Record<string, number>>;
  /** Whether its numbers obey `StepInfo.momentum`. */
  readonly obeysMomentum?: boolean;
  /** The numbers that a step needs; must always have the same names. */
  numbers?(step: StepInfo): Readonly<Record<string, number>>;
  /**
   * Numbers that Keras keeps as variables of the optimizer and that here follow from the count of
   * updates done, under Keras's names: for files.
   */
  scalars?(iterations: number, momentum?: MomentumAt): Readonly<Record<string, number>>;
  /** The updates, one for each gradient. */
  update(gradients: readonly Tensor[], context: UpdateContext): readonly Tensor[];
}

/** a + (b - a) share. */
export const towards = (a: Tensor, b: Tensor, share: Tensor): Tensor =>
  b.subtract(a).multiply(share).add(a);

/**
 * factor(1) factor(2) ... factor(t): always multiplied in this order, so that it is a pure function
 * of t (`**` is not: JavaScript leaves its last digit to the engine), and fast where t only grows.
 */
export function runningProduct(factor: (t: number) => number): (t: number) => number {
  let at = 0;
  let product = 1;
  return (t) => {
    if (t < at) {
      at = 0;
      product = 1;
    }
    while (at < t) {
      at++;
      product *= factor(at);
    }
    return product;
  };
}

/** Where an epsilon stands: within the root (or maximum) that it protects, or added to it. */
export type EpsilonPlace = "inside" | "outside";
