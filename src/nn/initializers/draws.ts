/**
 * Random initializers. A draw is a function of (seed, path of the weight, element): layers that
 * share an initializer get different weights, always. (In Keras a given integer seed makes all of
 * them equal, and a net whose layers start equal does not learn what they could.)
 */
import { ShapeError } from "../../base/errors.ts";
import { normal, truncatedNormal, uniform } from "../../base/philox.ts";
import { formatShape, type Shape, sizeOf } from "../../base/shape.ts";
import { choice, number, optional, type ValuesOf, whole } from "../fields.ts";
import type { Initializer, InitializerContext } from "../initializer.ts";
import { entry } from "../registry.ts";
import { orthonormal } from "./orthonormal.ts";

/** Options of every random initializer. */
export interface SeedOptions {
  /**
   * A whole number that takes the place of the model's seed. The path of the weight still counts:
   * two layers never get the same draw. Default: the model's seed.
   */
  readonly seed?: number;
}

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
  /** Above the largest number. Default: 0.05. */
  readonly maxval?: number;
}

/** Options of `initializers.varianceScaling`. */
export interface VarianceScalingOptions extends SeedOptions {
  /** The variance times the fan, above 0. Default: 1. */
  readonly scale?: number;
  /** What counts as fan: inputs, outputs, or their mean. Default: `fanIn`. */
  readonly mode?: Mode;
  /** Default: `truncatedNormal`. */
  readonly distribution?: Distribution;
}

/** Options of `initializers.orthogonal`. */
export interface OrthogonalOptions extends SeedOptions {
  /** Multiplies the matrix. Default: 1. */
  readonly gain?: number;
}

const modes = ["fanIn", "fanOut", "fanAvg"] as const;
type Mode = (typeof modes)[number];
const distributions = ["truncatedNormal", "untruncatedNormal", "uniform"] as const;
type Distribution = (typeof distributions)[number];

/**
 * The standard deviation of a standard normal cut off at 2 and -2 (Keras,
 * keras/src/initializers/random_initializers.py, `VarianceScaling`).
 */
const truncatedDeviation = 0.87962566103423978;

const seed = { seed: optional(whole(undefined, 0)) };
const normalFields = { mean: number(0), stddev: number(0.05, { from: 0 }), ...seed };

type Source = Pick<InitializerContext, "seed" | "stream">;

/** Where a draw comes from: the option `seed` before the model's. */
const sourceOf = (own: number | undefined, { seed: model, stream }: Source): Source => ({
  seed: own ?? model,
  stream,
});

/** mean + deviation draws. */
function scaled(draws: Float32Array, mean: number, deviation: number): Float32Array {
  for (let i = 0; i < draws.length; i++) {
    const wide = draws[i] * deviation;
    draws[i] = mean === 0 ? wide : wide + mean;
  }
  return draws;
}

/** Uniform in [low, high). */
function between(draws: Float32Array, low: number, high: number): Float32Array {
  for (let i = 0; i < draws.length; i++) draws[i] = low + draws[i] * (high - low);
  return draws;
}

/** Uniform in [-limit, limit). */
function around(draws: Float32Array, limit: number): Float32Array {
  for (let i = 0; i < draws.length; i++) draws[i] = (2 * draws[i] - 1) * limit;
  return draws;
}

interface Scaling {
  readonly scale: number;
  readonly mode: Mode;
  readonly distribution: Distribution;
}

/** Numbers of variance scale / fan. */
function drawScaled(
  shape: Shape,
  { fanIn, fanOut, ...source }: InitializerContext,
  { scale, mode, distribution }: Scaling,
  own: number | undefined,
): Float32Array {
  const fans = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 };
  const fan = Math.max(1, fans[mode]);
  const { seed: from, stream } = sourceOf(own, source);
  const size = sizeOf(shape);
  if (distribution === "uniform")
    return around(uniform(from, stream, 0, size), Math.sqrt((3 * scale) / fan));
  const deviation = Math.sqrt(scale / fan);
  if (distribution === "untruncatedNormal")
    return scaled(normal(from, stream, 0, size), 0, deviation);
  return scaled(truncatedNormal(from, stream, 0, size), 0, deviation / truncatedDeviation);
}

/** An entry that is variance scaling with these numbers. */
const scaling = (name: string, all: Scaling) =>
  entry<SeedOptions, Initializer>()(name, seed, ({ seed: own }) => ({
    draw: (shape, context) => drawScaled(shape, context, all, own),
  }));

const wideNormal = { scale: 2, mode: "fanIn", distribution: "truncatedNormal" } as const;
const wideUniform = { ...wideNormal, distribution: "uniform" } as const;

