/**
 * How targets (labels) must look for a loss or a metric: checked on the host, shaped in the step.
 */
import { DataError, ShapeError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { type Shape, sameShape } from "../base/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * - `classes`: one whole number in [0, classes) for each prediction, `[n]` or `[n, 1]` for outputs
 *   `[n, classes]`; the loss gets them without the 1.
 * - `output`: the shape of the output; `[n]` for outputs `[n, 1]` gets the 1.
 * - `any`: whatever fits the function; `[n]` for outputs `[n, 1]` gets the 1, as above.
 */
export type TargetKind = "classes" | "output" | "any";

/** What is known of targets and outputs before a step is recorded: shapes of one sample. */
export interface TargetShapes {
  readonly target: Shape;
  readonly output: Shape;
}

/** Throws a ShapeError unless targets of this shape fit the kind. */
export function checkTargetShape(
  kind: TargetKind,
  { target, output }: TargetShapes,
  who: string,
  wanting: string,
): void {
  const text = (shape: Shape) => `[${["n", ...shape].join(", ")}]`;
  const fail = (expected: string, fix?: string): never => {
    const received = text(target);
    throw new ShapeError({ who, expected: `${wanting} needs ${expected}`, received, fix });
  };
  if (kind === "classes") {
    if (output.length === 0) fail(`outputs [n, classes] of the model, not ${text(output)}`);
    const shape = output.slice(0, -1);
    if (!sameShape(target, shape) && !sameShape(target, [...shape, 1]))
      fail(
        `one label for each prediction, ${text(shape)} or ${text([...shape, 1])}`,
        sameShape(target, output)
          ? "These look like one-hot rows: pass the number of the class instead."
          : undefined,
      );
  } else if (kind === "output" && !sameShape(shaped(target, output), output))
    fail(`targets of the output's shape ${text(output)}`);
}

/**
 * Throws a DataError unless all labels are whole numbers in [0, classes).
 *
 * @param targets of a shape that `checkTargetShape` let pass
 */
export function checkLabels({ data }: HostArray, classes: number, who: string): void {
  for (let i = 0; i < data.length; i++) {
    const label = data[i];
    if (label >= 0 && label < classes && Number.isInteger(label)) continue;
    const units = `Labels count from 0; ${classes + 1} classes need as many units at the end.`;
    throw new DataError({
      who,
      expected: `labels must be whole numbers from 0 to ${classes - 1}`,
      received: `${label} at ${i}`,
      fix: label === classes ? units : undefined,
    });
  }
}

/** Targets `[batch, ...]` in the step, in the form that the kind promises. */
export function shapeTargets(kind: TargetKind, targets: Tensor, output: Tensor): Tensor {
  if (kind === "classes") {
    const hasOne = targets.rank === output.rank && targets.shape.at(-1) === 1;
    return hasOne ? targets.squeeze(-1) : targets;
  }
  const wanted = shaped(targets.shape, output.shape);
  return wanted.length > targets.rank ? targets.expandDimension(-1) : targets;
}

/** The target's shape, with a last 1 where the output has one that the target lacks. */
function shaped(target: Shape, output: Shape): Shape {
  const lacksOne = target.length === output.length - 1 && output.at(-1) === 1;
  return lacksOne && sameShape(target, output.slice(0, -1)) ? [...target, 1] : target;
}
