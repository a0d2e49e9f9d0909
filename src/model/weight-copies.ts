/** Copies of a model's weights, for calls that take long and are to be of one model all the time. */
import type { Engine } from "../runtime/engine.ts";
import type { Traced } from "../tensor/trace.ts";
import { readVariables, Variable } from "../tensor/variable.ts";

/** The weights of a step as they were at one time, whatever a fit makes of them meanwhile. */
export class WeightCopies {
  readonly #engine: Engine;
  readonly #copies: ReadonlyMap<Variable, Variable>;

  private constructor(engine: Engine, copies: ReadonlyMap<Variable, Variable>) {
    this.#engine = engine;
    this.#copies = copies;
  }

  /** Copies what the step reads and leaves as it is: what it changes stays the model's own. */
  static async of(engine: Engine, { variables, computation }: Traced): Promise<WeightCopies> {
    const changed = new Set(computation.updates.map(({ variable }) => variable.attributes.name!));
    const originals = [...variables].filter(([leaf]) => !changed.has(leaf)).map(([, own]) => own);
    const values = await readVariables(originals);
    const copies = originals.map(({ path, shape, dtype }, i) => {
      const copy = new Variable({ path, shape, dtype, initial: values[i].data });
      return [originals[i], copy] as const;
    });
    return new WeightCopies(engine, new Map(copies));
  }

  /** A part of the step, on the copies. */
  boundTo(traced: Traced): Traced {
    const variables = [...traced.variables].map(
      ([leaf, variable]) => [leaf, this.#copies.get(variable) ?? variable] as const,
    );
    return { ...traced, variables: new Map(variables) };
  }

  release(): void {
    this.#engine.discard([...this.#copies.values()]);
  }
}
