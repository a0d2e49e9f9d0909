/** Functions that losses share, in forms that neither overflow nor lose their digits. */
import { clip } from "../../tensor/composites.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Where probabilities and divisors end: Keras's `_EPSILON` (keras/src/backend/config.py). */
export const epsilon = 1e-7;

/** Probabilities kept in [1e-7, 1 - 1e-7]: no logarithm of 0. The gradient is 0 outside. */
export const clipShare = (p: Tensor): Tensor => clip(p, epsilon, 1 - epsilon);

/** Rows over the last dimension divided by their sum, then clipped. */
export const clipShares = (p: Tensor): Tensor => clipShare(p.divide(p.sum(-1, true)));

/** x divided by its Euclidean norm over the last dimension, or by 1e-7 where that is larger. */
export function unitVectors(x: Tensor): Tensor {
  const squares = x.square().sum(-1, true);
  return x.divide(squares.maximum(epsilon ** 2).squareRoot());
}

/** (1 - p)^gamma, the factor of the focal losses. */
export function focalFactor(p: Tensor, gamma: number): Tensor {
  // Rounding may have left it below 0, which only whole exponents can take.
  const rest = p.negate().add(1);
  return (Number.isInteger(gamma) ? rest : rest.maximum(0)).power(gamma);
}
