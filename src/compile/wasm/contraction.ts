/**
 * Contractions: register tiles over blocks that stay in the L1 cache.
 *
 * The inner loop is one step of the reduced axis: `rows` splats of A, `vectors` vectors of B, and their
 * multiply-adds into accumulators; do-while, two moving pointers, no counter, no unrolling (see
 * docs/compile.md for what was measured). A block of the result is finished before the next begins,
 * so that what follows finds it in the cache.
 */
import type { Axis, Node } from "../../ir/node.ts";
import { type Access, accessOf, plainAccess } from "../access.ts";
import { type Kernel, sliceLength } from "../kernel.ts";
import { roundUp } from "../layout.ts";
import { type Roles, rolesOf, tileOf } from "../roles.ts";
import type { Tile, TileOptions } from "../tile.ts";
import type { Local } from "./assembler.ts";
import type { Override } from "./evaluate.ts";
import type { Frame } from "./frame.ts";
import { packLanes, packTransposed } from "./packing.ts";
import { RowProgram } from "./rows.ts";

export function emitContraction(
  frame: Frame,
  kernel: Kernel,
  tiles: TileOptions | undefined,
): void {
  new Emitter(frame, kernel, tiles).emit();
}

class Emitter {
  readonly #frame: Frame;
  readonly #kernel: Kernel;
  readonly #roles: Roles;
  readonly #tile: Tile;
  readonly #a: Access;
  readonly #b: Access;
  /** The result block: `chunk` rows, each `stride` bytes. */
  readonly #stride: number;
  readonly #block: Local;
  /** B in the order of the inner loop, where its columns do not lie side by side. */
  readonly #pack: Local | undefined;

  constructor(frame: Frame, kernel: Kernel, tiles: TileOptions | undefined) {
    this.#frame = frame;
    this.#kernel = kernel;
    this.#roles = rolesOf(kernel);
    this.#tile = tileOf(kernel, tiles);
    const [a, b] = kernel.anchor!.inputs as [Node, Node];
    this.#a = accessOf(a);
    this.#b = accessOf(b);
    // A tile that does not divide a thread's part runs over its end.
    const over = 16 % (4 * this.#tile.vectors) === 0 ? 0 : 4 * this.#tile.vectors;
    this.#stride = 4 * roundUp(this.#tile.columns + over, 16);
    const { code } = frame;
    this.#block = this.#reserve(this.#stride * this.#tile.chunk);
    const packed = this.#b.strides.get(this.#roles.column.name) !== 1;
    this.#pack = packed
      ? this.#reserve(16 * this.#tile.vectors * roundUp(this.#tile.depth, 4))
      : undefined;
    this.#first = code.fresh("i32");
    this.#last = code.fresh("i32");
  }

  /** First and last column of the block at hand. */
  readonly #first: Local;
  readonly #last: Local;

  #reserve(bytes: number): Local {
    const { code } = this.#frame;
    const local = code.fresh("i32");
    const scratch = this.#frame.scratch();
    const offset = this.#frame.scratchBytes;
    code.head(() => code.get(scratch).i32(offset).do("i32.add").set(local));
    this.#frame.scratchBytes += roundUp(bytes, 64);
    return local;
  }

