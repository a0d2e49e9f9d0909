/**
 * What the engine needs of a device, and all it knows of one. A device holds arrays and runs programs on
 * them; which variable lies in which array, and when it must leave, is the engine's matter.
 */
import type { DType, TypedArray } from "../base/dtype.ts";
import type { Program } from "../compile/program.ts";
import type { Computation } from "../ir/graph.ts";

/** An array that a device shall hold. */
export interface BufferRequest {
  readonly dtype: DType;
  /** Its axes without those of size 1, outermost first; they and the dtype decide its layout. */
  readonly sizes: readonly number[];
}

/** An array that a device holds. */
export interface DeviceBuffer extends BufferRequest {
  /** Where it lies: an address, or a number of the device's own. */
  readonly place: number;
  /** Why its numbers are not what they should be, e.g. a call that broke off; a write ends that. */
  lost: Error | undefined;
}

/** One call of a program. Names are those in the computation that was loaded. */
export interface DeviceCall {
  /** An array for every variable and table. */
  readonly buffers: ReadonlyMap<string, DeviceBuffer>;
  /** At least `workspaceBytes(steps)` bytes that no one else needs; undefined if that is 0. */
  readonly workspace: DeviceBuffer | undefined;
  readonly steps: number;
  /** For each input `steps` times its numbers, in its dtype. */
  readonly inputs: ReadonlyMap<string, TypedArray>;
}

/** A computation that is ready to run. */
export interface LoadedProgram {
  readonly threads: number;
  readonly fma: boolean;
  /** What was compiled; undefined on a device that compiles nothing. */
  readonly program: Program | undefined;
  /** Memory that a call of so many steps needs beside its variables and tables. */
  workspaceBytes(steps: number): number;
  /**
   * Runs all steps and returns, for each result, `steps` times its numbers, row-major. If it rejects
   * with a DeviceError, every array that it might have changed is marked as lost.
   */
  run(call: DeviceCall): Promise<Map<string, TypedArray>>;
  /** Drops what workers keep of it. A later run brings it back. */
  unload(): void;
}

/** Holds arrays and runs computations. Only one call of an asynchronous member runs at a time. */
export interface Device {
  readonly kind: "wasm" | "reference";
  /** Makes a computation with canonical names ready to run. */
  load(computation: Computation): Promise<LoadedProgram>;
  /**
   * Places for all arrays of a list, or for none; what they hold is undefined until the first write.
   * Without `grow`, it returns undefined where the device would have to take more memory first.
   *
   * @throws MemoryError if there is no room for them, whatever else leaves, or with `grow` if there is
   *   none now
   */
  allocate(requests: readonly BufferRequest[], grow: boolean): Promise<DeviceBuffer[] | undefined>;
  /** Gives places back. */
  free(buffers: readonly DeviceBuffer[]): void;
  /** Sets whole arrays to row-major values in their dtype. */
  write(buffers: readonly DeviceBuffer[], values: readonly TypedArray[]): Promise<void>;
  /** Copies of whole arrays, row-major. */
  read(buffers: readonly DeviceBuffer[]): Promise<TypedArray[]>;
  /** Ends all workers and gives the memory back. */
  close(): Promise<void>;
}
