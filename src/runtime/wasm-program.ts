/** A compiled program bound to arrays: its table of arguments, the records of its steps, its calls. */
import { arrayFor, type TypedArray } from "../base/dtype.ts";
import { gatherFrom, type Layout, lineBytes, roundUp, scatter } from "../compile/layout.ts";
import type { Program, ProgramField } from "../compile/program.ts";
import { sizeOfAxes } from "../ir/node.ts";
import type { DeviceBuffer, DeviceCall, LoadedProgram } from "./device.ts";
import type { DeviceMemory } from "./memory.ts";
import type { Pool } from "./pool.ts";
import { viewOf } from "./views.ts";
import { wordsOf } from "./words.ts";

/** What a program needs of its device. */
export interface ProgramHost {
  readonly cells: DeviceMemory;
  /** At least `count` workers that run; new ones for all if one has ended. */
  workers(count: number): Promise<Pool>;
  /** Whether a program's last run was the last one in this workspace; from now on it is. */
  takeWorkspace(program: LoadedProgram, workspace: DeviceBuffer): boolean;
  /** Lets the workers forget the program of this number. */
  forget(id: number): void;
}

/** What lies where in the workspace of a call, in bytes from its start. */
interface Plan {
  readonly steps: number;
  readonly sync: number;
  /** For each thread. */
  readonly arguments: readonly number[];
  readonly arena: number;
  readonly scratch: readonly number[];
  readonly inputs: number;
  readonly results: number;
  readonly bytes: number;
}

let programs = 0;

export class WasmProgram implements LoadedProgram {
  readonly program: Program;
  readonly #id = programs++;
  readonly #module: WebAssembly.Module;
  readonly #device: ProgramHost;
  /** The words of all threads for the places they were last made for. */
  #words: { readonly places: readonly number[]; readonly words: readonly Int32Array[] } | undefined;

  #lastPlan: Plan | undefined;

  constructor(program: Program, module: WebAssembly.Module, device: ProgramHost) {
    this.program = program;
    this.#module = module;
    this.#device = device;
  }

  get threads(): number {
    return this.program.threads;
  }

  get fma(): boolean {
    return this.program.fma;
  }

  workspaceBytes(steps: number): number {
    return this.#plan(steps).bytes;
  }

  unload(): void {
    this.#device.forget(this.#id);
  }

  async run(call: DeviceCall): Promise<Map<string, TypedArray>> {
    const { program } = this;
    const { cells } = this.#device;
    const { steps } = call;
    const workspace = call.workspace!;
    const base = workspace.place;
    const plan = this.#plan(steps);
    const pool = await this.#device.workers(this.threads);

    const keep = this.#device.takeWorkspace(this, workspace);
    // The records are written whole and read only after they were written; what lies before them must
    // not depend on who was here before.
    await cells.clear([{ address: base, bytes: keep ? program.syncBytes : plan.inputs }]);
    const words = this.#wordsFor(call.buffers, base, plan);
    await cells.write([
      ...words.map((list, thread) => ({
        address: base + plan.arguments[thread]!,
        bytes: new Uint8Array(list.buffer),
      })),
      { address: base + plan.inputs, bytes: this.#inputRecords(call) },
    ]);
    try {
      const common = [base + plan.inputs, base + plan.results, steps, base + plan.sync];
      await pool.run(
        this.#id,
        this.#module,
        plan.arguments.map((at, thread) => [base + at, ...common, thread]),
      );
    } catch (error) {
      for (const { name, written } of program.variables)
        if (written && error instanceof Error) call.buffers.get(name)!.lost = error;
      throw error;
    }
    const range = { address: base + plan.results, bytes: program.resultBytes * steps };
    const [records] = await cells.read([range]);
    return new Map(
      program.results.map((field) => [field.name, this.#column(field, records!, steps)] as const),
    );
  }

  #plan(steps: number): Plan {
    if (this.#lastPlan?.steps === steps) return this.#lastPlan;
    const { program } = this;
    let bytes = 0;
    const place = (size: number): number => {
      const at = bytes;
      // Two lines, so that no two parts share a pair that the processor fetches at once.
      bytes += roundUp(size, 2 * lineBytes);
      return at;
    };
    const parts = {
      sync: place(program.syncBytes),
      arguments: program.arguments.map((words) => place(words.length * 4)),
      arena: place(program.arenaBytes),
      scratch: program.arguments.map(() => place(program.scratchBytes)),
      inputs: place(program.inputBytes * steps),
      results: place(program.resultBytes * steps),
    };
    this.#lastPlan = { ...parts, steps, bytes };
    return this.#lastPlan;
  }

  #wordsFor(
    buffers: ReadonlyMap<string, DeviceBuffer>,
    base: number,
    plan: Plan,
  ): readonly Int32Array[] {
    const { variables, tables } = this.program;
    const placeOf = ({ name }: { readonly name: string }) => buffers.get(name)!.place;
    const places = [base, ...variables.map(placeOf), ...tables.map(placeOf)];
    const known = this.#words;
    if (known?.places.every((place, i) => place === places[i])) return known.words;
    const words = this.program.arguments.map((list, thread) =>
      wordsOf(list, {
        placeOf: (name) => buffers.get(name)!.place,
        arena: base + plan.arena,
        scratch: base + plan.scratch[thread]!,
      }),
    );
    this.#words = { places, words };
    return words;
  }

  #inputRecords({ steps, inputs }: DeviceCall): Uint8Array {
    const { program } = this;
    const records = new Uint8Array(program.inputBytes * steps);
    for (const { name, dtype, axes, offset, layout } of program.inputs) {
      const values = inputs.get(name)!;
      const size = sizeOfAxes(axes);
      for (let step = 0; step < steps; step++) {
        const at = step * program.inputBytes + offset;
        const view = viewOf(dtype, records, at, extentOf(layout));
        scatter(values.subarray(step * size, (step + 1) * size), view, layout);
      }
    }
    return records;
  }

  #column({ dtype, axes, offset, layout }: ProgramField, records: Uint8Array, steps: number) {
    const size = sizeOfAxes(axes);
    const values = arrayFor(dtype, size * steps);
    for (let step = 0; step < steps; step++) {
      const at = step * this.program.resultBytes + offset;
      const view = viewOf(dtype, records, at, extentOf(layout));
      gatherFrom(view, values.subarray(step * size, (step + 1) * size), layout);
    }
    return values;
  }
}

/** Numbers from the first to the last one: padding behind it may belong to the next field. */
const extentOf = ({ sizes, strides }: Layout): number =>
  sizes.reduce((last, size, axis) => last + (size - 1) * strides[axis]!, 1);
