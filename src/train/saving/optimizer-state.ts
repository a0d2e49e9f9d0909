/** The state of an optimizer, from what Keras has of it in files. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import type { H5Dataset } from "../../formats/hdf5.ts";
import type { Net } from "../../model/net.ts";
import type { OptimizerEntry } from "../../nn/optimizer.ts";
import { optimizers } from "../../nn/optimizers.ts";
import type { Variable } from "../../tensor/variable.ts";
import { checkedValues, type Source } from "./checks.ts";

/** A file has the state of another optimizer. */
export class OtherOptimizer extends DataError {}

/** What a file has for an optimizer. */
export interface OptimizerState {
  /** The weights that it has state of. */
  readonly weights: readonly Variable[];
  /** One for each of the optimizer's entries of these weights; undefined where it follows. */
  readonly values: readonly (TypedArray | undefined)[];
  /** The learning rate, where the file has it as a number. */
  readonly rate: number | undefined;
}

/**
 * The state in a file for the optimizer that a model is compiled with.
 *
 * @param sets in Keras's order
 * @throws DataError, ShapeError where it does not fit
 */
export function readOptimizer(
  net: Net,
  sets: readonly (H5Dataset | undefined)[],
  source: Source,
): OptimizerState {
  const { optimizer } = net.compiledFor(source.who);
  const all = net.weights.filter((weight) => weight.trainable);
  // A layer that was frozen since keeps its state.
  for (const weights of [net.trainableWeights, all]) {
    const entries = withoutRate(optimizer.entriesOf(weights));
    const rates = sets.length - entries.length;
    if (rates === 0 || rates === 1) return read(entries, weights, sets, rates === 1, source);
    // tf_keras saves neither the rate nor what follows from the steps (Nadam's momentum product).
    const arrays = entries.filter(({ variable }) => variable);
    if (sets.length === arrays.length) return read(arrays, weights, sets, false, source);
  }
  // Keras makes the state with the first step.
  const isUnused = sets.length <= 2 && sets[0]?.data[0] === 0;
  if (isUnused) return read([{ name: "iteration" }], [], sets, sets.length === 2, source);
  const count = withoutRate(optimizer.entriesOf(net.trainableWeights)).length;
  throw new OtherOptimizer({
    who: source.who,
    expected: `optimizer/vars must hold ${count} or ${count + 1} entries for ${optimizer.name}`,
    received: `${sets.length}`,
    fix: "Load it with { compile: false } and compile it anew, or compile with the same optimizer.",
  });
}

/**
 * Throws where a file has the state of another optimizer of the library, however well its arrays fit.
 *
 * @param name the optimizer's in the file, which may be a user's own
 */
export function checkSameOptimizer(net: Net, name: string, who: string): void {
  const { entry } = net.compiledFor(who).optimizer;
  const bare = (text: string) => text.replace(/_\d+$/, "").replace(/_/g, "").toLowerCase();
  const known = Object.keys(optimizers).find((one) => bare(one) === bare(name));
  if (known === undefined || entry === undefined || known === entry) return;
  throw new OtherOptimizer({
    who,
    expected: `must hold the state of ${entry}`,
    received: `that of "${name}"`,
    fix: "Pass { optimizer: false }, or compile with the same optimizer.",
  });
}

const withoutRate = (entries: readonly OptimizerEntry[]): OptimizerEntry[] =>
  entries.filter(({ name }) => name !== "learning_rate");

function read(
  entries: readonly OptimizerEntry[],
  weights: readonly Variable[],
  sets: readonly (H5Dataset | undefined)[],
  hasRate: boolean,
  source: Source,
): OptimizerState {
  const place = (i: number) => `optimizer/vars/${i}`;
  const scalar = (name: string, dtype: "float32" | "uint32") =>
    ({ path: name, shape: [], dtype }) as const;
  const number = (i: number, name: string) =>
    checkedValues(sets[i], scalar(name, "float32"), place(i), source)[0];
  const first = hasRate ? 2 : 1;
  // The first Keras 3 had Nadam's product before the slots of the weights.
  const scalars = entries.filter(({ variable }) => !variable).length;
  const isFirst = scalars > 0 && sets[first]?.shape.length === 0 && sets.at(-1)?.shape.length !== 0;
  const slotPlace = isFirst ? first + scalars : first;
  const values = entries.map(({ name, variable }, k) => {
    if (k === 0) return checkedValues(sets[0], scalar(name, "uint32"), place(0), source);
    const i = slotPlace + k - 1;
    // What follows from the steps must be there, and is not needed.
    if (!variable) return void number(isFirst ? first : i, name);
    return checkedValues(sets[i], variable, place(i), source);
  });
  return { weights, values, rate: hasRate ? number(1, "learning_rate") : undefined };
}

/** Makes the state and returns the values that its variables are to have; sets nothing else. */
export function stateValues(net: Net, state: OptimizerState): Map<Variable, TypedArray> {
  const { optimizer } = net.compiledFor("restore");
  optimizer.build(state.weights);
  const entries = withoutRate(optimizer.entriesOf(state.weights));
  const values = new Map<Variable, TypedArray>();
  for (const [i, { variable }] of entries.entries()) {
    const value = state.values[i];
    if (variable && value) values.set(variable, value);
  }
  return values;
}

/** After the variables are set: the rate and the count that the host keeps. */
export function settle(net: Net, { values, rate }: OptimizerState): void {
  const { optimizer } = net.compiledFor("restore");
  optimizer.goTo(values[0]![0]);
  // Configs have the rate in doubles, variables in float32.
  if (rate !== undefined && !optimizer.schedule && rate !== Math.fround(optimizer.learningRate))
    optimizer.learningRate = rate;
}
