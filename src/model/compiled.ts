/** What a model is trained with: optimizer, and losses and metrics of each output. */
import { describe, NameError, ValueError } from "../base/errors.ts";
import type { Loss } from "../nn/loss.ts";
import { type LossInput, resolveLoss } from "../nn/losses.ts";
import { chooseMetric, Metric } from "../nn/metric.ts";
import { type MetricInput, resolveMetric } from "../nn/metrics.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { type OptimizerInput, resolveOptimizer } from "../nn/optimizers.ts";
import { checkNumber, settings } from "../nn/options.ts";
import { toCamelKey, toSnakeKey } from "../nn/serialization.ts";
import type { TargetShapes } from "../nn/targets.ts";
import type { Port } from "./topology.ts";

/** One for the only output, or for several outputs a list, or an object by the outputs' names. */
export type PerOutput<T> = T | readonly (T | null)[] | { readonly [output: string]: T | null };

/** Options of `compile`. */
export interface CompileOptions {
  /** A name (with the default options) or an optimizer. Default: `rmsprop`, as in Keras. */
  readonly optimizer?: OptimizerInput;
  /**
   * A name, a loss, or a function of (yTrue, yPred, context). With several outputs one for all of
   * them, a list, or an object by their names; an output without one only has metrics. Default:
   * none, then only what layers add to the loss is trained on.
   */
  readonly loss?: PerOutput<LossInput>;
  /**
   * What each output's loss counts in the sum, at least 0: a list or an object by the outputs' names,
   * or a number for the only one. Losses of single outputs are reported without it. Default: 1.
   */
  readonly lossWeights?: number | readonly number[] | Readonly<Record<string, number>>;
  /**
   * Reported beside the loss, without sample weights. With several outputs: a list or an object,
   * with a metric or a list of metrics for each. Default: none.
   */
  readonly metrics?: MetricsInput;
  /** Metrics that count each sample by its weight. Default: none. */
  readonly weightedMetrics?: MetricsInput;
}

/** Metrics of one output, or of each of several. */
export type MetricsInput =
  | readonly (MetricInput | readonly MetricInput[] | null)[]
  | { readonly [output: string]: MetricInput | readonly MetricInput[] | null };

/** The loss of an output. */
export interface OutputLoss {
  readonly output: number;
  readonly loss: Loss;
  readonly weight: number;
  /** Its key in logs, where there are several outputs. */
  readonly name: string | undefined;
}

/** A metric of an output. */
export interface OutputMetric {
  readonly output: number;
  readonly metric: Metric;
  /** Whether samples count by their weight. */
  readonly isWeighted: boolean;
  /** Its key in logs. */
  readonly name: string;
}

/** What a model is trained with. */
export interface Compiled {
  readonly optimizer: Optimizer;
  readonly losses: readonly OutputLoss[];
  readonly metrics: readonly OutputMetric[];
  /** What the user gave, for files. */
  readonly options: CompileOptions;
}

/** Looks everything up that `compile` was given. */
export function compileFor(outputs: readonly Port[], options: CompileOptions): Compiled {
  const who = "compile";
  const defaults = {
    optimizer: "rmsprop" as OptimizerInput,
    loss: undefined,
    lossWeights: undefined,
    metrics: [],
    weightedMetrics: [],
  };
  const given = settings<CompileOptions, typeof defaults>(options, defaults, who);
  const optimizer = resolveOptimizer(given.optimizer, who);
  const weights = weightsOf(given.lossWeights, outputs);
  const perOutput = lossesOf(given.loss, outputs);
  const isSingle = outputs.length === 1;
  const losses = perOutput.flatMap((loss, output) => {
    if (loss === undefined) return [];
    const name = isSingle ? undefined : keyOf(outputs[output], "loss");
    return [{ output, loss: resolveLoss(loss, who), weight: weights[output], name }];
  });
  const plain = metricsOf(given.metrics, "metrics", outputs);
  const weighted = metricsOf(given.weightedMetrics, "weightedMetrics", outputs);
  const taken = new Set(["loss", ...losses.flatMap(({ name }) => name ?? [])]);
  const metrics = [
    ...plain.map((one) => named(one, false, outputs, taken)),
    ...weighted.map((one) => named(one, true, outputs, taken)),
  ];
  return { optimizer, losses, metrics, options };
}

/** Keras's key in camelCase: `digit_accuracy` of the output `digit` is `digitAccuracy`. */
const keyOf = ({ name }: Port, what: string): string => toCamelKey(`${name}_${toSnakeKey(what)}`);

