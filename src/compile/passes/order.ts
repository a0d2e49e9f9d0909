/**
 * The order of kernels, and the barriers between them.
 *
 * The longest chain of dependent kernels goes first; what nothing waits for (the updates of weights)
 * fills the gaps, so that a thread that has signalled works on its own while it would otherwise wait.
 */
import type { Axis, Node } from "../../ir/node.ts";
import { type Kernel, placeFor, type Store } from "../kernel.ts";
import {
  baseOf,
  flopsOf,
  meet,
  type Region,
  readsOf,
  regionRead,
  regionWritten,
  type SharedKernel,
} from "./shard.ts";

/** All threads have finished kernel `after` before any of them begins kernel `before`. */
export interface Barrier {
  readonly after: number;
  readonly before: number;
}

const written = (kernel: Kernel): Node[] =>
  kernel.stores.flatMap(({ target }) =>
    target.kind === "value" ? [target.node] : target.kind === "variable" ? [target.variable] : [],
  );

/**
 * Kernels that write a variable must come after all that read its old value. Where that is a circle, or
 * the kernel itself reads the variable elsewhere than it writes, the new value goes to a place of its
 * own first and is copied at the end. So do numbers that every thread computes for itself.
 */
export function deferWrites(kernels: readonly Kernel[]): Kernel[] {
  const commits: Kernel[] = [];
  const graph = new Dependencies(kernels);
  const defer = (store: Store, axes: readonly Axis[]): Store => {
    const value = placeFor(store.node, axes);
    commits.push({
      kind: axes.length === 0 ? "uniform" : "rows",
      anchor: undefined,
      outer: axes.slice(0, -1),
      inner: axes.slice(-1),
      nodes: [],
      stores: [{ node: value, target: store.target }],
    });
    return { node: store.node, target: { kind: "value", node: value } };
  };
  const changed = kernels.map((kernel, i) => {
    const stores = kernel.stores.map((store): Store => {
      const { target } = store;
      if (target.kind === "value") return store;
      const computed = kernel.nodes.includes(store.node);
      if (kernel.kind === "uniform" && computed) return defer(store, []);
      if (target.kind === "result") return store;
      const { variable } = target;
      const readers = graph.readers(variable).filter((reader) => reader !== i);
      const circle = readers.some((reader) => graph.reaches(i, reader));
      if (circle || readsElsewhere(kernel, variable)) return defer(store, variable.axes);
      for (const reader of readers) graph.add(reader, i);
      return store;
    });
    return { ...kernel, stores };
  });
  return [...changed, ...commits];
}

/** Whether a kernel that writes `variable` reads it at other elements than the one it writes. */
function readsElsewhere(kernel: Kernel, variable: Node): boolean {
  if (kernel.anchor?.inputs.some((input) => baseOf(input) === variable)) return true;
  if (kernel.nodes.some((node) => node.attributes.over !== undefined)) return true;
  return readsOf(kernel).some((node) => node !== variable && baseOf(node) === variable);
}

class Dependencies {
  readonly after: Set<number>[];
  readonly #readers = new Map<Node, number[]>();

  constructor(kernels: readonly Kernel[]) {
    this.after = kernels.map(() => new Set<number>());
    const producers = new Map<Node, number>();
    for (const [i, kernel] of kernels.entries())
      for (const { target } of kernel.stores)
        if (target.kind === "value") producers.set(target.node, i);
    for (const [i, kernel] of kernels.entries())
      for (const node of readsOf(kernel)) {
        const base = baseOf(node);
        const producer = producers.get(base);
        if (producer !== undefined && producer !== i) this.add(producer, i);
        const list = this.#readers.get(base) ?? [];
        this.#readers.set(base, list);
        if (!list.includes(i)) list.push(i);
      }
  }

  readers(node: Node): readonly number[] {
    return this.#readers.get(node) ?? [];
  }

  add(first: number, then: number): void {
    this.after[first]!.add(then);
  }

