/** Canonical names: two traces of the same computation become the same text. */
import type { Computation } from "./graph.ts";
import type { Node } from "./node.ts";
import { renameAxes } from "./rewrite.ts";

export interface Canonical {
  readonly computation: Computation;
  /** Canonical leaf name -> the name it was traced under. */
  readonly leaves: ReadonlyMap<string, string>;
  /** Canonical result name -> the name it was traced under. */
  readonly results: ReadonlyMap<string, string>;
}

/**
 * Names axes `a b c ...`, leaves by their op (`variable0`, `input1`, ...) and results `result0 ...` in
 * order of first appearance.
 */
export function canonicalize(computation: Computation): Canonical {
  const axes = new Map<string, string>();
  const leaves = new Map<string, string>();
  const counts = new Map<string, number>();
  const axisName = (old: string) => {
    const known = axes.get(old) ?? letters(axes.size);
    axes.set(old, known);
    return known;
  };
  const leafName = ({ op, attributes }: Node) => {
    const count = counts.get(op) ?? 0;
    counts.set(op, count + 1);
    leaves.set(`${op}${count}`, attributes.name!);
    return `${op}${count}`;
  };
  const renamed = renameAxes(computation, axisName, leafName);
  const results = new Map(renamed.results.map((result, i) => [`result${i}`, result.name]));
  return {
    computation: {
      ...renamed,
      results: renamed.results.map((result, i) => ({ ...result, name: `result${i}` })),
    },
    leaves,
    results,
  };
}

/** a, b, ..., z, aa, ab, ... */
function letters(index: number): string {
  const letter = String.fromCharCode(97 + (index % 26));
  return index < 26 ? letter : letters(Math.floor(index / 26) - 1) + letter;
}
