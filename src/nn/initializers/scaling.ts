/** Random initializers whose variance hangs on how many numbers a weight adds up. */
import { ShapeError, ValueError } from "../../base/errors.ts";
import { normal, truncatedNormal, uniform } from "../../base/philox.ts";
import { formatShape, type Shape, sizeOf } from "../../base/shape.ts";
import { choice, dimension, type Field, list, number, optional } from "../fields.ts";
import type { Initializer, InitializerContext } from "../initializer.ts";
import { entry } from "../registry.ts";
import { type SeedOptions, scaled, seedFields, sourceOf } from "./seeded.ts";

/** Options of the initializers that scale by fans. */
export interface FanOptions extends SeedOptions {
  /**
   * The weight's dimensions whose sizes multiply to its fanIn; given together with outputAxes.
   * Default: the last but one, times those before.
   */
  readonly inputAxes?: readonly number[];
  /** The dimensions of its fanOut. Default: the last, times those before the last but one. */
  readonly outputAxes?: readonly number[];
}

/** Options of `initializers.varianceScaling`. */
export interface VarianceScalingOptions extends FanOptions {
  /** The variance times the fan, above 0. Default: 1. */
  readonly scale?: number;
  /** What counts as fan: inputs, outputs, or their mean. Default: `fanIn`. */
  readonly mode?: Mode;
  /** Default: `truncatedNormal`. */
  readonly distribution?: Distribution;
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

const words = choice(distributions, "truncatedNormal", {
  truncatedNormal: "truncated_normal",
  untruncatedNormal: "untruncated_normal",
});
/** Old files have `normal`, which was always cut off. */
const distribution: Field<Distribution> = {
  ...words,
  parse: (value, custom) => (value === "normal" ? "truncatedNormal" : words.parse!(value, custom)),
};

const axes = optional(list(dimension()));
const fanFields = { ...seedFields, inputAxes: axes, outputAxes: axes };

interface Scaling {
  readonly scale: number;
  readonly mode: Mode;
  readonly distribution: Distribution;
}

interface Given {
  readonly seed: number | undefined;
  readonly inputAxes: readonly number[] | undefined;
  readonly outputAxes: readonly number[] | undefined;
}

/** Draws numbers of variance scale / fan. */
function scaling(name: string, all: Scaling, given: Given): Pick<Initializer, "draw"> {
  const { inputAxes, outputAxes, seed } = given;
  if ((inputAxes === undefined) !== (outputAxes === undefined))
    throw new ValueError({
      who: name,
      expected: "inputAxes and outputAxes must be given together",
      received: `${inputAxes ? "inputAxes" : "outputAxes"} alone`,
    });
  return {
    draw: (shape, context) => {
      const at = (along: readonly number[] | undefined, otherwise: number) =>
        along === undefined ? otherwise : sizeAlong(shape, along, `${name} of ${context.stream}`);
      const fanIn = at(inputAxes, context.fanIn);
      const fanOut = at(outputAxes, context.fanOut);
      const source = sourceOf(seed, context);
      return drawScaled(shape, { fanIn, fanOut, ...source }, all);
    },
  };
}

/** The product of the sizes of these dimensions. */
function sizeAlong(shape: Shape, along: readonly number[], who: string): number {
  const sizes = along.map((axis) => {
    const size = shape.at(axis);
    if (size !== undefined) return size;
    throw new ShapeError({
      who: `initializer ${who}`,
      expected: `axis ${axis} must be a dimension of the weight`,
      received: formatShape(shape),
    });
  });
  return sizeOf(sizes);
}

function drawScaled(
  shape: Shape,
  { fanIn, fanOut, seed, stream }: InitializerContext,
  { scale, mode, distribution }: Scaling,
): Float32Array {
  const fans = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 };
  const fan = Math.max(1, fans[mode]);
  const size = sizeOf(shape);
  if (distribution === "uniform")
    return around(uniform(seed, stream, 0, size), Math.sqrt((3 * scale) / fan));
  const deviation = Math.sqrt(scale / fan);
  if (distribution === "untruncatedNormal")
    return scaled(normal(seed, stream, 0, size), 0, deviation);
  return scaled(truncatedNormal(seed, stream, 0, size), 0, deviation / truncatedDeviation);
}

/** Uniform in [-limit, limit), of draws in [0, 1). */
function around(draws: Float32Array, limit: number): Float32Array {
  for (let i = 0; i < draws.length; i++) draws[i] = (2 * draws[i] - 1) * limit;
  return draws;
}

/** An entry that is variance scaling with these numbers. */
const preset = (name: string, all: Scaling) =>
  entry<FanOptions, Initializer>()(name, fanFields, (given) => scaling(name, all, given));

const inward = { scale: 1, mode: "fanIn", distribution: "truncatedNormal" } as const;
const between = { ...inward, mode: "fanAvg" } as const;

export const scalings = {
  /**
   * Numbers of variance scale / fan: a normal cut off at two standard deviations and widened by 1 /
   * 0.8796, so that what is left has the deviation asked for (as in Keras; TF.js leaves the
   * correction out, PyTorch the cut), or uncut, or uniform in +-sqrt(3 scale / fan).
   *
   * @throws ValueError where scale is not above 0, or only one of both lists of axes is given
   */
  varianceScaling: entry<VarianceScalingOptions, Initializer>()(
    "varianceScaling",
    {
      scale: number(1, { above: 0 }),
      mode: choice(modes, "fanIn", { fanIn: "fan_in", fanOut: "fan_out", fanAvg: "fan_avg" }),
      distribution,
      ...fanFields,
    },
    (given) => scaling("varianceScaling", given, given),
  ),

  /**
   * Corrected truncated normal of variance 2 / (fanIn + fanOut). Glorot and Bengio, "Understanding
   * the difficulty of training deep feedforward neural networks", AISTATS 2010,
   * https://proceedings.mlr.press/v9/glorot10a.html.
   */
  glorotNormal: preset("glorotNormal", between),

  /** Uniform in [-l, l), l = sqrt(6 / (fanIn + fanOut)). Glorot and Bengio, as above. */
  glorotUniform: preset("glorotUniform", { ...between, distribution: "uniform" }),

  /**
   * Corrected truncated normal of variance 2 / fanIn. He, Zhang, Ren and Sun, "Delving Deep into
   * Rectifiers", 2015, https://arxiv.org/abs/1502.01852.
   */
  heNormal: preset("heNormal", { ...inward, scale: 2 }),

  /** Uniform in [-l, l), l = sqrt(6 / fanIn). He et al., as above. */
  heUniform: preset("heUniform", { ...inward, scale: 2, distribution: "uniform" }),

  /**
   * Corrected truncated normal of variance 1 / fanIn: what selu wants. LeCun et al., "Efficient
   * BackProp", 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98b.pdf.
   */
  lecunNormal: preset("lecunNormal", inward),

  /** Uniform in [-l, l), l = sqrt(3 / fanIn). LeCun et al., as above. */
  lecunUniform: preset("lecunUniform", { ...inward, distribution: "uniform" }),
};
