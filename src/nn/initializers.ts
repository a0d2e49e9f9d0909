/**
 * Initializers: functions of (shape, fans, stream) that draw a weight's first values on the host,
 * and compile nothing. To add one, add an entry to `initializers`.
 */
import type { TypedArray } from "../base/dtype.ts";
import { describe, ShapeError, ValueError } from "../base/errors.ts";
import { truncatedNormal, uniform } from "../base/philox.ts";
import { formatShape, type Shape, sizeOf } from "../base/shape.ts";
import { functionName, type Kind, resolve } from "./registry.ts";

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
export interface Initializer {
  /** The name in `initializers`; `function NAME` for a user's function. */
  readonly name: string;
  draw(shape: Shape, context: InitializerContext): ArrayLike<number>;
}

/** The initializers of the library. */
export const initializers = {
  /** All numbers 0. */
  zeros: (): Initializer => ({ name: "zeros", draw: (shape) => new Float32Array(sizeOf(shape)) }),

  /**
   * Normal of mean 0 and standard deviation sqrt(2 / fanIn), cut off at two standard deviations of
   * the normal that it is cut from; that one is wider by 1 / 0.8796, so that what is left has the
   * deviation asked for, as in Keras (TF.js leaves the correction out, PyTorch the cut).
   * He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852.
   */
  heNormal: (): Initializer => ({
    name: "heNormal",
    draw: (shape, { fanIn, seed, stream }) => {
      const deviation = Math.sqrt(2 / fanIn) / truncatedDeviation;
      const draws = truncatedNormal(seed, stream, 0, sizeOf(shape));
      for (let i = 0; i < draws.length; i++) draws[i] *= deviation;
      return draws;
    },
  }),

  /**
   * Uniform in [-l, l), l = sqrt(6 / (fanIn + fanOut)).
   * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
   * AISTATS 2010, https://proceedings.mlr.press/v9/glorot10a.html.
   */
  glorotUniform: (): Initializer => ({
    name: "glorotUniform",
    draw: (shape, { fanIn, fanOut, seed, stream }) => {
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      const draws = uniform(seed, stream, 0, sizeOf(shape));
      for (let i = 0; i < draws.length; i++) draws[i] = (2 * draws[i] - 1) * limit;
      return draws;
    },
  }),
};

/** Names of the library's initializers. */
export type InitializerName = keyof typeof initializers;

/** What options that take an initializer accept. */
export type InitializerInput = InitializerName | Initializer | InitializerFunction;

/**
 * The standard deviation of a standard normal cut off at 2 and -2 (Keras,
 * keras/src/initializers/random_initializers.py, `VarianceScaling`).
 */
const truncatedDeviation = 0.87962566103423978;

const kind: Kind<Initializer> = {
  kind: "initializer",
  entries: initializers,
  is: (value) => "draw" in value && typeof value.draw === "function",
  fromFunction: (draw) => ({ name: functionName(draw), draw: draw as InitializerFunction }),
};

/** The initializer that a user named, made or wrote. */
export const resolveInitializer = (value: InitializerInput, who: string): Initializer =>
  resolve(value, kind, who);

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
  if (!ArrayBuffer.isView(drawn) && !Array.isArray(drawn))
    throw new ValueError({
      who,
      expected: "it must return a typed array or an array of numbers",
      received: describe(drawn),
    });
  const numbers = new Float32Array(drawn as TypedArray);
  if (numbers.length !== sizeOf(shape))
    throw new ShapeError({
      who,
      expected: `it must return ${sizeOf(shape)} numbers for shape ${formatShape(shape)}`,
      received: `${numbers.length}`,
    });
  for (let i = 0; i < numbers.length; i++)
    if (!Number.isFinite(numbers[i]))
      throw new ValueError({
        who,
        expected: "it must return finite numbers",
        received: `${numbers[i]} at ${i}`,
      });
  return numbers;
}

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
