/** Cross-entropies: from logits where they are known, else from clipped probabilities. */
import { isClass, logSoftmax } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, dimension, optional } from "../fields.ts";
import type { Loss, LossContext, LossFunction } from "../loss.ts";
import { predictionKind, shapeTargets } from "../targets.ts";
import { meanOver, withLast } from "./axes.ts";
import { type LossOptions, type LossRule, labelSmoothing, loss } from "./entry.ts";
import { clipShare, clipShares } from "./stable.ts";

/** Options of `losses.sparseCategoricalCrossentropy`. */
export interface SparseCategoricalCrossentropyOptions extends LossOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /**
   * A label, of the classes or not (-1, 255), whose predictions do not count: neither in the sum
   * nor in the count that it is divided by. Default: none.
   */
  readonly ignoreClass?: number;
}

/** Options of `losses.categoricalCrossentropy`. */
export interface CategoricalCrossentropyOptions extends LossOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /**
   * In [0, 1]: how much of each target is spread over all classes, 0.1 turns a one-hot row of ten
   * into 0.91 and nine times 0.01. Default: 0.
   */
  readonly labelSmoothing?: number;
  /** The dimension of the classes; not the batch. Default: -1. */
  readonly axis?: number;
}

/** Options of `losses.binaryCrossentropy`. */
export interface BinaryCrossentropyOptions extends LossOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /**
   * In [0, 1]: how far targets are moved towards 1/2, 0.2 makes 0.1 of 0 and 0.9 of 1. Default: 0.
   */
  readonly labelSmoothing?: number;
  /** The dimension that the mean is taken over; not the batch. Default: -1. */
  readonly axis?: number;
}

/** The tensor that an activation along the last dimension made the output of, where one did. */
function before(
  activation: "softmax" | "sigmoid",
  { preActivation }: LossContext,
): Tensor | undefined {
  if (preActivation?.activation !== activation) return undefined;
  const { options } = preActivation as { readonly options?: { readonly axis?: unknown } };
  const axis = options?.axis ?? -1;
  const isLast = axis === -1 || axis === preActivation.tensor.rank - 1;
  return isLast ? preActivation.tensor : undefined;
}

/** target (1 - smoothing) + smoothing / classes. */
export function smoothShares(yTrue: Tensor, smoothing: number): Tensor {
  if (smoothing === 0) return yTrue;
  return yTrue.multiply(1 - smoothing).add(smoothing / yTrue.shape.at(-1)!);
}

/** target (1 - smoothing) + smoothing / 2. */
export function smoothBinary(yTrue: Tensor, smoothing: number): Tensor {
  return smoothing === 0 ? yTrue : yTrue.multiply(1 - smoothing).add(smoothing / 2);
}

/** -(t log p + (1 - t) log(1 - p)) of clipped probabilities. */
export function binaryTerms(yTrue: Tensor, yPred: Tensor): Tensor {
  const p = clipShare(yPred);
  const others = yTrue.negate().add(1).multiply(p.negate().add(1).logarithm());
  return yTrue.multiply(p.logarithm()).add(others).negate();
}

/** -log p[label], for labels `[...]` and predictions `[..., classes]`. */
const sparse =
  (fromLogits: boolean): LossFunction =>
  (yTrue, yPred, context) => {
    const hit = (logits: Tensor) => isClass(context.trace, yTrue.cast("uint32"), logits);
    const logits = fromLogits ? yPred : before("softmax", context);
    if (logits) return hit(logits).where(logSoftmax(logits), 0).sum(-1).negate();
    const share = hit(yPred).where(yPred, 0).sum(-1).divide(yPred.sum(-1));
    return clipShare(share).logarithm().negate();
  };

