/** What a layer finds in its `call`: the trace, the two flags, random numbers. */
import { describe, ValueError } from "../base/errors.ts";
import { seedHigh } from "../base/philox.ts";
import { sizeOf } from "../base/shape.ts";
import type { Node } from "../ir/node.ts";
import { type RandomSource, randomNormal, randomUniform } from "../tensor/random.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Trace } from "../tensor/trace.ts";
import { type ActivationInput, resolveActivation } from "./activations.ts";

/** Random numbers of one layer, keyed by its path. */
export interface LayerRandom {
  /**
   * Uniform in [0, 1), one number for each element of `like`: a function of (seed, the layer's path
   * and `name`, the count of steps, the element). Two draws of one name in a call differ. Counted
   * are in `fit` train steps, in `evaluate` and `predict` the steps that draw; `mcPredict` counts
   * samples, and elements within their row.
   *
   * @param name of the stream, for a layer that draws for several ends. Default: `noise`
   * @param seed a whole number that takes the place of the model's seed. Default: none
   */
  uniform(like: Tensor, name?: string, seed?: number): Tensor;
  /** Standard normal, by the inverse of its distribution function; as `uniform` else. */
  normal(like: Tensor, name?: string, seed?: number): Tensor;
}

/** Handed to a layer's `call`. Tensors made of it belong to the step that is being recorded. */
export interface CallContext {
  /** Records the step; `trace.read(variable)` is a weight's value, `trace.assign` changes it. */
  readonly trace: Trace;
  /**
   * Whether noise is on (dropout): in `fit` and `mcPredict`, not in `evaluate` and `predict`. A
   * layer that draws all the same does so there too.
   */
  readonly sampling: boolean;
  /** Whether normalisation uses the batch at hand: in `fit`, nowhere else. */
  readonly batchStatistics: boolean;
  readonly random: LayerRandom;
  /**
   * `activation` of `x`. If the result turns out to be the model's output, losses get `x` as its
   * pre-activation.
   */
  activate(activation: ActivationInput, x: Tensor): Tensor;
  /** Adds a scalar to the loss of the step, as it is: not divided by the batch. */
  addLoss(loss: Tensor): void;
}

/** What an output was made of by an activation, for losses that compute from there. */
export interface PreActivation {
  /** Name of the activation, e.g. `softmax`; `function NAME` for a user's own. */
  readonly activation: string;
  /** Its options in full; absent for a user's function. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** What the activation was applied to. */
  readonly tensor: Tensor;
}

/** One recording of a forward pass: makes each layer's context. */
export class ForwardPass {
  readonly trace: Trace;
  readonly sampling: boolean;
  readonly batchStatistics: boolean;
  readonly #source: () => RandomSource;
  readonly #preActivations = new Map<Node, PreActivation>();
  readonly #losses: Tensor[] = [];

  /**
   * @param options.source where random numbers come from, asked at each draw: a step that draws none
   *   has no trace of it
   */
  constructor(options: {
    trace: Trace;
    sampling: boolean;
    batchStatistics: boolean;
    source: () => RandomSource;
  }) {
    this.trace = options.trace;
    this.sampling = options.sampling;
    this.batchStatistics = options.batchStatistics;
    this.#source = options.source;
  }

  /** The context of the layer at `path` in the model that is recorded. */
  contextOf(path: string): CallContext {
    const { trace, sampling, batchStatistics } = this;
    const draws = new Map<string, number>();
    const draw =
      (generate: typeof randomUniform) =>
      (like: Tensor, name = "noise", seed?: number) => {
        const source = seeded(trace, this.#source(), seed);
        const count = draws.get(name) ?? 0;
        draws.set(name, count + 1);
        const stream = count === 0 ? `${path}/${name}` : `${path}/${name}_${count}`;
        return generate(trace, source, stream, like);
      };
    return {
      trace,
      sampling,
      batchStatistics,
      random: { uniform: draw(randomUniform), normal: draw(randomNormal) },
      addLoss: (loss) => {
        if (!(loss instanceof Tensor) || sizeOf(loss.shape) !== 1)
          throw new ValueError({
            who: `${path} addLoss`,
            expected: "a tensor of one number",
            received: loss instanceof Tensor ? `shape [${loss.shape.join(", ")}]` : describe(loss),
          });
        this.#losses.push(loss.reshape([]));
      },
      activate: (input, x) => {
        const { name, call, options } = resolveActivation(input, path);
        const result: unknown = call(x);
        if (!(result instanceof Tensor))
          throw new ValueError({
            who: `activation ${name}`,
            expected: "it must return a Tensor",
            received: describe(result),
          });
        if (name !== "linear")
          this.#preActivations.set(result.node, { activation: name, options, tensor: x });
        return result;
      },
    };
  }

  /** What layers added to the loss. */
  get losses(): readonly Tensor[] {
    return this.#losses;
  }

  /** What `output` was made of, if an activation made it. */
  preActivationOf(output: Tensor): PreActivation | undefined {
    return this.#preActivations.get(output.node);
  }
}

/** The source with another seed, where one is given. */
function seeded(trace: Trace, source: RandomSource, seed: number | undefined): RandomSource {
  if (seed === undefined) return source;
  const u32 = (value: number) => trace.constant(value >>> 0, "uint32");
  return { ...source, seed: u32(seed), seedHigh: u32(seedHigh(seed)) };
}
