/** What a recorded step needs of the host. */
import { bytesOf, type DType } from "../base/dtype.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { type Computation, rootsOf } from "../ir/graph.ts";
import { topological } from "../ir/node.ts";

/** What a step needs of the host. */
export interface HostNeeds {
  /** Names of the inputs that the host must give. */
  readonly inputs: ReadonlySet<string>;
  /** Bytes that the host gives and gets for each step. */
  readonly hostBytes: number;
}

/** What a step needs of the host, and how much goes to and fro. */
export function hostNeeds(computation: Computation): HostNeeds {
  const bytes = (dtype: DType, shape: Shape) => bytesOf(dtype) * sizeOf(shape);
  const sizes = (axes: readonly { size: number }[]) => axes.map((axis) => axis.size);
  const inputs = topological(rootsOf(computation)).filter((node) => node.op === "input");
  const given = inputs.map((node) => bytes(node.dtype, sizes(node.axes)));
  const got = computation.results.map(({ node, axes }) => bytes(node.dtype, sizes(axes)));
  return {
    inputs: new Set(inputs.map((node) => node.attributes.name!)),
    hostBytes: [...given, ...got].reduce((sum, size) => sum + size, 0),
  };
}
