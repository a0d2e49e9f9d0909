/**
 * Functions of tensors on arrays, at once: what gives parts of nets (a layer, a loss, a metric) a
 * life without a model. Where it runs is set from above (the engine); without that, the interpreter.
 */
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, sizeOf } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { gradients } from "./gradients.ts";
import { Tensor } from "./tensor.ts";
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
 *
 * @throws ShapeError where an array has no elements, ValueError for a tensor of another recording
 */
export async function evaluate(
  arrays: readonly HostArray[],
  build: (tensors: Tensor[], trace: Trace) => readonly Tensor[],
  { scalars = {} }: EvaluateOptions = {},
): Promise<HostArray[]> {
  const trace = new Trace();
  const inputs: Record<string, HostArray["data"]> = {};
  const tensors = arrays.map(({ data, shape }, i) => {
    if (data.length === 0)
      throw new ShapeError({
        who: arrays.length === 1 ? "the array" : `array ${i}`,
        expected: "at least one element",
        received: `shape ${formatShape(shape)}`,
      });
    inputs[`array${i}`] = data instanceof Float32Array ? data : new Float32Array(data);
    return trace.input(`array${i}`, "float32", shape);
  });
  const outputs = build(tensors, trace);
  for (const [name, value] of Object.entries(scalars)) inputs[name] = Uint32Array.of(value);
  for (const [i, output] of outputs.entries()) {
    if (output.trace !== trace)
      throw new ValueError({
        who: `result ${i}`,
        expected: "a tensor made of those that the function was given",
        received: "one of another recording",
      });
    trace.result(`output${i}`, output);
  }
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
 * differentiation. The gradient of an input that the value does not hang on is zero.
 *
 * @param fn of tensors, one for each input, to a scalar tensor. It is called once, to be recorded
 * @param inputs arrays, as float32; a single number is `{ data: [3], shape: [] }` as a typed array
 * @throws ShapeError where `fn` does not return one number or an input is empty, ValueError where it
 *   returns no float32 tensor of its inputs
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
      received: `${describe(fn)} and ${describe(inputs)}`,
    });
  const arrays = inputs.map((input, i) => toHostArray(input, `${who} input ${i}`));
  const [value, ...found] = await evaluate(arrays, (tensors) => {
    const result: unknown = fn(...tensors);
    const expected = "the function must return a tensor of one number";
    const fix = "Example: (x) => x.square().sum()";
    if (!(result instanceof Tensor) || result.dtype !== "float32") {
      const received = result instanceof Tensor ? `a tensor of ${result.dtype}` : describe(result);
      throw new ValueError({ who, expected, received, fix });
    }
    if (sizeOf(result.shape) !== 1)
      throw new ShapeError({ who, expected, received: `shape ${formatShape(result.shape)}`, fix });
    const scalar = result.reshape([]);
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
