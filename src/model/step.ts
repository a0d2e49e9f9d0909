/** The step graph: one whole step of training, testing or predicting, recorded. */
import type { DType } from "../base/dtype.ts";
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape } from "../base/shape.ts";
import { constrained } from "../nn/constraints.ts";
import { ForwardPass, type PreActivation } from "../nn/context.ts";
import type { AnyLayer } from "../nn/layer.ts";
import { reduceLoss } from "../nn/loss.ts";
import { perSample } from "../nn/metric.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { penaltyOf } from "../nn/regularizers.ts";
import { shapeTargets } from "../nn/targets.ts";
import { gradients } from "../tensor/gradients.ts";
import type { RandomSource } from "../tensor/random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import type { Variable } from "../tensor/variable.ts";
import { blaming } from "./blame.ts";
import { type Compiled, chosenMetric, type OutputLoss, type OutputMetric } from "./compiled.ts";
import { type HostNeeds, hostNeeds } from "./host-needs.ts";
import type { Topology } from "./topology.ts";

/** What is recorded of a model. */
export interface StepModel {
  readonly topology: Topology;
  /** The weights that the optimizer changes, as they were at `compile`. */
  readonly trainableWeights: readonly Variable[];
  /** The model's count of train steps. */
  readonly step: Variable;
  /** The model's count of steps with noise outside of training. */
  readonly draws: Variable;
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
  readonly x: readonly RowType[];
  /** Absent where the step only predicts; undefined for an output without loss and metrics. */
  readonly y?: readonly (RowType | undefined)[];
  /** For each output, the sample weights, where there are some. */
  readonly weights?: readonly (RowType | undefined)[];
}

/** A metric's parts in a step: numbers known beforehand; undefined where the step computes them. */
export type MetricParts = readonly (number | undefined)[];

/** A recorded step. */
export interface Step extends HostNeeds {
  readonly traced: Traced;
  /** What the step adds to each metric, in the order of the compiled ones. */
  readonly metrics: readonly MetricParts[];
}

/** Names of tables, inputs and results, whose values are known to the host. */
export const stepNames = {
  rows: "rows",
  seed: "seed",
  seedHigh: "seedHigh",
  loss: "loss",
  x: (position: number) => counted("x", position),
  y: (position: number) => counted("y", position),
  weights: (output: number) => counted("weights", output),
  output: (position: number) => counted("output", position),
  outputLoss: (position: number) => `loss${position}`,
  metric: (position: number, part: number) =>
    part === 0 ? `metric${position}` : `metric${position}.${part}`,
} as const;

const counted = (name: string, position: number) => (position === 0 ? name : `${name}${position}`);

/** Targets, predictions and weights of one output. */
interface OutputValues {
  /** The output itself where there are none: nothing asks for them. */
  readonly targets: Tensor;
  readonly output: Tensor;
  readonly weights: Tensor | undefined;
  readonly preActivation: PreActivation | undefined;
}

/**
 * Records a step.
 *
 * @param compiled needed for all but predicting
 */
export function recordStep(
  model: StepModel,
  compiled: Compiled | undefined,
  kind: StepKind,
  { batch, x, y, weights = [] }: StepShapes,
): Step {
  const trace = new Trace();
  const rows = trace.input(stepNames.rows, "uint32", [batch]);
  const inputs = gatheredInputs(trace, x, rows);
  const training = kind === "train";
  const pass = new ForwardPass({
    trace,
    sampling: training,
    batchStatistics: training,
    source: () => {
      // A step that draws outside of training counts itself; any other has no trace of the count.
      if (!training) trace.assign(model.draws, trace.before(model.draws).add(1));
      return { ...seedInputs(trace), step: trace.before(training ? model.step : model.draws) };
    },
  });
  const outputs = model.topology.call(inputs, pass);
  let metrics: MetricParts[] = [];
  if (!y || !compiled)
    for (const [i, output] of outputs.entries()) trace.result(stepNames.output(i), output);
  else {
    const values = outputs.map((output, i): OutputValues => {
      const [target, type] = [y[i], weights[i]];
      return {
        targets: target ? gathered(trace, stepNames.y(i), target, rows) : output,
        output,
        weights: type && gathered(trace, stepNames.weights(i), type, rows),
        preActivation: pass.preActivationOf(output),
      };
    });
    const penalties = [...pass.losses, ...weightPenalties(model.topology.layers, trace)];
    const loss = recordLoss(trace, compiled.losses, values, penalties, batch);
    metrics = recordMetrics(trace, compiled.metrics, values);
    if (training) recordUpdate(model, compiled.optimizer, trace, loss);
  }
  return { ...finish(trace), metrics };
}

/** Rows of a table, as numbers to compute with. */
const gathered = (trace: Trace, name: string, { dtype, shape }: RowType, rows: Tensor): Tensor =>
  trace.gather(name, dtype, shape, rows).cast("float32");

/** The batch of each input. */
export const gatheredInputs = (trace: Trace, x: readonly RowType[], rows: Tensor): Tensor[] =>
  x.map((type, i) => gathered(trace, stepNames.x(i), type, rows));

/** The seed of a step's noise, which the host gives. */
export const seedInputs = (trace: Trace): Pick<RandomSource, "seed" | "seedHigh"> => ({
  seed: trace.input(stepNames.seed, "uint32", []),
  seedHigh: trace.input(stepNames.seedHigh, "uint32", []),
});

