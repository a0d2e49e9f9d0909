/** Links that clip gradients. */
import type { Tensor } from "../../tensor/tensor.ts";
import type { Transform } from "./transform.ts";

/** A link that needs the gradients alone. */
export interface Clip extends Transform {
  update(gradients: readonly Tensor[]): readonly Tensor[];
}

/** Scales each gradient down to an L2 norm of at most `limit`: g limit / max(|g|, limit). */
export const clipByNorm = (limit: number): Clip => ({
  name: "clipByNorm",
  update: (gradients) =>
    gradients.map((g) => g.multiply(limit).divide(g.square().sum().squareRoot().maximum(limit))),
});

/** Clips each number to [-limit, limit]. */
export const clipByValue = (limit: number): Clip => ({
  name: "clipByValue",
  update: (gradients) => gradients.map((g) => g.minimum(limit).maximum(-limit)),
});

/**
 * Scales all gradients by one factor, so that their common L2 norm is at most `limit`. A norm that
 * is no finite number makes all of them NaN, as in Keras: nothing hides it.
 */
export const clipByGlobalNorm = (limit: number): Clip => ({
  name: "clipByGlobalNorm",
  update: (gradients) => {
    const squares = gradients.map((g) => g.square().sum());
    if (squares.length === 0) return gradients;
    const norm = squares.reduce((a: Tensor, b) => a.add(b)).squareRoot();
    const scale = norm
      .reciprocal()
      .minimum(1 / limit)
      .multiply(limit);
    const finite = scale.add(norm.subtract(norm));
    return gradients.map((g) => g.multiply(finite));
  },
});
