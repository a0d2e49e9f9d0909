/**
 * The links of an optimizer's chain: each turns gradients (or what the link before made of them)
 * into updates, with state of its own for each weight. The optimizer adds the last link's result to
 * the weights. The split of an optimizer into such links is that of optax.
 *
 * Numbers that hang on the step (rates, bias corrections) are pure functions of the iteration and
 * the learning rate, reckoned on the host in doubles and handed to each step: nothing recompiles
 * when they change, and no power of a float32 loses its digits.
 */
export { type AdamaxRule, type AdamRule, scaleByAdam, scaleByAdamax } from "./transforms/adam.ts";
export {
  type AdadeltaRule,
  type AdagradRule,
  type RmsRule,
  scaleByAdadelta,
  scaleByAdagrad,
  scaleByRms,
} from "./transforms/adaptive.ts";
export { type Clip, clipByGlobalNorm, clipByNorm, clipByValue } from "./transforms/clip.ts";
export { type FtrlRule, followRegularizedLeader } from "./transforms/ftrl.ts";
export {
  accumulateMomentum,
  type LionRule,
  negate,
  scaleByLearningRate,
  scaleByLion,
} from "./transforms/momentum.ts";
export { type NadamRule, scaleByNadam } from "./transforms/nadam.ts";
export type {
  EpsilonPlace,
  MomentumAt,
  Slot,
  StepInfo,
  Transform,
  UpdateContext,
} from "./transforms/transform.ts";
