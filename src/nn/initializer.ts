/** What an initializer is: a function on the host, which compiles nothing. */
import type { TypedArray } from "../base/dtype.ts";
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { formatShape, type Shape, sizeOf } from "../base/shape.ts";
import type { Part } from "./registry.ts";

/** What an initializer may know of the weight that it draws. */
export interface InitializerContext {
  /** How many inputs feed one output: `shape[0]` of a matrix. */
  readonly fanIn: number;
  /** How many outputs one input feeds: `shape[1]` of a matrix. */
  readonly fanOut: number;
  /** The model's seed, a whole number in [0, 2^53). */
  readonly seed: number;
  /** The path of the weight, e.g. `dense_3/kernel`: random streams are (seed, path). */
  readonly stream: string;
}

/** A user's own initializer: row-major numbers of the given shape. */
export type InitializerFunction = (shape: Shape, context: InitializerContext) => ArrayLike<number>;

/** Draws the first values of a weight. */
export interface Initializer extends Part {
  draw(shape: Shape, context: InitializerContext): ArrayLike<number>;
}

/**
 * The first values of a weight, checked: a user's initializer may return anything.
 *
 * @throws ShapeError where the count is wrong, ValueError where a number is not finite
 */
export function drawInitial(
  initializer: Initializer,
  shape: Shape,
  source: { readonly seed: number; readonly stream: string },
): Float32Array {
  const drawn: unknown = initializer.draw(shape, { ...fans(shape), ...source });
  const who = `initializer ${initializer.name} of ${source.stream}`;
  if (!Array.isArray(drawn) && !isNumbers(drawn))
    throw new ValueError({
      who,
      expected: "it must return a typed array or an array of numbers",
      received: describe(drawn),
    });
  const given = drawn as ArrayLike<unknown>;
  if (given.length !== sizeOf(shape))
    throw new ShapeError({
      who,
      expected: `it must return ${sizeOf(shape)} numbers for shape ${formatShape(shape)}`,
      received: `${given.length}`,
    });
  const numbers = new Float32Array(given.length);
  for (let i = 0; i < numbers.length; i++) {
    // A double may be too large for float32: what counts is what is kept.
    numbers[i] = typeof given[i] === "number" ? (given[i] as number) : Number.NaN;
    if (!Number.isFinite(numbers[i]))
      throw new ValueError({
        who,
        expected: "it must return finite numbers",
        received: `${describe(given[i])} at ${i}`,
      });
  }
  return numbers;
}

/** A typed array, but not of bigints. */
const isNumbers = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) &&
  !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);

/**
 * Fans as Keras reckons them: the last two dimensions times the size of those before (the receptive
 * field of a convolution); a vector's fans are both its length.
 */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length === 0) return { fanIn: 1, fanOut: 1 };
  if (shape.length === 1) return { fanIn: shape[0], fanOut: shape[0] };
  const field = sizeOf(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * field, fanOut: shape.at(-1)! * field };
}
