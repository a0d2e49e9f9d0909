/** The losses as metrics, and other means over samples. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import { moments } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { boolean, dimension, optional } from "../fields.ts";
import type { LibraryLoss } from "../loss.ts";
import { crossentropies } from "../losses/crossentropy.ts";
import { divergences } from "../losses/divergence.ts";
import { labelSmoothing } from "../losses/entry.ts";
import { hingeLosses } from "../losses/hinge.ts";
import { regressionLosses } from "../losses/regression.ts";
import { epsilon } from "../losses/stable.ts";
import { type MetricRule, meanParts, meanRule } from "../metric.ts";
import { type MetricOptions, metric } from "./entry.ts";

/** Options of `metrics.binaryCrossentropy`: those of the loss. */
export interface BinaryCrossentropyMetricOptions extends MetricOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /** In [0, 1]: how far targets are moved towards 1/2. Default: 0. */
  readonly labelSmoothing?: number;
}

/** Options of `metrics.categoricalCrossentropy`: those of the loss. */
export interface CategoricalCrossentropyMetricOptions extends MetricOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /** In [0, 1]: how much of each target is spread over all classes. Default: 0. */
  readonly labelSmoothing?: number;
  /** The dimension of the classes; not the batch. Default: -1. */
  readonly axis?: number;
}

/** Options of `metrics.sparseCategoricalCrossentropy`: those of the loss. */
export interface SparseCategoricalCrossentropyMetricOptions extends MetricOptions {
  /** Whether predictions are logits rather than probabilities. Default: false. */
  readonly fromLogits?: boolean;
  /**
   * A label whose predictions do not count. As in Keras they count with the value 0 where the
   * metric is not weighted. Default: none.
   */
  readonly ignoreClass?: number;
}

/** Options of metrics along one dimension. */
export interface AxisOptions extends MetricOptions {
  /** The dimension of the numbers that are compared. Default: -1. */
  readonly axis?: number;
}

/** The mean over samples of a loss's values. */
const meanOf = (loss: LibraryLoss): MetricRule => meanRule(loss.call, loss.targets);

/** The metric of a loss without options. */
const ofLoss = (name: string, loss: () => LibraryLoss) => metric()(name, {}, () => meanOf(loss()));

/** The mean where what a loss leaves out has no weight; without weights it counts, as in Keras. */
const masked = ({ call, mask, targets = "any" }: LibraryLoss): MetricRule => ({
  ...meanRule(call, targets),
  update: (yTrue, yPred, context) => {
    const values = call(yTrue, yPred, context);
    const { sampleWeight } = context;
    if (!sampleWeight || !mask) return meanParts(values, sampleWeight);
    let weight = sampleWeight;
    while (weight.rank < values.rank) weight = weight.expandDimension(-1);
    return meanParts(values, mask(yTrue).multiply(weight));
  },
});

/** Numbers of `axis` at the end; correlations may be along the batch too. */
function along(y: Tensor, axis: number, name: string): Tensor {
  const at = axis < 0 ? axis + y.rank : axis;
  if (at < 0 || at >= y.rank)
    throw new ShapeError({
      who: `metric ${name}`,
      expected: `axis must be a dimension of the predictions ${formatShape(y.shape)}`,
      received: `${axis}`,
    });
  const others = y.shape.map((_, i) => i).filter((i) => i !== at);
  return y.transpose([...others, at]);
}

