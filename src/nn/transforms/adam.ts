/** Adam and its variant by the largest gradient, Adamax. */
import { wholePower } from "../../base/elementary.ts";
import { type EpsilonPlace, type Transform, towards } from "./transform.ts";

/** Options of `scaleByAdam`. */
export interface AdamRule {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Divides by the largest v so far. */
  readonly amsgrad: boolean;
  /** What the correction of the first steps is applied to: see `scaleByAdam`. */
  readonly biasCorrection: "rate" | "moments";
}

/**
 * The direction of Adam. With m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v):
 *
 *   "rate":     sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)
 *   "moments":  m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * They differ by what epsilon is weighed against. Keras has the first (the paper's remark before
 * section 2.1), PyTorch the second (its algorithm 1).
 */
export function scaleByAdam(rule: AdamRule): Transform {
  const { beta1, beta2, epsilon, amsgrad, biasCorrection } = rule;
  const ofRate = biasCorrection === "rate";
  return {
    name: "scaleByAdam",
    slots: amsgrad ? ["momentum", "velocity", "velocity_hat"] : ["momentum", "velocity"],
    obeysMomentum: true,
    numbers: ({ iteration: t, momentum }) => {
      const b = momentum?.(t) ?? beta1;
      const first = 1 - wholePower(b, t);
      const second = 1 - wholePower(beta2, t);
      const shares = { newShare: 1 - b, newSquareShare: 1 - beta2 };
      return ofRate
        ? { ...shares, scale: Math.sqrt(second) / first }
        : { ...shares, momentumScale: 1 / first, velocityScale: 1 / second };
    },
    update: (gradients, { number, slot }) =>
      gradients.map((g, i) => {
        const [momentum, velocity] = [slot("momentum", i), slot("velocity", i)];
        const m = momentum.set(towards(momentum.value, g, number("newShare")));
        let v = velocity.set(towards(velocity.value, g.square(), number("newSquareShare")));
        if (amsgrad) {
          const largest = slot("velocity_hat", i);
          v = largest.set(largest.value.maximum(v));
        }
        const ahead = m.multiply(number(ofRate ? "scale" : "momentumScale"));
        const square = ofRate ? v : v.multiply(number("velocityScale"));
        return ahead.divide(square.squareRoot().add(epsilon));
      }),
  };
}

/** Options of `scaleByAdamax`. */
export interface AdamaxRule {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly epsilonPlace: EpsilonPlace;
}

/**
 * The direction of Adamax, m / (1 - beta1^t) over a decaying maximum of gradients:
 *
 *   "outside":  u = max(beta2 u, |g|), divided by u + epsilon (Keras)
 *   "inside":   u = max(beta2 u, |g| + epsilon), divided by u (PyTorch)
 */
export function scaleByAdamax(rule: AdamaxRule): Transform {
  const { beta1, beta2, epsilon, epsilonPlace } = rule;
  const inside = epsilonPlace === "inside";
  return {
    name: "scaleByAdamax",
    slots: ["momentum", "norm"],
    obeysMomentum: true,
    numbers: ({ iteration: t, momentum }) => {
      const b = momentum?.(t) ?? beta1;
      return { newShare: 1 - b, kept: beta2, scale: 1 / (1 - wholePower(b, t)) };
    },
    update: (gradients, { number, slot }) =>
      gradients.map((g, i) => {
        const [momentum, norm] = [slot("momentum", i), slot("norm", i)];
        const m = momentum.set(towards(momentum.value, g, number("newShare")));
        const size = inside ? g.absolute().add(epsilon) : g.absolute();
        const u = norm.set(norm.value.multiply(number("kept")).maximum(size));
        return m.multiply(number("scale")).divide(inside ? u : u.add(epsilon));
      }),
  };
}
