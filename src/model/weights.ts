/** A model's weights as host arrays. */
import { describe, ShapeError, StateError, ValueError } from "../base/errors.ts";
import { type ArrayInput, type HostArray, toHostArray } from "../base/host-array.ts";
import { formatShape, sameShape } from "../base/shape.ts";
import { readVariables, type Variable, writeVariables } from "../tensor/variable.ts";
import type { Net } from "./net.ts";

/** Copies of all weights, in Keras's order: layer by layer, trainable ones first. */
export async function getWeights(net: Net): Promise<HostArray[]> {
  return readVariables(builtWeights(net, "getWeights"));
}

/** Sets all weights to copies of these, or, where one does not fit, none. */
export async function setWeights(net: Net, values: readonly ArrayInput[]): Promise<void> {
  net.checkMayWrite("setWeights");
  const weights = builtWeights(net, "setWeights");
  if (!Array.isArray(values) || values.length !== weights.length)
    throw new ValueError({
      who: "setWeights",
      expected: `an array of ${weights.length} weights`,
      received: describe(values),
      fix: `In this order: ${weights.map((weight) => weight.path).join(", ")}.`,
    });
  const arrays = weights.map((weight, i) => {
    const who = `setWeights "${weight.path}"`;
    const array = toHostArray(values[i], who);
    if (!sameShape(array.shape, weight.shape))
      throw new ShapeError({
        who,
        expected: `shape ${formatShape(weight.shape)}`,
        received: formatShape(array.shape),
      });
    return new Float32Array(array.data);
  });
  await writeVariables(weights, arrays);
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
