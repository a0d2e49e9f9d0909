/** How classes and layers are named in paths, summaries and files. */

/**
 * A class name in Keras's snake case: `BatchNormalization` -> `batch_normalization`, `ReLU` ->
 * `re_lu` (keras/src/utils/naming.py, `to_snake_case`).
 */
export function toSnakeCase(name: string): string {
  return name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/**
 * Names counted by a stem, as Keras counts them: `dense`, `dense_1`, `dense_2`. A name in `taken`
 * is left out.
 */
export class NameCounter {
  readonly #counts = new Map<string, number>();
  readonly #taken: ReadonlySet<string>;

  constructor(taken: ReadonlySet<string> = new Set()) {
    this.#taken = taken;
  }

  next(stem: string): string {
    const count = this.#counts.get(stem) ?? 0;
    this.#counts.set(stem, count + 1);
    const name = count === 0 ? stem : `${stem}_${count}`;
    return this.#taken.has(name) ? this.next(stem) : name;
  }
}