export const crossentropies = {
  /**
   * -log p[label] with class numbers as labels. Computed from logits without clipping where they
   * are known: with `fromLogits`, or where the model's last activation is a softmax. Bare
   * probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras (on JAX and
   * PyTorch; its JAX backend never goes back to the logits).
   */
  sparseCategoricalCrossentropy: loss<SparseCategoricalCrossentropyOptions>()(
    "sparseCategoricalCrossentropy",
    "classes",
    { fromLogits: boolean(false), ignoreClass: optional(dimension()) },
    ({ fromLogits, ignoreClass }) => {
      const call = sparse(fromLogits);
      if (ignoreClass === undefined) return call;
      const isIgnored = (yTrue: Tensor) => yTrue.equal(ignoreClass);
      const rule: LossRule = {
        targets: { ignoredClass: ignoreClass },
        // Any class will do for what does not count.
        call: (yTrue, yPred, context) => {
          const ignored = isIgnored(yTrue);
          return ignored.where(0, call(ignored.where(0, yTrue), yPred, context));
        },
        mask: (yTrue) => isIgnored(yTrue).where(yTrue.trace.constant(0), 1),
      };
      return rule;
    },
  ),

  /**
   * -sum(target log p) over the classes, targets one-hot or soft. Logits and clipping as of
   * `sparseCategoricalCrossentropy`.
   *
   * @throws ValueError unless labelSmoothing is in [0, 1]
   */
  categoricalCrossentropy: loss<CategoricalCrossentropyOptions>()(
    "categoricalCrossentropy",
    "shares",
    { fromLogits: boolean(false), labelSmoothing: labelSmoothing(), axis: dimension(-1) },
    ({ fromLogits, labelSmoothing, axis }) =>
      (yTrue, yPred, context) => {
        const last = (x: Tensor) => withLast(x, axis, "loss categoricalCrossentropy");
        const softmaxed = axis === -1 ? before("softmax", context) : undefined;
        const logits = fromLogits ? last(yPred) : softmaxed;
        const logarithms = logits ? logSoftmax(logits) : clipShares(last(yPred)).logarithm();
        return smoothShares(last(yTrue), labelSmoothing).multiply(logarithms).sum(-1).negate();
      },
  ),

  /**
   * -(t log p + (1 - t) log(1 - p)), its mean over `axis`: each number is a probability of its own.
   * Computed from logits without clipping where they are known: with `fromLogits`, or where the
   * model's last activation is a sigmoid. Bare probabilities are clipped to [1e-7, 1 - 1e-7], as in
   * Keras.
   *
   * @throws ValueError unless labelSmoothing is in [0, 1]
   */
  binaryCrossentropy: loss<BinaryCrossentropyOptions>()(
    "binaryCrossentropy",
    "shares",
    { fromLogits: boolean(false), labelSmoothing: labelSmoothing(), axis: dimension(-1) },
    ({ fromLogits, labelSmoothing, axis }) =>
      (yTrue, yPred, context) => {
        const target = smoothBinary(yTrue, labelSmoothing);
        const logits = fromLogits ? yPred : before("sigmoid", context);
        // -log p = softplus(-x) and -log(1 - p) = softplus(x), each exact where it is small.
        const terms = logits
          ? target
              .multiply(logits.negate().softplus())
              .add(target.negate().add(1).multiply(logits.softplus()))
          : binaryTerms(target, yPred);
        return meanOver(terms, axis, "loss binaryCrossentropy");
      },
  ),

  /**
   * The cross-entropy for the shapes at hand, as Keras's string "crossentropy" chooses it:
   * `binaryCrossentropy` for outputs `[n, 1]`, `sparseCategoricalCrossentropy` for labels `[n]` or
   * `[n, 1]`, and else `categoricalCrossentropy`.
   */
  crossentropy: loss()("crossentropy", "labels", {}, () => (yTrue, yPred, context) => {
    const { targets = "any", call } = chosenFor(yTrue, yPred);
    return call(shapeTargets(targets, yTrue, yPred), yPred, context);
  }),
};

function chosenFor(yTrue: Tensor, yPred: Tensor): Loss {
  const shapes = { target: yTrue.shape.slice(1), output: yPred.shape.slice(1) };
  const kind = predictionKind(shapes);
  if (kind === "binary") return crossentropies.binaryCrossentropy();
  if (kind === "sparse") return crossentropies.sparseCategoricalCrossentropy();
  return crossentropies.categoricalCrossentropy();
}
