/**
 * Where the engine's variables are: on the device while calls use them, in host arrays when others
 * need the room. It holds variables weakly, so that dropping a model is enough to get rid of it.
 */
import type { TypedArray } from "../base/dtype.ts";
import { DeviceError, MemoryError, StateError } from "../base/errors.ts";
import type { Variable, VariableStore } from "../tensor/variable.ts";
import type { BufferRequest, Device, DeviceBuffer } from "./device.ts";

/**
 * A variable that had to leave and came back within so many calls, and that twice, is used in turn
 * with others (two nets that train against each other). Memory then grows before it leaves again, for
 * as long as it is used once in so many calls.
 */
const recentCalls = 16;

/** The workspace grows in steps of this. */
const workspaceUnit = 2 ** 16;

/** Where one variable's value is: one of `host`, `buffer` and `lost`, or on the variable itself. */
interface Held {
  readonly variable: WeakRef<Variable>;
  host: TypedArray | undefined;
  buffer: DeviceBuffer | undefined;
  lost: Error | undefined;
  /** Number of the call that used it last, and of the one for which it had to leave. */
  lastUse: number;
  movedAt: number;
  /** How often in a row it came back soon. */
  returns: number;
}

export class Places {
  readonly #device: Device;
  readonly #store: VariableStore;
  readonly #held = new WeakMap<Variable, Held>();
  /** Those with a buffer. */
  readonly #resident = new Set<Held>();
  /** Variables of calls that are asked for: they stay where they are. */
  readonly #pending = new Set<{ readonly variables: readonly Variable[] }>();
  #workspace: DeviceBuffer | undefined;
  #calls = 0;

  /** `store` is what variables that are held here name as theirs. */
  constructor(device: Device, store: VariableStore) {
    this.#device = device;
    this.#store = store;
  }

  /** Whether a variable's value is on its own host array, or held here. */
  isHere(variable: Variable): boolean {
    return variable.hostValue !== undefined || variable.store === this.#store;
  }

  /**
   * Takes variables over whose values are on their own host arrays: from now on their values change
   * only in the order of the engine's queue.
   */
  take(variables: readonly Variable[]): void {
    for (const variable of variables) {
      if (variable.hostValue === undefined) continue;
      const held = this.#heldOf(variable);
      if (held.buffer) this.#release(held); // From before it went to another engine.
      held.host = variable.hostValue;
      held.lost = undefined;
      variable.hostValue = undefined;
      variable.store = this.#store;
    }
  }

  /** Keeps variables where they are until the function that it returns is called. */
  pin(variables: readonly Variable[]): () => void {
    const call = { variables };
    this.#pending.add(call);
    return () => this.#pending.delete(call);
  }

  /**
   * Brings pinned variables, each of them once, to the device, and makes room for a workspace; both are
   * there until the next call. Values that are lost stay so.
   */
  async bring(variables: readonly Variable[], workspaceBytes: number): Promise<CallPlaces> {
    this.#calls++;
    this.take(variables);
    const all = variables.map((variable) => this.#ownHeld(variable));
    const isMissing = variables.map((_, i) => !all[i]!.buffer);
    const missing = all.filter((_, i) => isMissing[i]);
    for (const held of missing)
      held.returns = this.#calls - held.movedAt <= recentCalls ? held.returns + 1 : 0;
    for (const held of all) held.lastUse = this.#calls;
    const requests = variables.filter((_, i) => isMissing[i]).map(requestFor);
    const buffers = await this.reserve(requests, workspaceBytes);
    await this.#fill(missing, buffers);
    return { buffers: all.map((held) => held.buffer!), workspace: this.#workspace };
  }

  /** Moves values to their new places; if that fails they are where they were. */
  async #fill(missing: readonly Held[], buffers: readonly DeviceBuffer[]): Promise<void> {
    const targets = buffers.filter((_, i) => missing[i]!.host);
    try {
      await this.#device.write(
        targets,
        missing.flatMap((held) => held.host ?? []),
      );
    } catch (error) {
      this.#device.free(buffers);
      throw error;
    }
    for (const [i, held] of missing.entries()) {
      const buffer = buffers[i]!;
      buffer.lost = held.lost;
      held.buffer = buffer;
      held.host = undefined;
      held.lost = undefined;
      this.#resident.add(held);
    }
  }

