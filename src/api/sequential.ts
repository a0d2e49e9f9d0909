/** Models of layers one after the other. */
import type { HostArray } from "../base/host-array.ts";
import type { Net } from "../model/net.ts";
import { Sequence, type SequencePart } from "../model/sequence.ts";
import { settings } from "../nn/options.ts";
import { Model } from "./model.ts";
import { type ModelOptions, makeNet } from "./options.ts";

/** A model of layers one after the other. */
export class Sequential extends Model {
  constructor(layers: readonly SequencePart[] = [], options: ModelOptions = {}) {
    const defaults = { name: "sequential", seed: undefined, engine: undefined };
    const given = settings<ModelOptions, typeof defaults>(options, defaults, "sequential");
    super(makeNet(new Sequence(layers), given, "sequential"));
  }

  /**
   * Adds a layer at the end, and builds it where the model is built.
   *
   * @throws ShapeError where it can't follow, StateError while a fit runs
   */
  add(layer: SequencePart): void {
    this.net.checkNoFit("add");
    const sequence = this.net.topology as Sequence;
    sequence.add(layer);
    try {
      this.net.buildIfKnown();
    } catch (error) {
      sequence.removeLast();
      throw error;
    }
  }
}

/** The model of a net that was made of a config: a `Sequential` where that is what it is. */
export function modelOf<Output extends HostArray | HostArray[]>(net: Net): Model<Output> {
  const model = new Model<Output>(net);
  if (net.topology instanceof Sequence) Object.setPrototypeOf(model, Sequential.prototype);
  return model;
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
