/**
 * The passes of the compiler on random graphs, checked without their help: which elements a thread
 * touches is found by walking the loops.
 */
import { describe, expect, it } from "vitest";
import {
  type Access,
  accessOf,
  layoutOfNode,
  regrouped,
  storeAccess,
} from "../src/compile/access.ts";
import type { Kernel } from "../src/compile/kernel.ts";
import { planMemory } from "../src/compile/passes/memory.ts";
import { type Barrier, barriersOf, deferWrites, order } from "../src/compile/passes/order.ts";
import { splitPartials } from "../src/compile/passes/partials.ts";
import { arrangeForms, fuseProducts, simplifyAndLower } from "../src/compile/passes/rules.ts";
import { schedule } from "../src/compile/passes/schedule.ts";
import { type SharedKernel, shard } from "../src/compile/passes/shard.ts";
import { unifyAxes } from "../src/compile/passes/unify.ts";
import { canonicalize } from "../src/ir/canonical.ts";
import { type Computation, rootsOf } from "../src/ir/graph.ts";
import { interpret } from "../src/ir/interpret.ts";
import { check } from "../src/ir/legality.ts";
import { type Axis, type Node, topological } from "../src/ir/node.ts";
import { rowOf } from "../src/ir/ops.ts";
import { print } from "../src/ir/print.ts";
import { compareWithin, randomComputation } from "./random-graphs.ts";

const seeds = Array.from({ length: 80 }, (_, seed) => 5000 + seed);
const graphPasses = [simplifyAndLower, unifyAxes, arrangeForms, fuseProducts];

/** Small axes and many nodes: hazards are many, elements few. */
const caseOf = (seed: number) =>
  randomComputation(seed, seed % 2 === 0 ? { nodes: [10, 40], largest: 40, elements: 1500 } : {});

const prepared = (seed: number): Computation => {
  const { computation } = canonicalize(caseOf(seed).computation);
  return graphPasses.reduce((graph, pass) => pass(graph), computation);
};

interface Plan {
  readonly graph: Computation;
  readonly scheduled: readonly Kernel[];
  readonly kernels: readonly SharedKernel[];
  readonly barriers: readonly Barrier[];
  readonly threads: number;
}

function planOf(seed: number, threads: number): Plan {
  const graph = prepared(seed);
  const written = new Set(graph.updates.map(({ variable }) => variable));
  const all = schedule(graph);
  const scheduled = threads > 1 ? splitPartials(all, written) : all;
  const kernels = shard(order(deferWrites(scheduled)), threads);
  return { graph, scheduled, kernels, barriers: barriersOf(kernels, threads), threads };
}

// ------------------------------------------------------------------------ what a thread touches

/** The range of each axis that thread `t` walks in a kernel; undefined: it does nothing. */
function rangesOf({ kernel, share }: SharedKernel, t: number) {
  if (share.kind === "single" && t > 0) return undefined;
  if (share.kind === "split" && share.bounds[t] >= share.bounds[t + 1]) return undefined;
  return (axis: Axis): readonly [number, number] => {
    if (share.kind === "split" && axis.name === share.axis.name)
      return [share.bounds[t], share.bounds[t + 1]];
    // A slice of a reduced axis is a part of the operands too; all of it is a safe guess.
    return [0, kernel.slices?.name === axis.name ? kernel.slices.size : axis.size];
  };
}

/** The elements of memory that an access reaches, as a set of offsets by base. */
function reach(
  found: Map<Node, Set<number>>,
  access: Access,
  axes: readonly Axis[],
  range: (axis: Axis) => readonly [number, number],
): void {
  if (access.rows) reach(found, access.rows.indices, axes, range);
  const steps = [...access.strides].map(([name, stride]) => {
    const axis = axes.find((other) => other.name === name)!;
    return { stride, range: range(axis), clamp: access.clamps.get(name) };
  });
  let offsets = [access.offset];
  for (const { stride, range: ends, clamp } of steps) {
    const next: number[] = [];
    const positionOf = (i: number) =>
      clamp ? Math.min(Math.max(i + clamp.shift, clamp.low), clamp.high) : i;
    for (const offset of offsets)
      for (let i = ends[0]; i < ends[1]; i++) next.push(offset + positionOf(i) * stride);
    offsets = next;
  }
  const set = found.get(access.base) ?? new Set();
  found.set(access.base, set);
  for (const offset of offsets) set.add(offset);
}

interface Touched {
  readonly reads: Map<Node, Set<number>>;
  readonly writes: Map<Node, Set<number>>;
}

const isNowhere = (node: Node) =>
  rowOf(node.op).kind === "index" || node.attributes.value !== undefined;

