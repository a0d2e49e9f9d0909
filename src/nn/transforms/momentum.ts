/** Links of gradient descent: the rate, and momentum before or after it. */
import { type Transform, towards } from "./transform.ts";

/** Multiplies by minus the learning rate: the step downhill. With 1, by the rate itself. */
export const scaleByLearningRate = (sign: -1 | 1 = -1): Transform =>
  sign === -1
    ? {
        name: "scaleByLearningRate",
        numbers: ({ learningRate }) => ({ downhill: -learningRate }),
        update: (gradients, { number }) => gradients.map((g) => g.multiply(number("downhill"))),
      }
    : {
        name: "scaleByLearningRate",
        numbers: ({ learningRate }) => ({ rate: learningRate }),
        update: (gradients, { number }) => gradients.map((g) => g.multiply(number("rate"))),
      };

/** Changes the sign: the way downhill after links that were scaled by the rate itself. */
export const negate = (): Transform => ({
  name: "negate",
  update: (gradients) => gradients.map((g) => g.negate()),
});

/**
 * Keeps m = momentum m + (1 - dampening) u of its inputs u and returns m, or with Nesterov's rule
 * momentum m + u. The first u is not dampened, as in PyTorch. After `scaleByLearningRate` it is
 * Keras's rule, where an update keeps the rate it was made with; before it, PyTorch's, where a new
 * rate holds for all of the past.
 */
export const accumulateMomentum = (
  momentum: number,
  nesterov = false,
  dampening = 0,
): Transform => ({
  name: "accumulateMomentum",
  slots: ["momentum"],
  obeysMomentum: true,
  numbers: ({ iteration, momentum: cycled }) => {
    const kept = { momentum: cycled?.(iteration) ?? momentum };
    return dampening === 0 ? kept : { ...kept, share: iteration === 1 ? 1 : 1 - dampening };
  },
  update: (updates, { number, slot }) =>
    updates.map((update, i) => {
      const m = slot("momentum", i);
      const added = dampening === 0 ? update : update.multiply(number("share"));
      const next = m.set(m.value.multiply(number("momentum")).add(added));
      return nesterov ? next.multiply(number("momentum")).add(update) : next;
    }),
});

/** Options of `scaleByLion`. */
export interface LionRule {
  readonly beta1: number;
  readonly beta2: number;
}

/** The direction of Lion: sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g. */
export const scaleByLion = ({ beta1, beta2 }: LionRule): Transform => ({
  name: "scaleByLion",
  slots: ["momentum"],
  obeysMomentum: true,
  numbers: ({ iteration, momentum }) => ({
    newShare: 1 - (momentum?.(iteration) ?? beta1),
    laterShare: 1 - beta2,
  }),
  update: (gradients, { number, slot }) =>
    gradients.map((g, i) => {
      const m = slot("momentum", i);
      const direction = towards(m.value, g, number("newShare")).sign();
      m.set(towards(m.value, g, number("laterShare")));
      return direction;
    }),
});
