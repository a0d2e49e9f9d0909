/** What all optimizers have in common: Keras's options of every optimizer. */
import { describe, ValueError } from "../../base/errors.ts";
import { boolean, choice, type Field, keyed, number, optional, whole } from "../fields.ts";
import { type Clip, clipByGlobalNorm, clipByNorm, clipByValue } from "../transforms/clip.ts";

/** Options of every optimizer. */
export interface CommonOptions {
  /**
   * How fast weights shrink: w -= learningRate weightDecay w before each update. Default: none (and
   * 0.004 for AdamW).
   */
  readonly weightDecay?: number | undefined;
  /**
   * "decoupled" from the gradients, as Keras does in all optimizers; "coupled" adds weightDecay w to
   * the clipped gradients, as PyTorch's `weight_decay` does in all but AdamW. Default: "decoupled".
   */
  readonly weightDecayMode?: "decoupled" | "coupled";
  /** The largest L2 norm of each weight's gradient. At most one of the three clips. */
  readonly clipnorm?: number | undefined;
  /** The largest size of each number of a gradient. */
  readonly clipvalue?: number | undefined;
  /** The largest L2 norm of all gradients together. */
  readonly globalClipnorm?: number | undefined;
  /** Averages the weights over the steps; a fit ends with the averages. Default: false. */
  readonly useEma?: boolean;
  /** What an average keeps at each step, in [0, 1]; only with `useEma`. Default: 0.99. */
  readonly emaMomentum?: number;
  /** Replaces the weights by their averages every so many updates; only with `useEma`. */
  readonly emaOverwriteFrequency?: number | undefined;
  /**
   * Updates once every so many steps, at least 2, by the mean of their gradients. Schedules go on
   * counting steps, bias corrections count updates. Default: at every step.
   */
  readonly gradientAccumulationSteps?: number | undefined;
  /** The loss is multiplied by it, and the gradients are divided by it again. Default: off. */
  readonly lossScaleFactor?: number | undefined;
  /** What the rate is multiplied by, see `Optimizer.rateFactor`. Default: 1. */
  readonly rateFactor?: number;
}

/** The same in full. */
export interface CommonSettings {
  readonly weightDecay: number | undefined;
  readonly weightDecayMode: "decoupled" | "coupled";
  readonly clipnorm: number | undefined;
  readonly clipvalue: number | undefined;
  readonly globalClipnorm: number | undefined;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  readonly emaOverwriteFrequency: number | undefined;
  readonly gradientAccumulationSteps: number | undefined;
  readonly lossScaleFactor: number | undefined;
  readonly rateFactor: number;
}

/**
 * An option that Keras does not have: in files only where it is not what Keras does, so that Keras
 * reads them.
 *
 * @param keras the value that stands for what Keras does
 */
export const ownField = <T>(field: Field<T>, keras: T): Field<T> => ({
  ...field,
  isOwn: true,
  write: (value) => (value === keras ? undefined : (value as never)) as never,
});

/** A limit; Keras takes 0 for none. */
const limit: Field<number | undefined> = {
  ...optional(number(undefined, { above: 0 })),
  parse: (value) => (value === 0 || value === null ? undefined : value),
};

/** A frequency; Keras takes 0 for none. */
const every = (least: number): Field<number | undefined> => ({
  ...optional(whole(undefined, least)),
  parse: (value) => (value === 0 || value === null ? undefined : value),
});

/** Fields of the common options. */
export const commonFields = {
  weightDecay: optional(number(undefined, { from: 0 })),
  weightDecayMode: ownField<"decoupled" | "coupled">(
    choice(["decoupled", "coupled"], "decoupled"),
    "decoupled",
  ),
  clipnorm: limit,
  globalClipnorm: limit,
  clipvalue: limit,
  useEma: boolean(false),
  emaMomentum: number(0.99, { from: 0, to: 1 }),
  emaOverwriteFrequency: every(1),
  lossScaleFactor: optional(number(undefined, { above: 0 })),
  gradientAccumulationSteps: every(2),
  rateFactor: keyed("rate_factor", ownField(number(1, { from: 0 }), 1)),
} as const;

/** Throws a ValueError where more than one of the clips is on. */
export function checkClips(options: CommonSettings, who: string): void {
  const { clipnorm, clipvalue, globalClipnorm } = options;
  const on = Object.entries({ clipnorm, clipvalue, globalClipnorm }).filter(
    ([, value]) => value !== undefined,
  );
  if (on.length > 1)
    throw new ValueError({
      who,
      expected: "at most one of clipnorm, clipvalue and globalClipnorm",
      received: describe(on.map(([name]) => name)),
    });
}

/** The clip that is on. */
export function clipOf(options: CommonSettings): Clip | undefined {
  const { clipnorm, clipvalue, globalClipnorm } = options;
  if (clipnorm !== undefined) return clipByNorm(clipnorm);
  if (clipvalue !== undefined) return clipByValue(clipvalue);
  return globalClipnorm === undefined ? undefined : clipByGlobalNorm(globalClipnorm);
}
