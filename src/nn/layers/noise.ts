/** What the layers of noise share: the seed, and the shape in which noise is drawn. */
import { describe, ShapeError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Field, optional, whole } from "../fields.ts";

/** Options of every layer of noise. */
export interface SeedOptions {
  /**
   * A whole number that takes the place of the model's seed in this layer's noise: it then stays
   * the same whatever the model's seed is. Default: none.
   */
  readonly seed?: number;
}

/** Sizes with the batch; null is that of the input. */
export type NoiseShape = readonly (number | null)[];

/** Options of layers that can share noise along dimensions. */
export interface NoiseShapeOptions extends SeedOptions {
  /**
   * The shape in which noise is drawn, with the batch; it broadcasts to that of the inputs. null is
   * the size of the input: `[null, 1, null]` is the same noise for all positions of dimension 1.
   * Default: that of the inputs.
   */
  readonly noiseShape?: NoiseShape;
}

export const seedFields = { seed: optional(whole(undefined, 0)) } as const;

const noiseShapeField: Field<NoiseShape> = {
  read: (value, name, who) => {
    const isSize = (size: unknown) =>
      size === null || (Number.isSafeInteger(size) && (size as number) >= 1);
    if (Array.isArray(value) && value.every(isSize)) return [...value];
    throw new ShapeError({
      who,
      expected: `${name} must be an array of whole numbers of at least 1 and nulls`,
      received: describe(value),
      fix: "Example: noiseShape: [null, 1], with the batch.",
    });
  },
};

export const noiseShapeFields = { ...seedFields, noiseShape: optional(noiseShapeField) } as const;

/**
 * A tensor like `x`, of size 1 where `noiseShape` has 1: only its shape counts, so nothing of it is
 * ever computed.
 *
 * @throws ShapeError where noiseShape does not broadcast to the shape of `x`
 */
export function likeNoise(x: Tensor, noiseShape: NoiseShape | undefined, who: string): Tensor {
  if (noiseShape === undefined) return x;
  const sizes = noiseShape.map((size, i) => size ?? x.shape[i]);
  const offset = x.rank - sizes.length;
  const target = x.shape.map((_, i) => sizes[i - offset] ?? 1);
  if (offset < 0 || target.some((size, i) => size !== 1 && size !== x.shape[i]))
    throw new ShapeError({
      who,
      expected: `noiseShape must broadcast to the inputs' shape ${formatShape(x.shape)}`,
      received: `[${noiseShape.join(", ")}]`.replace(/(?<=[[ ])(?=[,\]])/g, "null"),
      fix: "Each entry is null, 1 or the size of the input, the batch included.",
    });
  const shared = target.flatMap((size, i) => (size === 1 ? [i] : []));
  return x.sum(shared, true);
}
