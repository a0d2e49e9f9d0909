/** The one memory of a device: shared with its workers, or the worker's own. */
import { MemoryError } from "../base/errors.ts";
import type { Pool } from "./pool.ts";

/** Bytes of a page, the unit in which a WebAssembly.Memory grows. */
export const pageBytes = 65536;

export interface Range {
  readonly address: number;
  readonly bytes: number;
}

export interface Piece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** What the device does with its memory. Operations take effect in the order of the calls. */
export interface DeviceMemory {
  readonly bytes: number;
  /** Grows to `bytes`, a multiple of the page; false if the host cannot. */
  grow(bytes: number): Promise<boolean>;
  /** The bytes of each range, to be copied at once: the next call may change them. */
  read(ranges: readonly Range[]): Promise<Uint8Array[]>;
  /** Copies bytes to their place. */
  write(pieces: readonly Piece[]): Promise<void>;
  /** Sets bytes to zero. */
  clear(ranges: readonly Range[]): Promise<void>;
}

/** A memory that all workers and the main thread see. */
export class SharedMemory implements DeviceMemory {
  readonly memory: WebAssembly.Memory;

  /**
   * The largest memory up to `maximumBytes` for which the host has addresses.
   *
   * @throws MemoryError if it has none
   */
  constructor(maximumBytes: number) {
    for (let maximum = Math.floor(maximumBytes / pageBytes); ; maximum = Math.ceil(maximum / 2)) {
      try {
        this.memory = new WebAssembly.Memory({ initial: 1, maximum, shared: true });
        this.maximumBytes = maximum * pageBytes;
        return;
      } catch (cause) {
        if (maximum > 1) continue;
        throw new MemoryError({
          who: 'device "wasm"',
          expected: "addresses for a memory (most hosts set about 10 GiB aside for each)",
          received: "a host that has none left",
          fix: "Raise the limit of addresses (ulimit -v), or close engines that are not needed.",
          cause,
        });
      }
    }
  }

  readonly maximumBytes: number;

  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  async grow(bytes: number): Promise<boolean> {
    try {
      this.memory.grow((bytes - this.bytes) / pageBytes);
      return true;
    } catch {
      return false; // A RangeError is the host's way to say that there is no more.
    }
  }

  async read(ranges: readonly Range[]): Promise<Uint8Array[]> {
    return ranges.map((range) => this.#view(range));
  }

  async write(pieces: readonly Piece[]): Promise<void> {
    for (const { address, bytes } of pieces)
      this.#view({ address, bytes: bytes.length }).set(bytes);
  }

  async clear(ranges: readonly Range[]): Promise<void> {
    for (const range of ranges) this.#view(range).fill(0);
  }

  #view({ address, bytes }: Range): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes);
  }
}

/** The memory of a single worker, reached by messages. It is lost when the worker ends. */
export class LocalMemory implements DeviceMemory {
  readonly #pool: () => Promise<Pool>;
  #bytes = pageBytes;

  /** `pool` gives the pool whose first worker has the memory, a new one if that has failed. */
  constructor(pool: () => Promise<Pool>) {
    this.#pool = pool;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async grow(bytes: number): Promise<boolean> {
    const pool = await this.#pool();
    const done = await pool.ask("grow", { pages: (bytes - this.#bytes) / pageBytes });
    if (done === true) this.#bytes = bytes;
    return done === true;
  }

  async read(ranges: readonly Range[]): Promise<Uint8Array[]> {
    const pool = await this.#pool();
    const pairs = ranges.map(({ address, bytes }) => [address, bytes] as const);
    return (await pool.ask("read", { ranges: pairs })) as Uint8Array[];
  }

  async write(pieces: readonly Piece[]): Promise<void> {
    const pool = await this.#pool();
    const answers = pieces.map(({ address, bytes }) => {
      // A copy of its own moves to the worker; the clone of a view would be one of its whole buffer.
      const copy = bytes.slice();
      return pool.ask("write", { address, bytes: copy }, [copy.buffer]);
    });
    await Promise.all(answers);
  }

  async clear(ranges: readonly Range[]): Promise<void> {
    const pool = await this.#pool();
    await Promise.all(ranges.map((range) => pool.ask("clear", range)));
  }
}
