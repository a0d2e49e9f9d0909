/**
 * Row programs: for each row, one or more passes along its inner axes. A pass ends where a reduction
 * along the row must be finished before the next can begin; a softmax takes three.
 */
import { type Axis, axisNames, type Node } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import { fieldAccess, plainAccess, regrouped, type StoreAccess, storeAccess } from "../access.ts";
import type { Kernel, Store, Target } from "../kernel.ts";
import { layoutOf, roundUp } from "../layout.ts";
import type { Local } from "./assembler.ts";
import { type Override, operandsOf, Scope } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { combine, lane } from "./renderer.ts";

/** How a store is addressed, and its address. */
export function destination(
  frame: Frame,
  kernel: Kernel,
  { node, target }: Store,
): { access: StoreAccess; origin: Local } {
  const isCopy = rowOf(node.op).kind === "view" && kernel.nodes.includes(node);
  const inLoops = (access: StoreAccess) => (isCopy ? regrouped(access, node) : access);
  if (target.kind === "result") {
    const sizes = target.axes.map((axis) => axis.size);
    const access = fieldAccess(node, target.axes, layoutOf(sizes, node.dtype));
    return { access: inLoops(access), origin: frame.resultAddress(target.name) };
  }
  const place = target.kind === "variable" ? target.variable : target.node;
  return { access: inLoops(storeAccess(place)), origin: frame.address(place) };
}

/** Which values of a kernel wait for which reductions: pass number by node. */
function passes(kernel: Kernel): Map<Node, number> {
  const found = new Map<Node, number>();
  for (const node of kernel.nodes) {
    const after = node.inputs.map((input) => {
      const pass = found.get(input);
      if (pass === undefined) return 0;
      return rowOf(input.op).kind === "reduce" ? pass + 1 : pass;
    });
    found.set(node, Math.max(0, ...after));
  }
  return found;
}

/** What is read along the row in a pass although it was computed in an earlier one. */
interface Kept {
  readonly node: Node;
  readonly offset: number;
}

export class RowProgram {
  readonly #frame: Frame;
  readonly #kernel: Kernel;
  readonly #pass: Map<Node, number>;
  readonly #overrides: Map<Node, Override>;
  readonly #inner: readonly string[];
  readonly #kept: Kept[] = [];
  readonly #rowBytes: number;

