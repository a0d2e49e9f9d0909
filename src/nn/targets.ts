/**
 * How targets (labels) and sample weights must look for a loss or a metric: checked on the host,
 * shaped in the step.
 */
import type { TypedArray } from "../base/dtype.ts";
import { DataError, ShapeError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { type Shape, sameShape } from "../base/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * What targets are, as one word or, where a class stands for "does not count", with that class:
 *
 * - `classes`: one whole number in [0, classes) for each prediction, `[n]` or `[n, 1]` for outputs
 *   `[n, classes]`; the loss gets them without the 1.
 * - `output`: any numbers in the shape of the output; `[n]` for outputs `[n, 1]` gets the 1.
 * - `shares`: as `output`, each in [0, 1]: one-hot rows, distributions, soft labels.
 * - `counts`: as `output`, each at least 0.
 * - `binary`: as `output`, each 0 or 1.
 * - `signs`: as `output`, all of them -1 or 1, or all of them 0 or 1.
 * - `labels`: what a cross-entropy needs for these shapes, as Keras's text "crossentropy" chooses:
 *   `shares` for outputs `[n, 1]`, `classes` for labels `[n]` or `[n, 1]`, else `shares`.
 * - `any`: whatever fits the function; `[n]` for outputs `[n, 1]` gets the 1, as above.
 */
export type TargetKind =
  | "classes"
  | "output"
  | "shares"
  | "counts"
  | "binary"
  | "signs"
  | "labels"
  | "any"
  | { readonly ignoredClass: number };

/** What is known of targets and outputs before a step is recorded: shapes of one sample. */
export interface TargetShapes {
  readonly target: Shape;
  readonly output: Shape;
}

/** Which cross-entropy and which accuracy fit these shapes, by Keras's rule. */
export function predictionKind({ target, output }: TargetShapes): "binary" | "sparse" | "oneHot" {
  if (output.length === 0 || output.at(-1) === 1) return "binary";
  return target.length < output.length || target.at(-1) === 1 ? "sparse" : "oneHot";
}

/** The kind that the shapes decide; `classes` with a class that may be outside its range. */
function resolved(kind: TargetKind, shapes: TargetShapes): { kind: string; ignored?: number } {
  if (typeof kind === "object") return { kind: "classes", ignored: kind.ignoredClass };
  if (kind !== "labels") return { kind };
  return { kind: predictionKind(shapes) === "sparse" ? "classes" : "shares" };
}

/** Throws a ShapeError unless targets of this shape fit the kind. */
export function checkTargetShape(
  kind: TargetKind,
  shapes: TargetShapes,
  who: string,
  wanting: string,
): void {
  const { target, output } = shapes;
  const text = (shape: Shape) => `[${["n", ...shape].join(", ")}]`;
  const fail = (expected: string, fix?: string): never => {
    const received = text(target);
    throw new ShapeError({ who, expected: `${wanting} needs ${expected}`, received, fix });
  };
  const needed = resolved(kind, shapes).kind;
  if (needed === "classes") {
    if (output.length === 0) fail(`outputs [n, classes] of the model, not ${text(output)}`);
    const shape = output.slice(0, -1);
    if (!sameShape(target, shape) && !sameShape(target, [...shape, 1]))
      fail(
        `one label for each prediction, ${text(shape)} or ${text([...shape, 1])}`,
        sameShape(target, output)
          ? "These look like one-hot rows: pass the number of the class instead."
          : undefined,
      );
  } else if (needed !== "any" && !sameShape(shaped(target, output), output))
    fail(`targets of the output's shape ${text(output)}`);
}

/**
 * Throws unless targets fit the kind, in shape and in their values. Values are looked at as they
 * are: call it for each batch where data comes in batches.
 *
 * @param wanting what needs them, for messages: `loss hinge`
 * @throws ShapeError, DataError
 */
export function checkTargets(
  kind: TargetKind,
  array: HostArray,
  output: Shape,
  who: string,
  wanting: string,
): void {
  const shapes = { target: array.shape.slice(1), output };
  checkTargetShape(kind, shapes, who, wanting);
  const { kind: needed, ignored } = resolved(kind, shapes);
  const check = (expected: string, fits: (value: number) => boolean, fix?: string): void => {
    const at = misfit(array.data, fits);
    if (at < 0) return;
    const received = `${array.data[at]} at ${at}`;
    throw new DataError({ who, expected: `${wanting} needs ${expected}`, received, fix });
  };
  if (needed === "classes") checkLabels(array, output.at(-1)!, who, ignored);
  else if (needed === "shares")
    check("targets in [0, 1]", (value) => value >= 0 && value <= 1, sharesFix(output));
  else if (needed === "counts") check("targets of at least 0", (value) => value >= 0);
  else if (needed === "binary")
    check("targets that are 0 or 1", (value) => value === 0 || value === 1);
  else if (needed === "signs") {
    const lowest = misfit(array.data, (value) => value !== -1) < 0 ? 0 : -1;
    check(
      `targets that are all ${lowest} or 1`,
      (value) => value === lowest || value === 1,
      "Labels of two classes are -1 and 1, or 0 and 1, not a mixture.",
    );
  }
}

const sharesFix = (output: Shape): string | undefined =>
  (output.at(-1) ?? 1) > 1
    ? "For numbers of classes use sparseCategoricalCrossentropy, or make one-hot rows of them."
    : undefined;

/** The first position whose value does not fit, or -1. */
function misfit(data: TypedArray, fits: (value: number) => boolean): number {
  for (let i = 0; i < data.length; i++) if (!fits(data[i])) return i;
  return -1;
}

/**
 * Throws a DataError unless all labels are whole numbers in [0, classes).
 *
 * @param targets of a shape that `checkTargetShape` let pass
 * @param ignored a label that is let pass too
 */
export function checkLabels(
  { data }: HostArray,
  classes: number,
  who: string,
  ignored?: number,
): void {
  for (let i = 0; i < data.length; i++) {
    const label = data[i];
    if (label >= 0 && label < classes && Number.isInteger(label)) continue;
    if (label === ignored) continue;
    const units = `Labels count from 0; ${classes + 1} classes need as many units at the end.`;
    throw new DataError({
      who,
      expected: `labels must be whole numbers from 0 to ${classes - 1}`,
      received: `${label} at ${i}`,
      fix: label === classes ? units : undefined,
    });
  }
}

/**
 * Throws unless these can be weights of `batch` samples: finite, none negative, `[batch]` or with
 * more dimensions.
 *
 * @throws ShapeError, DataError
 */
export function checkSampleWeight({ data, shape }: HostArray, batch: number, who: string): void {
  if (shape[0] !== batch)
    throw new ShapeError({
      who,
      expected: `a weight for each of the ${batch} samples`,
      received: `shape [${shape.join(", ")}]`,
    });
  const at = misfit(data, (value) => value >= 0 && value < Number.POSITIVE_INFINITY);
  if (at < 0) return;
  throw new DataError({
    who,
    expected: "weights must be finite numbers of at least 0",
    received: `${data[at]} at ${at}`,
  });
}

/** Targets `[batch, ...]` in the step, in the form that the kind promises. */
export function shapeTargets(kind: TargetKind, targets: Tensor, output: Tensor): Tensor {
  const shapes = { target: targets.shape.slice(1), output: output.shape.slice(1) };
  if (resolved(kind, shapes).kind === "classes") {
    const hasOne = targets.rank === output.rank && targets.shape.at(-1) === 1;
    return hasOne ? targets.squeeze(-1) : targets;
  }
  const wanted = shaped(targets.shape, output.shape);
  if (wanted.length < targets.rank) return targets.squeeze(-1);
  return wanted.length > targets.rank ? targets.expandDimension(-1) : targets;
}

/** The target's shape, with or without a last 1 as the output has it. */
function shaped(target: Shape, output: Shape): Shape {
  const lacksOne = target.length === output.length - 1 && output.at(-1) === 1;
  if (lacksOne && sameShape(target, output.slice(0, -1))) return [...target, 1];
  const hasOne = target.length === output.length + 1 && target.at(-1) === 1;
  return hasOne && sameShape(target.slice(0, -1), output) ? target.slice(0, -1) : target;
}
