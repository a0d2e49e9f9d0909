/** What each axis of a contraction is to its kernel, and the tile that follows from it. */
import { type Axis, hasAxis, type Node } from "../ir/node.ts";
import type { Kernel } from "./kernel.ts";
import { chooseTile, type Tile, type TileOptions } from "./tile.ts";

/** The roles of a contraction's axes. */
export interface Roles {
  /** Walked by register tiles; undefined where A has no axis of its own. */
  readonly row: Axis | undefined;
  /** The vector axis, last of B's own. */
  readonly column: Axis;
  /** Loops around everything: batch axes and further rows and columns. */
  readonly around: readonly Axis[];
  /** Reduced, innermost last. */
  readonly reduced: readonly Axis[];
}

export function rolesOf(kernel: Kernel): Roles {
  const anchor = kernel.anchor!;
  const [a, b] = anchor.inputs as [Node, Node];
  const column = kernel.inner[0]!;
  const own = kernel.outer.filter(
    (axis) => hasAxis(a.axes, axis.name) && !hasAxis(b.axes, axis.name),
  );
  const row = own.at(-1);
  const over = anchor.attributes.over!;
  return {
    row,
    column,
    around: kernel.outer.filter((axis) => axis !== row),
    reduced: a.axes.filter((axis) => over.includes(axis.name)),
  };
}

export function tileOf(kernel: Kernel, options?: TileOptions): Tile {
  const { row, column, reduced } = rolesOf(kernel);
  const { cuts } = kernel.anchor!.attributes;
  return chooseTile(
    {
      rows: row?.size ?? 1,
      columns: column.size,
      reduced: reduced.reduce((n, axis) => n * axis.size, 1),
      slice: cuts && Math.max(...cuts.slice(1).map((to, i) => to - cuts[i]!)),
      wholeRows: kernel.nodes.some((node) => node.attributes.over !== undefined),
    },
    options,
  );
}
