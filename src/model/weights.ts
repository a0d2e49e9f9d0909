/** A model's weights as host arrays. */
import { StateError } from "../base/errors.ts";
import type { ArrayInput, HostArray } from "../base/host-array.ts";
import { setVariables } from "../nn/layer.ts";
import { readVariables } from "../tensor/variable.ts";
import type { Net } from "./net.ts";

/** Copies of all weights, in Keras's order: layer by layer, trainable ones first. */
export async function getWeights(net: Net): Promise<HostArray[]> {
  requireBuilt(net, "getWeights");
  return readVariables(net.weights);
}

/** Sets all weights to copies of these, or, where one does not fit, none. */
export async function setWeights(net: Net, values: readonly ArrayInput[]): Promise<void> {
  net.checkMayWrite("setWeights");
  requireBuilt(net, "setWeights");
  await setVariables(net.weights, values, "setWeights");
}

/** Throws a StateError before the model is built. */
export function requireBuilt(net: Net, who: string): void {
  if (net.topology.built) return;
  throw new StateError({
    who,
    expected: "a model that is built",
    received: "one whose input shape is not known yet",
    fix: "Give the first layer an inputShape, or call model.build(inputShape).",
  });
}
