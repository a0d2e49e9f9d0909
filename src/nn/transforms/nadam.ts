/** Nadam: Adam with Nesterov's momentum. */
import { exp, log } from "../../base/elementary.ts";
import { type MomentumAt, runningProduct, type Transform, towards } from "./transform.ts";

/** Options of `scaleByNadam`. */
export interface NadamRule {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly momentumDecay: number;
}

/**
 * The direction of Nadam. With u_t = beta1 (1 - 0.5 * 0.96^(momentumDecay t)) and U_t = u_1 ...
 * u_t:
 *
 *   m += (1 - beta1) (g - m),  v += (1 - beta2) (g^2 - v)
 *   (u_{t+1} m / (1 - U_{t+1}) + (1 - u_t) g / (1 - U_t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * Where a schedule cycles beta1, u_t and u_{t+1} have the beta1 of step t, and U_t those of each
 * step, as in PyTorch.
 */
export function scaleByNadam({ beta1, beta2, epsilon, momentumDecay }: NadamRule): Transform {
  const decay = exp(momentumDecay * log(0.96));
  // Each place that goes through the steps has a memory of its own, so that none starts anew.
  const remembering = () => {
    const make = (momentum: MomentumAt | undefined) => {
      const beta = (t: number) => momentum?.(t) ?? beta1;
      const decays = runningProduct(() => decay);
      const productDecays = runningProduct(() => decay);
      const product = runningProduct((t) => beta(t) * (1 - 0.5 * productDecays(t)));
      return { momentum, beta, decays, product };
    };
    let made = make(undefined);
    return (momentum: MomentumAt | undefined) => {
      if (made.momentum !== momentum) made = make(momentum);
      return made;
    };
  };
  const [running, saved] = [remembering(), remembering()];
  const beta2Powers = runningProduct(() => beta2);

  return {
    name: "scaleByNadam",
    slots: ["momentum", "velocity"],
    obeysMomentum: true,
    numbers: ({ iteration: t, momentum }) => {
      const { beta, decays, product: products } = running(momentum);
      const b = beta(t);
      const now = b * (1 - 0.5 * decays(t));
      const next = b * (1 - 0.5 * decays(t + 1));
      const product = products(t);
      return {
        newShare: 1 - b,
        newSquareShare: 1 - beta2,
        momentumScale: next / (1 - product * next),
        gradientScale: (1 - now) / (1 - product),
        velocityScale: 1 / (1 - beta2Powers(t)),
      };
    },
    scalars: (iterations, momentum) => ({ u_product: saved(momentum).product(iterations) }),
    update: (gradients, { number, slot }) =>
      gradients.map((g, i) => {
        const [momentum, velocity] = [slot("momentum", i), slot("velocity", i)];
        const m = momentum.set(towards(momentum.value, g, number("newShare")));
        const v = velocity.set(towards(velocity.value, g.square(), number("newSquareShare")));
        const ahead = m.multiply(number("momentumScale")).add(g.multiply(number("gradientScale")));
        const deviation = v.multiply(number("velocityScale")).squareRoot();
        return ahead.divide(deviation.add(epsilon));
      }),
  };
}
