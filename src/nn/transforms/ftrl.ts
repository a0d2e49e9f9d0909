/** FTRL: follow the regularized leader. */
import { ValueError } from "../../base/errors.ts";
import type { Transform } from "./transform.ts";

/** Options of `followRegularizedLeader`. */
export interface FtrlRule {
  readonly learningRatePower: number;
  readonly initialAccumulatorValue: number;
  readonly l1RegularizationStrength: number;
  readonly l2RegularizationStrength: number;
  readonly l2ShrinkageRegularizationStrength: number;
  readonly beta: number;
}

/**
 * The step of FTRL, which has the learning rate in it (no `scaleByLearningRate` follows). With
 * n' = n + g^2 and p = -learningRatePower:
 *
 *   z += g + 2 l2Shrinkage w - (n'^p - n^p) / lr w
 *   w = (clip(z, -l1, l1) - z) / (n'^p / lr + 2 l2 + beta / lr)
 *
 * A weight that had no gradient yet while n is 0 stays as it is (Keras: NaN).
 */
export function followRegularizedLeader(rule: FtrlRule): Transform {
  const l1 = rule.l1RegularizationStrength;
  const shrinkage = 2 * rule.l2ShrinkageRegularizationStrength;
  return {
    name: "followRegularizedLeader",
    slots: ["accumulator", "linear"],
    initialValues: { accumulator: rule.initialAccumulatorValue },
    numbers: ({ learningRate }) => {
      if (learningRate === 0)
        throw new ValueError({
          who: "ftrl",
          expected: "a learning rate above 0, because it divides by it",
          received: "0",
          fix: "Let its schedule end at a small rate.",
        });
      const l2 = rule.l2RegularizationStrength + rule.beta / (2 * learningRate);
      return { inverseRate: 1 / learningRate, quadratic: 2 * l2 };
    },
    update: (gradients, { number, slot, weights }) =>
      gradients.map((g, i) => {
        const w = weights[i];
        const [accumulator, linear] = [slot("accumulator", i), slot("linear", i)];
        const pushed = shrinkage === 0 ? g : g.add(w.multiply(shrinkage));
        const sum = accumulator.set(accumulator.value.add(g.square()));
        const [before, after] = [accumulator.value, sum].map((n) =>
          n.power(-rule.learningRatePower).multiply(number("inverseRate")),
        );
        const drift = after.subtract(before).multiply(w);
        const z = linear.set(linear.value.add(pushed.subtract(drift)));
        const quadratic = after.add(number("quadratic"));
        const next = z.minimum(l1).maximum(-l1).subtract(z).divide(quadratic);
        const step = next.subtract(w);
        return rule.initialAccumulatorValue > 0 ? step : quadratic.equal(0).where(0, step);
      }),
  };
}
