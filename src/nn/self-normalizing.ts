/**
 * What layers say of themselves in a net that is to normalize itself: one of SELUs, whose activations
 * keep mean 0 and variance 1 by themselves (Klambauer, Unterthiner, Mayr and Hochreiter,
 * "Self-Normalizing Neural Networks", 2017, https://arxiv.org/abs/1706.02515).
 */

/**
 * What comes into a layer: `inputs` of the model, of any mean and variance; `standardized` ones, of mean
 * 0 and variance 1; weighted `sums` that no activation has seen yet; `activations` of a SELU.
 */
export type SelfNormalizingSignal = "inputs" | "standardized" | "sums" | "activations";

/** What breaks self-normalization, and what to do about it: a sentence each. */
export interface SelfNormalizingProblem {
  readonly problem: string;
  readonly fix: string;
}

/** What a layer says of itself. */
export interface SelfNormalizing {
  /** What its output is. Default: what came in. */
  readonly makes?: SelfNormalizingSignal;
  /** Default: none. */
  readonly problems?: readonly SelfNormalizingProblem[];
  /** What might be better, but breaks nothing. Default: none. */
  readonly advice?: readonly string[];
}

/** One problem. */
export const breaks = (problem: string, fix: string): SelfNormalizing => ({
  problems: [{ problem, fix }],
});

const useSelu = 'Use activation: "selu" with kernelInitializer: "lecunNormal".';

/** Another activation where SELU should be. */
export const otherActivation = (name: string): SelfNormalizing => ({
  makes: "activations",
  ...breaks(`its activation is ${name}, and only SELU brings mean and variance back`, useSelu),
});

/** A layer that normalizes what SELU would. */
export const otherNormalization = (): SelfNormalizing =>
  breaks(
    "it normalizes, which SELU does by itself: the net is to be a sequence of dense layers only",
    "Leave it out; inputs are standardized before the first layer.",
  );

/** Noise that is no alpha dropout. */
export const otherNoise = (what: string): SelfNormalizing =>
  breaks(`${what}, so mean or variance change`, "Use layers.alphaDropout, which keeps both.");

/** A layer that joins several inputs. */
export const joins = (): SelfNormalizing =>
  breaks(
    "it joins several inputs, and with skip connections nothing keeps mean 0 and variance 1",
    "Make the net a sequence of dense layers.",
  );
