/** What compiling yields: bytes, and all that a runtime must know to load and run them. */
import type { DType } from "../base/dtype.ts";
import type { Axis } from "../ir/node.ts";
import type { Layout } from "./layout.ts";

/**
 * One word (i32) of the table of arguments that a thread's code reads its addresses from. Programs
 * hold no address: the runtime fills these when it binds a program to variables and data.
 */
export type ArgumentWord =
  | { readonly kind: "variable" | "table"; readonly name: string; readonly offset: number }
  /** An offset in the block of `arenaBytes` that all threads share. */
  | { readonly kind: "arena"; readonly offset: number }
  /** An offset in this thread's own block of `scratchBytes`. */
  | { readonly kind: "scratch"; readonly offset: number }
  /** A number as it is: bounds of this thread's part, offsets in the records of a step. */
  | { readonly kind: "number"; readonly value: number };

export interface ProgramVariable {
  /** Leaf name in the computation that was compiled. */
  readonly name: string;
  readonly dtype: DType;
  readonly axes: readonly Axis[];
  /** Where its numbers lie; a function of shape and dtype alone. */
  readonly layout: Layout;
  /** Whether a step changes it. */
  readonly written: boolean;
}

export interface ProgramTable {
  readonly name: string;
  readonly dtype: DType;
  /** Numbers in a row; rows lie one after the other without a gap, in their own dtype. */
  readonly rowSize: number;
}

/** A field of the record that the host writes (inputs) or reads (results) for each step. */
export interface ProgramField {
  readonly name: string;
  readonly dtype: DType;
  readonly axes: readonly Axis[];
  /** Bytes from the start of the record; the field itself is laid out as `layout` says. */
  readonly offset: number;
  readonly layout: Layout;
}

/**
 * The module imports `env.memory` and exports
 * `run(arguments, inputs, results, steps, sync, thread)`, all i32: addresses of this thread's table
 * of arguments, of the first step's input record and result record, the number of steps, the address of
 * the block of `syncBytes` (zeros before each run) and the number of this thread. All threads of a
 * program must run it at the same time. For measurements it also exports each function of a kernel, as
 * `kernelN(arguments of this kernel, inputs, results)`.
 */
export interface Program {
  /** The canonical text of what was compiled. */
  readonly source: string;
  /** The compiled program as text: kernels, splits, barriers, layout of the arena. */
  readonly text: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly threads: number;
  readonly fma: boolean;
  /** Whether the memory that it imports is shared. */
  readonly shared: boolean;
  readonly variables: readonly ProgramVariable[];
  readonly tables: readonly ProgramTable[];
  readonly inputs: readonly ProgramField[];
  readonly results: readonly ProgramField[];
  /** Bytes of one step's record of inputs, and of results. */
  readonly inputBytes: number;
  readonly resultBytes: number;
  readonly arenaBytes: number;
  readonly scratchBytes: number;
  readonly syncBytes: number;
  /** For each thread its table of arguments. */
  readonly arguments: readonly (readonly ArgumentWord[])[];
  /** For each kernel of a step, in order, where its arguments begin in that table, in bytes. */
  readonly records: readonly number[];
  /** What each pass did, for `antler explain`. */
  readonly report: ProgramReport;
}

export interface ProgramReport {
  readonly passes: readonly { readonly name: string; readonly summary: string }[];
  readonly kernels: readonly KernelReport[];
  readonly barriers: number;
  /** Multiply-adds count as two; elementwise work is not counted. */
  readonly flops: number;
}

export interface KernelReport {
  /** Number of the code it shares with kernels of the same form. */
  readonly code: number;
  /** E.g. `contract [a:32, c:100] over b:100`. */
  readonly what: string;
  /** The ops that run on a block of its result while it is in the cache. */
  readonly fused: readonly string[];
  /** Named axis that is split over threads, with each thread's part; undefined: one thread. */
  readonly split:
    | { readonly axis: string; readonly parts: readonly (readonly [number, number])[] }
    | undefined;
  readonly flops: number;
  /** Bytes read and written, each value once. */
  readonly bytes: number;
  readonly tile: string | undefined;
}
