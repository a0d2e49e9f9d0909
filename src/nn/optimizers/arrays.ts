/** An optimizer's update on arrays, without a model. */
import { describe, ShapeError, ValueError } from "../../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../../base/host-array.ts";
import { formatShape, sameShape } from "../../base/shape.ts";
import { evaluate } from "../../tensor/eager.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import { Variable } from "../../tensor/variable.ts";

/** A gradient, in the shape of the variable that it belongs to; a number where that is `[]`. */
export type GradientAndVariable = readonly [gradient: ArrayInput | number, variable: Variable];

/** Checked pairs of gradients and variables. */
export interface Gradients {
  readonly gradients: readonly HostArray[];
  readonly variables: readonly Variable[];
}

/** Checks what came, before anything is changed. */
export function checkPairs(pairs: unknown, who: string): Gradients {
  if (!Array.isArray(pairs) || pairs.length === 0)
    throw new ValueError({
      who,
      expected: "pairs of a gradient and a variable",
      received: describe(pairs),
      fix: "Example: await optimizer.applyGradients([[[0.1, 0.2], variable]])",
    });
  const variables: Variable[] = [];
  const gradients = pairs.map((pair: unknown, i) => {
    const [gradient, variable] = Array.isArray(pair) ? pair : [];
    if (!(variable instanceof Variable) || variable.dtype !== "float32")
      throw new ValueError({
        who,
        expected: `pair ${i} must be a gradient and a float32 Variable`,
        received: describe(variable),
      });
    if (variables.includes(variable))
      throw new ValueError({
        who,
        expected: "each variable once",
        received: `"${variable.path}" again in pair ${i}`,
      });
    variables.push(variable);
    const array =
      typeof gradient === "number"
        ? { data: Float32Array.of(gradient), shape: [] }
        : toHostArray(gradient as ArrayInput, `${who} gradient ${i}`);
    if (!sameShape(array.shape, variable.shape))
      throw new ShapeError({
        who,
        expected: `gradient ${i} of shape ${formatShape(variable.shape)}, as "${variable.path}"`,
        received: formatShape(array.shape),
      });
    return array;
  });
  return { gradients, variables };
}

/** Runs a recorded update once, with the step's numbers as scalars. */
export async function applyToArrays(
  { gradients }: Gradients,
  numbers: ReadonlyMap<string, Float64Array>,
  record: (trace: Trace, gradients: readonly Tensor[], number: (name: string) => Tensor) => void,
): Promise<void> {
  const names = [...numbers.keys()];
  const scalars = [...numbers.values()].map((values) => ({
    data: Float32Array.from(values),
    shape: [],
  }));
  await evaluate([...gradients, ...scalars], (tensors, trace) => {
    record(trace, tensors.slice(0, gradients.length), (name) => {
      const at = names.indexOf(name);
      return tensors[gradients.length + at];
    });
    return [];
  });
}
