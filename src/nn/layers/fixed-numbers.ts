/** Numbers that a layer is given as an option: one, or an array of them. */
import { describe, ShapeError, ValueError } from "../../base/errors.ts";
import { type ArrayInput, isHostArray, isTypedArray, toHostArray } from "../../base/host-array.ts";
import { formatShape, type Shape, sizeOf } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Trace } from "../../tensor/trace.ts";
import { Variable } from "../../tensor/variable.ts";
import type { Field, Json } from "../fields.ts";
import { checkNumber, type Range } from "../options.ts";

/** One number, or an array of some. */
export type Numbers = number | ArrayInput;

/** Numbers as an option keeps them: row-major, with a shape; `[]` for a single number. */
export interface FixedNumbers {
  readonly data: Float64Array;
  readonly shape: Shape;
}

/** An option of one number or an array of numbers, each in `range`. */
export const numbersField = (initial?: Numbers, range: Range = {}): Field<FixedNumbers> => ({
  initial,
  read: (value, name, who) => {
    const isOne = typeof value === "number";
    if (!isOne && !Array.isArray(value) && !isTypedArray(value) && !isHostArray(value))
      throw new ValueError({
        who,
        expected: `${name} must be a number or an array of numbers`,
        received: describe(value),
      });
    const fixed = isOne
      ? { data: Float64Array.of(value), shape: [] }
      : flat(value as ArrayInput, `${who} ${name}`);
    for (const one of fixed.data) checkNumber(one, isOne ? name : `each ${name}`, who, range);
    return fixed;
  },
  write: ({ data, shape }) => nested([...data], shape),
});

/** In doubles as they are written, where nested arrays hold them. */
function flat(value: ArrayInput, who: string): FixedNumbers {
  const { data, shape } = toHostArray(value, who);
  const written: readonly unknown[] = Array.isArray(value) ? value.flat(shape.length as 1) : [];
  const isWhole = written.length === data.length && written.every((x) => typeof x === "number");
  return { data: Float64Array.from(isWhole ? (written as number[]) : data), shape };
}

function nested(flatNumbers: readonly number[], shape: Shape): Json {
  if (shape.length === 0) return flatNumbers[0]!;
  const rest = shape.slice(1);
  const size = sizeOf(rest);
  return Array.from({ length: shape[0]! }, (_, i) =>
    nested(flatNumbers.slice(i * size, (i + 1) * size), rest),
  );
}

/**
 * Fixed numbers as tensors of any trace: a single one is a constant, an array is held by a device
 * like a weight, but is none.
 */
export class FixedTensor {
  readonly #numbers: FixedNumbers;
  readonly #variable: Variable | undefined;

  /** @param path names it in errors and records, e.g. `normalization/mean` */
  constructor(numbers: FixedNumbers, path: string) {
    this.#numbers = numbers;
    const { shape, data } = numbers;
    if (shape.length > 0)
      this.#variable = new Variable({ path, shape, initial: new Float32Array(data) });
  }

  read(trace: Trace): Tensor {
    return this.#variable ? trace.read(this.#variable) : trace.constant(this.#numbers.data[0]!);
  }
}

/** Throws a ShapeError unless `shape` broadcasts to `target` without changing it. */
export function checkBroadcasts(shape: Shape, target: Shape, name: string, who: string): void {
  const offset = target.length - shape.length;
  if (offset >= 0 && shape.every((size, i) => size === 1 || size === target[i + offset])) return;
  throw new ShapeError({
    who,
    expected: `${name} must broadcast to ${formatShape(target)}`,
    received: `shape ${formatShape(shape)}`,
  });
}
