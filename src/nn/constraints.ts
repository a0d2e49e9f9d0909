/** Constraints: what weights become after each update. To add one, add an entry to `constraints`. */
import { ShapeError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape } from "../base/shape.ts";
import { clip } from "../tensor/composites.ts";
import { evaluate } from "../tensor/eager.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { dimension, type Field, type Fields, list, number, type ValuesOf } from "./fields.ts";
import { entry, functionName, type Kind, type Part, resolve } from "./registry.ts";

/** A user's own constraint: of a weight to what it becomes, in the same shape. */
export type ConstraintFunction = (weight: Tensor) => Tensor;

/** A pure function of a weight, applied after the optimizer's update. */
export interface Constraint extends Part {
  call(weight: Tensor): Tensor;
  /** The same on an array. */
  apply(weight: ArrayInput): Promise<HostArray>;
}

type NoOptions = Record<never, never>;

/** Options of `constraints.unitNorm`. */
export interface NormOptions {
  /**
   * The dimension, or those, along which norms are taken: 0, the inputs of a dense layer, gives
   * one norm for each unit. Default: 0.
   */
  readonly axis?: number | readonly number[];
}

/** Options of `constraints.maxNorm`. */
export interface MaxNormOptions extends NormOptions {
  /** At least 0. Default: 2. */
  readonly maxValue?: number;
}

/** Options of `constraints.minMaxNorm`. */
export interface MinMaxNormOptions extends NormOptions {
  /** At least 0. Default: 0. */
  readonly minValue?: number;
  /** At least 0. Default: 1. */
  readonly maxValue?: number;
  /** How much of the way to the limits is gone in each step, in [0, 1]. Default: 1. */
  readonly rate?: number;
}

/** Added to norms before they divide (Keras's `backend.epsilon()`). */
const epsilon = 1e-7;

const several = list(dimension());
const axis: Field<number | readonly number[]> = {
  initial: 0,
  read: (value, name, who) =>
    Array.isArray(value) ? several.read(value, name, who) : dimension().read(value, name, who),
};
const limit = (initial: number) => number(initial, { from: 0 });

function constraintOf(name: string, call: ConstraintFunction): Omit<Constraint, keyof Part> {
  const apply = async (weight: ArrayInput): Promise<HostArray> => {
    const [result] = await evaluate([toHostArray(weight, name)], ([tensor]) => [call(tensor)]);
    return result;
  };
  return { call, apply };
}

/** An entry that is one function of its options. */
const constraint =
  <Options extends object = NoOptions>() =>
  <const F extends Fields<Options>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => ConstraintFunction,
  ) =>
    entry<Options, Constraint>()(name, fields, (options) => constraintOf(name, make(options)));

/** The constraints of the library. */
export const constraints = {
  /**
   * Norms of at most maxValue: w min(n, maxValue) / (1e-7 + n), n the norm of w along `axis`.
   * Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html.
   *
   * @throws ValueError where maxValue is negative, ShapeError where the weight has no such axis
   */
  maxNorm: constraint<MaxNormOptions>()(
    "maxNorm",
    { maxValue: limit(2), axis },
    ({ maxValue, axis: along }) =>
      (w) => {
        const norms = normsOf(w, along, "maxNorm");
        return w.multiply(clip(norms, 0, maxValue).divide(norms.add(epsilon)));
      },
  ),

  /**
   * Norms between two limits: w d / (1e-7 + n), d = rate clip(n, minValue, maxValue) + (1 - rate) n.
   *
   * @throws ValueError where a limit is negative or rate not in [0, 1], ShapeError where the weight
   *   has no such axis
   */
  minMaxNorm: constraint<MinMaxNormOptions>()(
    "minMaxNorm",
    { minValue: limit(0), maxValue: limit(1), rate: number(1, { from: 0, to: 1 }), axis },
    ({ minValue, maxValue, rate, axis: along }) =>
      (w) => {
        const norms = normsOf(w, along, "minMaxNorm");
        const wanted = clip(norms, minValue, maxValue)
          .multiply(rate)
          .add(norms.multiply(1 - rate));
        return w.multiply(wanted.divide(norms.add(epsilon)));
      },
  ),

  /** max(w, 0). */
  nonNeg: constraint()("nonNeg", {}, () => (w) => w.maximum(0)),

  /**
   * Norms of 1: w / (1e-7 + n), n the norm of w along `axis`.
   *
   * @throws ShapeError where the weight has no such axis
   */
  unitNorm: constraint<NormOptions>()(
    "unitNorm",
    { axis },
    ({ axis: along }) =>
      (w) =>
        w.divide(normsOf(w, along, "unitNorm").add(epsilon)),
  ),
};

function normsOf(w: Tensor, along: number | readonly number[], who: string): Tensor {
  for (const one of typeof along === "number" ? [along] : along)
    if (one < -w.rank || one >= w.rank)
      throw new ShapeError({
        who,
        expected: `axis ${one} must be a dimension of the weight`,
        received: formatShape(w.shape),
      });
  return w.square().sum(along, true).squareRoot();
}

/** Names of the library's constraints. */
export type ConstraintName = keyof typeof constraints;

/** What options that take a constraint accept. */
export type ConstraintInput = ConstraintName | Constraint | ConstraintFunction;

export const constraintKind: Kind<Constraint> = {
  kind: "constraint",
  plural: "constraints",
  module: "keras.constraints",
  entries: constraints,
  is: (value) => "call" in value && typeof value.call === "function" && "name" in value,
  fromFunction: (call) => ({
    name: functionName(call),
    ...constraintOf(functionName(call), call as ConstraintFunction),
  }),
};

/** The constraint that a user named, made or wrote. */
export const resolveConstraint = (value: ConstraintInput, who: string): Constraint =>
  resolve(value, constraintKind, who);
