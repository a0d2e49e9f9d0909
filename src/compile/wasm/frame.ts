/**
 * The frame of a kernel's function: addresses and constants in locals that are set once at its start,
 * loops over named axes, and loads and stores of vectors wherever the loops stand.
 */
import type { Axis, Node } from "../../ir/node.ts";
import type { Access, Clamp, StoreAccess } from "../access.ts";
import { Code, type Local } from "./assembler.ts";
import { lane } from "./renderer.ts";

/** What one word of a kernel's record of arguments holds; bound when the program is put together. */
export type KernelArgument =
  /** The address of a leaf or a kept value. */
  | { readonly kind: "place"; readonly node: Node }
  /** The offset of a field in the step's record of results. */
  | { readonly kind: "result"; readonly name: string }
  /** The address of this thread's scratch memory, for what a kernel forgets at its end. */
  | { readonly kind: "scratch" }
  /** First and last (exclusive) index of this thread's part of the axis that is split. */
  | { readonly kind: "from" | "to" };

export class Frame {
  readonly code: Code;
  readonly arguments: KernelArgument[] = [];
  /** Bytes of scratch memory that the kernel needs. */
  scratchBytes = 0;
  readonly split: string | undefined;
  readonly #words = new Map<unknown, Local>();
  readonly #constants = new Map<number, Local>();
  #lanes: Local | undefined;
  readonly #indices = new Map<string, Local>();
  /** Byte offset of a 4-byte element along the vector axis, and the name of that axis. */
  #vector: { axis: Axis; offset: Local } | undefined;

  /** Whether the host's relaxed multiply-add is fused. */
  readonly fma: boolean;

  /** `split`: the name of the axis of which each thread takes a part. */
  constructor(split: string | undefined, fma: boolean) {
    this.fma = fma;
    // arguments, the step's input record, its result record
    this.code = new Code(["i32", "i32", "i32"]);
    this.split = split;
  }

  // -- what is set at the start ----------------------------------------------------------------

  /** The address of a leaf or kept value. */
  address(node: Node): Local {
    return this.#word(node, { kind: "place", node }, node.op === "input" ? 1 : undefined);
  }

  resultAddress(name: string): Local {
    return this.#word(`result ${name}`, { kind: "result", name }, 2);
  }

  scratch(): Local {
    return this.#word("scratch", { kind: "scratch" });
  }

  /** First and last index of the loop over an axis, as locals or numbers. */
  bounds(axis: Axis): { from: Local | number; to: Local | number } {
    if (axis.name !== this.split) return { from: 0, to: axis.size };
    return { from: this.#word("from", { kind: "from" }), to: this.#word("to", { kind: "to" }) };
  }

  #word(key: unknown, argument: KernelArgument, record?: number): Local {
    const known = this.#words.get(key);
    if (known) return known;
    const local = this.code.fresh("i32");
    this.#words.set(key, local);
    const offset = 4 * (this.arguments.push(argument) - 1);
    this.code.head(() => {
      this.code.get(this.code.parameters[0]!).do("i32.load", offset);
      if (record !== undefined) this.code.get(this.code.parameters[record]!).do("i32.add");
      this.code.set(local);
    });
    return local;
  }

  /** A vector of four equal words, in a local. */
  constant(word: number): Local {
    const known = this.#constants.get(word);
    if (known) return known;
    const local = this.code.fresh("v128");
    this.#constants.set(word, local);
    this.code.head(() => this.code.splat(word).set(local));
    return local;
  }

  /** 0, 1, 2, 3: the lanes' own numbers. */
  laneNumbers(): Local {
    if (this.#lanes) return this.#lanes;
    const lanes = this.code.fresh("v128");
    this.#lanes = lanes;
    this.code.head(() =>
      this.code.vector([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]).set(lanes),
    );
    return lanes;
  }

  constantOf(node: Node): Local {
    return this.constant(lane(node.attributes.value!, node.dtype));
  }

  // -- loops -----------------------------------------------------------------------------------

  push(value: Local | number): void {
    if (typeof value === "number") this.code.i32(value);
    else this.code.get(value);
  }

  /** `body` for each index of `axis` (this thread's part of it), which `index(axis)` then gives. */
  loop(axis: Axis, body: () => void): void {
    const { from, to } = this.bounds(axis);
    this.range(axis, from, to, body);
  }

  range(axis: Axis, from: Local | number, to: Local | number, body: () => void): void {
    const { code } = this;
    const index = code.local("i32");
    this.#indices.set(axis.name, index);
    this.push(from);
    code.set(index);
    this.guard(from, to, () =>
      code.repeatWhile(() => {
        body();
        code.get(index).i32(1).do("i32.add").tee(index);
        this.push(to);
        code.do("i32.lt_s");
      }),
    );
    this.#indices.delete(axis.name);
    code.release(index);
  }

  loops(axes: readonly Axis[], body: () => void): void {
    const [first, ...others] = axes;
    if (!first) return body();
    this.loop(first, () => this.loops(others, body));
  }

  /** `body` for every vector from `from` to `to`; the last one may run over the end. */
  vectors(
    axis: Axis,
    from: Local | number,
    to: Local | number,
    body: (offset: Local) => void,
  ): void {
    const { code } = this;
    const offset = code.local("i32");
    const outside = this.#vector;
    this.#vector = { axis, offset };
    this.push(from);
    code.i32(2).do("i32.shl").set(offset);
    this.guard(from, to, () =>
      code.repeatWhile(() => {
        body(offset);
        code.get(offset).i32(16).do("i32.add").tee(offset);
        this.#pushScaled(to, 4);
        code.do("i32.lt_s");
      }),
    );
    this.#vector = outside;
    code.release(offset);
  }

  /** Runs `body` only if the range is not empty, where that is not known. */
  guard(from: Local | number, to: Local | number, body: () => void): void {
    if (typeof from === "number" && typeof to === "number") {
      if (from < to) body();
      return;
    }
    this.push(from);
    this.push(to);
    this.code.do("i32.lt_s").when(body);
  }

  #pushScaled(value: Local | number, by: number): void {
    if (typeof value === "number") this.code.i32(value * by);
    else this.code.get(value).i32(by).do("i32.mul");
  }