export const draws = {
  /**
   * Normal of this mean and standard deviation, uncut.
   *
   * @throws ValueError where stddev is negative
   */
  randomNormal: entry<NormalOptions, Initializer>()(
    "randomNormal",
    normalFields,
    ({ mean, stddev, seed: own }) => ({
      draw: (shape, context) => {
        const { seed: from, stream } = sourceOf(own, context);
        return scaled(normal(from, stream, 0, sizeOf(shape)), mean, stddev);
      },
    }),
  ),

  /**
   * Uniform in [minval, maxval).
   *
   * @throws ValueError where a limit is not finite
   */
  randomUniform: entry<UniformOptions, Initializer>()(
    "randomUniform",
    { minval: number(-0.05), maxval: number(0.05), ...seed },
    ({ minval, maxval, seed: own }) => ({
      draw: (shape, context) => {
        const { seed: from, stream } = sourceOf(own, context);
        return between(uniform(from, stream, 0, sizeOf(shape)), minval, maxval);
      },
    }),
  ),

  /**
   * Normal of this mean and standard deviation, cut off at two standard deviations: what is left has
   * the deviation 0.88 stddev, as in Keras.
   *
   * @throws ValueError where stddev is negative
   */
  truncatedNormal: entry<NormalOptions, Initializer>()(
    "truncatedNormal",
    normalFields,
    ({ mean, stddev, seed: own }) => ({
      draw: (shape, context) => {
        const { seed: from, stream } = sourceOf(own, context);
        return scaled(truncatedNormal(from, stream, 0, sizeOf(shape)), mean, stddev);
      },
    }),
  ),

  /**
   * Numbers of variance scale / fan: a normal cut off at two standard deviations and widened by 1 /
   * 0.8796, so that what is left has the deviation asked for (as in Keras; TF.js leaves the
   * correction out, PyTorch the cut), or uncut, or uniform in +-sqrt(3 scale / fan).
   *
   * @throws ValueError where scale is not above 0
   */
  varianceScaling: entry<VarianceScalingOptions, Initializer>()(
    "varianceScaling",
    {
      scale: number(1, { above: 0 }),
      mode: choice(modes, "fanIn", { fanIn: "fan_in", fanOut: "fan_out", fanAvg: "fan_avg" }),
      distribution: choice(distributions, "truncatedNormal", {
        truncatedNormal: "truncated_normal",
        untruncatedNormal: "untruncated_normal",
      }),
      ...seed,
    },
    ({ seed: own, ...all }) => ({
      draw: (shape, context) => drawScaled(shape, context, all, own),
    }),
  ),

  /**
   * Corrected truncated normal of variance 2 / (fanIn + fanOut). Glorot and Bengio, "Understanding
   * the difficulty of training deep feedforward neural networks", AISTATS 2010,
   * https://proceedings.mlr.press/v9/glorot10a.html.
   */
  glorotNormal: scaling("glorotNormal", {
    scale: 1,
    mode: "fanAvg",
    distribution: "truncatedNormal",
  }),

  /** Uniform in [-l, l), l = sqrt(6 / (fanIn + fanOut)). Glorot and Bengio, as above. */
  glorotUniform: scaling("glorotUniform", { scale: 1, mode: "fanAvg", distribution: "uniform" }),

  /**
   * Corrected truncated normal of variance 2 / fanIn. He, Zhang, Ren and Sun, "Delving Deep into
   * Rectifiers", 2015, https://arxiv.org/abs/1502.01852.
   */
  heNormal: scaling("heNormal", wideNormal),

  /** Uniform in [-l, l), l = sqrt(6 / fanIn). He et al., as above. */
  heUniform: scaling("heUniform", wideUniform),

  /**
   * Corrected truncated normal of variance 1 / fanIn: what selu wants. LeCun et al., "Efficient
   * BackProp", 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf.
   */
  lecunNormal: scaling("lecunNormal", { ...wideNormal, scale: 1 }),

  /** Uniform in [-l, l), l = sqrt(3 / fanIn). LeCun et al., as above. */
  lecunUniform: scaling("lecunUniform", { ...wideUniform, scale: 1 }),

  /**
   * `gain` times a random matrix with orthonormal rows or columns, whichever are fewer; weights of
   * more than two dimensions count as [all but the last, last]. Saxe, McClelland and Ganguli, 2013,
   * https://arxiv.org/abs/1312.6120.
   *
   * @throws ShapeError for weights of less than two dimensions
   */
  orthogonal: entry<OrthogonalOptions, Initializer>()(
    "orthogonal",
    { gain: number(1), ...seed },
    (options) => ({ draw: (shape, context) => drawOrthogonal(shape, context, options) }),
  ),
};

function drawOrthogonal(
  shape: Shape,
  context: InitializerContext,
  { gain, seed: own }: ValuesOf<{ gain: ReturnType<typeof number>; seed: (typeof seed)["seed"] }>,
): Float32Array {
  if (shape.length < 2)
    throw new ShapeError({
      who: "initializer orthogonal",
      expected: "a weight of at least two dimensions",
      received: formatShape(shape),
    });
  const columns = shape.at(-1)!;
  const rows = sizeOf(shape) / columns;
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  const { seed: from, stream } = sourceOf(own, context);
  // `short` vectors of `long` numbers each: one after the other, so that each lies in a row.
  const vectors = orthonormal(normal(from, stream, 0, long * short), short, long);
  const matrix = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      matrix[r * columns + c] =
        gain * (rows < columns ? vectors[r * long + c] : vectors[c * long + r]);
  return matrix;
}
