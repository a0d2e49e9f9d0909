/**
 * Cutting a computation into kernels.
 *
 * Each contraction is the anchor of a kernel of its own; elementwise work joins the kernel of the
 * latest value that it reads, where its loops fit, so that it runs while that value is still in the
 * cache. What reads only leaves waits for the kernel that needs it. A reduction along the row joins as
 * well; one across rows begins a new kernel.
 */
import { type Computation, rootsOf } from "../../ir/graph.ts";
import { type Axis, axisNames, hasAxis, type Node, topological } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import { arrange, isAddressable } from "../access.ts";
import type { Kernel, KernelKind, Store } from "../kernel.ts";

/** Recomputing leaf-only work in every kernel that needs it is free up to this cost; then it is kept. */
const cheap = 8;

const none: readonly Group[] = [];

class Group {
  readonly kind: KernelKind;
  readonly anchor: Node | undefined;
  readonly outer: readonly Axis[];
  readonly inner: readonly Axis[];
  readonly members = new Set<Node>();
  readonly before = new Set<Group>();
  /** This group as a list. */
  readonly alone: readonly Group[] = [this];

  constructor(kind: KernelKind, outer: readonly Axis[], inner: readonly Axis[], anchor?: Node) {
    this.kind = kind;
    this.outer = outer;
    this.inner = inner;
    this.anchor = anchor;
  }

  /** Whether this group must run after `other`. */
  dependsOn(other: Group): boolean {
    const seen = new Set<Group>([this]);
    for (const group of seen) {
      if (group === other && group !== this) return true;
      for (const next of group.before) seen.add(next);
    }
    return false;
  }

  /** Whether an elementwise node on `axes` can run inside the loops of this group. */
  takes(axes: readonly Axis[]): boolean {
    return (
      this.outer.every((axis) => hasAxis(axes, axis.name)) &&
      axes.every((axis) => hasAxis(this.outer, axis.name) || hasAxis(this.inner, axis.name))
    );
  }
}

export function schedule(computation: Computation): Kernel[] {
  return new Scheduler(computation).run();
}

class Scheduler {
  readonly #computation: Computation;
  readonly #order: Node[];
  readonly #users = new Map<Node, Node[]>();
  readonly #roots: ReadonlySet<Node>;
  readonly #groups: Group[] = [];
  /** The group that computes a node; leaf-only nodes get theirs last, and may be in several. */
  readonly #homes = new Map<Node, Group>();
  readonly #waiting: Node[] = [];
  readonly #sourcesOfWaiting = new Map<Node, readonly Group[]>();

  constructor(computation: Computation) {
    this.#computation = computation;
    this.#order = topological(rootsOf(computation));
    for (const node of this.#order)
      for (const input of new Set(node.inputs)) {
        const users = this.#users.get(input) ?? [];
        this.#users.set(input, users);
        users.push(node);
      }
    this.#roots = new Set(rootsOf(computation));
  }

  run(): Kernel[] {
    for (const node of this.#order) this.#place(node);
    for (const node of this.#waiting.reverse()) this.#placeWaiting(node);
    const stores = this.#stores(this.#valuesNeeded());
    const place = new Map(this.#order.map((node, i) => [node, i]));
    return this.#inOrder().map((group) => ({
      kind: group.kind,
      anchor: group.anchor,
      outer: group.outer,
      inner: group.inner,
      nodes: [...group.members]
        .filter((node) => node !== group.anchor)
        .sort((a, b) => place.get(a)! - place.get(b)!),
      stores: stores.get(group) ?? [],
    }));
  }

  // -- placing nodes ---------------------------------------------------------------------------

  #place(node: Node): void {
    const row = rowOf(node.op);
    if (row.kind === "contract") {
      const [a, b] = node.inputs as [Node, Node];
      const own = b.axes.filter((axis) => !hasAxis(a.axes, axis.name));
      const column = own.at(-1)!;
      const outer = node.axes.filter((axis) => axis !== column && axis.name !== column.name);
      this.#add(new Group("contract", outer, [column], node), node);
    } else if (row.kind === "reduce") this.#placeReduction(node);
    else if (row.kind === "elementwise") this.#placeElementwise(node);
    else if (row.kind === "view" && !isAddressable(node)) this.#add(this.#copyOf(node), node);
  }

