/**
 * THE op table. One row says everything that anyone may ask about an op; shared passes never name
 * an op but ask its row. A row exists only where it needs its own numerical care or its own form in
 * a renderer: everything else is a composite of tensors (`tensor/`).
 *
 * Basic rows have a form in each renderer; rows with a `lower` are derived and exist only before
 * the decomposition pass.
 */
import { GraphError } from "./node.ts";
import { arithmetic } from "./ops-arithmetic.ts";
import { bitwise } from "./ops-bits.ts";
import { functions } from "./ops-functions.ts";
import { leaves } from "./ops-leaves.ts";
import { reductions } from "./ops-sums.ts";
import { views } from "./ops-views.ts";
import type { Kind, OpRow } from "./row.ts";

export type { Kind, NodeType, OpRow } from "./row.ts";

export const ops = {
  ...leaves,
  ...arithmetic,
  ...bitwise,
  ...reductions,
  ...views,
  ...functions,
} as const satisfies Record<string, OpRow>;

export type OpName = keyof typeof ops;

/** Op names by what their row says, for renderers that must cover all of them. */
export type OpsOfKind<K extends Kind> = {
  [N in OpName]: (typeof ops)[N] extends { kind: K } ? N : never;
}[OpName];

/** The row of an op; throws a GraphError where there is none. */
export function rowOf(op: string): OpRow {
  const row = (ops as Record<string, OpRow>)[op];
  if (!row) throw new GraphError({ who: op, expected: "an op of the table", received: op });
  return row;
}
