/** What samples count: weights of samples and of classes, as rows for the device. */
import { DataError, describe, NameError, ShapeError, ValueError } from "../base/errors.ts";
import type { ArrayInput } from "../base/host-array.ts";
import { type Shape, sameShape } from "../base/shape.ts";
import { type DataInput, type Rows, rowsOf, somePerPort } from "./rows.ts";
import type { Port } from "./topology.ts";

/** What the samples of each class count. */
export type ClassWeight = Readonly<Record<number, number>>;

/**
 * Weights for each output that has some: `[n]`, or of the targets' leading dimensions; finite, at
 * least 0.
 */
export function weightRows(
  given: DataInput,
  targets: readonly (Rows | undefined)[],
  outputs: readonly Port[],
  who: string,
): (Rows | undefined)[] {
  const isForAll = outputs.length > 1 && isOneArray(given, outputs.length);
  const arrays = isForAll
    ? outputs.map(() => given as ArrayInput)
    : somePerPort(given, outputs, who);
  return arrays.map((array, i) => {
    const own = targets[i];
    if (array === undefined || !own) return undefined;
    return checked(array, own, outputs.length === 1 ? who : `${who} "${outputs[i].name}"`);
  });
}

/** One array for all outputs, rather than one for each. */
const isOneArray = (given: DataInput, outputs: number): boolean =>
  ArrayBuffer.isView(given) ||
  (Array.isArray(given)
    ? given.length !== outputs || typeof given[0] === "number"
    : "data" in given && "shape" in given);

function checked(value: ArrayInput, targets: Rows, who: string): Rows {
  const rows = rowsOf(value, who);
  if (rows.count !== targets.count)
    throw new ShapeError({
      who,
      expected: `a weight for each of the ${targets.count} samples`,
      received: `${rows.count}`,
    });
  const { data } = rows.array;
  for (let i = 0; i < data.length; i++)
    if (!(data[i] >= 0))
      throw new DataError({
        who,
        expected: "weights must be at least 0",
        received: `${data[i]} at ${i}`,
      });
  const { shape } = rows.type;
  if (shape.length === 1 && shape[0] === 1)
    return { ...rows, array: { data, shape: [rows.count] }, type: { ...rows.type, shape: [] } };
  if (!sameShape(shape, targets.type.shape.slice(0, shape.length)))
    throw new ShapeError({
      who,
      expected: "shape [n], or the leading dimensions of the targets",
      received: `[${rows.array.shape.join(", ")}]`,
    });
  return rows;
}

/**
 * Sample weights (where there are some) times the weight of each sample's class: that of its label,
 * or of the largest of its row.
 */
export function classWeights(
  given: ClassWeight,
  sampleWeights: Rows | undefined,
  targets: readonly (Rows | undefined)[],
  outputShapes: readonly Shape[],
  who: string,
): Rows {
  if (targets.length !== 1)
    throw new ValueError({
      who,
      expected: "a model with one output",
      received: `${targets.length} outputs`,
      fix: "Pass sampleWeight for each output instead.",
    });
  const [rows] = targets;
  const [outputShape] = outputShapes;
  if (!rows || outputShape.length > 1)
    throw new ShapeError({
      who,
      expected: "a model that tells one class for each sample, outputs [n, classes]",
      received: `outputs [${["n", ...outputShape].join(", ")}]`,
      fix: "Pass sampleWeight in the shape of the targets instead.",
    });
  const { array, count } = rows;
  const units = outputShape.at(-1) ?? 1;
  const classes = Math.max(units, 2);
  const byClass = checkedClasses(given, classes, who);
  const { data } = array;
  const size = data.length / count;
  if (size !== 1 && size !== units)
    throw new ShapeError({
      who,
      expected: "targets with one class for each sample",
      received: `[${array.shape.join(", ")}]`,
    });
  if (sampleWeights && sampleWeights.type.shape.length > 0)
    throw new ShapeError({
      who,
      expected: "beside it, sampleWeight of shape [n]",
      received: `[${sampleWeights.array.shape.join(", ")}]`,
    });
  const weights = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const label = size === 1 ? data[row] : largestAt(data, row * size, size);
    const weight = byClass[label];
    if (weight === undefined)
      throw new DataError({
        who,
        expected: `targets must be classes from 0 to ${classes - 1}`,
        received: `${label} at ${row}`,
      });
    const sample = sampleWeights ? sampleWeights.array.data[row] : 1;
    weights[row] = weight * sample;
  }
  const type = { dtype: "float32", shape: [] } as const;
  return { array: { data: weights, shape: [count] }, count, type };
}

function checkedClasses(given: ClassWeight, classes: number, who: string): Float64Array {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new ValueError({
      who,
      expected: "an object from class to weight",
      received: describe(given),
      fix: "Example: classWeight: { 0: 1, 1: 5 }",
    });
  const weights = new Float64Array(classes).fill(1);
  for (const [key, weight] of Object.entries(given)) {
    const label = Number(key);
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new NameError({
        who,
        expected: `classes must be whole numbers from 0 to ${classes - 1}`,
        received: describe(key),
      });
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight < 0)
      throw new ValueError({
        who,
        expected: `the weight of class ${key} must be a finite number of at least 0`,
        received: describe(weight),
      });
    weights[label] = weight;
  }
  return weights;
}

function largestAt(data: ArrayLike<number>, from: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) if (data[from + i] > data[from + best]) best = i;
  return best;
}