  /** Places for new arrays and a workspace of this size, from the device's own or others' room. */
  async reserve(
    requests: readonly BufferRequest[],
    workspaceBytes: number,
  ): Promise<DeviceBuffer[]> {
    if (this.#workspace && this.#workspace.sizes[0]! < workspaceBytes) this.#dropWorkspace();
    const allocate = async (grow: boolean): Promise<DeviceBuffer[] | undefined> => {
      const isMissing = workspaceBytes > 0 && !this.#workspace;
      const room = Math.ceil(workspaceBytes / workspaceUnit) * workspaceUnit;
      const workspace: BufferRequest[] = isMissing ? [{ dtype: "uint8", sizes: [room] }] : [];
      const buffers = await this.#device.allocate([...requests, ...workspace], grow);
      if (buffers && isMissing) this.#workspace = buffers.pop();
      return buffers;
    };
    let buffers = await allocate(false);
    if (!buffers && this.#sweep()) buffers = await allocate(false);
    if (!buffers && (await this.#moveAway(false))) buffers = await allocate(false);
    if (buffers) return buffers;
    try {
      return (await allocate(true))!;
    } catch (error) {
      if (!(error instanceof MemoryError)) throw error;
      await this.#moveAway(true);
      this.#dropWorkspace();
      return (await allocate(true))!;
    }
  }

  /** Copies of the values, whether here or on the variables themselves. */
  async read(variables: readonly Variable[]): Promise<TypedArray[]> {
    const held = variables.map((variable) =>
      variable.hostValue ? undefined : this.#ownHeld(variable),
    );
    const buffers = held.flatMap((each, i) => {
      const lost = each?.buffer?.lost ?? each?.lost;
      if (lost) throw lostError(variables[i]!, lost);
      return each?.buffer ?? [];
    });
    const read = await this.#device.read(buffers);
    return variables.map((variable, i) => {
      if (held[i]?.buffer) return read.shift()!;
      return (variable.hostValue ?? held[i]!.host!).slice();
    });
  }

  /** Sets variables to values in their dtypes, of which it may keep the arrays. */
  async write(variables: readonly Variable[], values: readonly TypedArray[]): Promise<void> {
    const buffers: DeviceBuffer[] = [];
    const written: TypedArray[] = [];
    for (const [i, variable] of variables.entries()) {
      const value = values[i]!;
      const held = variable.hostValue ? undefined : this.#ownHeld(variable);
      if (held?.buffer) {
        buffers.push(held.buffer);
        written.push(value);
      } else if (held) {
        held.host = value;
        held.lost = undefined;
      } else variable.hostValue!.set(value);
    }
    await this.#device.write(buffers, written);
  }

  /** Frees the places of variables whose values nobody needs. */
  discard(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const held = this.#held.get(variable);
      if (held?.buffer) this.#release(held);
    }
  }

  /** Throws if the value of one of them is lost. */
  check(variables: readonly Variable[]): void {
    for (const variable of variables) {
      const held = this.#held.get(variable);
      const lost = held?.buffer?.lost ?? held?.lost;
      if (lost && this.isHere(variable) && !variable.hostValue) throw lostError(variable, lost);
    }
  }

  /** Gives all variables back to their own host arrays. */
  async close(): Promise<void> {
    this.#sweep();
    await this.#moveAway(true);
    this.#dropWorkspace();
  }

  /** The record of a variable that is held here. */
  #ownHeld(variable: Variable): Held {
    if (variable.store !== this.#store)
      throw new StateError({
        who: `variable "${variable.path}"`,
        expected: "one engine at a time",
        received: "a call of another engine in between",
        fix: "Await the calls of one engine before another one uses the same variables.",
      });
    return this.#heldOf(variable);
  }

  #heldOf(variable: Variable): Held {
    let held = this.#held.get(variable);
    if (!held) {
      held = {
        variable: new WeakRef(variable),
        host: undefined,
        buffer: undefined,
        lost: undefined,
        lastUse: 0,
        movedAt: Number.NEGATIVE_INFINITY,
        returns: 0,
      };
      this.#held.set(variable, held);
    }
    return held;
  }

  #release(held: Held): void {
    this.#device.free([held.buffer!]);
    held.buffer = undefined;
    this.#resident.delete(held);
  }

  #dropWorkspace(): void {
    if (this.#workspace) this.#device.free([this.#workspace]);
    this.#workspace = undefined;
  }

  /** Frees the places of variables that are gone, or went to another engine; whether there were any. */
  #sweep(): boolean {
    const before = this.#resident.size;
    for (const held of this.#resident) {
      const variable = held.variable.deref();
      if (!variable || variable.store !== this.#store || variable.hostValue) this.#release(held);
    }
    return this.#resident.size < before;
  }

  /**
   * Moves variables that no pending call uses to their own host arrays; whether there were any.
   * `all`: also those that will soon be back.
   */
  async #moveAway(all: boolean): Promise<boolean> {
    const pinned = new Set([...this.#pending].flatMap(({ variables }) => variables));
    const leaving: { held: Held; variable: Variable; buffer: DeviceBuffer }[] = [];
    for (const held of this.#resident) {
      const variable = held.variable.deref();
      if (!variable || pinned.has(variable)) continue;
      const isInTurn = held.returns > 1 && this.#calls - held.lastUse <= recentCalls;
      if (isInTurn && !all) continue;
      leaving.push({ held, variable, buffer: held.buffer! });
    }
    const readable = leaving.filter(({ buffer }) => !buffer.lost);
    const values = await this.#device.read(readable.map(({ buffer }) => buffer));
    for (const { held, variable, buffer } of leaving) {
      if (buffer.lost) held.lost = buffer.lost;
      else variable.hostValue = values.shift()!;
      held.movedAt = this.#calls;
      this.#release(held);
    }
    return leaving.length > 0;
  }
}

/** What `bring` brought: a buffer for each variable. */
export interface CallPlaces {
  readonly buffers: readonly DeviceBuffer[];
  readonly workspace: DeviceBuffer | undefined;
}

const requestFor = ({ dtype, shape }: Variable): BufferRequest => ({
  dtype,
  sizes: shape.filter((size) => size !== 1),
});

export const lostError = (variable: Variable, cause: Error): DeviceError =>
  new DeviceError({
    who: `variable "${variable.path}"`,
    expected: "a call that ran to its end must have left its value",
    received: `one that broke off (${cause.message.replace(/\.$/, "")})`,
    fix: "Set it again, from a snapshot or a file, before it is used.",
    cause,
  });
