/** The step of Monte Carlo predict: one draw of the outputs for a batch, cut at the first noise. */
import { ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import { ForwardPass } from "../nn/context.ts";
import type { RandomSource } from "../tensor/random.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Trace, type Traced } from "../tensor/trace.ts";
import { type Cut, cutAtNoise } from "./cut.ts";
import { type HostNeeds, hostNeeds } from "./host-needs.ts";
import { gatheredInputs, type RowType, type StepModel, seedInputs, stepNames } from "./step.ts";
import { unroll, workOf } from "./unroll.ts";

/** A part of the step that can be loaded. */
export interface McPart extends HostNeeds {
  readonly traced: Traced;
}

/** The step of Monte Carlo predict. */
export interface McStep extends Pick<Cut, "kept" | "isNoisy"> {
  /** What comes before the first noise, once for each batch; absent where hardly more than data does. */
  readonly trunk: McPart | undefined;
  /** From there to the outputs, once for each batch and every `copies` samples. */
  readonly head: McPart;
  /** Samples in a step of the head: 1, or all of a block. */
  readonly copies: number;
}

/**
 * Samples that are drawn from the same blocks of Philox, which have four numbers each: where noise is
 * most of the work, a step makes all of them.
 */
export const samplesInBlock = 4;

/** Names of inputs and results of the head, beside those of every step. */
export const mcNames = {
  /** The number of the block of samples, from 0. */
  block: "block",
  /** The place of the sample in it; no input where a step makes the whole block. */
  word: "word",
  /** What is added to a row's place in the tables: its number among all rows, from 1 on. */
  firstRow: "firstRow",
  /** The number of the batch's first row among all rows, from 1 on. */
  batchRow: "batchRow",
  /** -sum p log p over the last dimension of an output, where it is a distribution. */
  entropy: (position: number) => `entropy${position}`,
  /** A result of one of the samples that a step makes. */
  result: (name: string, copy: number) => (copy === 0 ? name : `${name} ${copy}`),
} as const;

/** At least two, so that the batch is an axis, and a draw that all rows share is known as one. */
export const leastMcBatch = 2;

/** What is recorded. */
interface McShapes {
  /** At least `leastMcBatch`. */
  readonly batch: number;
  readonly x: readonly RowType[];
}

/** Inputs that make the noise. */
const noiseNames: ReadonlySet<string> = new Set([
  stepNames.seed,
  stepNames.seedHigh,
  mcNames.block,
  mcNames.word,
  mcNames.firstRow,
  mcNames.batchRow,
]);

/**
 * Records the step, and cuts it.
 *
 * @throws ValueError where no output hangs on noise
 */
export function recordMcStep(model: Pick<StepModel, "topology">, shapes: McShapes): McStep {
  const whole = traceMcStep(model, shapes);
  const { trunk, head, kept, isNoisy } = cutAtNoise(whole, noiseNames, stepNames.rows);
  if (!isNoisy.includes(true))
    throw new ValueError({
      who: "mcPredict",
      expected: "a model whose outputs hang on noise",
      received: "a model without noise: all samples would be the same",
      fix: "It needs a layer that draws when sampling: dropout, alphaDropout, gaussianNoise, ...",
    });
  const isUnrolled = isNoiseMost(head);
  const words = Array.from({ length: samplesInBlock }, (_, i) => i);
  return {
    trunk: trunk && partOf(trunk),
    head: partOf(isUnrolled ? unroll(head, mcNames.word, words, mcNames.result) : head),
    copies: isUnrolled ? samplesInBlock : 1,
    kept,
    isNoisy,
  };
}

/**
 * Whether it pays to make a block of samples at once: it saves three of four draws, and makes up to
 * three samples too many. The same for every size of batch, so that no bit hangs on that.
 */
function isNoiseMost(head: Traced): boolean {
  const { results, updates } = head.computation;
  const rows = results[0].axes[0]?.name;
  if (updates.length > 0 || rows === undefined) return false;
  const { shared, own } = workOf(head, mcNames.word, rows);
  return 2 * shared > own;
}

/**
 * Records the whole step: noise on, normalisation by moving statistics. Noise is a function of (seed,
 * the layer's path, the sample, the number of the row, the element in it): word sample % 4 of the block
 * whose counter is the element, sample / 4 rounded down, and the number of the row.
 */
export function traceMcStep(
  { topology }: Pick<StepModel, "topology">,
  { batch, x }: McShapes,
): Traced {
  const trace = new Trace();
  const rows = trace.input(stepNames.rows, "uint32", [batch]);
  const source = () => mcSource(trace, rows);
  const pass = new ForwardPass({ trace, sampling: true, batchStatistics: false, source });
  const outputs = topology.call(gatheredInputs(trace, x, rows), pass);
  for (const [i, output] of outputs.entries()) {
    trace.result(stepNames.output(i), output);
    if (isClasses(output.shape.slice(1))) trace.result(mcNames.entropy(i), entropyOf(output));
  }
  return trace.finish();
}

/** Whether the numbers of such a sample may be those of a distribution over the last dimension. */
const isClasses = (sampleShape: Shape): boolean => sampleShape.length > 0;

function mcSource(trace: Trace, rows: Tensor): RandomSource {
  const scalar = (name: string) => trace.input(name, "uint32", []);
  const numbers = rows.add(scalar(mcNames.firstRow));
  return {
    ...seedInputs(trace),
    step: scalar(mcNames.block),
    word: scalar(mcNames.word),
    rows: { numbers, batch: () => scalar(mcNames.batchRow) },
  };
}

/**
 * H(p) = -sum p log p over the last dimension; of a single number p that of p and 1 - p. 0 log 0 is
 * 0; what is no distribution gets some number, which nobody looks at.
 */
export function entropyOf(output: Tensor): Tensor {
  const term = (p: Tensor) => p.greater(0).where(p.multiply(p.maximum(leastNumber).logarithm()), 0);
  const terms =
    output.shape.at(-1) === 1 ? term(output).add(term(output.negate().add(1))) : term(output);
  return terms.sum(-1).negate();
}

/** The smallest normal float32: keeps the logarithm of what `where` leaves out finite. */
const leastNumber = 2 ** -126;

const partOf = (traced: Traced): McPart => ({ traced, ...hostNeeds(traced.computation) });
