/** Data made ready for a model, which is built for it where its input shape was not known. */
import type { DataChunk } from "../base/dataset.ts";
import { StateError } from "../base/errors.ts";
import type { Compiled } from "./compiled.ts";
import { inputData, type StepData, sampleShapes, stepData, type WeightOptions } from "./data.ts";
import type { Net } from "./net.ts";
import type { DataInput } from "./rows.ts";

/** Inputs, targets and weights, checked. Errors leave the model as it was. */
export function readyData(
  net: Net,
  x: DataInput,
  y: DataInput | undefined,
  weights: WeightOptions,
  who: string,
  compiled: Compiled = net.compiledFor(who),
): StepData {
  return builtFor(net, x, `${who} x`, () => stepData(x, y, weights, net.topology, compiled, who));
}

/** Inputs, checked. Errors leave the model as it was. */
export function readyInputs(net: Net, x: DataInput, who: string): StepData {
  return builtFor(net, x, who, () => inputData(x, net.topology, who));
}

/** A reader of the chunks of a set, for training and testing. */
export const chunkReader =
  (net: Net, compiled: Compiled) =>
  ({ x, y, sampleWeight }: DataChunk, who: string): StepData =>
    readyData(net, x, y, { sampleWeight }, who, compiled);

/** Builds the model for these inputs where it is not, and takes that back where `check` fails. */
function builtFor(net: Net, x: DataInput, who: string, check: () => StepData): StepData {
  const { topology } = net;
  if (topology.built) return check();
  if (topology.knownInputShapes) net.buildIfKnown();
  else net.build(sampleShapes(x, topology.inputs, who));
  if (!topology.built)
    throw new StateError({ who, expected: "a model that is built", received: "one that is not" });
  try {
    return check();
  } catch (error) {
    topology.unbuild?.();
    throw error;
  }
}
