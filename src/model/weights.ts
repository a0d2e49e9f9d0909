/** A model's weights as host arrays. */
import { StateError } from "../base/errors.ts";
import type { ArrayInput, HostArray } from "../base/host-array.ts";
import { setVariables } from "../nn/layer.ts";
import { readVariables, type Variable } from "../tensor/variable.ts";
import type { Net } from "./net.ts";

/** Copies of all weights, in Keras's order: layer by layer, trainable ones first. */
export async function getWeights(net: Net): Promise<HostArray[]> {
  return readVariables(builtWeights(net, "getWeights"));
}

/** Sets all weights to copies of these, or, where one does not fit, none. */
export async function setWeights(net: Net, values: readonly ArrayInput[]): Promise<void> {
  net.checkMayWrite("setWeights");
  const weights = builtWeights(net, "setWeights");
  await setVariables(weights, values, "setWeights");
}

function builtWeights(net: Net, who: string): readonly Variable[] {
  if (net.topology.built) return net.weights;
  throw new StateError({
    who,
    expected: "a model that is built",
    received: "one whose input shape is not known yet",
    fix: "Give the first layer an inputShape, or call model.build(inputShape).",
  });
}
