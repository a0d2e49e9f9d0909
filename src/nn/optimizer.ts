/** What applies a chain of transforms to a model's weights. */
import { StateError } from "../base/errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import { readOptions } from "./fields.ts";
import {
  applyToArrays,
  checkPairs,
  type GradientAndVariable,
  type Gradients,
} from "./optimizers/arrays.ts";
import { checkChain } from "./optimizers/chain.ts";
import {
  type CommonOptions,
  type CommonSettings,
  checkClips,
  clipOf,
  commonFields,
} from "./optimizers/common.ts";
import { DecayExclusion, type Excluded } from "./optimizers/exclusion.ts";
import { LearningRate } from "./optimizers/rate.ts";
import { type CommonSlot, OptimizerState } from "./optimizers/state.ts";
import {
  numbersOf,
  recordUpdate,
  type UpdateParts,
  type WeightConstraint,
} from "./optimizers/update.ts";
import type { LearningRateInput, Schedule } from "./schedules.ts";
import type { Transform } from "./transforms.ts";

/** Options of a user's own optimizer. */
export interface OptimizerOptions extends CommonOptions {
  /** For messages and paths. */
  readonly name: string;
  /** A finite number of at least 0, or a schedule: a function of the count of steps done. */
  readonly learningRate: LearningRateInput;
  /** The chain, first to last; the last link's result is added to the weights. */
  readonly transforms: readonly Transform[];
  /** Slots that Keras's files keep side by side for each weight, in their order. Default: all. */
  readonly slotGroups?: readonly (readonly string[])[] | undefined;
}

/** One of the numbers and arrays that Keras's files have of an optimizer. */
export interface OptimizerEntry {
  readonly name: string;
  /** What holds it; absent: a number that follows from the count of steps. */
  readonly variable?: Variable;
  value?(iterations: number): number;
}

/**
 * An optimizer: a chain of transforms, a learning rate, and the state of both. The state belongs to
 * it: compiling a model with the same optimizer again goes on where it was.
 *
 * A step, in Keras's order: accumulate gradients, clip them, decay the weights, update, average,
 * constrain, count.
 *
 * @example
 * new Optimizer({ name: "plain", learningRate: 0.1, transforms: [scaleByLearningRate()] })
 */
export class Optimizer {
  readonly name: string;
  /** The entry of `optimizers` that made it; absent: a user's own. */
  readonly entry?: string;
  readonly transforms: readonly Transform[];
  /** How many steps were made; with accumulation, not each of them updates. */
  readonly iterations: Variable;
  readonly #common: CommonSettings;
  readonly #rate: LearningRate;
  readonly #state: OptimizerState;
  readonly #parts: UpdateParts;
  readonly #excluded = new DecayExclusion();
  #options: Readonly<Record<string, unknown>> | undefined;
  /** Steps done, as far as the host knows. */
  #done = 0;
  /** The last step on arrays: the next one begins with the count that it left. */
  #lastStep: Promise<unknown> = Promise.resolve();

