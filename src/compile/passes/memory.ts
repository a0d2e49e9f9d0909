/**
 * Places for kept values: one arena, in which two values share memory if no thread can still be at the
 * one when another begins the other.
 */
import type { Node } from "../../ir/node.ts";
import { layoutOfNode } from "../access.ts";
import { roundUp } from "../layout.ts";
import type { Barrier } from "./order.ts";
import { baseOf, readsOf, type SharedKernel } from "./shard.ts";

export interface MemoryPlan {
  /** Shared values: offset in the arena. */
  readonly arena: ReadonlyMap<Node, number>;
  readonly arenaBytes: number;
  /** Each thread's own copies: offset in its scratch memory. */
  readonly copies: ReadonlyMap<Node, number>;
  readonly copyBytes: number;
}

/** Two cache lines: neighbouring lines are fetched in pairs. */
const alignment = 128;

interface Life {
  readonly node: Node;
  readonly bytes: number;
  readonly from: number;
  to: number;
}

export function planMemory(
  kernels: readonly SharedKernel[],
  barriers: readonly Barrier[],
  threads: number,
): MemoryPlan {
  const lives = new Map<Node, Life>();
  const copies = new Map<Node, number>();
  let copyBytes = 0;
  for (const [i, { kernel, share }] of kernels.entries()) {
    for (const { target } of kernel.stores) {
      if (target.kind !== "value") continue;
      const { bytes } = layoutOfNode(target.node);
      if (share.kind === "copies") {
        copies.set(target.node, copyBytes);
        copyBytes += roundUp(bytes, alignment);
      } else
        lives.set(target.node, {
          node: target.node,
          bytes: roundUp(bytes, alignment),
          from: i,
          to: i,
        });
    }
    for (const node of readsOf(kernel)) {
      const life = lives.get(baseOf(node));
      if (life) life.to = i;
    }
  }
  // After its last use a place is free once all threads have met again.
  const free = (last: number): number => {
    if (threads === 1) return last + 1;
    const met = barriers.find(({ after }) => after >= last);
    return met ? met.before : kernels.length;
  };
  const placed: { life: Life; offset: number; until: number }[] = [];
  const arena = new Map<Node, number>();
  let arenaBytes = 0;
  for (const life of lives.values()) {
    const until = free(life.to);
    const alive = placed
      .filter((other) => other.life.from < until && life.from < other.until)
      .sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const other of alive) {
      if (offset + life.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.life.bytes);
    }
    placed.push({ life, offset, until });
    arena.set(life.node, offset);
    arenaBytes = Math.max(arenaBytes, offset + life.bytes);
  }
  return { arena, arenaBytes, copies, copyBytes };
}
