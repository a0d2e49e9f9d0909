/** Losses: functions of targets and predictions. To add one, add an entry to `losses`. */
import { clip, isClass, logSoftmax } from "../tensor/composites.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";
import type { PreActivation } from "./context.ts";
import { checkBoolean, settings } from "./options.ts";
import { functionName, type Kind, resolve } from "./registry.ts";
import type { TargetKind } from "./targets.ts";

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

/** A loss, its name, and how its targets must look. */
export interface Loss {
  /** The name in `losses`; `function NAME` for a user's function. */
  readonly name: string;
  /** Default: `any`. */
  readonly targets?: TargetKind;
  readonly call: LossFunction;
}

/** Options of `losses.sparseCategoricalCrossentropy`. */
export interface SparseCategoricalCrossentropyOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
}

/** Probabilities are kept in [1e-7, 1 - 1e-7] (Keras, keras/src/backend/config.py, `_EPSILON`). */
const epsilon = 1e-7;

/** The losses of the library. */
export const losses = {
  /**
   * -log p[label] with class numbers as labels. Computed from logits without clipping where they
   * are known: with `fromLogits`, or where the model's last activation is a softmax. Bare
   * probabilities are divided by their sum and clipped to [1e-7, 1 - 1e-7], as in Keras (on JAX and
   * PyTorch; its JAX backend never goes back to the logits).
   */
  sparseCategoricalCrossentropy: (options: SparseCategoricalCrossentropyOptions = {}): Loss => {
    const who = "sparseCategoricalCrossentropy";
    const { fromLogits } = settings(options, { fromLogits: false }, who);
    checkBoolean(fromLogits, "fromLogits", who);
    return {
      name: who,
      targets: "classes",
      call: (yTrue, yPred, { trace, preActivation }) => {
        const hit = (logits: Tensor) => isClass(trace, yTrue.cast("uint32"), logits);
        const softmaxOf =
          preActivation?.activation === "softmax" ? preActivation.tensor : undefined;
        const logits = fromLogits ? yPred : softmaxOf;
        if (logits) return hit(logits).where(logSoftmax(logits), 0).sum(-1).negate();
        const share = hit(yPred).where(yPred, 0).sum(-1).divide(yPred.sum(-1));
        return clip(share, epsilon, 1 - epsilon)
          .logarithm()
          .negate();
      },
    };
  },

  /** (target - prediction)^2, its mean over the last dimension. */
  meanSquaredError: (): Loss => ({
    name: "meanSquaredError",
    targets: "output",
    call: (yTrue, yPred) => {
      const squares = yPred.subtract(yTrue).square();
      return squares.rank > 1 ? squares.mean(-1) : squares;
    },
  }),
};

/** Names of the library's losses. */
export type LossName = keyof typeof losses;

/** What `compile` takes as a loss. */
export type LossInput = LossName | Loss | LossFunction;

const kind: Kind<Loss> = {
  kind: "loss",
  entries: losses,
  is: (value) => "call" in value && typeof value.call === "function" && "name" in value,
  fromFunction: (call) => ({ name: functionName(call), call: call as LossFunction }),
};

/** The loss that a user named, made or wrote. */
export const resolveLoss = (value: LossInput, who: string): Loss => resolve(value, kind, who);