  index(name: string): Local | undefined {
    return this.#indices.get(name);
  }

  /** The vector axis and the byte offset along it of a 4-byte element. */
  get vector(): { axis: Axis; offset: Local } | undefined {
    return this.#vector;
  }

  /** Whether reading `access` here depends on the vector axis. */
  isVector(access: Access): boolean {
    return this.#vector !== undefined && variesAlong(access, this.#vector.axis.name);
  }

  // -- memory ----------------------------------------------------------------------------------

  /**
   * A local with the address of `access` at the indices of all loops that are open, without the
   * vector axis (`along`; default: that of the open vector loop). `origin` replaces the address of
   * its base.
   */
  pointer(access: Access, origin?: Local, along = this.#vector?.axis.name): Local {
    const { code } = this;
    const pointer = code.local("i32");
    code.get(origin ?? this.address(access.base));
    if (access.offset !== 0) code.i32(access.offset * access.width).do("i32.add");
    if (access.rows && !(along && variesAlong(access.rows.indices, along))) {
      this.#pushWord(access.rows.indices);
      code
        .i32(access.rows.size * access.width)
        .do("i32.mul")
        .do("i32.add");
    }
    for (const [name, stride] of access.strides) {
      const index = this.#indices.get(name);
      if (!index) continue;
      code.get(index);
      this.#clampTop(access.clamps.get(name));
      code
        .i32(stride * access.width)
        .do("i32.mul")
        .do("i32.add");
    }
    code.set(pointer);
    return pointer;
  }

