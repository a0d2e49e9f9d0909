/**
 * The one node of the whole compiler, from the traced tensor to the kernel.
 *
 * A value has a dtype and an ordered list of *named* axes. Broadcasting is by name: an operand that
 * lacks an axis is the same along it. So a graph holds no transpose, no broadcast and no index
 * arithmetic: a matrix product names the axes it reduces, and an axis keeps its name to the emitter.
 */
import type { DType } from "../base/dtype.ts";
import { AntlerError } from "../base/errors.ts";

export interface Axis {
  readonly name: string;
  readonly size: number;
}

/** What an op needs to know beyond its inputs. Plain data; each row of the op table uses its own. */
export interface Attributes {
  /** `constant`: its value. */
  readonly value?: number;
  /** Leaves: the name under which the host binds it. */
  readonly name?: string;
  /** Leaves, `constant`, `index`, `cast`, `bitcast`: the dtype of the result. */
  readonly dtype?: DType;
  /** Leaves: their axes. `table`: the axes of one row. `index`: its one axis. `split`: the new axes. */
  readonly axes?: readonly Axis[];
  /** `sum`, `max`, `contract`: names of the axes that go. `merge`: names of the axes merged. */
  readonly over?: readonly string[];
  /** `rename`: old name and new name. */
  readonly names?: readonly (readonly [string, string])[];
  /**
   * `merge`: the axis that stands for the merged ones, in row-major order. `slice`, `pad`,
   * `clampedSlice`: the axis of the result that stands for `axis`; a `slice` without one is at one
   * position, and has no such axis.
   */
  readonly into?: Axis;
  /**
   * `split`: the name of the axis that is split. `slice`, `clampedSlice`: of the one that is cut. `pad`:
   * of the one that grows; without one the input stands at one position.
   */
  readonly axis?: string;
  /** `slice`, `clampedSlice`: the first position that is taken. `pad`: where the input begins. */
  readonly from?: number;
  /**
   * `contract`: where its one reduced axis is cut. Each slice is a partial sum of its own, and they
   * are added in order: `[0, 128, 256]` are two slices. Absent: one chain of additions.
   */
  readonly cuts?: readonly number[];
}

export interface Node {
  /** Unique and ascending within its graph: inputs have lower ids than what uses them. */
  readonly id: number;
  /** A row of the op table (`ops.ts`). */
  readonly op: string;
  readonly dtype: DType;
  readonly axes: readonly Axis[];
  readonly inputs: readonly Node[];
  readonly attributes: Attributes;
}

/** Makes nodes: what gradients and decompositions are written with. */
export interface Maker {
  make(op: string, inputs: readonly Node[], attributes?: Attributes): Node;
  constant(value: number, dtype: DType): Node;
  /** A new axis whose name no other axis of this graph has. */
  axis(size: number): Axis;
}

export const axisNames = (axes: readonly Axis[]): string[] => axes.map((axis) => axis.name);

export const hasAxis = (axes: readonly Axis[], name: string): boolean =>
  axes.some((axis) => axis.name === name);

export const sizeOfAxes = (axes: readonly Axis[]): number =>
  axes.reduce((size, axis) => size * axis.size, 1);

/** An error in a graph: a bug of whoever built it, never of the user's data. */
export class GraphError extends AntlerError {
  override readonly name = "GraphError";
}

/**
 * All nodes below `roots`, inputs before their users, in an order that only the structure decides;
 * without those of `known` and what only they need.
 */
export function topological(roots: readonly Node[], known?: ReadonlySet<Node>): Node[] {
  const seen = new Set<Node>();
  const order: Node[] = [];
  // An explicit stack, of nodes and of the input that each looks at next: a graph may be deeper than
  // JavaScript's own.
  const stack: Node[] = [];
  const next: number[] = [];
  const visit = (node: Node) => {
    if (seen.has(node) || known?.has(node)) return;
    seen.add(node);
    stack.push(node);
    next.push(0);
  };
  for (const root of roots) {
    visit(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const input = top.inputs[next[next.length - 1]!++];
      if (input) visit(input);
      else {
        order.push(top);
        stack.pop();
        next.pop();
      }
    }
  }
  return order;
}
