/** What applies a chain of transforms to a model's weights. */
import { ShapeError, StateError } from "../base/errors.ts";
import { formatShape, sameShape } from "../base/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { checkNumber } from "./options.ts";
import type { Slot, Transform } from "./transforms.ts";

/** Options of a user's own optimizer. */
export interface OptimizerOptions {
  /** For messages and paths. */
  readonly name: string;
  /** A finite number of at least 0. */
  readonly learningRate: number;
  /** The chain, first to last; the last link's result is added to the weights. */
  readonly transforms: readonly Transform[];
}

/**
 * An optimizer: a chain of transforms, a learning rate, and the state of both. The state belongs to
 * it: compiling a model with the same optimizer again goes on where it was.
 *
 * @example
 * new Optimizer({ name: "plain", learningRate: 0.1, transforms: [scaleByLearningRate()] })
 */
export class Optimizer {
  readonly name: string;
  readonly transforms: readonly Transform[];
  /** How many updates were made. */
  readonly iterations: Variable;
  #learningRate: number;
  readonly #slots = new Map<Variable, readonly ReadonlyMap<string, Variable>[]>();

  constructor({ name, learningRate, transforms }: OptimizerOptions) {
    checkRate(learningRate, name);
    this.name = name;
    this.#learningRate = learningRate;
    this.transforms = transforms;
    this.iterations = new Variable({ path: `${name}/iteration`, shape: [], dtype: "uint32" });
  }

  /** May be read and set at any time; a running fit uses a new rate from its next call on. */
  get learningRate(): number {
    return this.#learningRate;
  }

  set learningRate(rate: number) {
    checkRate(rate, this.name);
    this.#learningRate = rate;
  }

  /** Makes the state for weights that have none yet. */
  build(weights: readonly Variable[]): void {
    for (const weight of weights) {
      if (this.#slots.has(weight)) continue;
      const slots = this.transforms.map(
        ({ slots = [] }) =>
          new Map(
            slots.map((slot) => {
              const path = `${this.name}/${weight.path}/${slot}`;
              return [slot, new Variable({ path, shape: weight.shape })] as const;
            }),
          ),
      );
      this.#slots.set(weight, slots);
    }
  }

  /** The state of one weight, of all transforms in order. Empty before `build`. */
  slotsOf(weight: Variable): readonly Variable[] {
    return (this.#slots.get(weight) ?? []).flatMap((slots) => [...slots.values()]);
  }

  /** The count of updates, then the state of each weight. */
  get variables(): readonly Variable[] {
    return [this.iterations, ...[...this.#slots.keys()].flatMap((weight) => this.slotsOf(weight))];
  }

  /** Whether it has state for weights. */
  get built(): boolean {
    return this.#slots.size > 0;
  }

  /**
   * How many numbers Keras's optimizer of the same kind keeps: the learning rate and scalars of the
   * transforms too, which are no variables here.
   */
  countParams(): number {
    const scalars = this.transforms.flatMap((transform) =>
      Object.keys(transform.scalars?.(0) ?? {}),
    );
    return 1 + scalars.length + this.variables.reduce((sum, variable) => sum + variable.size, 0);
  }

  /**
   * The numbers of the `count` updates after the first `iterations` ones, in doubles, under the
   * names of the step's inputs: a pure function of these and the learning rate.
   */
  numbers(iterations: number, count = 1): Map<string, Float64Array> {
    const learningRate = this.#learningRate;
    const all = new Map<string, Float64Array>();
    for (const [position, transform] of this.transforms.entries()) {
      const tables: Record<string, Float64Array> = {};
      for (let step = 0; step < count; step++) {
        const iteration = iterations + step + 1;
        const numbers = transform.numbers?.({ iteration, learningRate }) ?? {};
        for (const name in numbers) {
          tables[name] ??= new Float64Array(count);
          tables[name][step] = numbers[name];
        }
      }
      for (const name in tables) all.set(numberName(position, name), tables[name]);
    }
    return all;
  }

  /** Records the update of `weights` by their `gradients`; build it for the weights first. */
  apply(trace: Trace, weights: readonly Variable[], gradients: readonly Tensor[]): void {
    const before = weights.map((weight) => trace.read(weight));
    let updates = gradients;
    for (const [position, transform] of this.transforms.entries()) {
      updates = transform.update(updates, {
        trace,
        weights: before,
        number: (name) => trace.input(numberName(position, name), "float32", []),
        slot: (name, index) => this.#slot(trace, weights[index], position, name),
      });
      this.#check(transform, updates, before);
    }
    for (const [i, weight] of weights.entries()) trace.assign(weight, before[i].add(updates[i]));
    trace.assign(this.iterations, trace.read(this.iterations).add(1));
  }

  #slot(trace: Trace, weight: Variable, position: number, name: string): Slot {
    const transform = this.transforms[position];
    const variable = this.#slots.get(weight)?.[position]?.get(name);
    if (!variable)
      throw new StateError({
        who: `${this.name} ${transform.name}`,
        expected: `a slot that it declares, one of [${transform.slots ?? []}]`,
        received: `"${name}"`,
      });
    return {
      value: trace.before(variable),
      set: (value) => {
        trace.assign(variable, value);
        return value;
      },
    };
  }

  #check(transform: Transform, updates: readonly Tensor[], weights: readonly Tensor[]): void {
    for (const [i, weight] of weights.entries())
      if (!updates[i] || !sameShape(updates[i].shape, weight.shape))
        throw new ShapeError({
          who: `${this.name} ${transform.name}`,
          expected: `an update of shape ${formatShape(weight.shape)} for weight ${i}`,
          received: updates[i] ? formatShape(updates[i].shape) : "none",
        });
  }
}

const numberName = (position: number, name: string): string => `optimizer/${position}/${name}`;

const checkRate = (rate: number, who: string): void =>
  checkNumber(rate, "learningRate", who, { from: 0 });
