/** For tests: golden files, and tensors' values by the interpreter in float32. */
import { readFileSync } from "node:fs";
import type { DType } from "../base/dtype.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { gradients } from "../tensor/gradients.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace } from "../tensor/trace.ts";

/** Numbers as golden files have them: nested, NaN and infinities as text. */
export type Nested = number | string | readonly Nested[];

export interface Values {
  readonly data: Float64Array;
  readonly shape: Shape;
}

/** A file of tools/golden. */
export const golden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../tools/golden/${name}`, import.meta.url), "utf8")) as T;

/** Nested numbers as a flat array with a shape. */
export function valuesOf(nested: Nested): Values {
  const shape: number[] = [];
  let first = nested;
  while (Array.isArray(first)) {
    shape.push(first.length);
    first = first[0] as Nested;
  }
  const flat = Array.isArray(nested) ? (nested.flat(10) as Nested[]) : [nested];
  return { data: Float64Array.from(flat, Number), shape };
}

/** An input of `compute`: its values, and its dtype where that is not float32. */
export type Given = Values & { readonly dtype?: DType };

/** Records `build` on inputs of these values and returns the values of what it returns. */
export function compute(
  given: readonly Given[],
  build: (inputs: Tensor[], trace: Trace) => readonly Tensor[],
): Values[] {
  const trace = new Trace();
  const inputs = given.map(({ shape, dtype = "float32" }, i) => trace.input(`${i}`, dtype, shape));
  const outputs = build(inputs, trace);
  for (const [i, output] of outputs.entries()) trace.result(`${i}`, output);
  const { computation, variables } = trace.finish();
  const { results } = interpret(
    lower(computation),
    // A variable that was not assigned has the value that the host holds.
    ({ attributes: { name } }) => variables.get(name!)?.hostValue ?? given[Number(name)].data,
    "rounding",
  );
  return outputs.map(({ shape }, i) => ({ data: results.get(`${i}`)!.data, shape }));
}

/** y and the gradients of sum(upstream y) with respect to each of the inputs `wrt`. */
export function withGradients(
  given: readonly Given[],
  upstream: Values | undefined,
  build: (inputs: Tensor[], trace: Trace) => Tensor,
  wrt: readonly number[] = [0],
): { y: Values; gradients: Values[] } {
  const all = upstream ? [...given, upstream] : given;
  const [y, ...found] = compute(all, (inputs, trace) => {
    const y = build(inputs, trace);
    const loss = upstream ? y.multiply(inputs[given.length]).sum() : y.sum();
    return [
      y,
      ...gradients(
        loss,
        wrt.map((i) => inputs[i]),
      ),
    ];
  });
  return { y, gradients: found };
}

/**
 * The largest difference of two lists, each relative to the larger of the expected number's size
 * and `floor`. NaN and infinities must be equal, else it is infinite.
 */
export function difference(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  floor = 0,
): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    const [a, b] = [found[i], expected[i]];
    if (Object.is(a, b) || a === b) continue;
    const share = Math.abs(a - b) / Math.max(Math.abs(b), floor);
    worst = Math.max(worst, Number.isNaN(share) ? Number.POSITIVE_INFINITY : share);
  }
  return worst;
}

/** Values that differ only a little from one another, for a shape. */
export const ramp = (shape: Shape): Values => ({
  data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1)),
  shape,
});