/** What weights with a regularizer add to the loss: none of a frozen layer, as in Keras. */
function weightPenalties(layers: readonly AnyLayer[], trace: Trace): Tensor[] {
  return layers.flatMap((layer) =>
    layer.trainableWeights.flatMap((weight) => {
      const regularizer = layer.regularizerOf(weight);
      if (!regularizer) return [];
      return blaming(layer.label, () => [penaltyOf(regularizer, trace.read(weight))]);
    }),
  );
}

/** Results of the loss: times the samples, so that they add up. Returns the loss itself. */
function recordLoss(
  trace: Trace,
  losses: readonly OutputLoss[],
  values: readonly OutputValues[],
  penalties: readonly Tensor[],
  batch: number,
): Tensor {
  let total: Tensor | undefined;
  for (const [position, { loss, output, weight, name }] of losses.entries()) {
    const sum = blaming(`loss ${loss.name}`, () => lossSum(trace, loss, values[output], batch));
    if (name !== undefined) trace.result(stepNames.outputLoss(position), sum);
    const weighted = weight === 1 ? sum : sum.multiply(weight);
    total = total ? total.add(weighted) : weighted;
  }
  if (penalties.length === 0 && total) {
    trace.result(stepNames.loss, total);
    return total.multiply(1 / batch);
  }
  const parts = total ? [total.multiply(1 / batch), ...penalties] : penalties;
  if (parts.length === 0)
    throw new ValueError({
      who: "compile",
      expected: "a loss, or layers that add to it",
      received: "neither",
      fix: 'Example: model.compile({ optimizer: "nadam", loss: "meanSquaredError" })',
    });
  const loss = parts.reduce((a, b) => a.add(b));
  trace.result(stepNames.loss, loss.multiply(batch));
  return loss;
}

/** The loss of an output, times the samples of a batch. */
function lossSum(
  trace: Trace,
  loss: OutputLoss["loss"],
  { targets: given, output, weights, preActivation }: OutputValues,
  batch: number,
): Tensor {
  const { name, targets = "any", reduction = "sumOverBatchSize" } = loss;
  const shaped = shapeTargets(targets, given, output);
  const values = loss.call(shaped, output, { trace, preActivation });
  checkValues(values, batch, `loss ${name}`);
  // One value for all samples: each counts it by its weight.
  if (values.rank === 0)
    return weights
      ? reduceLoss(weights.multiply(0).add(values), reduction, weights).multiply(batch)
      : values.multiply(batch);
  const mask = loss.mask?.(shaped);
  const isPlain = reduction !== "sum" && (reduction !== "meanWithSampleWeight" || !weights);
  if (isPlain && !weights && !mask) return perSample(values).sum();
  return reduceLoss(values, reduction, weights, mask).multiply(batch);
}

/** Results of the metrics; what is known of them beforehand. */
function recordMetrics(
  trace: Trace,
  metrics: readonly OutputMetric[],
  values: readonly OutputValues[],
): MetricParts[] {
  const shapes = values.map(({ targets, output }) => ({
    target: targets.shape.slice(1),
    output: output.shape.slice(1),
  }));
  return metrics.map((one, position) => {
    const { targets, output, weights, preActivation } = values[one.output];
    const { rule, name } = chosenMetric(one, shapes);
    const parts = blaming(`metric ${name}`, () =>
      rule.update(shapeTargets(rule.targets ?? "any", targets, output), output, {
        trace,
        preActivation,
        sampleWeight: one.isWeighted ? weights : undefined,
      }),
    );
    return parts.map((part, i) => {
      if (typeof part === "number") return part;
      if (!(part instanceof Tensor) || part.dtype !== "float32")
        throw new ValueError({
          who: `metric ${name}`,
          expected: "its parts must be float32 Tensors or numbers",
          received: part instanceof Tensor ? (part as Tensor).dtype : describe(part),
        });
      trace.result(stepNames.metric(position, i), part);
      return undefined;
    });
  });
}

/** Gradients, the optimizer's update with constraints, and the model's step count. */
function recordUpdate(model: StepModel, optimizer: Optimizer, trace: Trace, loss: Tensor): void {
  const weights = model.trainableWeights;
  optimizer.build(weights);
  const leaves = weights.map((weight) => trace.before(weight));
  const constraints = new Map(
    model.topology.layers.flatMap((layer) =>
      layer.trainableWeights.flatMap((weight) => {
        const constraint = layer.constraintOf(weight);
        if (!constraint) return [];
        const apply = (value: Tensor) => blaming(layer.label, () => constrained(constraint, value));
        return [[weight, apply] as const];
      }),
    ),
  );
  optimizer.apply(
    trace,
    weights,
    gradients(optimizer.scaleLoss(loss), leaves),
    weights.map((weight) => constraints.get(weight)),
  );
  trace.assign(model.step, trace.before(model.step).add(1));
}

function checkValues(values: unknown, batch: number, who: string): void {
  if (!(values instanceof Tensor) || values.dtype !== "float32")
    throw new ValueError({
      who,
      expected: "it must return a float32 Tensor",
      received: values instanceof Tensor ? values.dtype : describe(values),
    });
  if (values.rank === 0 || values.shape[0] === batch) return;
  throw new ShapeError({
    who,
    expected: `it must return a value for each of the ${batch} samples, shape [${batch}]`,
    received: formatShape(values.shape),
  });
}

function finish(trace: Trace): Omit<Step, "metrics"> {
  const traced = trace.finish();
  return { traced, ...hostNeeds(traced.computation) };
}
