/** The device that runs any graph through the interpreter: slow, in the main thread, the oracle. */
import { arrayFor, bytesOf, type TypedArray } from "../base/dtype.ts";
import { DeviceError, describe, MemoryError } from "../base/errors.ts";
import { sizeOf } from "../base/shape.ts";
import type { Computation } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { type Node, sizeOfAxes } from "../ir/node.ts";
import { formatBytes } from "./bytes.ts";
import type { BufferRequest, Device, DeviceBuffer, DeviceCall, LoadedProgram } from "./device.ts";
import { copyAs } from "./views.ts";

export interface ReferenceOptions {
  /** Contractions round once a term, as a device with fused multiply-add does. Default: false. */
  readonly fma?: boolean | undefined;
  /** Default: no limit. */
  readonly maximumBytes?: number | undefined;
}

export class ReferenceDevice implements Device {
  readonly kind = "reference";
  readonly #fma: boolean;
  readonly #maximumBytes: number;
  readonly #arrays = new Map<number, TypedArray>();
  #places = 0;
  #used = 0;
  // The most that was ever used: as on a real device, what would go beyond it asks first.
  #size = 0;

  constructor({ fma = false, maximumBytes = Number.POSITIVE_INFINITY }: ReferenceOptions = {}) {
    this.#fma = fma;
    this.#maximumBytes = maximumBytes;
  }

  async load(computation: Computation): Promise<LoadedProgram> {
    return new ReferenceProgram(lower(computation), this.#fma, this.#arrays);
  }

  async allocate(requests: readonly BufferRequest[], grow: boolean) {
    const asked = requests.reduce((sum, request) => sum + bytesFor(request), 0);
    const needed = this.#used + asked;
    const hopeless = asked > this.#maximumBytes;
    if (hopeless || (grow && needed > this.#maximumBytes))
      throw new MemoryError({
        who: 'device "reference"',
        expected: `all arrays must fit into ${formatBytes(this.#maximumBytes)}`,
        received: `${formatBytes(asked)} more, where ${formatBytes(this.#maximumBytes - this.#used)} are free`,
      });
    if (!grow && needed > this.#size) return undefined;
    this.#used = needed;
    this.#size = Math.max(this.#size, needed);
    return requests.map(({ dtype, sizes }) => ({
      dtype,
      sizes,
      place: this.#places++,
      lost: undefined,
    }));
  }

  free(buffers: readonly DeviceBuffer[]): void {
    for (const buffer of buffers) {
      this.#used -= bytesFor(buffer);
      this.#arrays.delete(buffer.place);
    }
  }

  async write(buffers: readonly DeviceBuffer[], values: readonly TypedArray[]): Promise<void> {
    for (const [i, buffer] of buffers.entries()) {
      this.#arrays.set(buffer.place, copyAs(buffer.dtype, values[i]!));
      buffer.lost = undefined;
    }
  }

  async read(buffers: readonly DeviceBuffer[]): Promise<TypedArray[]> {
    return buffers.map((buffer) => this.#arrays.get(buffer.place)!.slice());
  }

  async close(): Promise<void> {
    this.#arrays.clear();
  }
}

const bytesFor = ({ dtype, sizes }: BufferRequest): number => sizeOf(sizes) * bytesOf(dtype);

class ReferenceProgram implements LoadedProgram {
  readonly threads = 1;
  readonly fma: boolean;
  readonly program = undefined;
  readonly #computation: Computation;
  readonly #arrays: Map<number, TypedArray>;

  constructor(computation: Computation, fma: boolean, arrays: Map<number, TypedArray>) {
    this.#computation = computation;
    this.fma = fma;
    this.#arrays = arrays;
  }

  workspaceBytes(): number {
    return 0;
  }

  unload(): void {}

  async run({ buffers, steps, inputs }: DeviceCall): Promise<Map<string, TypedArray>> {
    try {
      const { results, changed } = this.#run(buffers, steps, inputs);
      // Only now, so that a call that breaks off has changed nothing.
      for (const [name, values] of changed) this.#arrays.set(buffers.get(name)!.place, values);
      return results;
    } catch (cause) {
      throw new DeviceError({
        who: 'device "reference"',
        expected: "a call must run to its end",
        received: cause instanceof Error ? `${cause.name}: ${cause.message}` : describe(cause),
        cause,
      });
    }
  }

  #run(buffers: DeviceCall["buffers"], steps: number, inputs: DeviceCall["inputs"]) {
    const results = new Map<string, TypedArray>();
    const changed = new Map<string, TypedArray>();
    const numbers = (leaf: Node, step: number): TypedArray => {
      const name = leaf.attributes.name!;
      if (leaf.op !== "input")
        return changed.get(name) ?? this.#arrays.get(buffers.get(name)!.place)!;
      const size = sizeOfAxes(leaf.axes);
      return inputs.get(name)!.subarray(step * size, (step + 1) * size);
    };
    for (let step = 0; step < steps; step++) {
      const read = (leaf: Node) => {
        const data = numbers(leaf, step);
        if (leaf.op === "table") return { rows: data.length / sizeOfAxes(leaf.axes), data };
        return leaf.dtype === "bool" ? data.map(Math.abs) : data;
      };
      const after = interpret(this.#computation, read, "rounding", this.fma);
      for (const [name, { dtype, data }] of after.results) {
        const all = results.get(name) ?? arrayFor(dtype, steps * data.length);
        all.set(copyAs(dtype, data), step * data.length);
        results.set(name, all);
      }
      for (const [name, { dtype, data }] of after.updates) changed.set(name, copyAs(dtype, data));
    }
    return { results, changed };
  }
}
