/** Weights that a weight decay leaves alone. */
import { describe, ValueError } from "../../base/errors.ts";
import { Variable } from "../../tensor/variable.ts";

/** What `excludeFromWeightDecay` takes. */
export interface Excluded {
  readonly variables?: readonly Variable[];
  readonly names?: readonly string[];
}

/** Which weights do not decay. */
export class DecayExclusion {
  #weights: ReadonlySet<Variable> = new Set();
  #names: readonly string[] = [];

  /** @throws ValueError unless these are variables and texts */
  set(excluded: Excluded, who: string): void {
    checkExcluded(excluded, who);
    this.#weights = new Set(excluded.variables);
    this.#names = [...(excluded.names ?? [])];
  }

  has(weight: Variable): boolean {
    const name = weight.path.slice(weight.path.lastIndexOf("/") + 1);
    return this.#weights.has(weight) || this.#names.some((part) => name.includes(part));
  }
}

function checkExcluded(excluded: unknown, who: string): void {
  const { variables = [], names = [] } = (excluded ?? {}) as Record<string, unknown>;
  const fits = (list: unknown, test: (one: unknown) => boolean) =>
    Array.isArray(list) && list.every(test);
  if (!fits(variables, (one) => one instanceof Variable))
    throw new ValueError({
      who,
      expected: "variables must be an array of Variables",
      received: describe(variables),
    });
  if (!fits(names, (one) => typeof one === "string" && one !== ""))
    throw new ValueError({
      who,
      expected: "names must be an array of texts",
      received: describe(names),
      fix: 'Example: { names: ["bias"] }',
    });
}
