/** Small rules that hold for any row which declares what they ask for. */
import { rounderOf } from "./float32.ts";
import type { Computation } from "./graph.ts";
import type { Node } from "./node.ts";
import { rowOf } from "./ops.ts";
import { type Rule, rewrite } from "./rewrite.ts";

const isConstant = (node: Node): boolean => node.op === "constant";

/** An elementwise row on constants is a constant. */
export const fold: Rule = (graph, node) => {
  const row = rowOf(node.op);
  if (row.kind !== "elementwise" || !node.inputs.every(isConstant)) return undefined;
  const values = node.inputs.map((input) => rounderOf(input.dtype)(input.attributes.value!));
  const value = row.evaluate!(values, node.dtype, node.inputs[0].dtype);
  // A NaN is many bit patterns, and a number does not tell which.
  if (Number.isNaN(value)) return undefined;
  return graph.constant(rounderOf(node.dtype)(value), node.dtype);
};

/**
 * x op c is x, for the c that the row names. (Up to the sign of a zero: -0 + 0 is 0, but stays -0
 * here.)
 */
export const dropIdentity: Rule = (_, node) => {
  const { identity, commutative, kind } = rowOf(node.op);
  if (kind !== "elementwise" || identity === undefined) return undefined;
  const [a, b] = node.inputs;
  const neutral = (input: Node) => isConstant(input) && input.attributes.value === identity;
  if (neutral(b)) return a;
  return commutative && neutral(a) ? b : undefined;
};

/** The same computation with constants folded and neutral elements dropped. */
export const simplify = (computation: Computation): Computation =>
  rewrite(computation, [fold, dropIdentity]);
