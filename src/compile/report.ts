/** A program as text, for `antler explain` and for snapshots in tests. */
import type { Computation } from "../ir/graph.ts";
import type { Axis, Node } from "../ir/node.ts";
import { printAxes, printType } from "../ir/print.ts";
import { layoutOfNode } from "./access.ts";
import type { Kernel } from "./kernel.ts";
import type { MemoryPlan } from "./passes/memory.ts";
import { flopsOf, readsOf, type SharedKernel } from "./passes/shard.ts";
import type { KernelReport, ProgramReport } from "./program.ts";
import { rolesOf, tileOf } from "./roles.ts";
import { printTile, type TileOptions, tileSteps } from "./tile.ts";
import type { StepItem } from "./wasm/step.ts";

export function kernelReport(
  { kernel, share }: SharedKernel,
  code: number,
  tiles: TileOptions | undefined,
): KernelReport {
  const places = [...new Set([...readsOf(kernel), ...kernel.stores.map(({ node }) => node)])];
  const bytes = places.reduce((sum, node) => sum + layoutOfNode(node).bytes, 0);
  return {
    code,
    what: describe(kernel),
    fused: kernel.nodes.map((node) => node.op),
    split:
      share.kind === "split"
        ? {
            axis: share.axis.name,
            parts: share.bounds.slice(1).map((to, t) => [share.bounds[t]!, to] as const),
          }
        : undefined,
    flops: flopsOf(kernel),
    bytes,
    tile: kernel.kind === "contract" ? describeTile(kernel, tiles) : undefined,
  };
}

function describe(kernel: Kernel): string {
  const loops = printAxes([...kernel.outer, ...kernel.inner]);
  const { anchor } = kernel;
  if (kernel.partial) return `add ${kernel.partial.axes[0]!.size} partial sums ${loops}`;
  if (!anchor) return `${kernel.kind} ${loops}`;
  const over = anchor.attributes.over!;
  const reduced: Axis[] = anchor.inputs[0]!.axes.filter((axis) => over.includes(axis.name));
  const slices = kernel.slices ? ` in ${kernel.slices.size} partial sums` : "";
  return `${anchor.op} ${loops} over ${printAxes(reduced)}${slices}`;
}

function describeTile(kernel: Kernel, tiles: TileOptions | undefined): string {
  const { row, column, reduced } = rolesOf(kernel);
  return printTile(tileSteps(tileOf(kernel, tiles), row, column, reduced.at(-1)!.name));
}

export function printProgram(
  computation: Computation,
  report: ProgramReport,
  items: readonly StepItem[],
  memory: MemoryPlan,
): string {
  const lines: string[] = [];
  let next = 0;
  for (const item of items) {
    if (item.kind !== "kernel") {
      lines.push(item.kind);
      continue;
    }
    const kernel = report.kernels[next++]!;
    const split = kernel.split
      ? ` split ${kernel.split.axis} ${kernel.split.parts.map(([a, b]) => `${a}-${b}`).join(" ")}`
      : "";
    const tile = kernel.tile ? ` {${kernel.tile}}` : "";
    lines.push(`kernel ${kernel.code}: ${kernel.what}${tile}${split}; ${countOps(kernel.fused)}`);
  }
  const places = [...memory.arena].map(
    ([node, offset]: [Node, number]) => `arena ${offset}: ${printType(node.dtype, node.axes)}`,
  );
  const updates = computation.updates.map(({ variable }) => variable.attributes.name).join(" ");
  return [...lines, ...places, `writes ${updates || "nothing"}`, ""].join("\n");
}

/** `add x2, multiply` in order of first use. */
export function countOps(ops: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, n]) => (n > 1 ? `${op} x${n}` : op)).join(", ") || "nothing fused";
}