  /** The position that stands for the index on the stack. */
  #clampTop(clamp: Clamp | undefined): void {
    if (!clamp) return;
    const { code } = this;
    const at = code.local("i32");
    code.i32(clamp.shift).do("i32.add").set(at);
    code.i32(clamp.low).get(at).get(at).i32(clamp.low).do("i32.lt_s").do("select").set(at);
    code.get(at).i32(clamp.high).get(at).i32(clamp.high).do("i32.lt_s").do("select");
    code.release(at);
  }

  /** A whole number in memory, as i32. */
  #pushWord(access: Access): void {
    const pointer = this.pointer(access);
    this.code.get(pointer).do("i32.load");
    this.code.release(pointer);
  }

  /** Leaves four equal lanes with the element at `pointer` on the stack. */
  loadSplat(access: Access, pointer: Local): void {
    this.code.get(pointer);
    if (access.width === 4) this.code.do("v128.load32_splat");
    else this.code.do("i32.load8_u").do("i32x4.splat");
  }

  /** Leaves the four elements at the vector axis' position on the stack. */
  loadVector(access: Access, pointer: Local): void {
    const { code } = this;
    const { axis, offset } = this.#vector!;
    const stride = access.strides.get(axis.name);
    if (access.rows && this.isVector(access.rows.indices)) return this.#loadLanes(access, pointer);
    if (stride !== 1) return this.#loadLanes(access, pointer);
    const clamp = access.clamps.get(axis.name);
    if (clamp) return this.#loadClamped(access, pointer, clamp);
    code.get(pointer).get(offset);
    if (access.width !== 4) code.i32(2).do("i32.shr_u");
    code.do("i32.add");
    this.#loadPiece(access);
  }

  /** In one piece where all four lie within the clamp, else one by one: nothing outside is read. */
  #loadClamped(access: Access, pointer: Local, { shift, low, high }: Clamp): void {
    const { code } = this;
    const pieces = high - low - 2;
    if (pieces <= 0) return this.#loadLanes(access, pointer);
    const first = code.local("i32");
    const result = code.local("v128");
    code.get(this.#vector!.offset).i32(2).do("i32.shr_u");
    code
      .i32(shift - low)
      .do("i32.add")
      .tee(first);
    // Before the lowest position it is below 0, and without a sign a large number.
    code
      .i32(pieces)
      .do("i32.lt_u")
      .when(
        () => {
          code.get(pointer).get(first).i32(low).do("i32.add");
          code.i32(access.width).do("i32.mul").do("i32.add");
          this.#loadPiece(access);
          code.set(result);
        },
        () => {
          this.#loadLanes(access, pointer);
          code.set(result);
        },
      );
    code.get(result).release(first, result);
  }

  /** Leaves four elements that lie side by side, from the address on the stack on. */
  #loadPiece({ width }: Access): void {
    const { code } = this;
    if (width === 4) code.do("v128.load");
    else code.do("v128.load32_zero").do("i16x8.extend_low_i8x16_u").do("i32x4.extend_low_i16x8_u");
  }

  /** Leaves the sum of several vectors on the stack: from zero, in order. */
  loadSum(pointer: Local, { count, bytes }: { count: number; bytes: number }): void {
    const { code } = this;
    const at = code.local("i32");
    code.get(pointer).get(this.#vector!.offset).do("i32.add").set(at);
    code.get(this.constant(0));
    for (let i = 0; i < count; i++)
      code
        .get(at)
        .do("v128.load", i * bytes)
        .do("f32x4.add");
    code.release(at);
  }

  /** Four elements that do not lie side by side; past the end the last one again. */
  #loadLanes(access: Access, pointer: Local): void {
    const { code } = this;
    const { axis } = this.#vector!;
    const stride = access.strides.get(axis.name);
    const at = code.local("i32");
    const result = code.local("v128");
    code.splat(0).set(result);
    for (let k = 0; k < 4; k++) {
      this.#pushLaneIndex(k);
      code.set(at);
      code.get(pointer);
      if (stride !== undefined) {
        code.get(at);
        this.#clampTop(access.clamps.get(axis.name));
        code
          .i32(stride * access.width)
          .do("i32.mul")
          .do("i32.add");
      }
      if (access.rows && this.isVector(access.rows.indices)) {
        const { indices } = access.rows;
        const row = this.pointer(indices);
        const by = indices.strides.get(axis.name)! * indices.width;
        code.get(row).get(at).i32(by).do("i32.mul").do("i32.add").do("i32.load");
        code
          .i32(access.rows.size * access.width)
          .do("i32.mul")
          .do("i32.add");
        code.release(row);
      }
      code.get(result);
      if (access.width === 4) code.do("v128.load32_lane", 0, k);
      else code.do("v128.load8_lane", 0, 4 * k);
      code.set(result);
    }
    code.get(result);
    code.release(at, result);
  }

  /** The index along the vector axis of lane `k`, at most the last one of the axis. */
  #pushLaneIndex(k: number): void {
    const { code } = this;
    const { axis, offset } = this.#vector!;
    const index = code.local("i32");
    code.get(offset).i32(2).do("i32.shr_u").i32(k).do("i32.add").set(index);
    code.get(index).i32(axis.size - 1);
    code
      .get(index)
      .i32(axis.size - 1)
      .do("i32.lt_u")
      .do("select");
    code.release(index);
  }

  /** Stores the first lane of `value`. */
  storeOne(access: StoreAccess, pointer: Local, value: Local): void {
    this.code.get(pointer).get(value);
    if (access.width === 4) this.code.do("v128.store32_lane", 0, 0);
    else this.code.do("v128.store8_lane", 0, 0);
  }

  /** Stores four lanes at the vector axis' position; never past the end unless there is padding. */
  storeVector(access: StoreAccess, pointer: Local, value: Local): void {
    const { code } = this;
    const { axis, offset } = this.#vector!;
    const stride = access.strides.get(axis.name);
    // The value is the same along the vector axis, and so is its place.
    if (stride === undefined) return this.storeOne(access, pointer, value);
    if (access.width === 4 && stride === 1 && access.padded === axis.name) {
      code.get(pointer).get(offset).do("i32.add").get(value).do("v128.store");
      return;
    }
    for (let k = 0; k < 4; k++) {
      const store = () => {
        code.get(pointer).get(offset).i32(2).do("i32.shr_u").i32(k).do("i32.add");
        code
          .i32(stride * access.width)
          .do("i32.mul")
          .do("i32.add")
          .get(value);
        if (access.width === 4) code.do("v128.store32_lane", 0, k);
        else code.do("v128.store8_lane", 0, 4 * k);
      };
      if (axis.size % 4 === 0 || k === 0) store();
      else {
        code.get(offset).i32(2).do("i32.shr_u").i32(k).do("i32.add").i32(axis.size);
        code.do("i32.lt_u").when(store);
      }
    }
  }
}

/** Whether reading `access` depends on the position along an axis. */
export const variesAlong = ({ strides, rows }: Access, name: string): boolean =>
  strides.has(name) || (rows !== undefined && variesAlong(rows.indices, name));
