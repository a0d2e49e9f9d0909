/** All values of a model at one time, read and written. */
import type { TypedArray } from "../../base/dtype.ts";
import type { Net } from "../../model/net.ts";
import { requireBuilt } from "../../model/weights.ts";
import type { OptimizerEntry } from "../../nn/optimizer.ts";
import type { Variable } from "../../tensor/variable.ts";

/** What the variables of a model hold, at one time between two calls of steps. */
export class NetValues {
  /** The optimizer's, of the weights that are trained; undefined before `compile`. */
  readonly entries: readonly OptimizerEntry[] | undefined;
  readonly #values: ReadonlyMap<Variable, TypedArray>;

  constructor(
    values: ReadonlyMap<Variable, TypedArray>,
    entries: readonly OptimizerEntry[] | undefined,
  ) {
    this.#values = values;
    this.entries = entries;
  }

  /** What a variable of the model, or of one of the entries, held. */
  of(variable: Variable): TypedArray {
    return this.#values.get(variable)!;
  }

  /** Steps that the optimizer had made, and so on. */
  countOf(variable: Variable): number {
    return this.of(variable)[0];
  }
}

/**
 * Reads weights, the optimizer's state and counters at once: also beside a fit that goes on, and in
 * its hooks.
 *
 * @throws StateError before the model is built
 */
export async function readNet(net: Net, who: string): Promise<NetValues> {
  requireBuilt(net, who);
  // Now: while the values are fetched, a fit may begin and make the state.
  const entries = net.compiled?.optimizer.entriesOf(net.trainableWeights);
  const state = entries ?? [];
  const variables = [
    ...new Set([
      ...net.weights,
      ...net.counters,
      ...state.flatMap((entry) => entry.variable ?? []),
    ]),
  ];
  const values = await net.engine.read(variables);
  return new NetValues(new Map(variables.map((variable, i) => [variable, values[i]])), entries);
}

/** Sets variables all at once. The values were checked. */
export function writeNet(net: Net, values: ReadonlyMap<Variable, TypedArray>): Promise<void> {
  return net.engine.write([...values.keys()], [...values.values()]);
}
