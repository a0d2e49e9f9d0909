/** Models of layers connected as one likes. */
import { describe, ValueError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { Functional } from "../model/functional.ts";
import { settings } from "../nn/options.ts";
import type { SymbolicTensor } from "../nn/symbolic.ts";
import { Model } from "./model.ts";
import { type ModelOptions, makeNet } from "./options.ts";

/** Options of `model`. */
export interface FunctionalOptions<Outputs = SymbolicTensor | readonly SymbolicTensor[]>
  extends ModelOptions {
  /** What `input()` returned: one, or a list in the order in which data is given. */
  readonly inputs: SymbolicTensor | readonly SymbolicTensor[];
  /** What layers returned: one, or a list in the order of targets and predictions. */
  readonly outputs: Outputs;
}

/**
 * A model of all layers between inputs and outputs: with several of either, with layers used twice
 * (they share their weights), or of layers of other models. It is built at once.
 *
 * @throws ValueError where inputs and outputs are not connected, ShapeError where layers don't fit
 *   (the message names both)
 * @example
 * const wide = input({ shape: [5] });
 * const deep = input({ shape: [6] });
 * const hidden = layers.dense({ units: 30, activation: "relu" }).apply(deep);
 * const joined = layers.concatenate().apply([wide, hidden]);
 * const net = model({ inputs: [wide, deep], outputs: layers.dense({ units: 1 }).apply(joined) });
 */
export function model(options: FunctionalOptions<SymbolicTensor>): Model;
export function model(options: FunctionalOptions<readonly SymbolicTensor[]>): Model<HostArray[]>;
export function model(options: FunctionalOptions): Model<HostArray> | Model<HostArray[]> {
  const who = "model";
  const defaults = {
    inputs: undefined,
    outputs: undefined,
    name: "functional",
    seed: undefined,
    engine: undefined,
  };
  const given = settings<FunctionalOptions, typeof defaults>(options, defaults, who);
  const list = (value: SymbolicTensor | readonly SymbolicTensor[], name: string) => {
    if (value === undefined || value === null)
      throw new ValueError({ who, expected: `${name} must be given`, received: describe(value) });
    return Array.isArray(value) ? (value as SymbolicTensor[]) : [value as SymbolicTensor];
  };
  const topology = new Functional(list(given.inputs, "inputs"), list(given.outputs, "outputs"));
  const isList = Array.isArray(given.outputs);
  return new Model(makeNet(topology, given, who, isList)) as Model<HostArray>;
}
