/** Data that users pass: checked before anything runs, and made ready for the device. */
import type { Dataset } from "../base/dataset.ts";
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, toHostArray } from "../base/host-array.ts";
import { type Shape, sameShape } from "../base/shape.ts";
import { checkTargets, type TargetKind } from "../nn/targets.ts";
import { type Compiled, chosenMetric } from "./compiled.ts";
import { type DataInput, perPort, type Rows, rowsOf, sliceRows, somePerPort } from "./rows.ts";
import { type ClassWeight, classWeights, weightRows } from "./sample-weights.ts";
import type { StepShapes } from "./step.ts";
import type { Port, Topology } from "./topology.ts";

/** All that steps take of rows: inputs, and for training and testing targets and weights. */
export interface StepData {
  readonly x: readonly Rows[];
  /** For each output; undefined: one without loss and metrics. */
  readonly y?: readonly (Rows | undefined)[];
  /** For each output; undefined: all samples count the same. */
  readonly weights?: readonly (Rows | undefined)[];
  readonly count: number;
}

/** What samples count. */
export interface WeightOptions {
  /**
   * What each sample counts in the loss and in weighted metrics, at least 0: `[n]` or `[n, 1]`, or
   * with more of the targets' dimensions (`[n, time]`). With several outputs one array for all of
   * them, or a list or an object by their names; one without, or null, has no weights. (Keras wants
   * one for each output.) Default: all 1.
   */
  readonly sampleWeight?: DataInput | undefined;
  /**
   * What the samples of each class count, by class: `{ 0: 1, 1: 5 }`; others count 1. It multiplies
   * the sample weights. For models with one output of classes, `[n, classes]` or `[n, 1]`.
   */
  readonly classWeight?: ClassWeight | undefined;
}

/** Whether data comes in chunks. */
export const isDataset = (value: unknown): value is Dataset =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

/** Shapes and types of the rows: what the text of a step hangs on. */
export function stepShapes(batch: number, { x, y, weights }: StepData): StepShapes {
  return {
    batch,
    x: x.map(({ type }) => type),
    ...(y && { y: y.map((rows) => rows?.type) }),
    ...(weights?.some(Boolean) && { weights: weights.map((one) => one?.type) }),
  };
}

/**
 * Inputs of a model: `[n, ...inputShape]` each, finite, of the same number of rows.
 *
 * @throws ShapeError for another shape, DataError where there are no rows, or NaN or infinity
 */
export function inputData(value: DataInput, topology: Topology, who: string): StepData {
  checkGiven(value, who);
  const { inputs, inputShapes } = topology;
  const x = perPort(value, inputs, who).map((array, i) =>
    inputRows(array, inputShapes[i], nameOf(who, inputs, i)),
  );
  for (const [i, { count }] of x.entries()) checkCount(count, x[0].count, nameOf(who, inputs, i));
  return { x, count: x[0].count };
}

/** Inputs, targets and weights for training or testing. */
export function stepData(
  x: DataInput,
  y: DataInput | undefined,
  { sampleWeight, classWeight }: WeightOptions,
  topology: Topology,
  compiled: Compiled,
  who: string,
): StepData {
  const inputs = inputData(x, topology, `${who} x`);
  const { outputs, outputShapes } = topology;
  checkGiven(y, `${who} y`);
  const targets = somePerPort(y, outputs, `${who} y`).map((array, i) => {
    const name = nameOf(`${who} y`, outputs, i);
    if (array !== undefined)
      return targetRows(array, inputs.count, i, outputShapes, compiled, name);
    checkNeedsNone(i, compiled, name);
    return undefined;
  });
  let weights: (Rows | undefined)[] = outputs.map(() => undefined);
  if (sampleWeight !== undefined && sampleWeight !== null)
    weights = weightRows(sampleWeight, targets, outputs, `${who} sampleWeight`);
  if (classWeight !== undefined && classWeight !== null)
    weights = [classWeights(classWeight, weights[0], targets, outputShapes, `${who} classWeight`)];
  return { ...inputs, y: targets, weights };
}

const nameOf = (who: string, ports: readonly Port[], i: number) =>
  ports.length === 1 ? who : `${who} "${ports[i].name}"`;

/** Rows of one input. */
export function inputRows(value: ArrayInput, inputShape: Shape, who: string): Rows {
  const rows = rowsOf(value, who);
  if (!sameShape(rows.type.shape, inputShape))
    throw new ShapeError({
      who,
      expected: `shape [${["n", ...inputShape].join(", ")}], as the model's inputs are`,
      received: `[${rows.array.shape.join(", ")}]`,
      fix: sameShape(rows.array.shape, inputShape)
        ? "For one sample, put it in a batch of 1."
        : undefined,
    });
  return rows;
}

/** The shapes of one sample of inputs that a model is to be built for. */
export function sampleShapes(value: DataInput, ports: readonly Port[], who: string): Shape[] {
  checkGiven(value, who);
  return perPort(value, ports, who).map((array) => toHostArray(array, who).shape.slice(1));
}

function checkGiven<T>(value: T, who: string): asserts value is NonNullable<T> {
  if (value === undefined || value === null)
    throw new ValueError({ who, expected: "it must be given", received: describe(value) });
}

/** Throws a ShapeError unless there are as many rows as in x. */
function checkCount(count: number, wanted: number, who: string): void {
  if (count !== wanted)
    throw new ShapeError({
      who,
      expected: `as many rows as x, which has ${wanted}`,
      received: `${count}`,
    });
}

/** Throws a ValueError where a loss or metric needs targets of this output. */
function checkNeedsNone(output: number, { losses, metrics }: Compiled, who: string): void {
  const loss = losses.find((one) => one.output === output)?.loss;
  const metric = metrics.find((one) => one.output === output);
  const user = loss ? `loss ${loss.name}` : metric && `metric ${metric.metric.name}`;
  if (user) throw new ValueError({ who, expected: `targets, for ${user}`, received: "none" });
}

/** Targets of one output for inputs of `count` rows. */
export function targetRows(
  value: ArrayInput,
  count: number,
  output: number,
  outputShapes: readonly Shape[],
  { losses, metrics }: Compiled,
  who: string,
): Rows {
  const rows = rowsOf(value, who);
  checkCount(rows.count, count, who);
  const shapes = { target: rows.type.shape, output: outputShapes[output] };
  const own = metrics.filter((metric) => metric.output === output);
  const users: { kind: TargetKind; name: string }[] = [
    ...losses
      .filter((loss) => loss.output === output)
      .map(({ loss }) => ({ kind: loss.targets ?? "any", name: `loss ${loss.name}` })),
    ...own.map((one) => {
      const { targets, name } = chosenMetric({ ...one, output: 0 }, [shapes]);
      return { kind: targets, name: `metric ${name}` };
    }),
  ];
  for (const { kind, name } of users) checkTargets(kind, rows.array, shapes.output, who, name);
  return rows;
}

/** Rows `from` to `to` of all of it. */
export function sliceData({ x, y, weights }: StepData, from: number, to: number): StepData {
  const slice = (rows: Rows) => sliceRows(rows, from, to);
  return {
    x: x.map(slice),
    ...(y && { y: y.map((rows) => rows && slice(rows)) }),
    ...(weights && { weights: weights.map((rows) => rows && slice(rows)) }),
    count: to - from,
  };
}
