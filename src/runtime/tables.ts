/** Data sets that are on the device. */
import type { DType } from "../base/dtype.ts";
import { describe, StateError, ValueError } from "../base/errors.ts";
import type { Shape } from "../base/shape.ts";
import type { DeviceBuffer } from "./device.ts";

/** Rows that are on the device, for programs to gather from. */
export interface Table {
  readonly rows: number;
  readonly rowShape: Shape;
  readonly dtype: DType;
  /** Gives the memory back once the calls that were asked for before are done. */
  release(): void;
}

export class ResidentTable implements Table {
  readonly rows: number;
  readonly rowShape: Shape;
  readonly buffer: DeviceBuffer;
  /** The engine that it was uploaded to. */
  readonly owner: object;
  readonly #onRelease: () => void;
  #isReleased = false;

  constructor(owner: object, shape: Shape, buffer: DeviceBuffer, onRelease: () => void) {
    this.owner = owner;
    [this.rows = 0, ...this.rowShape] = shape;
    this.buffer = buffer;
    this.#onRelease = onRelease;
  }

  get dtype(): DType {
    return this.buffer.dtype;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease();
  }

  /** @throws StateError if it was released */
  check(who: string): void {
    if (this.#isReleased)
      throw new StateError({
        who,
        expected: "data that is on the device",
        received: "a table that was released",
        fix: "Upload it again, and load the step with the new table.",
      });
  }
}

/**
 * The table as one of this engine that is on its device.
 *
 * @throws ValueError for another engine's, StateError for one that was released
 */
export function ownTable(owner: object, table: Table, who: string): ResidentTable {
  if (!(table instanceof ResidentTable) || table.owner !== owner)
    throw new ValueError({
      who,
      expected: "must come from upload() of the same engine",
      received: table instanceof ResidentTable ? "a table of another engine" : describe(table),
    });
  table.check(who);
  return table;
}