  emit(): void {
    const { row } = this.#roles;
    const { slices } = this.#kernel;
    const around = slices ? [slices, ...this.#roles.around] : this.#roles.around;
    const program = new RowProgram(this.#frame, this.#kernel, this.#overrides());
    const block = () => {
      this.#multiply();
      this.#follow(program);
    };
    this.#frame.loops(around, () =>
      this.#columnBlocks(() => {
        if (row) this.#chunks(row, block);
        else block();
      }),
    );
  }

  // -- blocks ----------------------------------------------------------------------------------

  #columnBlocks(body: () => void): void {
    const { column } = this.#roles;
    const { code } = this.#frame;
    const { from, to } = this.#frame.bounds(column);
    this.#frame.push(from);
    code.set(this.#first);
    if (this.#tile.columns >= column.size) {
      this.#frame.push(to);
      code.set(this.#last);
      this.#frame.guard(from, to, body);
      return;
    }
    this.#frame.guard(from, to, () =>
      code.repeatWhile(() => {
        this.#setMinimum(this.#last, this.#first, this.#tile.columns, to);
        body();
        code.get(this.#last).tee(this.#first);
        this.#frame.push(to);
        code.do("i32.lt_s");
      }),
    );
  }

  /** target = min(base + step, limit) */
  #setMinimum(target: Local, base: Local, step: number, limit: Local | number): void {
    const { code } = this.#frame;
    code.get(base).i32(step).do("i32.add").tee(target);
    this.#frame.push(limit);
    code.get(target);
    this.#frame.push(limit);
    code.do("i32.lt_s").do("select").set(target);
  }

  #rowFrom: Local | undefined;
  #rowTo: Local | undefined;

  #chunks(row: Axis, body: () => void): void {
    const { code } = this.#frame;
    const { from, to } = this.#frame.bounds(row);
    this.#rowFrom ??= code.fresh("i32");
    this.#rowTo ??= code.fresh("i32");
    const [first, last] = [this.#rowFrom, this.#rowTo];
    this.#frame.push(from);
    code.set(first);
    this.#frame.guard(from, to, () =>
      code.repeatWhile(() => {
        this.#setMinimum(last, first, this.#tile.chunk, to);
        body();
        code.get(last).tee(first);
        this.#frame.push(to);
        code.do("i32.lt_s");
      }),
    );
  }

  /** What runs on the finished block, row by row. */
  #follow(program: RowProgram): void {
    const { row } = this.#roles;
    if (row)
      this.#frame.range(row, this.#rowFrom!, this.#rowTo!, () =>
        program.row(this.#first, this.#last),
      );
    else program.row(this.#first, this.#last);
  }

  /** The contraction's own value is read from the block. */
  #overrides(): Map<Node, Override> {
    const { row, column } = this.#roles;
    const { code } = this.#frame;
    // The address at which element (0, 0) of the whole result would lie.
    this.#origin = code.fresh("i32");
    const strides = new Map([[column.name, 1]]);
    if (row) strides.set(row.name, this.#stride / 4);
    const access = plainAccess(this.#kernel.anchor!, strides);
    return new Map([[this.#kernel.anchor!, { access, origin: this.#origin }]]);
  }

  #origin: Local | undefined;

  // -- the product -----------------------------------------------------------------------------

  #multiply(): void {
    const { code } = this.#frame;
    const { reduced } = this.#roles;
    code.get(this.#block);
    if (this.#rowFrom) code.get(this.#rowFrom).i32(this.#stride).do("i32.mul").do("i32.sub");
    code.get(this.#first).i32(4).do("i32.mul").do("i32.sub").set(this.#origin!);
    const k = reduced.at(-1)!;
    if (this.#kernel.slices) return this.#oneSlice(this.#kernel.slices, k);
    const single = reduced.length === 1 && this.#tile.depth >= k.size;
    if (single) return this.#depthBlock(k, 0, k.size, "store");
    this.#clearBlock();
    const { cuts } = this.#kernel.anchor!.attributes;
    const slices = cuts !== undefined;
    if (cuts && !sliceLength(cuts)) {
      for (const [i, to] of cuts.slice(1).entries()) this.#depthBlock(k, cuts[i]!, to, "slice");
      return;
    }
    this.#frame.loops(reduced.slice(0, -1), () => {
      if (this.#tile.depth >= k.size)
        return this.#depthBlock(k, 0, k.size, slices ? "slice" : "chain");
      const first = code.local("i32");
      const last = code.local("i32");
      code.i32(0).set(first);
      code.repeatWhile(() => {
        this.#setMinimum(last, first, this.#tile.depth, k.size);
        this.#depthBlock(k, first, last, slices ? "slice" : "chain");
        code.get(last).tee(first).i32(k.size).do("i32.lt_s");
      });
      code.release(first, last);
    });
  }

  /** The partial sum of the slice at hand. */
  #oneSlice(slices: Axis, k: Axis): void {
    const { code } = this.#frame;
    const length = sliceLength(this.#kernel.anchor!.attributes.cuts!)!;
    const first = code.local("i32");
    const last = code.local("i32");
    code.get(this.#frame.index(slices.name)!).i32(length).do("i32.mul").set(first);
    this.#setMinimum(last, first, length, k.size);
    this.#depthBlock(k, first, last, "store");
    code.release(first, last);
  }

  #clearBlock(): void {
    const { code } = this.#frame;
    const zero = this.#frame.constant(0);
    const at = code.local("i32");
    const end = code.local("i32");
    code
      .get(this.#block)
      .tee(at)
      .i32(this.#stride * this.#tile.chunk)
      .do("i32.add")
      .set(end);
    code.repeatWhile(() => {
      code.get(at).get(zero).do("v128.store");
      code.get(at).i32(16).do("i32.add").tee(at).get(end).do("i32.lt_u");
    });
    code.release(at, end);
  }

  /** All tiles of the block for a run of the reduced axis. */
  #depthBlock(k: Axis, from: Local | number, to: Local | number, mode: Mode): void {
    const { code } = this.#frame;
    const { row } = this.#roles;
    const width = 4 * this.#tile.vectors;
    const column = code.local("i32");
    code.get(this.#first).set(column);
    code.repeatWhile(() => {
      const b = this.#packed(k, from, to, column) ?? this.#pointer(this.#b, k, from, column);
      const result = code.local("i32");
      code.get(this.#block).get(column).get(this.#first).do("i32.sub").i32(4).do("i32.mul");
      code.do("i32.add").set(result);
      const a = this.#pointer(this.#a, k, from, undefined);
      if (row) this.#rowTiles(row, k, from, to, mode, { a, b, result });
      else this.#microTile(1, k, from, to, mode, { a, b, result });
      code.release(a, b, result);
      code.get(column).i32(width).do("i32.add").tee(column).get(this.#last).do("i32.lt_s");
    });
    code.release(column);
  }

  /** The address of an operand at the indices of the loops around, at row `rowFrom` and step `k`. */
  #pointer(access: Access, k: Axis, step: Local | number, column: Local | undefined): Local {
    const { code } = this.#frame;
    const pointer = this.#frame.pointer(access);
    const move = (axis: string | undefined, index: Local | number | undefined) => {
      const stride = axis === undefined ? undefined : access.strides.get(axis);
      if (stride === undefined || index === undefined || index === 0) return;
      code.get(pointer);
      this.#frame.push(index);
      code
        .i32(4 * stride)
        .do("i32.mul")
        .do("i32.add")
        .set(pointer);
    };
    move(k.name, step);
    if (column) move(this.#roles.column.name, column);
    else move(this.#roles.row?.name, this.#rowFrom);
    return pointer;
  }

  /** Tiles of full height, then one of what is left. */
  #rowTiles(
    row: Axis,
    k: Axis,
    from: Local | number,
    to: Local | number,
    mode: Mode,
    at: Pointers,
  ): void {
    const { code } = this.#frame;
    const { rows } = this.#tile;
    const index = code.local("i32");
    const step = 4 * (this.#a.strides.get(row.name) ?? 0);
    const advance = (by: number) => {
      code
        .get(at.a)
        .i32(by * step)
        .do("i32.add")
        .set(at.a);
      code
        .get(at.result)
        .i32(by * this.#stride)
        .do("i32.add")
        .set(at.result);
      code.get(index).i32(by).do("i32.add").set(index);
    };
    const fits = () => code.get(index).i32(rows).do("i32.add").get(this.#rowTo!).do("i32.le_s");
    code.get(this.#rowFrom!).set(index);
    fits();
    code.when(() =>
      code.repeatWhile(() => {
        this.#microTile(rows, k, from, to, mode, at);
        advance(rows);
        fits();
      }),
    );
    // Parts of threads begin at multiples of 4 rows, so only the last rows of all can be left over;
    // another height of the tile may leave some anywhere.
    const rest = 4 % rows === 0 ? row.size % rows : 1;
    const left = () => code.get(index).get(this.#rowTo!).do("i32.lt_s");
    if (rest > 0) {
      left();
      code.when(() =>
        code.repeatWhile(() => {
          this.#microTile(rest, k, from, to, mode, at);
          advance(rest);
          left();
        }),
      );
    }
    code.release(index);
  }

  /** The register tile: `rows` x `vectors` accumulators over one run of the reduced axis. */
  #microTile(
    rows: number,
    k: Axis,
    from: Local | number,
    to: Local | number,
    mode: Mode,
    at: Pointers,
  ): void {
    const { code } = this.#frame;
    const { vectors } = this.#tile;
    const sums = Array.from({ length: rows * vectors }, () => code.local("v128"));
    const zero = this.#frame.constant(0);
    for (const [i, sum] of sums.entries()) {
      if (mode === "chain") code.get(at.result).do("v128.load", this.#offsetOf(i));
      else code.get(zero);
      code.set(sum);
    }
    const a = code.local("i32");
    const b = code.local("i32");
    const end = code.local("i32");
    const rowStride = 4 * (this.#a.strides.get(this.#roles.row?.name ?? "") ?? 0);
    const aStep = 4 * (this.#a.strides.get(k.name) ?? 0);
    const bStep = this.#pack ? 16 * vectors : 4 * (this.#b.strides.get(k.name) ?? 0);
    code.get(at.a).set(a).get(at.b).tee(b);
    // The end is tested on the pointer of B, which always moves.
    if (typeof from === "number" && typeof to === "number") code.i32((to - from) * bStep);
    else {
      this.#frame.push(to);
      this.#frame.push(from);
      code.do("i32.sub").i32(bStep).do("i32.mul");
    }
    code.do("i32.add").set(end);
    const splats = Array.from({ length: rows }, () => code.local("v128"));
    const columns = Array.from({ length: vectors }, () => code.local("v128"));
    code.repeatWhile(() => {
      for (const [j, vector] of columns.entries())
        code
          .get(b)
          .do("v128.load", 16 * j)
          .set(vector);
      for (const [i, splat] of splats.entries())
        code
          .get(a)
          .do("v128.load32_splat", i * rowStride)
          .set(splat);
      for (const [i, sum] of sums.entries()) {
        const splat = splats[Math.floor(i / vectors)]!;
        const vector = columns[i % vectors]!;
        if (this.#frame.fma) code.get(splat).get(vector).get(sum).do("f32x4.relaxed_madd");
        else code.get(sum).get(splat).get(vector).do("f32x4.mul").do("f32x4.add");
        code.set(sum);
      }
      code.get(a).i32(aStep).do("i32.add").set(a);
      code.get(b).i32(bStep).do("i32.add").tee(b).get(end).do("i32.ne");
    });
    for (const [i, sum] of sums.entries()) {
      code.get(at.result);
      if (mode === "slice")
        code.get(at.result).do("v128.load", this.#offsetOf(i)).get(sum).do("f32x4.add");
      else code.get(sum);
      code.do("v128.store", this.#offsetOf(i));
    }
    code.release(a, b, end, ...sums, ...splats, ...columns);
  }

  /** Bytes from the tile's first element to its accumulator `i`. */
  #offsetOf(i: number): number {
    const { vectors } = this.#tile;
    return Math.floor(i / vectors) * this.#stride + 16 * (i % vectors);
  }

  // -- packing ---------------------------------------------------------------------------------

  /** B for one tile's columns, copied so that each step of the reduced axis lies in one piece. */
  #packed(k: Axis, from: Local | number, to: Local | number, column: Local): Local | undefined {
    if (!this.#pack) return undefined;
    const { code } = this.#frame;
    const width = 4 * this.#tile.vectors;
    const stride = this.#b.strides.get(this.#roles.column.name) ?? 0;
    const kStride = this.#b.strides.get(k.name) ?? 0;
    // Past the last column its values stand again: what they yield is never read.
    const sources = Array.from({ length: width }, (_, j) => {
      const source = this.#pointer(this.#b, k, from, undefined);
      const index = code.local("i32");
      this.#setMinimum(index, column, j, this.#roles.column.size - 1);
      code
        .get(source)
        .get(index)
        .i32(4 * stride)
        .do("i32.mul")
        .do("i32.add")
        .set(source);
      code.release(index);
      return source;
    });
    const to4 = code.local("i32");
    const end = code.local("i32");
    code.get(this.#pack).set(to4).get(to4);
    this.#frame.push(to);
    this.#frame.push(from);
    code
      .do("i32.sub")
      .i32(4 * width)
      .do("i32.mul")
      .do("i32.add")
      .set(end);
    if (kStride === 1) packTransposed(code, sources, to4, end);
    else packLanes(code, sources, kStride, to4, end);
    code.release(to4, end, ...sources);
    const packed = code.local("i32");
    code.get(this.#pack).set(packed);
    return packed;
  }
}

/** Begin from zero and store; go on with the sums in the block; add a sum of one's own to the block. */
type Mode = "store" | "chain" | "slice";

interface Pointers {
  readonly a: Local;
  readonly b: Local;
  readonly result: Local;
}
