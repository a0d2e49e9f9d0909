/** Constraints: what weights become after each update. To add one, add an entry. */
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape } from "../base/shape.ts";
import { clip } from "../tensor/composites.ts";
import { evaluate } from "../tensor/eager.ts";
import { Tensor } from "../tensor/tensor.ts";
import { dimension, type Field, type Fields, list, number, type ValuesOf } from "./fields.ts";
import { entry, functionName, isCallable, type Kind, type Part, resolve } from "./registry.ts";

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
    const [result] = await evaluate([toHostArray(weight, name)], ([tensor]) => [
      constrained({ name, call, apply }, tensor),
    ]);
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
   * Norms between two limits: w d / (1e-7 + n) with d = rate clip(n, minValue, maxValue) + (1 -
   * rate) n, n the norm of w along `axis`.
   *
   * @throws ValueError where a limit is negative, minValue above maxValue or rate not in [0, 1],
   *   ShapeError where the weight has no such axis
   */
  minMaxNorm: constraint<MinMaxNormOptions>()(
    "minMaxNorm",
    { minValue: limit(0), maxValue: limit(1), rate: number(1, { from: 0, to: 1 }), axis },
    ({ minValue, maxValue, rate, axis: along }) => {
      if (minValue > maxValue)
        throw new ValueError({
          who: "minMaxNorm",
          expected: "minValue must be at most maxValue",
          received: `${minValue} and ${maxValue}`,
        });
      return (w) => {
        const norms = normsOf(w, along, "minMaxNorm");
        const wanted = clip(norms, minValue, maxValue)
          .multiply(rate)
          .add(norms.multiply(1 - rate));
        return w.multiply(wanted.divide(norms.add(epsilon)));
      };
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

/** The Euclidean norms along these dimensions, which are kept with size 1. */
function normsOf(w: Tensor, along: number | readonly number[], who: string): Tensor {
  const axes = typeof along === "number" ? [along] : along;
  for (const one of axes)
    if (one < -w.rank || one >= w.rank)
      throw new ShapeError({
        who,
        expected: `axis ${one} must be a dimension of the weight`,
        received: formatShape(w.shape),
      });
  const positions = axes.map((one) => (one < 0 ? one + w.rank : one));
  if (new Set(positions).size !== positions.length)
    throw new ShapeError({
      who,
      expected: "axis must have each dimension once",
      received: `[${axes.join(", ")}] for a weight of shape ${formatShape(w.shape)}`,
    });
  return w.square().sum(positions, true).squareRoot();
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
  is: isCallable(constraints),
  fromFunction: (call) => ({
    name: functionName(call),
    ...constraintOf(functionName(call), call as ConstraintFunction),
  }),
};

/** The constraint that a user named, made or wrote. */
export const resolveConstraint = (value: ConstraintInput, who: string): Constraint =>
  resolve(value, constraintKind, who);

/**
 * What a constraint makes of a weight.
 *
 * @throws ValueError, ShapeError where a user's returns anything but float32 in the weight's shape
 */
export function constrained(constraint: Constraint, weight: Tensor): Tensor {
  const result: unknown = constraint.call(weight);
  const who = `constraint ${constraint.name}`;
  if (!(result instanceof Tensor) || result.dtype !== "float32")
    throw new ValueError({
      who,
      expected: "it must return a float32 Tensor",
      received: result instanceof Tensor ? result.dtype : describe(result),
    });
  if (formatShape(result.shape) === formatShape(weight.shape)) return result;
  throw new ShapeError({
    who,
    expected: `it must return the weight's shape, ${formatShape(weight.shape)}`,
    received: formatShape(result.shape),
  });
}
