/** Regularizers: what weights add to the loss. To add one, add an entry to `regularizers`. */
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, sizeOf } from "../base/shape.ts";
import { evaluate } from "../tensor/eager.ts";
import { Tensor } from "../tensor/tensor.ts";
import { choice, type Fields, keyed, number, type ValuesOf } from "./fields.ts";
import { entry, functionName, isCallable, type Kind, type Part, resolve } from "./registry.ts";

/** A user's own regularizer: of a weight (or of a layer's output) to a scalar. */
export type RegularizerFunction = (x: Tensor) => Tensor;

/**
 * A penalty on a weight, added to the loss of each step as it is: not divided by the batch. Frozen
 * weights have none. (That on a layer's output is divided by the batch, as in Keras.)
 */
export interface Regularizer extends Part {
  call(x: Tensor): Tensor;
  /** The same on an array: a scalar `[]`. */
  apply(x: ArrayInput): Promise<HostArray>;
}

/** Options of `regularizers.l1`. */
export interface L1Options {
  /** At least 0. Default: 0.01. */
  readonly l1?: number;
}

/** Options of `regularizers.l2`. */
export interface L2Options {
  /** At least 0. Default: 0.01. */
  readonly l2?: number;
}

/** Options of `regularizers.l1l2`. */
export interface L1L2Options {
  /** At least 0. Default: 0. */
  readonly l1?: number;
  /** At least 0. Default: 0. */
  readonly l2?: number;
}

/** Options of `regularizers.orthogonalRegularizer`. */
export interface OrthogonalRegularizerOptions {
  /** At least 0. Default: 0.01. */
  readonly factor?: number;
  /** Which are to become orthogonal. Default: `rows`. */
  readonly mode?: "rows" | "columns";
}

const factor = (initial: number) => number(initial, { from: 0 });

function regularizerOf(name: string, call: RegularizerFunction): Omit<Regularizer, keyof Part> {
  const apply = async (x: ArrayInput): Promise<HostArray> => {
    const [penalty] = await evaluate([toHostArray(x, name)], ([tensor]) => [
      penaltyOf({ name, call, apply }, tensor),
    ]);
    return penalty;
  };
  return { call, apply };
}

/** An entry that is one function of its options. */
const regularizer =
  <Options extends object>() =>
  <const F extends Fields<Options>>(
    name: string,
    fields: F,
    make: (options: ValuesOf<F>) => RegularizerFunction,
  ) =>
    entry<Options, Regularizer>()(name, fields, (options) => regularizerOf(name, make(options)));

/** The regularizers of the library. */
export const regularizers = {
  /**
   * l1 sum|w|.
   *
   * @throws ValueError where l1 is negative
   */
  l1: regularizer<L1Options>()(
    "l1",
    { l1: keyed("l1", factor(0.01)) },
    ({ l1 }) =>
      (x) =>
        l1Of(x, l1),
  ),

  /**
   * l2 sum(w^2), without the 1/2 that weight decay is derived from.
   *
   * @throws ValueError where l2 is negative
   */
  l2: regularizer<L2Options>()(
    "l2",
    { l2: keyed("l2", factor(0.01)) },
    ({ l2 }) =>
      (x) =>
        l2Of(x, l2),
  ),

  /**
   * l1 sum|w| + l2 sum(w^2).
   *
   * @throws ValueError where a factor is negative
   */
  l1l2: regularizer<L1L2Options>()(
    "l1l2",
    { l1: keyed("l1", factor(0)), l2: keyed("l2", factor(0)) },
    ({ l1, l2 }) =>
      (x) => {
        if (l1 === 0) return l2Of(x, l2);
        return l2 === 0 ? l1Of(x, l1) : l1Of(x, l1).add(l2Of(x, l2));
      },
  ),

  /**
   * factor times the mean over all pairs of rows (or columns) of the absolute cosine of their
   * angle: 0 where they are orthogonal, or there is but one. For matrices.
   *
   * @throws ValueError where factor is negative, ShapeError for weights of other than two dimensions
   */
  orthogonalRegularizer: regularizer<OrthogonalRegularizerOptions>()(
    "orthogonalRegularizer",
    { factor: factor(0.01), mode: choice(["rows", "columns"], "rows") },
    ({ factor: by, mode }) =>
      (x) => {
        if (x.rank !== 2)
          throw new ShapeError({
            who: "orthogonalRegularizer",
            expected: "a weight of two dimensions",
            received: formatShape(x.shape),
          });
        return meanCosine(mode === "rows" ? x : x.transpose()).multiply(by);
      },
  ),
};

const l1Of = (x: Tensor, l1: number): Tensor => x.absolute().sum().multiply(l1);
const l2Of = (x: Tensor, l2: number): Tensor => x.square().sum().multiply(l2);

/** The mean absolute cosine between two different rows; a row of zeros is orthogonal to all. */
function meanCosine(x: Tensor): Tensor {
  const size = x.shape[0];
  // Nothing to be orthogonal to. (Keras divides by 0 here.)
  if (size === 1) return x.trace.constant(0);
  // As Keras's `normalize`: never divided by less than 1e-7.
  const length = x.square().sum(1, true).maximum(1e-14).squareRoot();
  const unit = x.divide(length);
  const cosines = unit.matmul(unit.transpose());
  // The diagonal is left out, not subtracted: small cosines would drown in its rounding.
  const isSame = x.trace.indexAlong(cosines, 0).equal(x.trace.indexAlong(cosines, 1));
  const others = isSame.where(0, cosines.absolute()).sum();
  return others.multiply(1 / (size * (size - 1)));
}

/** Names of the library's regularizers. */
export type RegularizerName = keyof typeof regularizers;

/** What options that take a regularizer accept. */
export type RegularizerInput = RegularizerName | Regularizer | RegularizerFunction;

export const regularizerKind: Kind<Regularizer> = {
  kind: "regularizer",
  plural: "regularizers",
  module: "keras.regularizers",
  entries: regularizers,
  aliases: { l1_l2: "l1l2" },
  classNames: { l1l2: "L1L2" },
  is: isCallable(regularizers),
  fromFunction: (call) => ({
    name: functionName(call),
    ...regularizerOf(functionName(call), call as RegularizerFunction),
  }),
};

/** The regularizer that a user named, made or wrote. */
export const resolveRegularizer = (value: RegularizerInput, who: string): Regularizer =>
  resolve(value, regularizerKind, who);

/**
 * What a regularizer makes of a weight or an output: a scalar.
 *
 * @throws ValueError, ShapeError where a user's returns anything else
 */
export function penaltyOf(regularizer: Regularizer, x: Tensor): Tensor {
  const penalty: unknown = regularizer.call(x);
  const who = `regularizer ${regularizer.name}`;
  if (!(penalty instanceof Tensor) || penalty.dtype !== "float32")
    throw new ValueError({
      who,
      expected: "it must return a float32 Tensor",
      received: penalty instanceof Tensor ? penalty.dtype : describe(penalty),
    });
  if (sizeOf(penalty.shape) === 1) return penalty.reshape([]);
  throw new ShapeError({
    who,
    expected: "it must return one number",
    received: `shape ${formatShape(penalty.shape)}`,
    fix: "Add them up: .sum().",
  });
}
