/** Links that divide by the root of what the squared gradients were: RMSprop, Adagrad, Adadelta. */
import type { Tensor } from "../../tensor/tensor.ts";
import { type EpsilonPlace, type Transform, towards } from "./transform.ts";

/** Options of `scaleByRms`. */
export interface RmsRule {
  /** Decay of the means. */
  readonly rho: number;
  readonly epsilon: number;
  readonly epsilonPlace: EpsilonPlace;
  /** Divides by the deviation from the mean gradient instead of by the root mean square. */
  readonly centered: boolean;
}

/**
 * The direction of RMSprop, with v += (1 - rho) (g^2 - v): g / sqrt(v + epsilon), or with epsilon
 * outside g / (sqrt(v) + epsilon). Centered, the square of the mean gradient a is taken off v; what
 * rounding makes negative there counts as 0.
 */
export const scaleByRms = ({ rho, epsilon, epsilonPlace, centered }: RmsRule): Transform => ({
  name: "scaleByRms",
  slots: centered ? ["velocity", "average_gradient"] : ["velocity"],
  numbers: () => ({ newShare: 1 - rho }),
  update: (gradients, { number, slot }) =>
    gradients.map((g, i) => {
      const velocity = slot("velocity", i);
      let square = velocity.set(towards(velocity.value, g.square(), number("newShare")));
      if (centered) {
        const average = slot("average_gradient", i);
        const a = average.set(towards(average.value, g, number("newShare")));
        square = square.subtract(a.square()).maximum(0);
      }
      return g.divide(root(square, epsilon, epsilonPlace));
    }),
});

/** Options of `scaleByAdagrad`. */
export interface AdagradRule {
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;
  readonly epsilonPlace: EpsilonPlace;
}

/** The direction of Adagrad, with s += g^2: g / sqrt(s + epsilon), or g / (sqrt(s) + epsilon). */
export const scaleByAdagrad = (rule: AdagradRule): Transform => ({
  name: "scaleByAdagrad",
  slots: ["accumulator"],
  initialValues: { accumulator: rule.initialAccumulatorValue },
  update: (gradients, { slot }) =>
    gradients.map((g, i) => {
      const accumulator = slot("accumulator", i);
      const sum = accumulator.set(accumulator.value.add(g.square()));
      return g.divide(root(sum, rule.epsilon, rule.epsilonPlace));
    }),
});

/** Options of `scaleByAdadelta`. */
export interface AdadeltaRule {
  readonly rho: number;
  readonly epsilon: number;
}

/**
 * The direction of Adadelta: g sqrt(d + epsilon) / sqrt(s + epsilon), where s is the decaying mean
 * of g^2 and d that of the squared directions of the past.
 */
export const scaleByAdadelta = ({ rho, epsilon }: AdadeltaRule): Transform => ({
  name: "scaleByAdadelta",
  slots: ["accumulated_grad", "accumulated_delta_var"],
  numbers: () => ({ newShare: 1 - rho }),
  update: (gradients, { number, slot }) =>
    gradients.map((g, i) => {
      const [squares, deltas] = [slot("accumulated_grad", i), slot("accumulated_delta_var", i)];
      const s = squares.set(towards(squares.value, g.square(), number("newShare")));
      const [past, present] = [deltas.value, s].map((x) => x.add(epsilon).squareRoot());
      const direction = g.multiply(past).divide(present);
      deltas.set(towards(deltas.value, direction.square(), number("newShare")));
      return direction;
    }),
});

const root = (square: Tensor, epsilon: number, place: EpsilonPlace): Tensor =>
  place === "inside" ? square.add(epsilon).squareRoot() : square.squareRoot().add(epsilon);