  /** `overrides`: values that lie in scratch memory instead of their own place. */
  constructor(frame: Frame, kernel: Kernel, overrides: ReadonlyMap<Node, Override>) {
    this.#frame = frame;
    this.#kernel = kernel;
    this.#pass = passes(kernel);
    this.#overrides = new Map(overrides);
    this.#inner = axisNames(kernel.inner);
    this.#rowBytes = roundUp(
      4 * kernel.inner.reduce((n, axis) => n * roundUp(axis.size, 16), 1),
      64,
    );
    this.#planKept();
  }

  /** The code for one row: the loops over all outer axes are open. */
  row(from: Local | number, to: Local | number): void {
    const members = new Set(this.#kernel.nodes);
    const scope = new Scope(this.#frame, members, this.#overrides);
    const last = Math.max(0, ...this.#pass.values());
    for (let pass = 0; pass <= last; pass++) this.#runPass(pass, scope, from, to);
    for (const store of this.#kernel.stores)
      if (!this.#isStoredAlong(store)) this.#storeOnce(store, scope);
    scope.close();
  }

  /** A value lies along the row if it has one of the row's axes. */
  #alongRow(node: Node): boolean {
    return this.#targetAxes(node).some((name) => this.#inner.includes(name));
  }

  /** A number that is repeated along the row is stored along it. */
  #isStoredAlong({ node, target }: Store): boolean {
    if (this.#alongRow(node)) return true;
    return placeAxes(target).some(({ name }) => this.#inner.includes(name));
  }

  #targetAxes(node: Node): readonly string[] {
    return rowOf(node.op).kind === "view" && this.#kernel.nodes.includes(node)
      ? axisNames(node.inputs[0]!.axes)
      : axisNames(node.axes);
  }

  #isReduction(node: Node): boolean {
    return rowOf(node.op).kind === "reduce" && this.#kernel.nodes.includes(node);
  }

  #planKept(): void {
    const nodes = this.#kernel.nodes;
    for (const node of nodes) {
      if (!this.#alongRow(node) || this.#isReduction(node)) continue;
      const pass = this.#pass.get(node)!;
      const later = nodes.some(
        (user) => user.inputs.includes(node) && this.#pass.get(user)! > pass,
      );
      if (!later) continue;
      this.#kept.push({ node, offset: this.#frame.scratchBytes });
      this.#frame.scratchBytes += this.#rowBytes;
    }
  }

  #runPass(pass: number, scope: Scope, from: Local | number, to: Local | number): void {
    const here = this.#kernel.nodes.filter((node) => this.#pass.get(node) === pass);
    const reductions = here.filter((node) => this.#isReduction(node));
    for (const node of here)
      if (!this.#alongRow(node) && !this.#isReduction(node)) scope.compute(node);
    const along = here.filter((node) => this.#alongRow(node) && !this.#isReduction(node));
    // Values that are only copied are stored in the first pass.
    const computed = new Set(this.#kernel.nodes);
    const stores = this.#kernel.stores.filter(
      (store) =>
        this.#isStoredAlong(store) &&
        (computed.has(store.node) ? this.#pass.get(store.node) === pass : pass === 0),
    );
    if (along.length + reductions.length + stores.length === 0) return;
    const accumulators = reductions.map((node) => this.#accumulator(node));
    this.#eachVector(this.#kernel.inner, from, to, scope, {
      along,
      stores,
      reductions,
      accumulators,
      pass,
    });
    for (const [i, node] of reductions.entries()) {
      this.#acrossLanes(node, accumulators[i]!);
      scope.put(node, accumulators[i]!);
    }
  }

  #accumulator(node: Node): Local {
    const { code } = this.#frame;
    const local = code.local("v128");
    code.get(this.#neutral(node)).set(local);
    return local;
  }

  #neutral(node: Node): Local {
    return this.#frame.constant(lane(rowOf(node.op).neutral!(node.dtype), node.dtype));
  }

  /** All four lanes become the reduction of the four, in a fixed order. */
  #acrossLanes(node: Node, value: Local): void {
    const { code } = this.#frame;
    const swapHalves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
    const swapPairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];
    for (const lanes of [swapHalves, swapPairs]) {
      code.get(value).get(value).get(value).shuffle(lanes);
      combine(code, node);
      code.set(value);
    }
  }

  #eachVector(
    inner: readonly Axis[],
    from: Local | number,
    to: Local | number,
    scope: Scope,
    work: PassWork,
  ): void {
    const [axis, ...others] = inner;
    if (others.length > 0)
      return this.#frame.range(axis!, 0, axis!.size, () =>
        this.#eachVector(others, from, to, scope, work),
      );
    const outside = scope.child();
    this.#prepare(outside, work);
    this.#frame.vectors(axis!, from, to, () => {
      const inside = outside.child();
      for (const node of work.along) inside.compute(node);
      for (const [i, node] of work.reductions.entries())
        this.#accumulate(node, inside.operand(node.inputs[0]!), work.accumulators[i]!);
      for (const store of work.stores) {
        const { access, pointer } = work.destinations!.get(store)!;
        this.#frame.storeVector(access, pointer, inside.operand(store.node));
      }
      for (const { node, pointer } of work.keep!)
        this.#frame.storeVector(
          keptAccess(node, this.#kernel.inner),
          pointer,
          inside.operand(node),
        );
      inside.close();
    });
    this.#frame.code.release(
      ...[...work.destinations!.values(), ...work.keep!].map(({ pointer }) => pointer),
    );
    outside.close();
  }

  /** Before the vector loop: operands that do not change in it, and the addresses of those that do. */
  #prepare(scope: Scope, work: PassWork): void {
    const reads = operandsOf(this.#kernel, [...work.along, ...work.reductions]);
    const members = new Set(this.#kernel.nodes);
    const copied = work.stores.map(({ node }) => node).filter((node) => !members.has(node));
    const earlier = this.#kept.filter(
      ({ node }) =>
        this.#pass.get(node)! < work.pass &&
        [...work.along, ...work.reductions].some((user) => user.inputs.includes(node)),
    );
    for (const { node, offset } of earlier) this.#overrideKept(node, offset);
    const along = this.#kernel.inner.at(-1)!.name;
    const kept = earlier.map(({ node }) => node);
    for (const node of [...reads, ...copied, ...kept, ...this.#anchorReads(work)])
      scope.aim(node, along);
    work.destinations = new Map(
      work.stores.map((store) => {
        const { access, origin } = destination(this.#frame, this.#kernel, store);
        return [store, { access, pointer: this.#frame.pointer(access, origin) }];
      }),
    );
    work.keep = this.#kept
      .filter(({ node }) => this.#pass.get(node) === work.pass && work.along.includes(node))
      .map(({ node, offset }) => {
        const { origin } = this.#overrideKept(node, offset);
        return { node, pointer: this.#frame.pointer(keptAccess(node, this.#kernel.inner), origin) };
      });
  }

  /** The anchor's own value, where a node or a store takes it. */
  #anchorReads(work: PassWork): Node[] {
    const { anchor } = this.#kernel;
    if (!anchor) return [];
    const used =
      work.stores.some(({ node }) => node === anchor) ||
      [...work.along, ...work.reductions].some((user) => user.inputs.includes(anchor));
    return used ? [anchor] : [];
  }

  #overrideKept(node: Node, offset: number): Override {
    const known = this.#overrides.get(node);
    if (known) return known;
    const { code } = this.#frame;
    const origin = code.fresh("i32");
    const scratch = this.#frame.scratch();
    code.head(() => code.get(scratch).i32(offset).do("i32.add").set(origin));
    const override = { access: keptAccess(node, this.#kernel.inner), origin };
    this.#overrides.set(node, override);
    return override;
  }

  #accumulate(node: Node, value: Local, accumulator: Local): void {
    const { code } = this.#frame;
    const axis = this.#kernel.inner.at(-1)!;
    code.get(accumulator).get(value);
    if (axis.size % 4 !== 0) {
      // Past the end of the row stands padding: the neutral element takes its place.
      code.get(this.#neutral(node));
      code.get(this.#frame.vector!.offset).i32(2).do("i32.shr_u").do("i32x4.splat");
      code.get(this.#frame.laneNumbers()).do("i32x4.add");
      code.get(this.#frame.constant(axis.size)).do("i32x4.lt_s").do("v128.bitselect");
    }
    combine(code, node);
    code.set(accumulator);
  }

  #storeOnce(store: Store, scope: Scope): void {
    const { access, origin } = destination(this.#frame, this.#kernel, store);
    const pointer = this.#frame.pointer(access, origin);
    this.#frame.storeOne(access, pointer, scope.operand(store.node));
    this.#frame.code.release(pointer);
  }
}

interface PassWork {
  readonly pass: number;
  readonly along: readonly Node[];
  readonly stores: readonly Store[];
  readonly reductions: readonly Node[];
  readonly accumulators: readonly Local[];
  destinations?: Map<Store, { access: StoreAccess; pointer: Local }>;
  keep?: { node: Node; pointer: Local }[];
}

/** The axes of the place where a value goes; the value may lack some of them. */
function placeAxes(target: Target): readonly Axis[] {
  if (target.kind === "result") return target.axes;
  return target.kind === "variable" ? target.variable.axes : target.node.axes;
}

/** A row of scratch memory: four bytes an element, row-major over the inner axes. */
function keptAccess(node: Node, inner: readonly Axis[]): StoreAccess {
  const strides = new Map<string, number>();
  let stride = 1;
  for (const axis of [...inner].reverse()) {
    strides.set(axis.name, stride);
    stride *= roundUp(axis.size, 16);
  }
  return { ...plainAccess(node, strides), padded: inner.at(-1)!.name };
}