  reaches(from: number, to: number): boolean {
    const seen = new Set([from]);
    for (const next of seen) {
      if (next === to) return true;
      for (const then of this.after[next]!) seen.add(then);
    }
    return false;
  }
}

export function order(kernels: readonly Kernel[]): Kernel[] {
  const graph = new Dependencies(kernels);
  for (const [i, kernel] of kernels.entries())
    for (const { target } of kernel.stores)
      if (target.kind === "variable")
        for (const reader of graph.readers(target.variable)) if (reader !== i) graph.add(reader, i);
  const waitsFor = kernels.map(() => 0);
  for (const set of graph.after) for (const then of set) waitsFor[then]!++;
  const height = heights(kernels, graph.after);
  const before: Set<number>[] = kernels.map(() => new Set());
  for (const [first, set] of graph.after.entries())
    for (const then of set) before[then]!.add(first);

  const ordered: number[] = [];
  let ready = kernels.map((_, i) => i).filter((i) => waitsFor[i] === 0);
  /** Kernels since the last place where threads must meet. */
  let recent = new Set<number>();
  const run = (i: number) => {
    ready = ready.filter((other) => other !== i);
    ordered.push(i);
    recent.add(i);
    for (const then of graph.after[i]!) if (--waitsFor[then]! === 0) ready.push(then);
  };
  while (ready.length > 0) {
    ready.sort((a, b) => height[b]! - height[a]! || a - b);
    const free = ready.filter((i) => ![...before[i]!].some((first) => recent.has(first)));
    const [next] = ready;
    if (free.includes(next!)) run(next!);
    else {
      for (const filler of free) run(filler);
      recent = new Set();
      run(next!);
    }
  }
  return ordered.map((i) => kernels[i]!);
}

/** The longest chain of work from each kernel to the end. */
function heights(kernels: readonly Kernel[], after: readonly Set<number>[]): number[] {
  const known: (number | undefined)[] = kernels.map(() => undefined);
  const visit = (i: number): number => {
    const found = known[i];
    if (found !== undefined) return found;
    let most = 0;
    for (const then of after[i]!) most = Math.max(most, visit(then));
    const height = most + 1 + flopsOf(kernels[i]!) * 1e-12;
    known[i] = height;
    return height;
  };
  return kernels.map((_, i) => visit(i));
}

/** The fewest barriers with which no thread reads or overwrites what another is still at. */
export function barriersOf(kernels: readonly SharedKernel[], threads: number): Barrier[] {
  if (threads === 1) return [];
  const touches = kernels.map(({ kernel, share }) => {
    const reads = readsOf(kernel).map((node) => ({ node, base: baseOf(node) }));
    const range = Array.from({ length: threads }, (_, t) => t);
    return {
      reads: reads.map(({ node, base }) => ({
        base,
        regions: range.map((t) => regionRead(share, node, base, t)),
      })),
      writes: written(kernel).map((base) => ({
        base,
        regions: range.map((t) => regionWritten(share, base.axes, t)),
      })),
    };
  });
  const clash = (
    a: readonly { base: Node; regions: Region[] }[],
    b: readonly { base: Node; regions: Region[] }[],
  ) =>
    a.some((x) =>
      b.some(
        (y) =>
          x.base === y.base &&
          x.regions.some((one, t) => y.regions.some((other, u) => t !== u && meet(one, other))),
      ),
    );
  const barriers: Barrier[] = [];
  let since = 0;
  for (let j = 1; j < kernels.length; j++) {
    let last = -1;
    for (let i = j - 1; i >= since; i--) {
      const [first, then] = [touches[i]!, touches[j]!];
      if (
        clash(first.writes, then.reads) ||
        clash(first.writes, then.writes) ||
        clash(first.reads, then.writes)
      ) {
        last = i;
        break;
      }
    }
    if (last < 0) continue;
    barriers.push({ after: last, before: j });
    since = last + 1;
  }
  return barriers;
}
