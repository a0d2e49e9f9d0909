/** From a kernel to its function. */
import type { Node } from "../../ir/node.ts";
import { accessOf, layoutOfNode } from "../access.ts";
import type { Kernel } from "../kernel.ts";
import type { TileOptions } from "../tile.ts";
import { emitColumns, emitUniform } from "./columns.ts";
import { emitContraction } from "./contraction.ts";
import type { Override } from "./evaluate.ts";
import { Frame } from "./frame.ts";
import { RowProgram } from "./rows.ts";

/** What the code is for. */
export interface Target {
  readonly fma: boolean;
  readonly tiles: TileOptions | undefined;
}

/** The frame with the finished code; `split` names the axis of which each thread takes a part. */
export function emitKernel(kernel: Kernel, split: string | undefined, target: Target): Frame {
  const frame = new Frame(split, target.fma);
  switch (kernel.kind) {
    case "contract":
      emitContraction(frame, kernel, target.tiles);
      break;
    case "rows":
      emitRows(frame, kernel);
      break;
    case "columns":
      emitColumns(frame, kernel);
      break;
    case "uniform":
      emitUniform(frame, kernel);
      break;
  }
  return frame;
}

function emitRows(frame: Frame, kernel: Kernel): void {
  const program = new RowProgram(frame, kernel, partialSums(frame, kernel));
  frame.loops(kernel.outer, () => {
    const { from, to } = frame.bounds(kernel.inner.at(-1)!);
    program.row(from, to);
  });
}

/** The anchor of a kernel that adds partial sums. */
function partialSums(frame: Frame, { anchor, partial }: Kernel): Map<Node, Override> {
  if (!anchor || !partial) return new Map();
  const [slices, ...axes] = partial.axes;
  const access = accessOf(partial);
  const strides = new Map(axes.map(({ name }) => [name, access.strides.get(name)!]));
  const bytes = 4 * layoutOfNode(partial).strides[0]!;
  const override = {
    access: { ...access, strides },
    origin: frame.address(partial),
    terms: { count: slices!.size, bytes },
  };
  return new Map([[anchor, override]]);
}
