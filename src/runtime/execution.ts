/** A step that is ready to run. */
import type { TypedArray } from "../base/dtype.ts";
import type { Program } from "../compile/program.ts";

/** A traced step, compiled and bound to its variables and tables. */
export interface Execution {
  /** Threads that it runs on: fewer than asked for where it is too small to be split. */
  readonly threads: number;
  /** Whether it uses fused multiply-add. */
  readonly fma: boolean;
  /** What was compiled; undefined on the reference device. */
  readonly program: Program | undefined;
  /**
   * Runs `steps` steps, one after the other, in one call. Calls are queued: one runs at a time in an
   * engine.
   *
   * @param inputs by the name it was traced under, each input's numbers of all steps, row-major:
   *   `steps` x size of the input. What the step does not use is left alone.
   * @returns in the same form all results: plain copies
   * @throws NameError, ShapeError for an input that is missing or has another length
   * @throws DeviceError if a worker ended before the call did: then the variables that the step
   *   changes are lost, until they are written again
   * @throws MemoryError if the call does not fit; nothing is lost
   */
  run(
    steps: number,
    inputs?: Readonly<Record<string, TypedArray>>,
  ): Promise<Record<string, TypedArray>>;
  /** Makes it useless; its variables and tables stay. */
  close(): void;
}
