/** The engine: it holds variables and data sets on a device and runs traced steps on them. */
import type { DType, TypedArray } from "../base/dtype.ts";
import { DeviceError, describe, ShapeError, StateError, ValueError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { formatShape, sizeOf } from "../base/shape.ts";
import { canonicalize } from "../ir/canonical.ts";
import { print } from "../ir/print.ts";
import type { Traced } from "../tensor/trace.ts";
import {
  readVariables,
  type Variable,
  type VariableStore,
  writeVariables,
} from "../tensor/variable.ts";
import { type Binding, bind, inputsFor } from "./binding.ts";
import { RecentCache } from "./cache.ts";
import type { Device, DeviceBuffer, LoadedProgram } from "./device.ts";
import type { Execution } from "./execution.ts";
import { type EngineOptions, makeDevice } from "./make-device.ts";
import { Places } from "./places.ts";
import { Queue } from "./queue.ts";
import { Snapshot } from "./snapshot.ts";
import { ownTable, ResidentTable, type Table } from "./tables.ts";
import { copyAs, dtypeOf } from "./views.ts";

export type { EngineOptions, Execution, Table };
export { Snapshot };

/** So many compiled programs stay ready; the one that was not used for longest leaves. */
const cachedPrograms = 64;

/** A step with what its names stand for, and the cache's key of its program. */
interface Loaded extends Binding {
  readonly key: string;
  readonly program: LoadedProgram;
}

/**
 * Runs traced steps, holds variables, and keeps compiled programs. Everything that touches the
 * device is queued and happens in the order of the calls.
 */
export class Engine implements VariableStore {
  readonly device: "wasm" | "reference";
  /** Data of more bytes stays in its host arrays; each call brings its rows. */
  readonly residentBytes: number;
  readonly #device: Device;
  readonly #places: Places;
  readonly #queue = new Queue();
  readonly #programs = new RecentCache<string, LoadedProgram>(cachedPrograms, (program) =>
    program.unload(),
  );
  #compilations = 0;
  /** How often a call broke off, and the last one's error: calls that waited behind it fail too. */
  #failures = 0;
  #failure: DeviceError | undefined;
  #isClosed = false;

  /**
   * @param device for tests: a device that is used instead of the one that `options` ask for
   * @throws ValueError, NameError, DeviceError for options that are wrong or ask for what the host lacks
   */
  constructor(options: EngineOptions = {}, device: Device = makeDevice(options)) {
    this.#device = device;
    this.device = device.kind;
    this.residentBytes = options.residentBytes ?? 2 ** 28;
    this.#places = new Places(device, this);
  }

  /** Programs that this engine compiled so far. */
  get compilations(): number {
    return this.#compilations;
  }

  /**
   * Puts an array on the device, rows along its first axis, in its own dtype (8- and 16-bit integers
   * with a sign as int32, uint16 as uint32, float64 rounded to float32). It must not change until
   * the promise is settled.
   *
   * @throws MemoryError if there is no room; nothing is lost
   */
  async upload(array: HostArray): Promise<Table> {
    this.#checkOpen("upload");
    const { data, shape } = array;
    if (shape.length === 0 || sizeOf(shape) !== data.length)
      throw new ShapeError({
        who: "upload",
        expected: "a shape of at least one axis with as many elements as the data",
        received: `${formatShape(shape)} for ${describe(data)}`,
      });
    const dtype = dtypeOf(data);
    return this.#queue.add(async () => {
      const [buffer] = await this.#places.reserve([{ dtype, sizes: [data.length] }], 0);
      const free = () => this.#device.free([buffer!]);
      try {
        await this.#device.write([buffer!], [plain(data, dtype)]);
      } catch (error) {
        free();
        throw error;
      }
      return new ResidentTable(
        this,
        shape,
        buffer!,
        () => void this.#queue.add(async () => free()),
      );
    });
  }

  /**
   * Sets a table's rows to others, as many as it has, taken as `upload` takes them. The array must not
   * change until the promise is settled.
   *
   * @throws ShapeError for another number of them, ValueError for a table of another engine
   */
  async rewrite(table: Table, data: TypedArray): Promise<void> {
    this.#checkOpen("rewrite");
    const { buffer } = ownTable(this, table, "rewrite");
    const [size] = buffer.sizes;
    if (data.length !== size)
      throw new ShapeError({
        who: "rewrite",
        expected: `all ${size} numbers of the table`,
        received: `${data.length}`,
      });
    await this.#queue.add(() => this.#device.write([buffer], [plain(data, buffer.dtype)]));
  }

  /**
   * Compiles a step, or finds its program among those compiled before, and binds it to its variables
   * and to `tables` (by the names they were traced under).
   *
   * @throws NameError, ShapeError, StateError for a table that is missing, does not fit or was released
   * @throws MemoryError if it does not fit into memory; nothing is lost
   */
  async load(traced: Traced, tables: Readonly<Record<string, Table>> = {}): Promise<Execution> {
    this.#checkOpen("load");
    const canonical = canonicalize(traced.computation);
    const binding = bind(this, canonical, traced, tables);
    const key = print(canonical.computation);
    if (!this.#areHere(binding.variables)) await this.#fetch(binding.variables);
    this.#places.take(binding.variables);
    const loaded = await this.#with(binding.variables, async (): Promise<Loaded> => {
      let program = this.#programs.get(key);
      if (!program) {
        program = await this.#device.load(canonical.computation);
        this.#compilations++;
        this.#programs.set(key, program);
      }
      await this.#places.bring(binding.variables, program.workspaceBytes(1));
      return { ...binding, key, program };
    });
    return this.#executionOf(loaded);
  }

  #executionOf(loaded: Loaded): Execution {
    const { threads, fma, program } = loaded.program;
    let isClosed = false;
    return {
      threads,
      fma,
      program,
      run: async (steps, inputs = {}) => {
        this.#checkOpen("run");
        if (isClosed)
          throw new StateError({
            who: "run",
            expected: "an open execution",
            received: "a closed one",
          });
        return this.#run(loaded, steps, inputs);
      },
      close: () => {
        isClosed = true;
      },
    };
  }

  async #run(
    loaded: Loaded,
    steps: number,
    given: Readonly<Record<string, TypedArray>>,
  ): Promise<Record<string, TypedArray>> {
    if (!Number.isSafeInteger(steps) || steps < 1)
      throw new ValueError({
        who: "run",
        expected: "steps must be a whole number of at least 1",
        received: describe(steps),
      });
    const { program, variables, tables } = loaded;
    for (const { table, traced } of tables) table.check(`table "${traced}"`);
    const inputs = inputsFor(loaded, steps, given);
    if (!this.#areHere(variables)) await this.#fetch(variables);
    this.#places.take(variables);
    const failures = this.#failures;
    const found = await this.#with(variables, async () => {
      if (this.#failures !== failures) throw this.#failure;
      this.#programs.set(loaded.key, program);
      this.#places.check(variables);
      const places = await this.#places.bring(variables, program.workspaceBytes(steps));
      const buffers = new Map<string, DeviceBuffer>();
      for (const [i, name] of loaded.variableNames.entries()) buffers.set(name, places.buffers[i]!);
      for (const { name, traced, table } of tables) buffers.set(name, present(table, traced));
      try {
        return await program.run({ buffers, workspace: places.workspace, steps, inputs });
      } catch (error) {
        if (error instanceof DeviceError) {
          this.#failures++;
          this.#failure = error;
        }
        throw error;
      }
    });
    return Object.fromEntries([...loaded.results].map(([name, to]) => [to, found.get(name)!]));
  }

  async read(variables: readonly Variable[]): Promise<TypedArray[]> {
    if (!this.#areHere(variables)) return (await readVariables(variables)).map(({ data }) => data);
    return this.#with(variables, () => this.#places.read(variables));
  }

  async write(variables: readonly Variable[], values: readonly TypedArray[]): Promise<void> {
    for (const [i, variable] of variables.entries())
      if (values[i]?.length !== variable.size)
        throw new ShapeError({
          who: `variable "${variable.path}"`,
          expected: `shape ${formatShape(variable.shape)} (${variable.size} numbers)`,
          received: `${values[i]?.length ?? "no"} numbers`,
        });
    const copies = variables.map((variable, i) => copyAs(variable.dtype, values[i]!));
    if (!this.#areHere(variables)) return writeVariables(variables, copies);
    return this.#with(variables, () => this.#places.write(variables, copies));
  }

  /** Copies the values that variables have once all calls before are done. */
  async snapshot(variables: readonly Variable[]): Promise<Snapshot> {
    const list = [...variables];
    return new Snapshot(list, await this.read(list));
  }

  /** Sets variables to what they were in a snapshot. */
  restore(snapshot: Snapshot): Promise<void> {
    return snapshot.writeTo(this);
  }

  /** Frees the places of variables, once all calls before are done. Their values are lost. */
  discard(variables: readonly Variable[]): void {
    void this.#queue.add(async () => this.#places.discard(variables));
  }

  /**
   * Ends the workers once all calls before are done. Variables get their values back in host arrays,
   * so that they live on; tables and executions are of no more use.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#queue.add(async () => {
      await this.#places.close();
      await this.#device.close();
    });
  }

  /** Queues a task on variables, which stay where they are until it is done. */
  async #with<T>(variables: readonly Variable[], task: () => Promise<T>): Promise<T> {
    const unpin = this.#places.pin(variables);
    try {
      return await this.#queue.add(task);
    } finally {
      unpin();
    }
  }

  #areHere(variables: readonly Variable[]): boolean {
    return variables.every((variable) => this.#places.isHere(variable));
  }

  /** Takes the values of variables that another engine has. */
  async #fetch(variables: readonly Variable[]): Promise<void> {
    const away = variables.filter((variable) => !this.#places.isHere(variable));
    const values = await readVariables(away);
    for (const [i, variable] of away.entries()) {
      variable.hostValue ??= values[i]!.data;
      variable.store = this;
    }
  }

  #checkOpen(who: string): void {
    if (this.#isClosed)
      throw new StateError({ who, expected: "an open engine", received: "one that was closed" });
  }
}

let engine: Engine | undefined;

/** The engine of all that names none; made at its first use with default options. */
export function defaultEngine(): Engine {
  engine ??= new Engine();
  return engine;
}

/**
 * Makes another engine the default one; undefined: a new one, made when it is needed next. The one
 * before stays open, because it may hold variables.
 */
export function setDefaultEngine(next: Engine | undefined): void {
  engine = next;
}

/** Numbers in a dtype's own array: a large one is not copied. */
function plain(data: TypedArray, dtype: DType): TypedArray {
  const isPlain = data instanceof Float32Array || data instanceof Uint8Array;
  return isPlain && dtypeOf(data) === dtype ? data : copyAs(dtype, data);
}

function present(table: ResidentTable, name: string): DeviceBuffer {
  const { lost } = table.buffer;
  if (lost)
    throw new DeviceError({
      who: `table "${name}"`,
      expected: "data that is on the device",
      received: "data that went with the worker that held it",
      fix: "Upload it again.",
      cause: lost,
    });
  return table.buffer;
}
