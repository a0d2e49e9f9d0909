/** What an activation is, and how one is called on arrays. */
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { evaluate } from "../tensor/eager.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Fields, ValuesOf } from "./fields.ts";
import { entry, type Part } from "./registry.ts";

/** A function of a tensor, and its name. */
export interface Activation extends Part {
  call(x: Tensor): Tensor;
  /** The same on an array: a copy of the result. */
  apply(x: ArrayInput): Promise<HostArray>;
}

/** A user's own activation. */
export type ActivationFunction = (x: Tensor) => Tensor;

/** Options of an activation that has none. */
export type NoOptions = Record<never, never>;

/** An entry that is one function of its options. */
export const activation =
  <Options extends object = NoOptions>() =>
  <const F extends Fields<Options>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => ActivationFunction,
  ) =>
    entry<Options, Activation>()(name, fields, (options) => activationOf(name, make(options)));

/** `call` and `apply` of a function of a tensor. */
export function activationOf(name: string, call: ActivationFunction): Omit<Activation, keyof Part> {
  const apply = async (x: ArrayInput): Promise<HostArray> => {
    const [y] = await evaluate([toHostArray(x, name)], ([tensor]) => [call(tensor)]);
    return y;
  };
  return { call, apply };
}
