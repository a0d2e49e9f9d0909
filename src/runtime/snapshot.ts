/** Copies of variables' values. */
import type { TypedArray } from "../base/dtype.ts";
import type { Variable, VariableStore } from "../tensor/variable.ts";

/** The values that variables had at one time; made by `snapshot`, put back by `restore`. */
export class Snapshot {
  readonly #variables: readonly Variable[];
  readonly #values: readonly TypedArray[];

  constructor(variables: readonly Variable[], values: readonly TypedArray[]) {
    this.#variables = variables;
    this.#values = values;
  }

  /** Sets the variables to these values. The snapshot can be used again. */
  writeTo(store: VariableStore): Promise<void> {
    return store.write(this.#variables, this.#values);
  }
}