function touchedBy(shared: SharedKernel, t: number): Touched {
  const { kernel, share } = shared;
  const [reads, writes] = [new Map<Node, Set<number>>(), new Map<Node, Set<number>>()];
  const range = rangesOf(shared, t);
  if (!range) return { reads, writes };
  const members = new Set([...kernel.nodes, ...(kernel.anchor ? [kernel.anchor] : [])]);
  const read = (node: Node) => {
    if (!isNowhere(node)) reach(reads, accessOf(node), node.axes, range);
  };
  for (const node of members) {
    if (kernel.partial && node === kernel.anchor) {
      const [slices] = kernel.partial.axes;
      reach(reads, accessOf(kernel.partial), kernel.partial.axes, (axis) =>
        axis.name === slices.name ? [0, slices.size] : range(axis),
      );
      continue;
    }
    for (const input of node.inputs)
      if (!members.has(input) || node === kernel.anchor) {
        if (members.has(input) && kernel.kind !== "contract") continue;
        read(input);
      }
  }
  for (const { node, target } of kernel.stores) {
    if (!members.has(node)) read(node);
    if (target.kind === "result" || share.kind === "copies") continue;
    const place = target.kind === "variable" ? target.variable : target.node;
    const isCopy = rowOf(node.op).kind === "view" && kernel.nodes.includes(node);
    // A copy walks the axes of what it copies.
    if (isCopy) reach(writes, regrouped(storeAccess(place), node), node.inputs[0].axes, range);
    else reach(writes, storeAccess(place), place.axes, range);
  }
  return { reads, writes };
}

const overlaps = (a: Map<Node, Set<number>>, b: Map<Node, Set<number>>): Node | undefined => {
  for (const [base, set] of a) {
    const other = b.get(base);
    if (!other) continue;
    const [small, large] = set.size < other.size ? [set, other] : [other, set];
    for (const offset of small) if (large.has(offset)) return base;
  }
  return undefined;
};

// ---------------------------------------------------------------------------------------- tests

describe("the passes on graphs", () => {
  it("change no value of a random graph beyond its rounding", () => {
    for (const seed of seeds) {
      const { computation, values } = caseOf(seed);
      const canonical = canonicalize(computation);
      const read = (leaf: Node) => values.get(canonical.leaves.get(leaf.attributes.name!)!)!;
      const expected = interpret(canonical.computation, read, "exact");
      let graph = canonical.computation;
      for (const pass of graphPasses) {
        graph = pass(graph);
        check(graph, "lowered");
      }
      const found = interpret(graph, read, "rounding");
      for (const kind of ["results", "updates"] as const)
        for (const [name, value] of expected[kind]) {
          const { failures } = compareWithin(value, found[kind].get(name)!.data, 2);
          expect(failures, `seed ${seed}, ${name}`).toEqual([]);
        }
    }
  });

  it("are functions of the structure: another trace of the same step compiles to the same text", () => {
    for (const seed of seeds.slice(0, 20))
      expect(print(prepared(seed))).toBe(print(prepared(seed)));
  });

  it("have nothing left to do the second time", () => {
    for (const seed of seeds.slice(0, 40)) {
      const once = prepared(seed);
      expect(print(arrangeForms(unifyAxes(once)))).toBe(print(once));
    }
  });
});

describe("schedule and order", () => {
  it("compute every node that is needed, and lose no kernel", () => {
    for (const seed of seeds)
      for (const threads of [1, 3]) {
        const { graph, scheduled, kernels } = planOf(seed, threads);
        const stored = kernels.flatMap(({ kernel }) => kernel.stores.map(({ target }) => target));
        const names = stored.flatMap((target) => (target.kind === "result" ? [target.name] : []));
        expect(names.sort()).toEqual(graph.results.map(({ name }) => name).sort());
        const variables = stored.flatMap((t) => (t.kind === "variable" ? [t.variable] : []));
        expect(new Set(variables)).toEqual(new Set(graph.updates.map((update) => update.variable)));
        expect(variables.length).toBe(graph.updates.length);
        expect(kernels.length).toBeGreaterThanOrEqual(scheduled.length);
        const computed = new Set(kernels.flatMap(({ kernel }) => [kernel.anchor, ...kernel.nodes]));
        for (const node of topological(rootsOf(graph))) {
          const { kind } = rowOf(node.op);
          if (kind === "elementwise" || kind === "reduce" || kind === "contract")
            expect(computed.has(node), `seed ${seed}: ${node.op}`).toBe(true);
        }
      }
  });

  it("read a kept value after it was written, and a variable before its update", () => {
    for (const seed of seeds)
      for (const threads of [1, 3]) {
        const { kernels } = planOf(seed, threads);
        const written = new Map<Node, number>();
        for (const [i, { kernel }] of kernels.entries())
          for (const { target } of kernel.stores)
            if (target.kind === "variable") written.set(target.variable, i);
            else if (target.kind === "value") written.set(target.node, i);
        for (const [i, shared] of kernels.entries())
          for (const base of touchedBy(shared, 0).reads.keys()) {
            const at = written.get(base);
            const isLeaf = rowOf(base.op).kind === "leaf" && base.attributes.name !== undefined;
            if (isLeaf) expect(at ?? kernels.length, `seed ${seed}`).toBeGreaterThanOrEqual(i);
            else expect(at, `seed ${seed}`).toBeLessThan(i);
          }
      }
  });
});

