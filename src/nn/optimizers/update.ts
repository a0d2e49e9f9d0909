/** One step of an optimizer: the numbers that it needs of the host, and its recording. */
import { ShapeError, StateError } from "../../base/errors.ts";
import { formatShape, sameShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import type { Variable } from "../../tensor/variable.ts";
import type { Clip } from "../transforms/clip.ts";
import type { Slot, Transform } from "../transforms/transform.ts";
import type { CommonSettings } from "./common.ts";
import type { LearningRate } from "./rate.ts";
import type { OptimizerState } from "./state.ts";

/** What an optimizer updates with. */
export interface UpdateParts {
  readonly name: string;
  readonly transforms: readonly Transform[];
  readonly common: CommonSettings;
  readonly clip: Clip | undefined;
  readonly state: OptimizerState;
  /** Steps for each update. */
  readonly every: number;
  /** Whether a weight decay holds for this weight. */
  decays(weight: Variable): boolean;
}

/** What a constraint makes of a weight after its update. */
export type WeightConstraint = (weight: Tensor) => Tensor;

/** What a step is recorded of. */
export interface UpdateStep {
  readonly trace: Trace;
  readonly weights: readonly Variable[];
  readonly gradients: readonly Tensor[];
  readonly constraints: readonly (WeightConstraint | undefined)[];
  /** One of the step's numbers, as a scalar. */
  number(name: string): Tensor;
}

/** Names of a step's numbers. */
const names = {
  of: (position: number, name: string) => `optimizer/${position}/${name}`,
  decay: "optimizer/decay",
  isUpdate: "optimizer/isUpdate",
  averageKept: "optimizer/averageKept",
  averageNew: "optimizer/averageNew",
  overwrites: "optimizer/overwrites",
} as const;

/** The numbers of the step after `done` ones. */
export function numbersOf(
  { transforms, common, every }: UpdateParts,
  rate: LearningRate,
  done: number,
): Record<string, number> {
  const learningRate = rate.at(done);
  const updates = Math.floor(done / every);
  const info = { iteration: updates + 1, learningRate, momentum: rate.momentum };
  const all: Record<string, number> = {};
  for (const [position, transform] of transforms.entries()) {
    const numbers = transform.numbers?.(info) ?? {};
    for (const name in numbers) all[names.of(position, name)] = numbers[name];
  }
  const { weightDecay, weightDecayMode, useEma, emaMomentum, emaOverwriteFrequency } = common;
  if (weightDecay !== undefined && weightDecayMode === "decoupled")
    all[names.decay] = weightDecay * learningRate;
  if (every > 1) all[names.isUpdate] = (done + 1) % every === 0 ? 1 : 0;
  if (useEma) {
    // The first average is the weight itself.
    const kept = updates === 0 ? 0 : emaMomentum;
    all[names.averageKept] = kept;
    all[names.averageNew] = 1 - kept;
    if (emaOverwriteFrequency)
      all[names.overwrites] = (updates + 1) % emaOverwriteFrequency === 0 ? 1 : 0;
  }
  return all;
}

/** What a step that only accumulates leaves as it was. */
type Updated = (next: Tensor, old: Tensor) => Tensor;

/** Records a step in Keras's order: accumulate, clip, decay, update, average, constrain. */
export function recordUpdate(parts: UpdateParts, step: UpdateStep): void {
  const { trace, weights, constraints, number } = step;
  const before = weights.map((weight) => trace.read(weight));
  const isUpdate = parts.every > 1 ? number(names.isUpdate).greater(0) : undefined;
  const updated: Updated = (next, old) => (isUpdate ? isUpdate.where(next, old) : next);
  let updates = readyGradients(parts, step, before, isUpdate);
  const decayed = decayedWeights(parts, step, before);
  for (const [position, transform] of parts.transforms.entries()) {
    updates = transform.update(updates, {
      trace,
      weights: decayed,
      number: (name) => number(names.of(position, name)),
      slot: (name, index) => slotOf(parts, trace, weights[index], position, name, updated),
    });
    checkUpdates(`${parts.name} ${transform.name}`, updates, before);
  }
  for (const [i, weight] of weights.entries()) {
    const value = updated(decayed[i].add(updates[i]), before[i]);
    const averaged = parts.common.useEma ? recordAverage(parts, step, weight, value) : value;
    trace.assign(weight, constraints[i]?.(averaged) ?? averaged);
  }
}

/** Gradients as the chain gets them: accumulated, clipped, and with a coupled decay. */
function readyGradients(
  { common, clip, state, every, decays }: UpdateParts,
  { trace, weights, gradients }: UpdateStep,
  before: readonly Tensor[],
  isUpdate: Tensor | undefined,
): readonly Tensor[] {
  const { lossScaleFactor, weightDecay, weightDecayMode } = common;
  let all = gradients;
  if (lossScaleFactor !== undefined) all = all.map((g) => g.divide(lossScaleFactor));
  if (isUpdate)
    all = all.map((g, i) => {
      const sum = state.named(weights[i], "gradient_accumulator");
      const next = trace.read(sum).add(g);
      trace.assign(sum, isUpdate.where(0, next));
      return next.divide(every);
    });
  if (clip) all = clip.update(all);
  if (weightDecay === undefined || weightDecayMode === "decoupled") return all;
  return all.map((g, i) => (decays(weights[i]) ? g.add(before[i].multiply(weightDecay)) : g));
}

/** Weights after a decoupled decay: what the update is added to. */
function decayedWeights(
  { common: { weightDecay, weightDecayMode }, decays }: UpdateParts,
  { weights, number }: UpdateStep,
  before: readonly Tensor[],
): readonly Tensor[] {
  if (weightDecay === undefined || weightDecayMode === "coupled") return before;
  return before.map((w, i) =>
    decays(weights[i]) ? w.subtract(w.multiply(number(names.decay))) : w,
  );
}

/** Goes on with the average; returns it where it replaces the weight now, else the weight. */
function recordAverage(
  { state, common }: UpdateParts,
  { trace, number }: UpdateStep,
  weight: Variable,
  value: Tensor,
): Tensor {
  const variable = state.named(weight, "average");
  const kept = trace.read(variable).multiply(number(names.averageKept));
  const average = kept.add(value.multiply(number(names.averageNew)));
  trace.assign(variable, average);
  if (!common.emaOverwriteFrequency) return value;
  return number(names.overwrites).greater(0).where(average, value);
}

function slotOf(
  { name: who, transforms, state }: UpdateParts,
  trace: Trace,
  weight: Variable,
  position: number,
  name: string,
  updated: Updated,
): Slot {
  const transform = transforms[position];
  const variable = state.link(weight, position, name);
  if (!variable)
    throw new StateError({
      who: `${who} ${transform.name}`,
      expected: `a slot that it declares, one of [${transform.slots ?? []}]`,
      received: `"${name}"`,
    });
  const before = trace.before(variable);
  return {
    value: before,
    set: (value) => {
      trace.assign(variable, updated(value, before));
      return value;
    },
  };
}

function checkUpdates(who: string, updates: readonly Tensor[], weights: readonly Tensor[]): void {
  for (const [i, weight] of weights.entries())
    if (!updates[i] || !sameShape(updates[i].shape, weight.shape))
      throw new ShapeError({
        who,
        expected: `an update of shape ${formatShape(weight.shape)} for weight ${i}`,
        received: updates[i] ? formatShape(updates[i].shape) : "none",
      });
}
