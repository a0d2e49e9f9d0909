/** Values of nodes in locals: what is computed, loaded or constant where the loops stand. */
import type { Node } from "../../ir/node.ts";
import { rowOf } from "../../ir/ops.ts";
import { type Access, accessOf } from "../access.ts";
import type { Kernel } from "../kernel.ts";
import type { Local } from "./assembler.ts";
import { type Frame, variesAlong } from "./frame.ts";
import { render } from "./renderer.ts";

/** Where a value that the kernel does not read from its usual place lies instead. */
export interface Override {
  readonly access: Access;
  readonly origin: Local;
  /** The value is the sum of so many, `bytes` apart, added in order. */
  readonly terms?: { readonly count: number; readonly bytes: number };
}

/**
 * Values known at one level of the loops. A child sees its parent's; what it computes is forgotten, and
 * its locals are given back, when it closes.
 */
export class Scope {
  readonly frame: Frame;
  readonly #parent: Scope | undefined;
  readonly #values = new Map<Node, Local>();
  readonly #pointers = new Map<Node, { access: Access; pointer: Local }>();
  readonly #overrides: ReadonlyMap<Node, Override>;
  readonly #owned: Local[] = [];

  readonly #members: ReadonlySet<Node>;

  constructor(
    frame: Frame,
    members: ReadonlySet<Node>,
    overrides: ReadonlyMap<Node, Override>,
    parent?: Scope,
  ) {
    this.frame = frame;
    this.#members = members;
    this.#overrides = overrides;
    this.#parent = parent;
  }

  child(): Scope {
    return new Scope(this.frame, this.#members, this.#overrides, this);
  }

  close(): void {
    this.frame.code.release(...this.#owned);
  }

  find(node: Node): Local | undefined {
    return this.#values.get(node) ?? this.#parent?.find(node);
  }

  /** Takes over a local with the value of a node. */
  put(node: Node, local: Local): void {
    this.#values.set(node, local);
    this.#owned.push(local);
  }

  /** How a node that the kernel does not compute is read. */
  accessOf(node: Node): Access {
    return this.#overrides.get(node)?.access ?? accessOf(node);
  }

  /**
   * Before a vector loop along an axis: the address of an operand that varies along it, or else its
   * value.
   */
  aim(node: Node, along: string): void {
    if (this.find(node) || rowOf(node.op).kind === "index" || node.attributes.value !== undefined)
      return;
    const access = this.accessOf(node);
    if (!variesAlong(access, along)) {
      this.operand(node);
      return;
    }
    const pointer = this.frame.pointer(access, this.#overrides.get(node)?.origin, along);
    this.#pointers.set(node, { access, pointer });
    this.#owned.push(pointer);
  }

  /** The value of an operand: known, constant, a position, computed or loaded here. */
  operand(node: Node): Local {
    const known = this.find(node);
    if (known) return known;
    const { frame } = this;
    if (rowOf(node.op).kind === "leaf" && node.attributes.value !== undefined)
      return frame.constantOf(node);
    if (this.#members.has(node) && !this.#overrides.has(node)) return this.compute(node);
    const local = frame.code.local("v128");
    if (rowOf(node.op).kind === "index") this.#pushIndex(node);
    else this.#load(node);
    frame.code.set(local);
    this.put(node, local);
    return local;
  }

  #pushIndex(node: Node): void {
    const { code } = this.frame;
    const [axis] = node.attributes.axes!;
    const vector = this.frame.vector;
    if (vector?.axis.name === axis!.name) {
      code.get(vector.offset).i32(2).do("i32.shr_u").do("i32x4.splat");
      code.get(this.frame.laneNumbers()).do("i32x4.add");
    } else code.get(this.frame.index(axis!.name)!).do("i32x4.splat");
  }

  #load(node: Node): void {
    const aimed = this.#aimed(node);
    const access = aimed?.access ?? this.accessOf(node);
    const pointer = aimed?.pointer ?? this.frame.pointer(access, this.#overrides.get(node)?.origin);
    const terms = this.#overrides.get(node)?.terms;
    if (terms) this.frame.loadSum(pointer, terms);
    else if (this.frame.isVector(access)) this.frame.loadVector(access, pointer);
    else this.frame.loadSplat(access, pointer);
    if (!aimed) this.frame.code.release(pointer);
  }

  #aimed(node: Node): { access: Access; pointer: Local } | undefined {
    return this.#pointers.get(node) ?? (this.#parent ? this.#parent.#aimed(node) : undefined);
  }

  /** Computes an elementwise member of the kernel; a copied view is its input, loaded. */
  compute(node: Node): Local {
    const known = this.find(node);
    if (known) return known;
    if (rowOf(node.op).kind === "view") {
      const value = this.operand(node.inputs[0]!);
      this.#values.set(node, value);
      return value;
    }
    const inputs = node.inputs.map((input) => this.operand(input));
    const local = this.frame.code.local("v128");
    render(this.frame.code, node, inputs, this.frame.fma);
    this.frame.code.set(local);
    this.put(node, local);
    return local;
  }
}

/** The operands of `nodes` that the kernel does not compute itself. */
export function operandsOf(kernel: Kernel, nodes: readonly Node[]): Node[] {
  const members = new Set([...kernel.nodes, ...(kernel.anchor ? [kernel.anchor] : [])]);
  const operands = new Set<Node>();
  for (const node of nodes)
    for (const input of node.inputs)
      if (!members.has(input) && input.attributes.value === undefined) operands.add(input);
  return [...operands];
}