  #placeReduction(node: Node): void {
    const [input] = node.inputs as [Node];
    const over = node.attributes.over!;
    const home = this.#homes.get(input);
    const fits =
      home !== undefined &&
      (home.kind === "rows" || home.kind === "contract") &&
      // A copy walks other axes than the value that it makes.
      home.takes(input.axes) &&
      home.inner.length === over.length &&
      home.inner.every((axis) => over.includes(axis.name));
    if (fits && this.#canJoin(node, home)) return this.#add(home, node);
    const reduced = input.axes.filter((axis) => over.includes(axis.name));
    const last = input.axes.at(-1)!;
    const group = over.includes(last.name)
      ? new Group("rows", node.axes, reduced)
      : new Group("columns", node.axes.slice(0, -1), [node.axes.at(-1)!], node);
    this.#add(group, node);
  }

  #placeElementwise(node: Node): void {
    const homes = new Set(node.inputs.flatMap((input) => this.#sources(input)));
    if (node.axes.length === 0) return this.#add(this.#uniformGroup([...homes]), node);
    const varying = [...homes].filter((group) => group.kind !== "uniform");
    if (varying.length === 0) {
      this.#waiting.push(node);
      return;
    }
    const candidates = varying.filter(
      (group) => group.takes(node.axes) && this.#canJoin(node, group),
    );
    const latest = candidates.at(-1) ?? this.#sibling(node, varying);
    const group = latest ?? new Group("rows", node.axes.slice(0, -1), node.axes.slice(-1));
    this.#add(group, node);
  }

  /** A group that already reads the same values through views (two halves of one value), row by row. */
  #sibling(node: Node, read: readonly Group[]): Group | undefined {
    if (!node.inputs.some((input) => rowOf(input.op).kind === "view")) return undefined;
    const axes = axisNames(node.axes).join();
    const isSibling = (group: Group) =>
      group.kind === "rows" &&
      axisNames([...group.outer, ...group.inner]).join() === axes &&
      group.inner.length === 1 &&
      read.every((home) => group.before.has(home)) &&
      this.#canJoin(node, group);
    return this.#groups.findLast(isSibling);
  }

