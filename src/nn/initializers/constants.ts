/** Initializers without chance. */
import { ShapeError } from "../../base/errors.ts";
import { formatShape, sizeOf } from "../../base/shape.ts";
import { number } from "../fields.ts";
import type { Initializer } from "../initializer.ts";
import { entry } from "../registry.ts";

/** Options of an initializer that has none. */
type NoOptions = Record<never, never>;

/** Options of `initializers.constant`. */
export interface ConstantOptions {
  /** Every number. Default: 0. */
  readonly value?: number;
}

/** Options of `initializers.identity`. */
export interface IdentityOptions {
  /** The numbers on the diagonal. Default: 1. */
  readonly gain?: number;
}

export const constants = {
  /** All numbers 0. */
  zeros: entry<NoOptions, Initializer>()("zeros", {}, () => ({
    draw: (shape) => new Float32Array(sizeOf(shape)),
  })),

  /** All numbers 1. */
  ones: entry<NoOptions, Initializer>()("ones", {}, () => ({
    draw: (shape) => new Float32Array(sizeOf(shape)).fill(1),
  })),

  /** All numbers `value`. */
  constant: entry<ConstantOptions, Initializer>()(
    "constant",
    { value: number(0) },
    ({ value }) => ({ draw: (shape) => new Float32Array(sizeOf(shape)).fill(value) }),
  ),

  /**
   * `gain` on the diagonal, 0 elsewhere. For matrices.
   *
   * @throws ShapeError for weights of other than two dimensions
   */
  identity: entry<IdentityOptions, Initializer>()("identity", { gain: number(1) }, ({ gain }) => ({
    draw: (shape, { stream }) => {
      if (shape.length !== 2)
        throw new ShapeError({
          who: `initializer identity of ${stream}`,
          expected: "a weight of two dimensions",
          received: formatShape(shape),
        });
      const [rows, columns] = shape;
      const matrix = new Float32Array(rows * columns);
      for (let i = 0; i < Math.min(rows, columns); i++) matrix[i * columns + i] = gain;
      return matrix;
    },
  })),
};
