/** Rows without inputs: what a graph begins with. */
import { type Attributes, GraphError } from "./node.ts";
import type { NodeType, OpRow } from "./row.ts";

const leaf = (op: string, attributes: Attributes): NodeType => {
  if (attributes.dtype === undefined || attributes.axes === undefined)
    throw new GraphError({ who: op, expected: "dtype and axes", received: "neither" });
  return { dtype: attributes.dtype, axes: attributes.axes };
};

export const leaves = {
  /** One number, everywhere the same. */
  constant: {
    kind: "leaf",
    inputs: 0,
    type: (_, __, { dtype }) => ({ dtype: dtype!, axes: [] }),
    cost: 0,
  },
  /** What the host decides for each step: rates, seeds, row indices. */
  input: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 1 },
  /** What a step leaves behind for the next. */
  variable: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 1 },
  /** A resident data set of any number of rows: `axes` are those of one row. */
  table: { kind: "leaf", inputs: 0, type: (op, _, a) => leaf(op, a), cost: 0 },
  /** The position along one axis, as uint32. */
  index: {
    kind: "index",
    inputs: 0,
    type: (_, __, { axes }) => ({ dtype: "uint32", axes: axes! }),
    cost: 1,
  },
} as const satisfies Record<string, OpRow>;
