/** Means and sums of plain values: metrics without targets. */
import { describe, ValueError } from "../../base/errors.ts";
import { type ArrayInput, isHostArray, isTypedArray } from "../../base/host-array.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { fitWeight } from "../loss.ts";
import {
  type Contribution,
  Metric,
  type MetricRule,
  meanParts,
  ratio,
  type UpdateOptions,
} from "../metric.ts";
import { metric } from "./entry.ts";

/**
 * A metric of values `[n, ...]` without targets; in a model the values are the predictions.
 *
 * @example
 * const mean = metrics.mean();
 * await mean.updateState([1, 2, 6], { sampleWeight: [1, 1, 0] });
 * mean.result(); // 1.5
 */
export class ValueMetric extends Metric {
  /**
   * Adds values to the state.
   *
   * @throws ValueError where targets and predictions come
   */
  override async updateState(
    values: ArrayInput,
    options: UpdateOptions | ArrayInput = {},
  ): Promise<void> {
    if (Array.isArray(options) || isTypedArray(options) || isHostArray(options))
      throw new ValueError({
        who: this.name,
        expected: "updateState(values, { sampleWeight }): it has no targets",
        received: describe(options),
      });
    await super.updateState(values, values, options as UpdateOptions);
  }
}

/** What a batch of values adds to the state, and what that makes. */
const ofValues = (
  parts: (values: Tensor, weight: Tensor | undefined) => readonly Contribution[],
  compute: MetricRule["compute"],
): MetricRule => ({
  update: (_, values, { sampleWeight }) => parts(values, sampleWeight),
  compute,
});

const create = (name: string, rule: MetricRule) => new ValueMetric(name, rule);

export const valueMetrics = {
  /** The mean of values, weighted: sum(weight value) / sum(weight); values of a sample first. */
  mean: metric()(
    "mean",
    {},
    () => ofValues(meanParts, ([total, count]) => ratio(total[0], count[0])),
    create,
  ),

  /** The sum of values, each times its sample's weight. */
  sum: metric()(
    "sum",
    {},
    () =>
      ofValues(
        (values, weight) => [(weight ? values.multiply(fitWeight(weight, values)) : values).sum()],
        ([total]) => total[0],
      ),
    create,
  ),
};
