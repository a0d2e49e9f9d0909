/** The pass that takes derived ops apart. */
import type { Computation } from "./graph.ts";
import { rowOf } from "./ops.ts";
import { type Rule, rewrite } from "./rewrite.ts";

export const decompose: Rule = (graph, node) => rowOf(node.op).lower?.(graph, node);

/** The same computation in basic rows only: each derived row is replaced by what it is made of. */
export const lower = (computation: Computation): Computation => rewrite(computation, [decompose]);
