/** What a loss is, how its values become one number, and how it is called on arrays. */
import { ShapeError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, sizeOf } from "../base/shape.ts";
import { evaluate } from "../tensor/eager.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";
import type { PreActivation } from "./context.ts";
import { choice, type Field } from "./fields.ts";
import { settings } from "./options.ts";
import type { Part } from "./registry.ts";
import { checkSampleWeight, checkTargets, shapeTargets, type TargetKind } from "./targets.ts";

/** What a loss or metric finds beside targets and predictions. */
export interface LossContext {
  readonly trace: Trace;
  /**
   * What the model's output was made of, where an activation made it: a loss may compute from
   * there, without the rounding of the activation.
   */
  readonly preActivation?: PreActivation | undefined;
}

/**
 * A user's own loss: targets (float32, `[batch, ...]` as given) and predictions `[batch, ...]` -> a
 * value for each sample, `[batch]` or `[batch, ...]`, or one for all, `[]`. `fit` lowers the mean.
 *
 * @example const absolute = (yTrue, yPred) => yPred.subtract(yTrue).absolute().mean(-1);
 */
export type LossFunction = (yTrue: Tensor, yPred: Tensor, context: LossContext) => Tensor;

/**
 * How the values of a batch become its loss, each first multiplied by its sample weight:
 *
 * - `sumOverBatchSize`: their sum over their count, whatever the weights; the default
 * - `sum`: their sum
 * - `meanWithSampleWeight`: their sum over the sum of the weights, 0 where that is 0
 * - `mean`: as `sumOverBatchSize`
 * - `none`: in a model as `sumOverBatchSize`, on arrays the values as they are
 *
 * Values that a loss leaves out (`ignoreClass`) do not count, in none of them.
 */
export type Reduction = (typeof reductions)[number];

export const reductions = [
  "sumOverBatchSize",
  "sum",
  "mean",
  "meanWithSampleWeight",
  "none",
] as const;

const reductionChoice = choice(reductions, "sumOverBatchSize", {
  sumOverBatchSize: "sum_over_batch_size",
  meanWithSampleWeight: "mean_with_sample_weight",
});

/** The option `reduction` of every loss. Keras 3 also writes null for `none`, tf_keras `auto`. */
export const reductionField: Field<Reduction> = {
  ...reductionChoice,
  parse: (value, custom) => {
    if (value === null) return "none";
    return value === "auto" ? "sumOverBatchSize" : reductionChoice.parse!(value, custom);
  },
};

/** A loss, its name, and how its targets must look. */
export interface Loss extends Part {
  /** Default: `any`. */
  readonly targets?: TargetKind;
  /** Default: `sumOverBatchSize`. */
  readonly reduction?: Reduction;
  readonly call: LossFunction;
  /** Which values of `call` count: 1 for each that does, else 0. Absent: all of them. */
  readonly mask?: ((yTrue: Tensor) => Tensor) | undefined;
}

/** Options of a loss that is called on arrays. */
export interface LossCallOptions {
  /** `[batch]`, or of the shape of the values. Default: all 1. */
  readonly sampleWeight?: ArrayInput;
}

/** A loss of the library. */
export interface LibraryLoss extends Loss {
  readonly reduction: Reduction;
  /**
   * The loss of predictions: a scalar `[]`, or with the reduction `none` the values.
   *
   * @throws ShapeError, DataError where targets or weights do not fit
   * @example await losses.meanSquaredError().apply([[0, 1]], [[0.5, 1]]); // data: [0.125]
   */
  apply(yTrue: ArrayInput, yPred: ArrayInput, options?: LossCallOptions): Promise<HostArray>;
}

/**
 * One number of the values `[batch, ...]` of a loss, weighted.
 *
 * @param weight for each sample, `[batch]`, or of the shape of the values
 * @param mask which values count, in their shape: see `Loss.mask`
 */
export function reduceLoss(
  values: Tensor,
  reduction: Reduction,
  weight?: Tensor,
  mask?: Tensor,
): Tensor {
  const counted = mask ? values.multiply(mask) : values;
  const total = (weight ? weigh(counted, weight) : counted).sum();
  if (reduction === "sum") return total;
  if (reduction === "meanWithSampleWeight" && weight) {
    const ones = mask ?? values.multiply(0).add(1);
    return divideOrZero(total, weigh(ones, weight).sum());
  }
  return mask ? divideOrZero(total, mask.sum()) : total.multiply(1 / sizeOf(values.shape));
}