export const means = {
  /** (target - prediction)^2, its mean. */
  meanSquaredError: ofLoss("meanSquaredError", regressionLosses.meanSquaredError),

  /** The root of the mean of (target - prediction)^2 over all samples. */
  rootMeanSquaredError: metric()("rootMeanSquaredError", {}, () => {
    const mean = meanRule((yTrue, yPred) => yPred.subtract(yTrue).square(), "output");
    return { ...mean, compute: (state) => Math.sqrt(mean.compute(state) as number) };
  }),

  /** |target - prediction|, its mean. */
  meanAbsoluteError: ofLoss("meanAbsoluteError", regressionLosses.meanAbsoluteError),

  /** 100 |target - prediction| / max(|target|, 1e-7), its mean. */
  meanAbsolutePercentageError: ofLoss(
    "meanAbsolutePercentageError",
    regressionLosses.meanAbsolutePercentageError,
  ),

  /** (log(1 + target) - log(1 + prediction))^2, its mean; see the loss. */
  meanSquaredLogarithmicError: ofLoss(
    "meanSquaredLogarithmicError",
    regressionLosses.meanSquaredLogarithmicError,
  ),

  /** log(cosh(prediction - target)), its mean. */
  logCoshError: ofLoss("logCoshError", regressionLosses.logCosh),

  /** The cosine of the angle between target and prediction, its mean: minus the loss. */
  cosineSimilarity: metric<AxisOptions>()(
    "cosineSimilarity",
    { axis: dimension(-1) },
    ({ axis }) => {
      const { call, targets } = regressionLosses.cosineSimilarity({ axis });
      return meanRule((...given) => call(...given).negate(), targets);
    },
  ),

  /** max(1 - target prediction, 0), its mean; see the loss. */
  hinge: ofLoss("hinge", hingeLosses.hinge),

  /** max(1 - target prediction, 0)^2, its mean; see the loss. */
  squaredHinge: ofLoss("squaredHinge", hingeLosses.squaredHinge),

  /** max(1 + largest wrong prediction - right one, 0), its mean; see the loss. */
  categoricalHinge: ofLoss("categoricalHinge", hingeLosses.categoricalHinge),

  /** sum(target log(target / prediction)), its mean; see the loss. */
  klDivergence: ofLoss("klDivergence", divergences.klDivergence),

  /** prediction - target log(prediction), its mean; see the loss. */
  poisson: ofLoss("poisson", divergences.poisson),

  /** The mean binary cross-entropy; see the loss. */
  binaryCrossentropy: metric<BinaryCrossentropyMetricOptions>()(
    "binaryCrossentropy",
    { fromLogits: boolean(false), labelSmoothing: labelSmoothing() },
    (options) => meanOf(crossentropies.binaryCrossentropy(options)),
  ),

  /** The mean cross-entropy of one-hot or soft targets; see the loss. */
  categoricalCrossentropy: metric<CategoricalCrossentropyMetricOptions>()(
    "categoricalCrossentropy",
    { fromLogits: boolean(false), labelSmoothing: labelSmoothing(), axis: dimension(-1) },
    (options) => meanOf(crossentropies.categoricalCrossentropy(options)),
  ),

  /** The mean cross-entropy of class numbers; see the loss. */
  sparseCategoricalCrossentropy: metric<SparseCategoricalCrossentropyMetricOptions>()(
    "sparseCategoricalCrossentropy",
    { fromLogits: boolean(false), ignoreClass: optional(dimension()) },
    ({ fromLogits, ignoreClass }) =>
      masked(
        crossentropies.sparseCategoricalCrossentropy({
          fromLogits,
          ...(ignoreClass === undefined ? {} : { ignoreClass }),
        }),
      ),
  ),

  /**
   * Pearson's correlation of target and prediction along `axis`, for each sample on its own unless
   * that is the batch (0); its mean. NaN where one of them is constant.
   */
  pearsonCorrelation: metric<AxisOptions>()(
    "pearsonCorrelation",
    { axis: dimension(-1) },
    ({ axis }) =>
      meanRule((yTrue, yPred) => {
        const standard = (y: Tensor) => {
          const { mean, variance } = moments(along(y, axis, "pearsonCorrelation"), -1, true);
          return along(y, axis, "pearsonCorrelation").subtract(mean).divide(variance.squareRoot());
        };
        return standard(yTrue).multiply(standard(yPred)).mean(-1);
      }, "output"),
  ),

  /**
   * Lin's concordance along `axis`: 2 covariance / (both variances + squared difference of the
   * means + 1e-7); its mean. Lin, "A Concordance Correlation Coefficient to Evaluate
   * Reproducibility", 1989, https://doi.org/10.2307/2532051.
   */
  concordanceCorrelation: metric<AxisOptions>()(
    "concordanceCorrelation",
    { axis: dimension(-1) },
    ({ axis }) =>
      meanRule((yTrue, yPred) => {
        const [target, output] = [yTrue, yPred].map((y: Tensor) =>
          along(y, axis, "concordanceCorrelation"),
        );
        const [a, b] = [moments(target, -1, true), moments(output, -1, true)];
        const apart = a.mean.subtract(b.mean).square();
        const covariance = target.subtract(a.mean).multiply(output.subtract(b.mean)).mean(-1, true);
        const norm = a.variance.add(b.variance).add(apart).add(epsilon);
        return covariance.multiply(2).divide(norm).squeeze(-1);
      }, "output"),
  ),
};
