/** Random initializers of given numbers, whatever the weight's fans. */
import { ShapeError, ValueError } from "../../base/errors.ts";
import { normal, truncatedNormal, uniform } from "../../base/philox.ts";
import { formatShape, type Shape, sizeOf } from "../../base/shape.ts";
import { number } from "../fields.ts";
import type { Initializer, InitializerContext } from "../initializer.ts";
import { entry } from "../registry.ts";
import { orthonormal } from "./orthonormal.ts";
import { type SeedOptions, scaled, seedFields, sourceOf } from "./seeded.ts";

/** Options of `initializers.randomNormal` and `initializers.truncatedNormal`. */
export interface NormalOptions extends SeedOptions {
  /** Default: 0. */
  readonly mean?: number;
  /** At least 0. Default: 0.05. */
  readonly stddev?: number;
}

/** Options of `initializers.randomUniform`. */
export interface UniformOptions extends SeedOptions {
  /** The smallest number. Default: -0.05. */
  readonly minval?: number;
  /** At least minval: the largest number is below it, or rounds to it. Default: 0.05. */
  readonly maxval?: number;
}

/** Options of `initializers.orthogonal`. */
export interface OrthogonalOptions extends SeedOptions {
  /** Multiplies the matrix. Default: 1. */
  readonly gain?: number;
}

const normalFields = { mean: number(0), stddev: number(0.05, { from: 0 }), ...seedFields };

export const draws = {
  /**
   * Normal of this mean and standard deviation, uncut.
   *
   * @throws ValueError where stddev is negative
   */
  randomNormal: entry<NormalOptions, Initializer>()(
    "randomNormal",
    normalFields,
    ({ mean, stddev, seed }) => ({
      draw: (shape, context) => {
        const { seed: from, stream } = sourceOf(seed, context);
        return scaled(normal(from, stream, 0, sizeOf(shape)), mean, stddev);
      },
    }),
  ),

  /**
   * Uniform in [minval, maxval).
   *
   * @throws ValueError where a limit is not finite, or minval above maxval
   */
  randomUniform: entry<UniformOptions, Initializer>()(
    "randomUniform",
    { minval: number(-0.05), maxval: number(0.05), ...seedFields },
    ({ minval, maxval, seed }) => {
      if (minval > maxval)
        throw new ValueError({
          who: "randomUniform",
          expected: "minval must be at most maxval",
          received: `${minval} and ${maxval}`,
        });
      return {
        draw: (shape, context) => {
          const { seed: from, stream } = sourceOf(seed, context);
          return scaled(uniform(from, stream, 0, sizeOf(shape)), minval, maxval - minval);
        },
      };
    },
  ),

  /**
   * Normal of this mean and standard deviation, cut off at two standard deviations: what is left
   * has the deviation 0.88 stddev, as in Keras.
   *
   * @throws ValueError where stddev is negative
   */
  truncatedNormal: entry<NormalOptions, Initializer>()(
    "truncatedNormal",
    normalFields,
    ({ mean, stddev, seed }) => ({
      draw: (shape, context) => {
        const { seed: from, stream } = sourceOf(seed, context);
        return scaled(truncatedNormal(from, stream, 0, sizeOf(shape)), mean, stddev);
      },
    }),
  ),

  /**
   * `gain` times a random matrix with orthonormal rows or columns, whichever are fewer; weights of
   * more than two dimensions count as [all but the last, last]. Takes time with the number of
   * weights times that of those vectors: about 1 s for [1000, 1000]. Saxe, McClelland and Ganguli,
   * 2013, https://arxiv.org/abs/1312.6120.
   *
   * @throws ShapeError for weights of less than two dimensions
   */
  orthogonal: entry<OrthogonalOptions, Initializer>()(
    "orthogonal",
    { gain: number(1), ...seedFields },
    ({ gain, seed }) => ({
      draw: (shape, context) => drawOrthogonal(shape, gain, sourceOf(seed, context)),
    }),
  ),
};

function drawOrthogonal(
  shape: Shape,
  gain: number,
  { seed, stream }: Pick<InitializerContext, "seed" | "stream">,
): Float32Array {
  if (shape.length < 2)
    throw new ShapeError({
      who: `initializer orthogonal of ${stream}`,
      expected: "a weight of at least two dimensions",
      received: formatShape(shape),
    });
  const columns = shape.at(-1)!;
  const rows = sizeOf(shape) / columns;
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  // `short` vectors of `long` numbers each: one after the other, so that each lies in a row.
  const vectors = orthonormal(normal(seed, stream, 0, long * short), short, long);
  const matrix = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      matrix[r * columns + c] =
        gain * (rows < columns ? vectors[r * long + c] : vectors[c * long + r]);
  return matrix;
}
