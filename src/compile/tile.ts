/** How a contraction is cut into register tiles and cache blocks: data, chosen by rules on shapes. */
import type { Axis } from "../ir/node.ts";
import { roundUp } from "./layout.ts";

/** One decision, as printed: `axis` is walked by `amount` in this way. */
export interface TileStep {
  readonly axis: string;
  readonly kind: "register" | "vectors" | "chunk" | "block";
  readonly amount: number;
}

export interface Tile {
  /** Rows of a register tile. Rows + vectors + their product must stay within 15 registers. */
  readonly rows: number;
  /** Vectors of four columns of a register tile. */
  readonly vectors: number;
  /** Rows of a block of the result that stays in the L1 cache until all is done with it. */
  readonly chunk: number;
  /** Columns of such a block. */
  readonly columns: number;
  /** Steps of the reduced axis before the next tile is taken. */
  readonly depth: number;
}

/** Overrides for measurements and tests: no choice of tiles changes a bit of any result. */
export type TileOptions = Partial<Tile>;

/** Bytes of a result block; the rest of a 32 KiB L1 cache is for the operands. */
const blockBytes = 14 * 1024;
/** The same where the reduction is short, and what follows reads as much again for each element. */
const shortBlockBytes = 8 * 1024;
const shortReduction = 64;
const widestBlock = 128;
/** The longest run of the reduced axis of which 32 rows stay in the L1 cache. */
const longestDepth = 128;

export interface TileShape {
  readonly rows: number;
  readonly columns: number;
  readonly reduced: number;
  /** Length of a slice of the reduced axis, where it is cut. */
  readonly slice: number | undefined;
  /** A later stage needs whole rows. */
  readonly wholeRows: boolean;
}

export function chooseTile(shape: TileShape, options: TileOptions = {}): Tile {
  const rows = options.rows ?? 4;
  const vectors = options.vectors ?? 2;
  const unit = 4 * vectors;
  const padded = roundUp(shape.columns, unit);
  const widest = roundUp(Math.min(options.columns ?? widestBlock, padded), unit);
  // Blocks of nearly equal width.
  const blocks = Math.ceil(padded / widest);
  const columns = shape.wholeRows ? padded : roundUp(Math.ceil(padded / blocks), 16);
  const bytes = shape.reduced < shortReduction ? shortBlockBytes : blockBytes;
  const fitting = Math.floor(bytes / (4 * roundUp(columns, 16)) / rows) * rows;
  const chunk = Math.max(rows, Math.min(options.chunk ?? 32, fitting, roundUp(shape.rows, rows)));
  const longest = options.depth ?? longestDepth;
  const depth = shape.slice ?? (shape.reduced <= longest * 1.5 ? shape.reduced : longest);
  return { rows, vectors, chunk: roundUp(chunk, rows), columns, depth };
}

export function tileSteps(
  tile: Tile,
  row: Axis | undefined,
  column: Axis,
  over: string,
): TileStep[] {
  const steps: TileStep[] = [];
  if (row) steps.push({ axis: row.name, kind: "register", amount: tile.rows });
  steps.push({ axis: column.name, kind: "vectors", amount: tile.vectors });
  if (row) steps.push({ axis: row.name, kind: "chunk", amount: tile.chunk });
  steps.push({ axis: column.name, kind: "block", amount: tile.columns });
  steps.push({ axis: over, kind: "block", amount: tile.depth });
  return steps;
}

export const printTile = (steps: readonly TileStep[]): string =>
  steps.map(({ axis, kind, amount }) => `${kind} ${axis} ${amount}`).join(", ");
