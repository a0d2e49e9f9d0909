/**
 * Dividing kernels among threads.
 *
 * Every value is whole, split on one named axis, or a list of partial sums. A kernel splits one of its
 * loops; what another thread computed must cross. Splits are chosen so that little time goes into
 * work, crossing and barriers.
 */
import { type Axis, axisNames, hasAxis, type Node, sizeOfAxes } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import { type Access, accessOf, axesInMemory, isAddressable, layoutOfNode } from "../access.ts";
import type { Kernel } from "../kernel.ts";
import { operandsOf } from "../wasm/evaluate.ts";

/** Who runs a kernel. */
export type Share =
  /** Each thread a part of this axis: thread t runs `bounds[t]` to `bounds[t + 1]`. */
  | { readonly kind: "split"; readonly axis: Axis; readonly bounds: readonly number[] }
  /** Every thread all of it, each into memory of its own. */
  | { readonly kind: "copies" }
  /** Thread 0 alone. */
  | { readonly kind: "single" };

export interface SharedKernel {
  readonly kernel: Kernel;
  readonly share: Share;
}

/** Parts of an axis begin at multiples of a cache line where it is long enough, else of a tile. */
const lineUnit = 16;
const tileUnit = 4;

/** Where each thread's part of an axis begins and ends; undefined where it is too short to share. */
export function boundsOf(size: number, threads: number, isVector: boolean): number[] | undefined {
  const unit = isVector || size >= lineUnit * threads ? lineUnit : tileUnit;
  const parts = Math.min(threads, Math.floor(size / unit));
  if (parts < 2) return undefined;
  return Array.from({ length: threads + 1 }, (_, t) =>
    t >= parts ? size : Math.round((t * size) / parts / unit) * unit,
  );
}

/** What a kernel reads from memory: operands, and the anchor's own. */
export function readsOf(kernel: Kernel): readonly Node[] {
  const known = reads.get(kernel) ?? findReads(kernel);
  reads.set(kernel, known);
  return known;
}

const reads = new WeakMap<Kernel, readonly Node[]>();

function findReads(kernel: Kernel): readonly Node[] {
  const nodes = kernel.anchor ? [...kernel.nodes, kernel.anchor] : kernel.nodes;
  const members = new Set(nodes);
  const copied = kernel.stores.map(({ node }) => node).filter((node) => !members.has(node));
  const found = kernel.partial
    ? [...operandsOf(kernel, kernel.nodes), ...copied, kernel.partial]
    : [...operandsOf(kernel, nodes), ...copied];
  return [...found, ...found.flatMap((node) => indicesOf(node) ?? [])];
}

/** The row numbers that a gather reads, with the axes of the view through which it is seen. */
function indicesOf(node: Node): Node | undefined {
  const row = rowOf(node.op);
  if (row.kind === "gather") return node.inputs[1];
  if (row.kind !== "view" || !isAddressable(node)) return undefined;
  const below = indicesOf(node.inputs[0]!);
  if (!below) return undefined;
  const { names, axis } = node.attributes;
  const there = names?.filter(([from]) => hasAxis(below.axes, from));
  if (there ? there.length === 0 : !(axis && hasAxis(below.axes, axis))) return below;
  const attributes = { ...node.attributes, ...(there && { names: there }) };
  return { ...node, ...row.type(node.op, [below], attributes), inputs: [below], attributes };
}

/** The part of a value that thread `t` touches: of one of its own axes, or all of it. */
export interface Region {
  readonly axis: string | undefined;
  readonly from: number;
  readonly to: number;
}

const whole: Region = { axis: undefined, from: 0, to: 1 };
const nothing: Region = { axis: undefined, from: 0, to: 0 };

/** The region of `base` that thread `t` reads when a kernel that is shared like this reads `node`. */
export function regionRead(share: Share, node: Node, base: Node, t: number): Region {
  if (share.kind === "single") return t === 0 ? whole : nothing;
  if (share.kind === "copies") return whole;
  const { axis, bounds } = share;
  const [from, to] = [bounds[t]!, bounds[t + 1]!];
  if (from >= to) return nothing;
  const own = rowOf(node.op).kind === "index" ? undefined : ownAxis(accessOf(node), axis, base);
  return own ? { axis: own.name, from, to } : whole;
}

/**
 * The axis of the base that is walked along `axis`, from its first element on. Through a view it may be
 * none, or a part of one, or walked from elsewhere on: then all counts as read.
 */