/** The loss of a batch as one number: values, mask, weights and reduction. */
export function lossOf(
  loss: Loss,
  targets: Tensor,
  output: Tensor,
  context: LossContext,
  weight?: Tensor,
): Tensor {
  const shaped = shapeTargets(loss.targets ?? "any", targets, output);
  const values = loss.call(shaped, output, context);
  return reduceLoss(values, loss.reduction ?? "sumOverBatchSize", weight, loss.mask?.(shaped));
}

/** total / count, and 0 where the count is 0; its gradient is finite there too. */
function divideOrZero(total: Tensor, count: Tensor): Tensor {
  const isZero = count.equal(0);
  return isZero.where(0, total.divide(isZero.where(1, count)));
}

/** Values times weights of the same leading dimensions. */
export const weigh = (values: Tensor, weight: Tensor): Tensor =>
  values.multiply(fitWeight(weight, values));

/** Weights with as many dimensions as the values, which they stand for from the first one on. */
export function fitWeight(weight: Tensor, values: Tensor): Tensor {
  let fitted = weight;
  if (fitted.rank > values.rank && fitted.shape.at(-1) === 1) fitted = fitted.squeeze(-1);
  const fits =
    fitted.rank <= values.rank &&
    fitted.shape.every((size, i) => size === 1 || size === values.shape[i]);
  if (!fits)
    throw new ShapeError({
      who: "sampleWeight",
      expected: `the first dimensions of the values, ${formatShape(values.shape)}`,
      received: formatShape(weight.shape),
    });
  while (fitted.rank < values.rank) fitted = fitted.expandDimension(-1);
  return fitted;
}

/** What calls a loss on arrays. */
export async function applyLoss(
  loss: Loss,
  yTrue: ArrayInput,
  yPred: ArrayInput,
  options: LossCallOptions = {},
): Promise<HostArray> {
  const { name, targets: kind = "any", reduction } = loss;
  const { sampleWeight } = settings(options, { sampleWeight: undefined }, name);
  const arrays = batchArrays(name, kind, yTrue, yPred, sampleWeight);
  const [result] = await evaluate(arrays, ([targets, output, weight], trace) => {
    if (reduction !== "none") return [lossOf(loss, targets, output, { trace }, weight)];
    const shaped = shapeTargets(kind, targets, output);
    const values = loss.call(shaped, output, { trace });
    const mask = loss.mask?.(shaped);
    const counted = mask ? values.multiply(mask) : values;
    return [weight ? weigh(counted, weight) : counted];
  });
  return result;
}

/**
 * Targets, predictions and weights of a batch that a user passes without a model, checked.
 *
 * @param who the loss or metric, for messages
 */
export function batchArrays(
  who: string,
  kind: TargetKind,
  yTrue: ArrayInput,
  yPred: ArrayInput,
  sampleWeight: ArrayInput | undefined,
): HostArray[] {
  const targets = toHostArray(yTrue, `${who} yTrue`);
  const output = toHostArray(yPred, `${who} yPred`);
  for (const [array, name] of [
    [targets, "yTrue"],
    [output, "yPred"],
  ] as const)
    if (array.shape.length === 0 || array.shape.includes(0))
      throw new ShapeError({
        who: `${who} ${name}`,
        expected: "at least one sample, [n, ...]",
        received: formatShape(array.shape),
      });
  const batch = output.shape[0];
  if (targets.shape[0] !== batch)
    throw new ShapeError({
      who: `${who} yTrue`,
      expected: `as many samples as yPred, ${batch}`,
      received: `${targets.shape[0]}`,
    });
  checkTargets(kind, targets, output.shape.slice(1), `${who} yTrue`, who);
  if (sampleWeight === undefined) return [targets, output];
  const weights = toHostArray(sampleWeight, `${who} sampleWeight`);
  checkSampleWeight(weights, batch, `${who} sampleWeight`);
  return [targets, output, weights];
}
