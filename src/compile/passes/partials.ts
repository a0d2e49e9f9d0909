/**
 * Contractions whose reduced axis is split over threads: each thread computes the partial sums of its
 * slices, and a second kernel adds them, in the same order as one thread would.
 */
import type { Axis, Node } from "../../ir/node.ts";
import { type Kernel, placeFor, sliceLength } from "../kernel.ts";
import { baseOf } from "./shard.ts";

/**
 * Only where the second operand is state that this program writes: then its rows belong to threads,
 * and would have to move otherwise.
 */
export function splitPartials(kernels: readonly Kernel[], written: ReadonlySet<Node>): Kernel[] {
  return kernels.flatMap((kernel) => {
    const cuts = kernel.anchor?.attributes.cuts;
    if (kernel.kind !== "contract" || !cuts || !written.has(baseOf(kernel.anchor!.inputs[1]!)))
      return [kernel];
    // Threads find the slices of their part by one length.
    if (!sliceLength(cuts)) return [kernel];
    const anchor = kernel.anchor!;
    const slices: Axis = { name: `slice of ${anchor.attributes.over![0]}`, size: cuts.length - 1 };
    const partial = placeFor(anchor, [slices, ...anchor.axes]);
    const first: Kernel = {
      ...kernel,
      nodes: [],
      slices,
      stores: [{ node: anchor, target: { kind: "value", node: partial } }],
    };
    return [first, { ...kernel, kind: "rows", partial }];
  });
}