function ownAxis({ offset, strides, clamps }: Access, axis: Axis, base: Node): Axis | undefined {
  if (clamps.has(axis.name)) return undefined;
  const axes = axesInMemory(base);
  const layout = layoutOfNode(base);
  const by = strides.get(axis.name);
  const at = axes.findIndex(({ size }, i) => size === axis.size && layout.strides[i] === by);
  // The offset as one index for each axis, outermost first.
  const indices = layout.strides.reduce<{ left: number; list: number[] }>(
    ({ left, list }, stride) => ({
      left: left % stride,
      list: [...list, Math.floor(left / stride)],
    }),
    { left: offset, list: [] },
  );
  return indices.list[at] === 0 ? axes[at] : undefined;
}

export function regionWritten(share: Share, axes: readonly Axis[], t: number): Region {
  if (share.kind === "single") return t === 0 ? whole : nothing;
  if (share.kind === "copies") return nothing;
  const { axis, bounds } = share;
  const [from, to] = [bounds[t]!, bounds[t + 1]!];
  if (from >= to) return nothing;
  return hasAxis(axes, axis.name) ? { axis: axis.name, from, to } : whole;
}

export function meet(a: Region, b: Region): boolean {
  if (a.from >= a.to || b.from >= b.to) return false;
  if (a.axis === undefined || b.axis === undefined || a.axis !== b.axis) return true;
  return a.from < b.to && b.from < a.to;
}

// ------------------------------------------------------------------------------ choosing splits

/** Nanoseconds, roughly: what matters is how they compare. */
const cost = { flop: 1 / 30, byte: 1 / 16, crossingByte: 1 / 4, barrier: 400 };

/** The ways in which a kernel can be shared. */
function optionsOf(kernel: Kernel, threads: number): Share[] {
  if (kernel.kind === "uniform") {
    return [{ kind: kernel.nodes.length > 0 ? "copies" : "single" }];
  }
  const last = kernel.inner.at(-1);
  const reducesRow = kernel.nodes.some((node) => node.attributes.over !== undefined);
  const axes = [...(kernel.slices ? [kernel.slices] : kernel.outer)];
  if (
    last &&
    !kernel.slices &&
    !reducesRow &&
    (kernel.kind !== "rows" || kernel.inner.length === 1)
  )
    axes.push(last);
  const splits = axes.flatMap((axis): Share[] => {
    const bounds = kernel.slices
      ? sliceBounds(axis.size, threads)
      : boundsOf(axis.size, threads, axis === last || isLastOfAStore(kernel, axis));
    return bounds ? [{ kind: "split", axis, bounds }] : [];
  });
  const stored = splits.filter(
    (share) =>
      share.kind === "split" &&
      kernel.stores.every((store) => storedAxes(store).includes(share.axis.name)),
  );
  return stored.length > 0 ? stored : [{ kind: "single" }];
}

/** A part of a value's last axis must be whole cache lines. */
const isLastOfAStore = (kernel: Kernel, axis: Axis): boolean =>
  kernel.stores.some((store) => storedAxes(store).at(-1) === axis.name);

function storedAxes({ node, target }: Kernel["stores"][number]): string[] {
  if (target.kind === "variable") return axisNames(target.variable.axes);
  if (target.kind === "result") return axisNames(target.axes);
  // A copy of a view writes along the axes of what it copies.
  const isCopy = target.node === node && rowOf(node.op).kind === "view";
  return axisNames(isCopy ? node.inputs[0]!.axes : axesInMemory(target.node));
}

function sliceBounds(count: number, threads: number): number[] {
  const parts = Math.min(count, threads);
  return Array.from({ length: threads + 1 }, (_, t) =>
    t >= parts ? count : Math.round((t * count) / parts),
  );
}

/** Work of a kernel if one thread did it all, in nanoseconds. */
function workOf(kernel: Kernel): number {
  const bytes = [...readsOf(kernel), ...kernel.stores.map(({ node }) => node)].reduce(
    (sum, node) => sum + 4 * sizeOfAxes(node.axes),
    0,
  );
  return flopsOf(kernel) * cost.flop + bytes * cost.byte;
}

/** Two for each multiply-add of a contraction. */
export function flopsOf(kernel: Kernel): number {
  if (kernel.kind !== "contract") return 0;
  const [a, b] = kernel.anchor!.inputs as [Node, Node];
  const own = b.axes.filter((axis) => !hasAxis(a.axes, axis.name));
  return 2 * sizeOfAxes(a.axes) * sizeOfAxes(own);
}

function largestPart(share: Share): number {
  if (share.kind !== "split") return 1;
  const { axis, bounds } = share;
  let largest = 0;
  for (let t = 0; t + 1 < bounds.length; t++)
    largest = Math.max(largest, bounds[t + 1]! - bounds[t]!);
  return largest / axis.size;
}

