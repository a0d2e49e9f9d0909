/**
 * Functions of tensors on arrays, at once: what gives parts of nets (a layer, a loss, a metric) a
 * life without a model. Where it runs is set from above (the engine); without that, the interpreter.
 */
import { ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { sizeOf } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { gradients } from "./gradients.ts";
import type { Tensor } from "./tensor.ts";
import { Trace, type Traced } from "./trace.ts";
import { readVariables, writeVariables } from "./variable.ts";

/** Runs a recorded step once: results by name; variables are updated. */
export type Evaluator = (
  traced: Traced,
  inputs: Readonly<Record<string, HostArray["data"]>>,
) => Promise<Readonly<Record<string, ArrayLike<number>>>>;

let evaluator: Evaluator = byInterpreter;

/** Sets where functions of tensors run on arrays. */
export function setEvaluator(next: Evaluator): void {
  evaluator = next;
}

/** What `evaluate` needs beside its arrays. */
export interface EvaluateOptions {
  /** Scalars of dtype uint32 by name, for what is recorded with `trace.input`. */
  readonly scalars?: Readonly<Record<string, number>>;
}

/**
 * Records `build` on tensors of these arrays (as float32), runs it once, and returns copies of what
 * it returned. Variables that it assigns are changed.
 */
export async function evaluate(
  arrays: readonly HostArray[],
  build: (tensors: Tensor[], trace: Trace) => readonly Tensor[],
  { scalars = {} }: EvaluateOptions = {},
): Promise<HostArray[]> {
  const trace = new Trace();
  const inputs: Record<string, HostArray["data"]> = {};
  const tensors = arrays.map(({ data, shape }, i) => {
    inputs[`array${i}`] = data instanceof Float32Array ? data : new Float32Array(data);
    return trace.input(`array${i}`, "float32", shape);
  });
  const outputs = build(tensors, trace);
  for (const [name, value] of Object.entries(scalars)) inputs[name] = Uint32Array.of(value);
  for (const [i, output] of outputs.entries()) trace.result(`output${i}`, output);
  const results = await evaluator(trace.finish(), inputs);
  return outputs.map(({ shape }, i) => {
    const data = new Float32Array(results[`output${i}`] as Float32Array);
    return { data, shape: [...shape] };
  });
}

/** What `valueAndGradients` returns. */
export interface ValueAndGradients {
  /** A scalar, shape `[]`. */
  readonly value: HostArray;
  /** One for each input, in its shape. */
  readonly gradients: HostArray[];
}

/**
 * The value of a function of tensors and its gradients with respect to each input, by reverse-mode
 * differentiation.
 *
 * @param fn of tensors, one for each input, to a scalar tensor
 * @throws ShapeError where `fn` does not return a scalar
 * @example
 * const { value, gradients } = await valueAndGradients(
 *   (w, x) => w.multiply(x).sum(), [[1, 2], [3, 4]],
 * ); // value.data: [11], gradients: [3, 4] and [1, 2]
 */
export async function valueAndGradients(
  fn: (...tensors: Tensor[]) => Tensor,
  inputs: readonly ArrayInput[],
): Promise<ValueAndGradients> {
  const who = "valueAndGradients";
  if (typeof fn !== "function" || !Array.isArray(inputs))
    throw new ValueError({
      who,
      expected: "a function of tensors, and an array of inputs for it",
      received: `${typeof fn} and ${typeof inputs}`,
    });
  const arrays = inputs.map((input, i) => toHostArray(input, `${who} input ${i}`));
  const [value, ...found] = await evaluate(arrays, (tensors) => {
    const result: unknown = fn(...tensors);
    const shape = (result as Partial<Tensor> | undefined)?.shape;
    if (!shape || sizeOf(shape) !== 1)
      throw new ShapeError({
        who,
        expected: "the function must return a tensor of one number",
        received: shape ? `shape [${shape.join(", ")}]` : typeof result,
        fix: "Example: (x) => x.square().sum()",
      });
    const scalar = (result as Tensor).reshape([]);
    return [scalar, ...gradients(scalar, tensors)];
  });
  return { value: value!, gradients: found };
}

async function byInterpreter(
  { computation, variables }: Traced,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
): Promise<Record<string, ArrayLike<number>>> {
  const names = [...variables.keys()];
  const held = await readVariables([...variables.values()]);
  const values = new Map(names.map((name, i) => [name, held[i]!.data]));
  const { results, updates } = interpret(
    lower(computation),
    ({ attributes: { name } }) => inputs[name!] ?? values.get(name!)!,
    "rounding",
  );
  const changed = [...updates].map(([name, value]) => [variables.get(name)!, value] as const);
  await writeVariables(
    changed.map(([variable]) => variable),
    changed.map(([, { data }]) => new Float32Array(data)),
  );
  return Object.fromEntries([...results].map(([name, { data }]) => [name, data]));
}
