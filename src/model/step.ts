/** The step graph: one whole step of training, testing or predicting, recorded. */
import { bytesOf, type DType } from "../base/dtype.ts";
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sizeOf } from "../base/shape.ts";
import { rootsOf } from "../ir/graph.ts";
import { topological } from "../ir/node.ts";
import { ForwardPass } from "../nn/context.ts";
import type { Loss, LossContext } from "../nn/losses.ts";
import { chooseMetric, type Metric } from "../nn/metrics.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { shapeTargets } from "../nn/targets.ts";
import { gradients } from "../tensor/gradients.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import type { Variable } from "../tensor/variable.ts";
import { blaming } from "./blame.ts";
import type { Topology } from "./topology.ts";

/** What is recorded of a model. */
export interface StepModel {
  readonly topology: Topology;
  readonly trainableWeights: readonly Variable[];
  /** The model's count of train steps. */
  readonly step: Variable;
}

/** What a model is trained with. */
export interface Compiled {
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly metrics: readonly Metric[];
}

/** What a step does: trains, computes loss and metrics, or only the output. */
export type StepKind = "train" | "test" | "predict";

/** Rows as they lie in a table. */
export interface RowType {
  readonly dtype: DType;
  /** Shape of one row. */
  readonly shape: Shape;
}

/** What a step's text hangs on, beside the model. */
export interface StepShapes {
  readonly batch: number;
  readonly x: RowType;
  /** Absent where the step only predicts. */
  readonly y?: RowType;
}

/** A recorded step. */
export interface Step {
  readonly traced: Traced;
  /** Names of the inputs that the host must give. */
  readonly inputs: ReadonlySet<string>;
  /** Bytes that the host gives and gets for each step. */
  readonly hostBytes: number;
}

/** Names under which a step's values are known to the host. */
export const stepNames = {
  rows: "rows",
  seed: "seed",
  seedHigh: "seedHigh",
  loss: "loss",
  output: "output",
  metric: (position: number) => `metric${position}`,
} as const;

/**
 * Records a step.
 *
 * @param compiled needed for all but predicting
 */
export function recordStep(
  model: StepModel,
  compiled: Compiled | undefined,
  kind: StepKind,
  { batch, x, y }: StepShapes,
): Step {
  const trace = new Trace();
  const rows = trace.input(stepNames.rows, "uint32", [batch]);
  const inputs = trace.gather("x", x.dtype, x.shape, rows).cast("float32");
  const training = kind === "train";
  const pass = new ForwardPass({
    trace,
    sampling: training,
    batchStatistics: training,
    source: () => ({
      seed: trace.input(stepNames.seed, "uint32", []),
      seedHigh: trace.input(stepNames.seedHigh, "uint32", []),
      step: trace.before(model.step),
    }),
  });
  const output = model.topology.call(inputs, pass);
  if (!y || !compiled) trace.result(stepNames.output, output);
  else {
    const targets = trace.gather("y", y.dtype, y.shape, rows).cast("float32");
    const context = { trace, preActivation: pass.preActivationOf(output) };
    const total = recordLoss(compiled, targets, output, context);
    if (training) recordUpdate(model, compiled.optimizer, trace, total.multiply(1 / batch));
  }
  return finish(trace);
}

/** Results of loss and metrics; returns the sum of the losses of the samples. */
function recordLoss(
  { loss, metrics }: Compiled,
  targets: Tensor,
  output: Tensor,
  context: LossContext,
): Tensor {
  const { trace } = context;
  const total = blaming(`loss ${loss.name}`, () => lossSum(loss, targets, output, context));
  trace.result(stepNames.loss, total);
  const shapes = { target: targets.shape.slice(1), output: output.shape.slice(1) };
  for (const [position, metric] of metrics.entries()) {
    const chosen = chooseMetric(metric, shapes);
    const sums = blaming(`metric ${metric.name}`, () =>
      metricSums(chosen, targets, output, context),
    );
    trace.result(stepNames.metric(position), sums);
  }
  return total;
}

/** Gradients, the optimizer's update, and the model's step count. */
function recordUpdate(model: StepModel, optimizer: Optimizer, trace: Trace, mean: Tensor): void {
  const weights = model.trainableWeights;
  optimizer.build(weights);
  const leaves = weights.map((weight) => trace.before(weight));
  optimizer.apply(trace, weights, gradients(mean, leaves));
  trace.assign(model.step, trace.before(model.step).add(1));
}

/** The sum over the samples of a batch; the mean of several values of a sample counts. */
function lossSum(loss: Loss, targets: Tensor, output: Tensor, context: LossContext): Tensor {
  const batch = output.shape[0];
  const shaped = shapeTargets(loss.targets ?? "any", targets, output);
  const values = loss.call(shaped, output, context);
  const who = `loss ${loss.name}`;
  checkValues(values, batch, who, true);
  if (values.rank === 0) return values.multiply(batch);
  return perSample(values).sum();
}

/** The sums over the samples of a batch, one for each number of a sample. */
function metricSums(metric: Metric, targets: Tensor, output: Tensor, context: LossContext): Tensor {
  const shaped = shapeTargets(metric.targets ?? "any", targets, output);
  const values = metric.call(shaped, output, context);
  checkValues(values, output.shape[0], `metric ${metric.name}`, false);
  return (metric.result ? values : perSample(values)).sum(0);
}

/** `[batch, ...]` -> `[batch]`: the mean of each sample's values. */
function perSample(values: Tensor): Tensor {
  return values.rank > 1 ? values.mean(values.shape.map((_, i) => i).slice(1)) : values;
}

function checkValues(values: unknown, batch: number, who: string, mayBeOne: boolean): void {
  if (!(values instanceof Tensor) || values.dtype !== "float32")
    throw new ValueError({
      who,
      expected: "it must return a float32 Tensor",
      received: values instanceof Tensor ? values.dtype : describe(values),
    });
  if ((mayBeOne && values.rank === 0) || values.shape[0] === batch) return;
  throw new ShapeError({
    who,
    expected: `it must return a value for each of the ${batch} samples, shape [${batch}]`,
    received: formatShape(values.shape),
  });
}

function finish(trace: Trace): Step {
  const traced = trace.finish();
  const { computation } = traced;
  const bytes = (dtype: DType, shape: Shape) => bytesOf(dtype) * sizeOf(shape);
  const sizes = (axes: readonly { size: number }[]) => axes.map((axis) => axis.size);
  const inputs = topological(rootsOf(computation)).filter((node) => node.op === "input");
  const given = inputs.map((node) => bytes(node.dtype, sizes(node.axes)));
  const got = computation.results.map(({ node, axes }) => bytes(node.dtype, sizes(axes)));
  return {
    traced,
    inputs: new Set(inputs.map((node) => node.attributes.name!)),
    hostBytes: [...given, ...got].reduce((sum, size) => sum + size, 0),
  };
}