/** A value that a kernel reads, and where it lies. */
interface Read {
  readonly node: Node;
  readonly base: Node;
}

/**
 * Who runs what, on as many threads as the widest split has parts: fewer than asked where the kernels
 * are too small to share.
 */
export function share(kernels: readonly Kernel[], asked: number): SharedProgram {
  const shared = shard(kernels, asked);
  const parts = shared.map(({ share }) =>
    share.kind === "split"
      ? share.bounds.filter((bound, t) => t > 0 && bound > share.bounds[t - 1]!).length
      : 1,
  );
  const threads = Math.max(1, ...parts);
  return { threads, kernels: threads === asked ? shared : shard(kernels, threads) };
}

export interface SharedProgram {
  readonly threads: number;
  readonly kernels: readonly SharedKernel[];
}

export function shard(kernels: readonly Kernel[], threads: number): SharedKernel[] {
  if (threads === 1)
    return kernels.map((kernel) => ({
      kernel,
      share: kernel.kind === "uniform" ? optionsOf(kernel, 1)[0]! : { kind: "single" },
    }));
  const options = kernels.map((kernel) => optionsOf(kernel, threads));
  const chosen = options.map((list) => list[0]!);
  const producers = new Map<Node, number>();
  const users = new Map<Node, number[]>();
  const reads = kernels.map((kernel): Read[] =>
    [...new Set(readsOf(kernel))].map((node) => ({ node, base: baseOf(node) })),
  );
  for (const [i, kernel] of kernels.entries()) {
    for (const { target } of kernel.stores)
      if (target.kind === "value") producers.set(target.node, i);
      else if (target.kind === "variable") producers.set(target.variable, i);
    for (const { base } of reads[i]!) {
      const list = users.get(base) ?? [];
      users.set(base, list);
      if (!list.includes(i)) list.push(i);
    }
  }
  const work = kernels.map(workOf);
  const crossing = (i: number, share: Share, { node, base }: Read): number => {
    const producer = producers.get(base);
    if (producer === undefined || producer === i) return 0;
    const made = chosen[producer]!;
    if (made.kind === "copies") return 0;
    const bytes = 4 * sizeOfAxes(base.axes);
    let most = 0;
    for (let t = 0; t < threads; t++) {
      const read = regionRead(share, node, base, t);
      const own = regionWritten(made, base.axes, t);
      most = Math.max(most, sizeWithin(read, base) - sizeOfMeeting(read, own, base));
    }
    return most === 0 ? 0 : most * bytes * cost.crossingByte + cost.barrier;
  };
  const total = (i: number, share: Share): number => {
    const before = chosen[i]!;
    chosen[i] = share;
    let sum = work[i]! * largestPart(share);
    for (const read of reads[i]!) sum += crossing(i, share, read);
    for (const { target } of kernels[i]!.stores) {
      const made =
        target.kind === "value"
          ? target.node
          : target.kind === "variable"
            ? target.variable
            : undefined;
      if (!made) continue;
      for (const user of users.get(made) ?? []) {
        if (user === i) continue;
        for (const read of reads[user]!)
          if (read.base === made) sum += crossing(user, chosen[user]!, read);
      }
    }
    chosen[i] = before;
    return sum;
  };
  // Coordinate descent: a few sweeps settle it.
  for (let sweep = 0; sweep < 6; sweep++) {
    let changed = false;
    for (const [i, list] of options.entries()) {
      if (list.length < 2) continue;
      const costs = list.map((share) => total(i, share));
      const best = costs.indexOf(Math.min(...costs));
      const now = list.indexOf(chosen[i]!);
      if (costs[best]! < costs[now]! * 0.999) {
        chosen[i] = list[best]!;
        changed = true;
      }
    }
    if (!changed) break;
  }
  return kernels.map((kernel, i) => ({ kernel, share: chosen[i]! }));
}

/** The leaf or kept value below a view. */
export const baseOf = (node: Node): Node =>
  node.inputs.length === 0 || rowOf(node.op).kind === "elementwise" ? node : accessOf(node).base;

/** The share of the base that a region is. */
function sizeWithin(region: Region, base: Node): number {
  if (region.from >= region.to) return 0;
  const axis = base.axes.find(({ name }) => name === region.axis);
  return axis ? (region.to - region.from) / axis.size : 1;
}

function sizeOfMeeting(a: Region, b: Region, base: Node): number {
  if (!meet(a, b)) return 0;
  if (a.axis === b.axis && a.axis !== undefined)
    return sizeWithin(
      { axis: a.axis, from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) },
      base,
    );
  return sizeWithin(a, base) * sizeWithin(b, base);
}