  /** @throws ValueError where an option is impossible, NameError where it is not known */
  constructor({ name, learningRate, transforms, slotGroups, ...common }: OptimizerOptions) {
    checkChain(name, transforms);
    const settings: CommonSettings = readOptions(commonFields, common, name);
    checkClips(settings, name);
    this.name = name;
    this.transforms = transforms;
    this.#common = settings;
    const every = settings.gradientAccumulationSteps ?? 1;
    const obeysMomentum = transforms.some((transform) => transform.obeysMomentum);
    this.#rate = new LearningRate(name, obeysMomentum, every);
    this.#rate.set(learningRate);
    this.#rate.factor = settings.rateFactor;
    const slots: CommonSlot[] = settings.useEma ? ["average"] : [];
    if (every > 1) slots.push("gradient_accumulator");
    this.#state = new OptimizerState(name, transforms, slots, slotGroups);
    this.#parts = {
      name,
      transforms,
      common: settings,
      clip: clipOf(settings),
      state: this.#state,
      every,
      decays: (weight) => !this.#excluded.has(weight),
    };
    this.iterations = new Variable({ path: `${name}/iteration`, shape: [], dtype: "uint32" });
  }

  /**
   * The rate of the next step: number or schedule, times `rateFactor`. It may be set at any time,
   * also to a schedule; a running fit uses it from its next call on. Setting it replaces number or
   * schedule and makes `rateFactor` 1. (Keras refuses a number where a schedule was.)
   */
  get learningRate(): number {
    return this.#rate.at(this.#steps);
  }

  set learningRate(rate: LearningRateInput) {
    this.#rate.set(rate);
  }

  /** The number that the rate was set to, without `rateFactor`; of a schedule the number as of now. */
  get baseLearningRate(): number {
    const { base } = this.#rate;
    return typeof base === "number" ? base : base(this.#steps);
  }

  /** The schedule of the rate, if there is one. */
  get schedule(): Schedule | undefined {
    const { base } = this.#rate;
    return typeof base === "number" ? undefined : base;
  }

  /**
   * What number or schedule is multiplied by: for what lowers the rate while a schedule goes on
   * (as `ReduceLROnPlateau`). At least 0; 1 at first.
   */
  get rateFactor(): number {
    return this.#rate.factor;
  }

  set rateFactor(factor: number) {
    this.#rate.factor = factor;
  }

  /** The options in full, with the rate as it is now; absent: a user's own optimizer. */
  get options(): Readonly<Record<string, unknown>> | undefined {
    if (!this.#options) return undefined;
    const { base, factor } = this.#rate;
    return typeof base === "number"
      ? { ...this.#options, learningRate: base * factor, rateFactor: 1 }
      : { ...this.#options, learningRate: base, rateFactor: factor };
  }

  /** Set once, by the entry of `optimizers` that made it. */
  set options(options: Readonly<Record<string, unknown>> | undefined) {
    this.#options = options;
  }

  /** The host's count, which is exact between calls. */
  get #steps(): number {
    return this.iterations.hostValue?.[0] ?? this.#done;
  }

  /**
   * Keeps weights from decaying: these ones, and those whose name (`kernel`, `bias`, `gamma`)
   * contains one of `names`.
   *
   * @throws StateError once it has state
   */
  excludeFromWeightDecay(excluded: Excluded): void {
    const who = `${this.name} excludeFromWeightDecay`;
    if (this.built)
      throw new StateError({
        who,
        expected: "an optimizer that was not built yet",
        received: "one with state",
      });
    this.#excluded.set(excluded, who);
  }

  /** Whether a weight decays where there is a weight decay: see `excludeFromWeightDecay`. */
  decays(weight: Variable): boolean {
    return this.#parts.decays(weight);
  }

  /** Makes the state for weights that have none yet. */
  build(weights: readonly Variable[]): void {
    this.#state.build(weights, this.#steps);
  }

  /** Names of the state of each weight, as Keras has them. */
  get slotNames(): readonly string[] {
    return this.#state.names;
  }

  /** The state of one weight, in the order of `slotNames`. Empty before `build`. */
  slotsOf(weight: Variable): readonly Variable[] {
    return this.#state.of(weight);
  }

  /**
   * The state of one weight under Keras's name: `optimizer.slot(weight, "momentum")`.
   *
   * @throws NameError for a name that is not one of `slotNames`, StateError before `build`
   */
  slot(weight: Variable, name: string): Variable {
    return this.#state.named(weight, name);
  }

  /** The count of steps, then the state of each weight. */
  get variables(): readonly Variable[] {
    return [this.iterations, ...this.#state.weights.flatMap((weight) => this.slotsOf(weight))];
  }

  /**
   * What Keras's files have of the optimizer, in their order: iteration, the learning rate unless a
   * schedule says it, averages, accumulated gradients, the slots, and scalars of the links.
   */
  get entries(): readonly OptimizerEntry[] {
    return this.entriesOf(this.#state.weights);
  }

  /**
   * The same with the state of these weights, in their order. Of weights that have none yet it is
   * what they would begin with: reading it builds nothing.
   */
  entriesOf(weights: readonly Variable[]): readonly OptimizerEntry[] {
    const { momentum } = this.#rate;
    const scalars = this.transforms.flatMap((transform) =>
      Object.keys(transform.scalars?.(0) ?? {}).map((name) => ({
        name,
        value: (iterations: number) =>
          transform.scalars!(Math.floor(iterations / this.#parts.every), momentum)[name],
      })),
    );
    const rate = {
      name: "learning_rate",
      value: (iterations: number) => this.#rate.at(iterations),
    };
    return [
      { name: "iteration", variable: this.iterations },
      ...(this.schedule ? [] : [rate]),
      ...this.#state.inFileOrder(weights),
      ...scalars,
    ];
  }

  /** For what sets `iterations`: from now on so many steps are done. */
  goTo(iterations: number): void {
    this.#done = iterations;
  }

  /** Whether it has state for weights. */
  get built(): boolean {
    return this.#state.weights.length > 0;
  }

  /** How many numbers Keras's optimizer of the same kind keeps. */
  countParams(): number {
    return this.entries.reduce((sum, { variable }) => sum + (variable?.size ?? 1), 0);
  }

  /**
   * The numbers of the `count` steps after the first `iterations` ones, in doubles, under the names
   * of the step's inputs: a pure function of these and the learning rate.
   */
  numbers(iterations: number, count = 1): Map<string, Float64Array> {
    const all = new Map<string, Float64Array>();
    for (let step = 0; step < count; step++) {
      const numbers = numbersOf(this.#parts, this.#rate, iterations + step);
      for (const name in numbers) {
        let table = all.get(name);
        if (!table) {
          table = new Float64Array(count);
          all.set(name, table);
        }
        table[step] = numbers[name];
      }
    }
    this.#done = iterations + count;
    return all;
  }

  /** The loss that gradients are taken of: times `lossScaleFactor`, if there is one. */
  scaleLoss(loss: Tensor): Tensor {
    const { lossScaleFactor } = this.#common;
    return lossScaleFactor === undefined ? loss : loss.multiply(lossScaleFactor);
  }

  /**
   * Records the update of `weights` by their `gradients`; build it for the weights first.
   *
   * @param constraints for each weight what is applied last, or undefined
   */
  apply(
    trace: Trace,
    weights: readonly Variable[],
    gradients: readonly Tensor[],
    constraints: readonly (WeightConstraint | undefined)[] = [],
  ): void {
    const number = (name: string) => trace.input(name, "float32", []);
    recordUpdate(this.#parts, { trace, weights, gradients, constraints, number });
    trace.assign(this.iterations, trace.read(this.iterations).add(1));
  }

  /**
   * One step on arrays, without a model: changes each variable by its gradient. Returns the count of
   * steps done. Steps wait for each other, in the order of their calls.
   *
   * @throws ValueError, ShapeError before anything is changed
   * @example await optimizer.applyGradients([[[0.1, -0.2], variable]])
   */
  async applyGradients(pairs: readonly GradientAndVariable[]): Promise<number> {
    const checked = checkPairs(pairs, `${this.name} applyGradients`);
    const step = this.#lastStep.then(() => this.#applyOnce(checked));
    this.#lastStep = step.catch(() => undefined);
    return step;
  }

  async #applyOnce(checked: Gradients): Promise<number> {
    const { variables: weights } = checked;
    this.build(weights);
    const [{ data }] = await readVariables([this.iterations]);
    const numbers = this.numbers(data[0]);
    await applyToArrays(checked, numbers, (trace, gradients, number) => {
      recordUpdate(this.#parts, { trace, weights, gradients, constraints: [], number });
      trace.assign(this.iterations, trace.read(this.iterations).add(1));
    });
    return data[0] + 1;
  }

  /**
   * With `useEma`, sets weights to their averages, as Keras's `finalize_variable_values`. A fit does
   * so at its end with what it trained.
   *
   * @param weights those to set; what has no average stays. Default: all that have one
   */
  async finalizeVariableValues(weights: readonly Variable[] = this.#state.weights): Promise<void> {
    const averaged = weights.filter((weight) => this.slotsOf(weight).length > 0);
    if (!this.#common.useEma || averaged.length === 0) return;
    const [{ data }] = await readVariables([this.iterations]);
    if (data[0] === 0) return;
    const averages = await readVariables(averaged.map((weight) => this.slot(weight, "average")));
    await writeVariables(
      averaged,
      averages.map((average) => average.data),
    );
  }
}
