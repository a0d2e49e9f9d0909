/** What a metric is: numbers that add up over batches, and what is reported of them. */
import { ShapeError, StateError } from "../base/errors.ts";
import type { ArrayInput } from "../base/host-array.ts";
import { evaluate } from "../tensor/eager.ts";
import { Tensor } from "../tensor/tensor.ts";
import { batchArrays, fitWeight, type LossContext } from "./loss.ts";
import { settings } from "./options.ts";
import type { Part } from "./registry.ts";
import { shapeTargets, type TargetKind, type TargetShapes } from "./targets.ts";

/** What a metric finds beside targets and predictions. */
export interface MetricContext extends LossContext {
  /** A weight for each sample, `[batch]` or with more of the values' dimensions; absent: all 1. */
  readonly sampleWeight?: Tensor | undefined;
}

/**
 * A user's own metric: a value for each sample, `[batch]` or `[batch, ...]`; the mean is reported.
 */
export type MetricFunction = (yTrue: Tensor, yPred: Tensor, context: MetricContext) => Tensor;

/** What a batch adds to one part of a metric's state: a tensor, or a number known beforehand. */
export type Contribution = Tensor | number;

/** What a metric does. */
export interface MetricRule {
  /** How its targets must look. Default: `any`. */
  readonly targets?: TargetKind;
  /** What a batch adds to the state, which is 0 at first: always the same number of parts. */
  update(yTrue: Tensor, yPred: Tensor, context: MetricContext): readonly Contribution[];
  /** The reported number (or, for some, numbers) of a state: one array for each part. */
  compute(state: readonly Float64Array[]): number | number[];
  /** A metric that hangs on shapes chooses the one to use, which keeps this one's name. */
  choose?(shapes: TargetShapes): Metric;
}

/** Options of `updateState`. */
export interface UpdateOptions {
  /** A weight for each sample, `[batch]`. Default: all 1. */
  readonly sampleWeight?: ArrayInput;
}

/**
 * A metric. In models it has no state: the state belongs to a pass. `updateState`, `result` and
 * `resetState` keep one of their own, for arrays.
 *
 * @example
 * const auc = metrics.auc();
 * await auc.updateState([0, 1, 1], [0.1, 0.4, 0.8]);
 * auc.result();
 */
export class Metric implements Part {
  /** The key in histories, e.g. `accuracy`. */
  readonly name: string;
  /** The name in the registry; absent: a user's own metric. */
  readonly entry?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly source?: unknown;
  readonly rule: MetricRule;
  #state: Float64Array[] | undefined;
  #chosen: Metric | undefined;

  constructor(name: string, rule: MetricRule) {
    this.name = name;
    this.rule = rule;
  }

  get targets(): TargetKind {
    return this.rule.targets ?? "any";
  }

  /**
   * Adds a batch of arrays to the state.
   *
   * @throws ShapeError, DataError where targets or weights do not fit
   */
  async updateState(
    yTrue: ArrayInput,
    yPred: ArrayInput,
    options: UpdateOptions = {},
  ): Promise<void> {
    const who = this.name;
    const { sampleWeight } = settings(options, { sampleWeight: undefined }, who);
    const unchecked = batchArrays(who, "any", yTrue, yPred, sampleWeight);
    const [target, output] = unchecked.map(({ shape }) => shape.slice(1));
    const chosen = chooseMetric(this, { target, output });
    const { rule, targets: kind } = chosen;
    const arrays = batchArrays(who, kind, yTrue, yPred, sampleWeight);
    const numbers: (number | undefined)[] = [];
    const results = await evaluate(arrays, ([targets, predictions, weight], trace) => {
      const shaped = shapeTargets(kind, targets, predictions);
      const parts = rule.update(shaped, predictions, { trace, sampleWeight: weight });
      for (const part of parts) numbers.push(part instanceof Tensor ? undefined : part);
      return parts.filter((part) => part instanceof Tensor);
    });
    this.#chosen = chosen;
    this.#add(
      numbers.map((known) =>
        known === undefined ? Float64Array.from(results.shift()!.data) : Float64Array.of(known),
      ),
    );
  }

  #add(added: readonly Float64Array[]): void {
    this.#state ??= added.map((part) => new Float64Array(part.length));
    const state = this.#state;
    const fits =
      state.length === added.length && added.every(({ length }, i) => length === state[i].length);
    if (!fits)
      throw new ShapeError({
        who: this.name,
        expected: "batches of one kind of shapes",
        received: "one with other outputs than those before",
        fix: "Call resetState() first.",
      });
    for (const [i, part] of added.entries())
      for (let k = 0; k < part.length; k++) state[i][k] += part[k];
  }

  /** What is reported of all batches since the last `resetState`; throws before the first one. */
  result(): number | number[] {
    if (this.#state) return (this.#chosen ?? this).rule.compute(this.#state);
    throw new StateError({
      who: this.name,
      expected: "updateState must be called first",
      received: "a metric that has seen no data",
    });
  }

  /** Forgets all batches. */
  resetState(): void {
    this.#state = undefined;
  }
}

/** The metric to use for these shapes, under the name of the given one. */
export function chooseMetric(metric: Metric, shapes: TargetShapes): Metric {
  const chosen = metric.rule.choose?.(shapes);
  return chosen ? new Metric(metric.name, chosen.rule) : metric;
}

/** The mean over all samples of the values of `call`, weighted: sum(weight value) / sum(weight). */
export const meanRule = (call: MetricFunction, targets: TargetKind = "any"): MetricRule => ({
  targets,
  update: (yTrue, yPred, context) => meanParts(call(yTrue, yPred, context), context.sampleWeight),
  compute: ([total, count]) => ratio(total[0], count[0]),
});

/**
 * What a batch of values adds to a mean: their weighted sum and the sum of the weights, the values
 * (and weights) of one sample averaged first.
 */
export function meanParts(values: Tensor, sampleWeight?: Tensor): Contribution[] {
  if (!sampleWeight) return [perSample(values).sum(), values.shape[0] ?? 1];
  const weight = fitWeight(sampleWeight, values);
  // A sample's one weight counts once, whatever the number of its values.
  const own = sampleWeight.rank > 1 && weight.rank > 1 ? perSample(weight) : sampleWeight;
  return [perSample(values.multiply(weight)).sum(), own.sum()];
}

/** a / b, and 0 where b is 0. */
export const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

/** `[batch, ...]` -> `[batch]`: the mean of each sample's values. */
export function perSample(values: Tensor): Tensor {
  return values.rank > 1 ? values.mean(values.shape.map((_, i) => i).slice(1)) : values;
}