describe("barriers", () => {
  it.each([2, 3, 5])(
    "stand between any two of %i threads that touch the same element",
    (threads) => {
      let [pairs, crossings] = [0, 0];
      for (const seed of seeds) {
        const { kernels, barriers } = planOf(seed, threads);
        const touched = kernels.map((kernel) =>
          Array.from({ length: threads }, (_, t) => touchedBy(kernel, t)),
        );
        const apart = (i: number, j: number) =>
          barriers.some(({ after, before }) => i <= after && before <= j);
        for (const [j, later] of touched.entries())
          for (let i = 0; i <= j; i++)
            for (const [t, first] of touched[i].entries())
              for (const [u, then] of later.entries()) {
                if (t === u) continue;
                pairs++;
                const base =
                  overlaps(first.writes, then.reads) ??
                  overlaps(first.writes, then.writes) ??
                  overlaps(first.reads, then.writes);
                if (!base) continue;
                crossings++;
                const where = `seed ${seed}: kernel ${i} of thread ${t}, ${j} of ${u}: ${base.op}`;
                expect(apart(i, j), where).toBe(true);
              }
      }
      // The check has something to find.
      expect(pairs).toBeGreaterThan(1000);
      expect(crossings).toBeGreaterThan(50);
    },
  );

  it("are signalled before they are waited for, and both in order", () => {
    for (const seed of seeds) {
      const { barriers } = planOf(seed, 3);
      for (const [k, { after, before }] of barriers.entries()) {
        expect(after).toBeLessThan(before);
        if (k > 0) expect(barriers[k - 1].before).toBeLessThan(before);
        if (k > 0) expect(barriers[k - 1].after).toBeLessThan(after);
      }
    }
  });
});

describe("memory", () => {
  it.each([1, 2, 4])(
    "holds no two values at one place while both are alive (%i threads)",
    (threads) => {
      let shared = 0;
      for (const seed of seeds) {
        const { kernels, barriers } = planOf(seed, threads);
        const plan = planMemory(kernels, barriers, threads);
        const last = new Map<Node, number>();
        const first = new Map<Node, number>();
        for (const [i, kernel] of kernels.entries()) {
          for (const base of touchedBy(kernel, 0).reads.keys()) last.set(base, i);
          for (const { target } of kernel.kernel.stores)
            if (target.kind === "value") {
              first.set(target.node, i);
              if (!last.has(target.node)) last.set(target.node, i);
            }
        }
        const apart = (i: number, j: number) =>
          threads === 1 ? i < j : barriers.some(({ after, before }) => i <= after && before <= j);
        const places = [...plan.arena].map(([node, offset]) => ({
          node,
          from: offset,
          to: offset + layoutOfNode(node).bytes,
        }));
        for (const [k, a] of places.entries()) {
          expect(a.from % 128).toBe(0);
          expect(a.to).toBeLessThanOrEqual(plan.arenaBytes);
          for (const b of places.slice(k + 1)) {
            if (a.to <= b.from || b.to <= a.from) continue;
            shared++;
            const fine =
              apart(last.get(a.node)!, first.get(b.node)!) ||
              apart(last.get(b.node)!, first.get(a.node)!);
            expect(fine, `seed ${seed}`).toBe(true);
          }
        }
        const kept = kernels.flatMap(({ kernel }) =>
          kernel.stores.flatMap(({ target }) => (target.kind === "value" ? [target.node] : [])),
        );
        for (const node of kept)
          expect(plan.arena.has(node) !== plan.copies.has(node), `seed ${seed}`).toBe(true);
      }
      expect(shared).toBeGreaterThan(5);
    },
  );

  it("holds each thread's own copies side by side", () => {
    for (const seed of seeds) {
      const { kernels, barriers } = planOf(seed, 2);
      const { copies, copyBytes } = planMemory(kernels, barriers, 2);
      const offsets = [...copies.values()].sort((x, y) => x - y);
      expect(new Set(offsets).size).toBe(offsets.length);
      for (const [node, offset] of copies)
        expect(offset + layoutOfNode(node).bytes).toBeLessThanOrEqual(copyBytes);
    }
  });
});
