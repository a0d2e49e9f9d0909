/** Models of layers one after the other. */
import { describe, ValueError } from "../base/errors.ts";
import { checkSeed } from "../base/philox.ts";
import { Net } from "../model/net.ts";
import { Sequence } from "../model/topology.ts";
import type { Layer } from "../nn/layer.ts";
import { settings } from "../nn/options.ts";
import { defaultEngine, type Engine } from "../runtime/engine.ts";
import { Model } from "./model.ts";

/** Options of `sequential`. */
export interface ModelOptions {
  /** Default: `sequential`. */
  readonly name?: string;
  /**
   * A whole number in [0, 2^53): initial weights are drawn from it, and it is the default for the
   * order and noise of a fit. The same seed gives the same bits. Default: a random one, which
   * `model.seed` tells.
   */
  readonly seed?: number;
  /** Where it runs. Default: the process's default engine, at the first use. */
  readonly engine?: Engine;
}

/** A model of layers one after the other. */
export class Sequential extends Model {
  readonly #sequence: Sequence;

  constructor(layers: readonly Layer[] = [], options: ModelOptions = {}) {
    const defaults = { name: "sequential", seed: undefined, engine: undefined };
    const given = settings<ModelOptions, typeof defaults>(options, defaults, "sequential");
    if (typeof given.name !== "string" || given.name === "")
      throw new ValueError({
        who: "sequential",
        expected: "name must be a text",
        received: describe(given.name),
      });
    const seed = given.seed ?? Math.floor(Math.random() * 2 ** 32);
    checkSeed(seed, "sequential");
    const { engine } = given;
    const sequence = new Sequence(layers);
    super(new Net(sequence, given.name, seed, engine ? () => engine : defaultEngine));
    this.#sequence = sequence;
  }

  /**
   * Adds a layer at the end, and builds it where the model is built.
   *
   * @throws ShapeError where it can't follow, StateError while a fit runs
   */
  add(layer: Layer): void {
    this.net.checkNoFit("add");
    this.#sequence.add(layer);
    try {
      this.net.buildIfKnown();
    } catch (error) {
      this.#sequence.removeLast();
      throw error;
    }
  }
}

/**
 * A model of layers one after the other. Where the first layer has an inputShape, the model is
 * built at once, else by `build` or by its first data.
 *
 * @throws ShapeError where a layer can't follow the one before
 * @example
 * const model = sequential([
 *   layers.dense({ units: 16, activation: "elu", inputShape: [4] }),
 *   layers.dense({ units: 3, activation: "softmax" }),
 * ]);
 */
export const sequential = (layers: readonly Layer[], options?: ModelOptions): Sequential =>
  new Sequential(layers, options);
