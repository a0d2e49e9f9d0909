/** Which bytes of a device's memory are taken. Nothing but numbers: it never touches the memory. */
import { roundUp } from "../compile/layout.ts";

/** Two cache lines: processors fetch lines in pairs, so no two arrays share one. */
const alignment = 128;

interface Hole {
  readonly start: number;
  /** The first byte behind it; infinite for the last one. */
  readonly end: number;
}

/** First fit over a sorted list of holes; neighbours merge when a block between them is freed. */
export class Arena {
  // Address 0 stays free: a zero where an address should be is a bug that must not hit an array.
  #holes: Hole[] = [{ start: alignment, end: Number.POSITIVE_INFINITY }];
  readonly #blocks = new Map<number, number>();
  #used = 0;

  /** Bytes in blocks. */
  get used(): number {
    return this.#used;
  }

  /** The first byte behind all blocks: so much memory must exist. */
  get end(): number {
    return this.#holes.at(-1)!.start;
  }

  /** The longest block that fits below `limit`. */
  largestHole(limit: number): number {
    return Math.max(0, ...this.#holes.map(({ start, end }) => Math.min(end, limit) - start));
  }

  /** Bytes that blocks of these sizes take, alignment included. */
  static bytesFor(sizes: readonly number[]): number {
    return sizes.reduce((sum, bytes) => sum + lengthOf(bytes), 0);
  }

  /** Addresses of new blocks of these sizes, all below `limit`; undefined if not all of them fit. */
  allocate(sizes: readonly number[], limit: number): number[] | undefined {
    const places: number[] = [];
    for (const bytes of sizes) {
      const place = this.#place(lengthOf(bytes), limit);
      if (place === undefined) {
        for (const taken of places) this.free(taken);
        return undefined;
      }
      places.push(place);
    }
    return places;
  }

  #place(length: number, limit: number): number | undefined {
    const at = this.#holes.findIndex(
      ({ start, end }) => start + length <= end && start + length <= limit,
    );
    if (at < 0) return undefined;
    const { start, end } = this.#holes[at]!;
    const rest = start + length < end ? [{ start: start + length, end }] : [];
    this.#holes.splice(at, 1, ...rest);
    this.#blocks.set(start, length);
    this.#used += length;
    return start;
  }

  /** Gives the block at `start` back. */
  free(start: number): void {
    const length = this.#blocks.get(start);
    // Freed twice, a block could be handed out to two arrays.
    if (length === undefined) throw new Error(`arena: no block starts at ${start}`);
    this.#blocks.delete(start);
    this.#used -= length;
    let end = start + length;
    let begin = start;
    const next = this.#holes.findIndex((hole) => hole.start >= end);
    const before = this.#holes[next - 1];
    const after = this.#holes[next]!;
    let from = next;
    let count = 0;
    if (before?.end === begin) {
      begin = before.start;
      from--;
      count++;
    }
    if (after.start === end) {
      end = after.end;
      count++;
    }
    this.#holes.splice(from, count, { start: begin, end });
  }
}

const lengthOf = (bytes: number): number => roundUp(Math.max(bytes, 1), alignment);
