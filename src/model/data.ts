/** Data that users pass: checked before anything runs, and made ready for the device. */
import type { DType, TypedArray } from "../base/dtype.ts";
import { DataError, describe, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { type Shape, sameShape } from "../base/shape.ts";
import { chooseMetric } from "../nn/metrics.ts";
import { checkLabels, checkTargetShape, type TargetKind } from "../nn/targets.ts";
import type { Compiled, RowType } from "./step.ts";

/** Rows as they go to the device: bytes stay bytes, all else is float32. */
export interface Rows {
  readonly array: HostArray;
  readonly count: number;
  readonly type: RowType;
}

/**
 * Inputs of a model: `[n, ...inputShape]`, finite.
 *
 * @throws ShapeError for another shape, DataError where there are no rows, or NaN or infinity
 */
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

/** The shape of one sample of inputs that a model is to be built for. */
export function sampleShape(value: ArrayInput, who: string): Shape {
  return toHostArray(value, who).shape.slice(1);
}

/**
 * Targets for inputs of `count` rows and a model with this output.
 *
 * @throws ShapeError for another shape or number of rows, DataError for bad labels, NaN or infinity
 */
export function targetRows(
  value: ArrayInput,
  count: number,
  outputShape: Shape,
  { loss, metrics }: Compiled,
  who: string,
): Rows {
  const rows = rowsOf(value, who);
  if (rows.count !== count)
    throw new ShapeError({
      who,
      expected: `as many rows as x, which has ${count}`,
      received: `${rows.count}`,
    });
  const shapes = { target: rows.type.shape, output: outputShape };
  const chosen = metrics.map((metric) => chooseMetric(metric, shapes));
  const users: { kind: TargetKind; name: string }[] = [
    { kind: loss.targets ?? "any", name: `loss ${loss.name}` },
    ...chosen.map(({ targets = "any", name }) => ({ kind: targets, name: `metric ${name}` })),
  ];
  for (const { kind, name } of users) checkTargetShape(kind, shapes, who, name);
  if (users.some(({ kind }) => kind === "classes"))
    checkLabels(rows.array, outputShape.at(-1)!, who);
  return rows;
}

function rowsOf(value: ArrayInput, who: string): Rows {
  if (value === undefined || value === null)
    throw new ValueError({ who, expected: "it must be given", received: describe(value) });
  const { data, shape } = toHostArray(value, who);
  if (shape.length === 0)
    throw new ShapeError({ who, expected: "at least one dimension, the rows", received: "[]" });
  if (shape.some((size) => size === 0))
    throw new DataError({
      who,
      expected: "there must be data",
      received: `shape [${shape.join(", ")}]`,
    });
  checkFinite(data, shape, who);
  const ready = residentData(data);
  const dtype: DType = ready instanceof Uint8Array ? "uint8" : "float32";
  return {
    array: { data: ready, shape },
    count: shape[0],
    type: { dtype, shape: shape.slice(1) },
  };
}

/** Bytes as they are, without a copy; every other type as float32. */
function residentData(data: TypedArray): Uint8Array | Float32Array {
  if (data instanceof Float32Array || data instanceof Uint8Array) return data;
  if (data instanceof Uint8ClampedArray)
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  return new Float32Array(data);
}

/** Numbers beyond float32 count as infinite. */
function checkFinite(data: TypedArray, shape: Shape, who: string): void {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  const limit = 3.4028235677973366e38;
  for (let i = 0; i < data.length; i++) {
    const value = data[i];
    // One comparison for all three: it does not hold for NaN.
    if (Math.abs(value) < limit) continue;
    const row = Math.floor((i / data.length) * shape[0]);
    throw new DataError({
      who,
      expected: "all numbers must be finite",
      received: `${value} in row ${row}`,
      fix: "Clean the data first: a single NaN or infinity would make every weight NaN.",
    });
  }
}
