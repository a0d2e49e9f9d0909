/** What an optimizer keeps for each weight. */
import { arrayFor } from "../../base/dtype.ts";
import { describe, NameError, StateError } from "../../base/errors.ts";
import { sizeOf } from "../../base/shape.ts";
import { Variable } from "../../tensor/variable.ts";
import type { Transform } from "../transforms/transform.ts";

/** State that hangs on the common options, under Keras's names. */
export type CommonSlot = "average" | "gradient_accumulator";

/** The state of one weight. */
interface WeightState {
  /** In the order of `OptimizerState.names`. */
  readonly byName: ReadonlyMap<string, Variable>;
  /** Of each link, under the link's own names. */
  readonly links: readonly ReadonlyMap<string, Variable>[];
}

/** A slot of a weight, named as in Keras's files. */
export interface NamedSlot {
  /** `dense_kernel_momentum`. */
  readonly name: string;
  readonly variable: Variable;
}

export class OptimizerState {
  readonly #name: string;
  readonly #transforms: readonly Transform[];
  readonly #common: readonly CommonSlot[];
  /** For each link its slots' names in all of the chain. */
  readonly #linkNames: readonly ReadonlyMap<string, string>[];
  readonly #groups: readonly (readonly string[])[];
  readonly #states = new Map<Variable, WeightState>();

  /** @param groups slots that Keras keeps side by side for each weight. Default: all. */
  constructor(
    name: string,
    transforms: readonly Transform[],
    common: readonly CommonSlot[],
    groups?: readonly (readonly string[])[],
  ) {
    this.#name = name;
    this.#transforms = transforms;
    this.#common = common;
    this.#linkNames = uniqueNames(transforms, common);
    this.#groups = groups ?? [this.#linkNames.flatMap((names) => [...names.values()])];
  }

  /** Names of the slots of each weight. */
  get names(): readonly string[] {
    return [...this.#common, ...this.#linkNames.flatMap((names) => [...names.values()])];
  }

  /** The weights that have state, in the order they came. */
  get weights(): readonly Variable[] {
    return [...this.#states.keys()];
  }

  /** Makes the state for weights that have none yet. */
  build(weights: readonly Variable[], iterations: number): void {
    const added = weights.filter((weight) => !this.#states.has(weight));
    if (added.length > 0 && iterations > 0 && this.#common.includes("average"))
      throw new StateError({
        who: this.#name,
        expected: "the weights that its averages began with",
        received: `another one after ${iterations} steps, "${added[0].path}"`,
        fix: "Compile with a new optimizer.",
      });
    for (const weight of added) this.#states.set(weight, this.#make(weight));
  }

  #make(weight: Variable): WeightState {
    const byName = new Map<string, Variable>();
    const add = (name: string, initial = 0): Variable => {
      const path = `${this.#name}/${weight.path}/${name}`;
      const { shape } = weight;
      const values = initial === 0 ? {} : { initial: filled(sizeOf(shape), initial) };
      const variable = new Variable({ path, shape, ...values });
      byName.set(name, variable);
      return variable;
    };
    for (const slot of this.#common) add(slot);
    const links = this.#linkNames.map((names, i) => {
      const initial = this.#transforms[i].initialValues;
      return new Map([...names].map(([slot, name]) => [slot, add(name, initial?.[slot])]));
    });
    return { byName, links };
  }

  /** All state of one weight, in the order of `names`. */
  of(weight: Variable): readonly Variable[] {
    return [...(this.#states.get(weight)?.byName.values() ?? [])];
  }

  /** The state of a weight by its name. */
  named(weight: Variable, name: string): Variable {
    const state = this.#states.get(weight);
    if (!state)
      throw new StateError({
        who: `${this.#name} slot`,
        expected: "a weight that it was built for",
        received: `"${weight.path}"`,
        fix: "Train a step first, or call optimizer.build(weights).",
      });
    const found = state.byName.get(name);
    if (found) return found;
    throw new NameError({
      who: `${this.#name} slot`,
      expected: "the name of one of its slots",
      received: describe(name),
      known: this.names,
    });
  }

  /** The state of one of the links. */
  link(weight: Variable, position: number, name: string): Variable | undefined {
    return this.#states.get(weight)?.links[position]?.get(name);
  }

  /**
   * The state of these weights in the order of Keras's files: averages, accumulated gradients, then
   * group by group. For weights without state it is what they would begin with.
   */
  inFileOrder(weights: readonly Variable[]): readonly NamedSlot[] {
    const states = weights.map((weight) => this.#states.get(weight) ?? this.#make(weight));
    return [...this.#common.map((slot) => [slot]), ...this.#groups].flatMap((group) =>
      weights.flatMap((weight, i) =>
        group.flatMap((slot) => {
          const variable = states[i].byName.get(slot);
          if (!variable) return [];
          return [{ name: `${weight.path.replaceAll("/", "_")}_${slot}`, variable }];
        }),
      ),
    );
  }
}

const filled = (size: number, value: number) => arrayFor("float32", size).fill(value);

/** For each link its slots' names in all of the chain: the second `momentum` is `momentum_1`. */
function uniqueNames(
  transforms: readonly Transform[],
  common: readonly string[],
): readonly ReadonlyMap<string, string>[] {
  const taken = new Set(common);
  return transforms.map(({ slots = [] }) => {
    const names = new Map<string, string>();
    for (const slot of slots) {
      let name = slot;
      for (let i = 1; taken.has(name); i++) name = `${slot}_${i}`;
      taken.add(name);
      names.set(slot, name);
    }
    return names;
  });
}