  /** Numbers without axes: one kernel for all that need nothing else first. */
  #uniformGroup(homes: readonly Group[]): Group {
    const known = this.#groups.filter((group) => group.kind === "uniform").reverse();
    const fitting = known.find((group) =>
      homes.every((home) => home === group || !home.dependsOn(group)),
    );
    return fitting ?? new Group("uniform", [], []);
  }

  /** A node reads nothing through a view of this group, nor anything that must run after it. */
  #canJoin(node: Node, group: Group): boolean {
    return node.inputs.every((input) =>
      this.#sources(input).every((home) => {
        if (home === group) return this.#homes.get(input) === group && this.#inLoop(input, group);
        return !home.dependsOn(group);
      }),
    );
  }

  /** Whether a member's value is at hand inside the group's loops at the same element. */
  #inLoop(member: Node, group: Group): boolean {
    return group.kind !== "columns" || !this.#isPrologue(member, group);
  }

  #isPrologue(member: Node, group: Group): boolean {
    const over = group.anchor?.attributes.over ?? [];
    return group.kind === "columns" && member.axes.some((axis) => over.includes(axis.name));
  }

  /** The groups whose values a read of `node` needs, through views and waiting nodes. */
  #sources(node: Node): readonly Group[] {
    const home = this.#homes.get(node);
    if (home) return home.alone;
    if (node.inputs.length === 0) return none;
    const known = this.#sourcesOfWaiting.get(node);
    if (known) return known;
    const found = [...new Set(node.inputs.flatMap((input) => this.#sources(input)))];
    this.#sourcesOfWaiting.set(node, found);
    return found;
  }

  #add(group: Group, node: Node): void {
    if (!this.#groups.includes(group)) this.#groups.push(group);
    group.members.add(node);
    if (!this.#homes.has(node)) this.#homes.set(node, group);
    for (const input of node.inputs)
      for (const home of this.#sources(input)) if (home !== group) group.before.add(home);
  }

  /** A kernel that writes a regrouped value to a place of its own. */
  #copyOf(node: Node): Group {
    const [input] = node.inputs as [Node];
    return new Group("rows", input.axes.slice(0, -1), input.axes.slice(-1));
  }

  /** Leaf-only work, its users first: into the kernels that use it, or into one of its own. */
  #placeWaiting(node: Node): void {
    const users = (this.#users.get(node) ?? []).filter((user) => this.#isComputed(user));
    const groups = new Set(users.flatMap((user) => this.#groupsOf(user)));
    const inLoops = users.every(
      (user) =>
        rowOf(user.op).kind === "elementwise" ||
        (rowOf(user.op).kind === "reduce" && this.#takesPrologue(user, node)),
    );
    const inline = inLoops && !this.#isViewed(node) && !this.#roots.has(node) && groups.size > 0;
    if (inline && (groups.size === 1 || this.#costOf(node) <= cheap)) {
      for (const group of groups) this.#add(group, node);
      return;
    }
    this.#add(new Group("rows", node.axes.slice(0, -1), node.axes.slice(-1)), node);
  }

  #takesPrologue(reduction: Node, node: Node): boolean {
    const home = this.#homes.get(reduction);
    return (
      home !== undefined &&
      (home.anchor === reduction || home.kind === "rows") &&
      node !== reduction
    );
  }

  #groupsOf(node: Node): Group[] {
    return this.#groups.filter((group) => group.members.has(node));
  }

  #isComputed(node: Node): boolean {
    return this.#homes.has(node);
  }

  /** Cost of a leaf-only node with all that it is made of. */
  #costOf(node: Node): number {
    return topological([node]).reduce((cost, part) => cost + rowOf(part.op).cost, 0);
  }

  // -- what is kept ----------------------------------------------------------------------------

  /** The nodes whose value must lie in memory, because another kernel or a view reads it. */
  #valuesNeeded(): Set<Node> {
    const needed = new Set<Node>();
    const read = (node: Node, group: Group | undefined) => {
      if (this.#homes.has(node)) {
        if (!group?.members.has(node)) needed.add(node);
      } else if (rowOf(node.op).kind === "view" || rowOf(node.op).kind === "gather")
        for (const input of node.inputs) read(input, undefined);
    };
    for (const group of this.#groups)
      for (const member of group.members)
        for (const input of member.inputs) {
          // A contraction walks its operands in loops of its own, and a copy moves its input.
          const apart = rowOf(member.op).kind === "contract" || rowOf(member.op).kind === "view";
          read(input, apart ? undefined : group);
        }
    for (const root of this.#roots) if (!this.#homes.has(root)) read(root, undefined);
    return needed;
  }

  #stores(needed: Set<Node>): Map<Group, Store[]> {
    const stores = new Map<Group, Store[]>();
    const put = (group: Group, store: Store) =>
      stores.set(group, [...(stores.get(group) ?? []), store]);
    // A root that no kernel computes is copied by one of its own.
    const homeOf = (node: Node, axes: readonly Axis[]): Group => {
      const home = this.#homes.get(node);
      if (home && axes.every((axis) => hasAxis(node.axes, axis.name))) return home;
      const kind = axes.length === 0 ? "uniform" : "rows";
      const group = new Group(kind, axes.slice(0, -1), axes.slice(-1));
      this.#groups.push(group);
      for (const source of this.#sources(node)) group.before.add(source);
      if (home) needed.add(node);
      return group;
    };
    for (const { variable, value } of this.#computation.updates)
      put(homeOf(value, variable.axes), {
        node: value,
        target: { kind: "variable", variable },
      });
    for (const { name, node, axes } of this.#computation.results)
      put(homeOf(node, axes), { node, target: { kind: "result", name, axes } });
    for (const node of needed) {
      const home = this.#homes.get(node)!;
      if (!this.#isViewed(node))
        arrange(node, inOrderOf([...home.outer, ...home.inner], node.axes));
      put(home, { node, target: { kind: "value", node } });
    }
    return stores;
  }

  /** Whether a view is, or reads, this value: then its axes must lie as it says itself. */
  #isViewed(node: Node): boolean {
    const isView = (other: Node) => rowOf(other.op).kind === "view";
    return isView(node) || (this.#users.get(node) ?? []).some(isView);
  }

  /** The groups, each after those that it depends on. */
  #inOrder(): Group[] {
    const done = new Set<Group>();
    const visit = (group: Group) => {
      if (done.has(group)) return;
      done.add(group);
      for (const before of group.before) visit(before);
      ordered.push(group);
    };
    const ordered: Group[] = [];
    for (const group of this.#groups) visit(group);
    return ordered;
  }
}

/** `axes` in the order in which `loops` has them; what it lacks (a reduction's prologue) goes first. */
function inOrderOf(loops: readonly Axis[], axes: readonly Axis[]): Axis[] {
  const place = (axis: Axis) => loops.findIndex((loop) => loop.name === axis.name);
  return [...axes].sort((a, b) => place(a) - place(b));
}