function lossesOf(
  given: CompileOptions["loss"],
  outputs: readonly Port[],
): (LossInput | undefined)[] {
  if (given === undefined || given === null) return outputs.map(() => undefined);
  const list = listPerOutput<LossInput>(given, "loss", outputs, isLossByName);
  return list ?? outputs.map(() => given as LossInput);
}

/** An object of losses by name, and not a loss itself. */
const isLossByName = (value: object): boolean => !("call" in value);

function weightsOf(given: CompileOptions["lossWeights"], outputs: readonly Port[]): number[] {
  if (given === undefined) return outputs.map(() => 1);
  const isNumber = typeof given === "number" && outputs.length === 1;
  const all = isNumber ? [given] : given;
  const list = listPerOutput<number>(all, "lossWeights", outputs, () => true);
  if (!list)
    throw new ValueError({
      who: "compile",
      expected: "lossWeights must be a list or an object of numbers",
      received: describe(given),
    });
  return list.map((weight = 1, i) => {
    checkNumber(weight, `lossWeights of ${outputs[i].name}`, "compile", { from: 0 });
    return weight;
  });
}

interface FoundMetric {
  readonly output: number;
  readonly metric: Metric;
}

function metricsOf(
  given: MetricsInput,
  option: string,
  outputs: readonly Port[],
): readonly FoundMetric[] {
  const who = "compile";
  if (typeof given !== "object" || given === null || given instanceof Metric)
    throw new ValueError({
      who,
      expected: `${option} must be an array`,
      received: describe(given),
      fix: `Example: ${option}: ["accuracy"]`,
    });
  const resolved = (list: unknown, output: number): FoundMetric[] =>
    (Array.isArray(list) ? list : [list]).map((metric) => ({
      output,
      metric: resolveMetric(metric as MetricInput, who),
    }));
  if (Array.isArray(given) && outputs.length === 1)
    return given.flatMap((one) => (one === null ? [] : resolved(one, 0)));
  if (Array.isArray(given) && given.length === 0) return [];
  const list = listPerOutput<MetricInput | readonly MetricInput[]>(
    given as object,
    option,
    outputs,
    () => true,
  );
  return list!.flatMap((one, output) => (one === undefined ? [] : resolved(one, output)));
}

/** A metric under the key that logs have for it. */
function named(
  { output, metric }: FoundMetric,
  isWeighted: boolean,
  outputs: readonly Port[],
  taken: Set<string>,
): OutputMetric {
  const own = (name: string) => (outputs.length === 1 ? name : keyOf(outputs[output], name));
  let name = own(metric.name);
  // As Keras calls a weighted metric whose plain form is there too.
  if (isWeighted && taken.has(name))
    name = own(`weighted${metric.name[0].toUpperCase()}${metric.name.slice(1)}`);
  if (taken.has(name))
    throw new ValueError({
      who: "compile",
      expected: "names of metrics must differ from each other and from loss",
      received: `"${name}" twice`,
      fix: 'A metric of the library takes a name: metrics.auc({ name: "auc2" }).',
    });
  taken.add(name);
  return { output, metric, isWeighted, name };
}

/** A list or an object by names as a list; undefined where it is neither. */
function listPerOutput<T>(
  given: unknown,
  option: string,
  outputs: readonly Port[],
  isByName: (value: object) => boolean,
): (T | undefined)[] | undefined {
  const who = "compile";
  if (Array.isArray(given)) {
    if (given.length !== outputs.length)
      throw new ValueError({
        who,
        expected: `${option} must have one entry for each of the ${outputs.length} outputs`,
        received: `${given.length}`,
        fix: `The outputs: ${outputs.map(({ name }) => name).join(", ")}.`,
      });
    return given.map((one) => (one === null ? undefined : (one as T)));
  }
  if (typeof given !== "object" || given === null || !isByName(given)) return undefined;
  const known = outputs.map(({ name }) => name);
  for (const name of Object.keys(given))
    if (!known.includes(name))
      throw new NameError({
        who,
        expected: `names in ${option} must be outputs of the model`,
        received: describe(name),
        known,
      });
  const own = given as Record<string, T | null>;
  return known.map((name) => (Object.hasOwn(own, name) ? (own[name] ?? undefined) : undefined));
}

/** A compiled metric, chosen for the shapes of its output. */
export function chosenMetric(
  { metric, output }: OutputMetric,
  shapes: readonly TargetShapes[],
): Metric {
  return chooseMetric(metric, shapes[output]);
}
