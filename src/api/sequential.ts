/** Models of layers one after the other. */
import { Sequence, type SequencePart } from "../model/sequence.ts";
import { settings } from "../nn/options.ts";
import { Model } from "./model.ts";
import { type ModelOptions, makeNet } from "./options.ts";

/** A model of layers one after the other. */
export class Sequential extends Model {
  readonly #sequence: Sequence;

  constructor(layers: readonly SequencePart[] = [], options: ModelOptions = {}) {
    const defaults = { name: "sequential", seed: undefined, engine: undefined };
    const given = settings<ModelOptions, typeof defaults>(options, defaults, "sequential");
    const sequence = new Sequence(layers);
    super(makeNet(sequence, given, "sequential"));
    this.#sequence = sequence;
  }

  /**
   * Adds a layer at the end, and builds it where the model is built.
   *
   * @throws ShapeError where it can't follow, StateError while a fit runs
   */
  add(layer: SequencePart): void {
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
export const sequential = (layers: readonly SequencePart[], options?: ModelOptions): Sequential =>
  new Sequential(layers, options);
