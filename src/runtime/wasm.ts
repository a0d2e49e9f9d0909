/** The device that runs compiled programs on worker threads, over one WebAssembly memory. */

import { memoryAvailable } from "#host";
import { arrayFor, type TypedArray } from "../base/dtype.ts";
import { DeviceError, describe, MemoryError, StateError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import {
  gatherFrom,
  type Layout,
  layoutOf,
  lineBytes,
  roundUp,
  scatter,
} from "../compile/layout.ts";
import type { Program } from "../compile/program.ts";
import type { Computation } from "../ir/graph.ts";
import { Arena } from "./arena.ts";
import { formatBytes } from "./bytes.ts";
import type { BufferRequest, Device, DeviceBuffer, LoadedProgram } from "./device.ts";
import { type DeviceMemory, LocalMemory, type Piece, pageBytes, SharedMemory } from "./memory.ts";
import { Pool, type StartWorker } from "./pool.ts";
import { viewAll } from "./views.ts";
import { type ProgramHost, WasmProgram } from "./wasm-program.ts";

/** `compile` of the compiler, with the device's own options bound. */
export type CompileFor = (computation: Computation) => Program;

export interface WasmOptions {
  readonly compile: CompileFor;
  /** As many workers are started while a program compiles. */
  readonly threads: number;
  readonly shared: boolean;
  readonly maximumBytes?: number | undefined;
  /** For tests: another way to start a worker, or another machine. */
  readonly startWorker?: StartWorker | undefined;
  readonly memoryAvailable?: (() => number | undefined) | undefined;
}

/** All that 32-bit addresses reach. */
const addressableBytes = 2 ** 32;

/** Memory grows in steps of this, so that many small arrays do not make it grow often. */
const growthBytes = 2 ** 20;

/** Growing by less than this is done without asking the machine what it has left. */
const uncheckedBytes = 2 ** 26;

export class WasmDevice implements Device, ProgramHost {
  readonly kind = "wasm";
  readonly #options: WasmOptions;
  readonly #arena = new Arena();
  /** Undefined once the device is closed: then nothing may keep the memory alive. */
  #memory: DeviceMemory | undefined;
  #shared: SharedMemory | undefined;
  readonly #maximumBytes: number;
  readonly #buffers = new Set<DeviceBuffer>();
  #pool: Pool | undefined;
  /** Who had the workspace last: a program finds it zeroed, or as its own last run left it. */
  #tenant: { program: LoadedProgram; workspace: DeviceBuffer } | undefined;

  constructor(options: WasmOptions) {
    this.#options = options;
    const { maximumBytes = addressableBytes, shared } = options;
    this.#maximumBytes =
      Math.floor(Math.min(maximumBytes, addressableBytes) / pageBytes) * pageBytes;
    if (shared) {
      this.#shared = new SharedMemory(this.#maximumBytes);
      this.#maximumBytes = this.#shared.maximumBytes;
    }
    this.#memory = this.#shared ?? new LocalMemory(() => this.workers(1));
  }

  /** Bytes of arrays that the device holds now, and bytes of memory that it has taken for them. */
  get memory(): { readonly used: number; readonly taken: number } {
    return { used: this.#arena.used, taken: this.#memory?.bytes ?? 0 };
  }

  async load(computation: Computation): Promise<LoadedProgram> {
    // They start while this thread compiles.
    await this.workers(this.#options.shared ? this.#options.threads : 1);
    const program = this.#options.compile(computation);
    try {
      return new WasmProgram(program, await WebAssembly.compile(program.bytes), this);
    } catch (cause) {
      throw new DeviceError({
        who: 'device "wasm"',
        expected: "a program that this host's WebAssembly takes",
        received: cause instanceof Error ? cause.message : describe(cause),
        fix: "Threads and SIMD are needed: Node 20, or a browser of 2023 or later.",
        cause,
      });
    }
  }

  async allocate(requests: readonly BufferRequest[], grow: boolean) {
    // A vector load at the last numbers of an array may reach a line beyond it.
    const sizes = requests.map((request) => layoutFor(request).bytes + lineBytes);
    const asked = Arena.bytesFor(sizes);
    if (asked > this.#maximumBytes) throw this.#tooMuch(asked);
    const places = this.#arena.allocate(sizes, grow ? this.#maximumBytes : this.cells.bytes);
    if (!places) {
      if (grow) throw this.#tooMuch(asked);
      return undefined;
    }
    try {
      await this.#growTo(this.#arena.end, asked);
    } catch (error) {
      for (const place of places) this.#arena.free(place);
      throw error;
    }
    return requests.map(({ dtype, sizes: axes }, i) => {
      const buffer: DeviceBuffer = { dtype, sizes: axes, place: places[i]!, lost: undefined };
      this.#buffers.add(buffer);
      return buffer;
    });
  }

  async #growTo(needed: number, asked: number): Promise<void> {
    const { bytes } = this.cells;
    if (needed <= bytes) return;
    const target = Math.min(roundUp(needed, growthBytes), this.#maximumBytes);
    const more = target - bytes;
    const { memoryAvailable: available = memoryAvailable } = this.#options;
    const left = more > uncheckedBytes ? available() : undefined;
    if (left !== undefined && left < more) throw this.#tooMuch(asked, left);
    if (!(await this.cells.grow(target))) throw this.#tooMuch(asked, left);
  }

  #tooMuch(asked: number, left?: number): MemoryError {
    const free = this.#maximumBytes - this.#arena.used;
    const hole = this.#arena.largestHole(this.#maximumBytes);
    const machine = left === undefined ? "" : ` and the machine has ${formatBytes(left)} left`;
    return new MemoryError({
      who: 'device "wasm"',
      expected: `all arrays must fit into ${formatBytes(this.#maximumBytes)}`,
      received:
        `${formatBytes(asked)} more, where ${formatBytes(free)} are free ` +
        `(${formatBytes(hole)} in one piece)${machine}`,
      fix: "Use a smaller batch, give the data in smaller parts, or keep fewer models in use.",
    });
  }

  free(buffers: readonly DeviceBuffer[]): void {
    for (const buffer of buffers) {
      this.#buffers.delete(buffer);
      this.#arena.free(buffer.place);
    }
  }

  async write(buffers: readonly DeviceBuffer[], values: readonly TypedArray[]): Promise<void> {
    if (buffers.length === 0) return; // Not worth a message to a worker.
    await this.cells.write(buffers.flatMap((buffer, i) => piecesOf(buffer, values[i]!)));
    for (const buffer of buffers) buffer.lost = undefined;
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<TypedArray[]> {
    if (buffers.length === 0) return [];
    const layouts = buffers.map(layoutFor);
    const ranges = buffers.map(({ place }, i) => ({ address: place, bytes: layouts[i]!.bytes }));
    const found = await this.cells.read(ranges);
    return buffers.map(({ dtype, sizes }, i) => {
      const values = arrayFor(dtype, sizeOf(sizes));
      gatherFrom(viewAll(dtype, found[i]!), values, layouts[i]!);
      return values;
    });
  }

  async close(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
    this.#memory = undefined;
    this.#shared = undefined;
  }

  // -- ProgramHost ------------------------------------------------------------------------------

  get cells(): DeviceMemory {
    if (!this.#memory)
      throw new StateError({
        who: 'device "wasm"',
        expected: "an open one",
        received: "a closed one",
      });
    return this.#memory;
  }

  async workers(count: number): Promise<Pool> {
    if (this.#pool?.failure) {
      await this.#pool.ended;
      this.#pool = undefined;
    }
    this.#pool ??= new Pool(
      { memory: this.#shared?.memory, pages: this.cells.bytes / pageBytes },
      (error) => this.#failed(error),
      this.#options.startWorker,
    );
    this.#pool.ensure(count);
    return this.#pool;
  }

  takeWorkspace(program: LoadedProgram, workspace: DeviceBuffer): boolean {
    const before = this.#tenant;
    this.#tenant = { program, workspace };
    return before?.program === program && before.workspace === workspace;
  }

  forget(id: number): void {
    this.#pool?.drop(id);
    this.#tenant = undefined;
  }

  #failed(error: Error): void {
    this.#tenant = undefined;
    if (this.#shared) return;
    for (const buffer of this.#buffers) buffer.lost ??= error;
  }
}

const layoutFor = ({ dtype, sizes }: BufferRequest): Layout => layoutOf(sizes, dtype);

/** The bytes of an array as the device holds them; padding is zero. */
function piecesOf(buffer: DeviceBuffer, values: TypedArray): Piece[] {
  const { dtype, sizes, place } = buffer;
  const layout = layoutFor(buffer);
  if (sizes.length === 1) {
    // Row-major as it is: a large table is not copied twice.
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const padding = new Uint8Array(layout.bytes - bytes.length);
    return [
      { address: place, bytes },
      { address: place + bytes.length, bytes: padding },
    ];
  }
  const bytes = new Uint8Array(layout.bytes);
  scatter(values, viewAll(dtype, bytes), layout);
  return [{ address: place, bytes }];
}
