/** A map that keeps a bounded number of entries: the one that was not used for longest leaves. */
export class RecentCache<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limit: number;
  readonly #onLeave: (value: V) => void;

  constructor(limit: number, onLeave: (value: V) => void) {
    this.#limit = limit;
    this.#onLeave = onLeave;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** Adds or replaces an entry, or makes the one that is there the most recent. */
  set(key: K, value: V): void {
    const before = this.#entries.get(key);
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (before !== undefined && before !== value) this.#onLeave(before);
    if (this.#entries.size <= this.#limit) return;
    // A Map iterates in the order in which its entries came.
    const [[oldest, left]] = this.#entries;
    this.#entries.delete(oldest);
    this.#onLeave(left);
  }
}
