import { DataError, describe, ValueError } from "../../base/errors.ts";
import { CsvFile, pythonFloat } from "../../logs/csv.ts";
import { cutBack } from "../../logs/cut-back.ts";
import type { Logs } from "../../model/totals.ts";
import { boolean, type Field, list, optional, readOptions, text } from "../../nn/fields.ts";
import { toSnakeKey } from "../../nn/serialization.ts";
import { type CallbackState, count, readState, type StatefulCallback } from "./state.ts";

/** Options of `csvLogger`. */
export interface CSVLoggerOptions {
  /** What stands between two fields: one character, neither a quote nor a line end. Default: `,`. */
  readonly separator?: string;
  /** Whether rows are added to a file that is there, instead of replacing it. Default: false. */
  readonly append?: boolean;
}

const who = "CSVLogger";

const separator: Field<string> = {
  initial: ",",
  read: (value, name) => {
    if (typeof value === "string" && value.length === 1 && !'"\r\n'.includes(value)) return value;
    throw new ValueError({
      who,
      expected: `${name} must be one character, neither a quote nor a line end`,
      received: describe(value),
    });
  },
};

const stateFields = { bytes: count, columns: optional(list(text())) };

/**
 * Writes a row for each epoch into a CSV file, as Keras does byte by byte: `epoch`, from 0, then the
 * keys of the first epoch's logs in order, spelt as Keras spells them (`val_loss`), with `NA` for what
 * an epoch lacks. Without validation in the first epoch there are columns for it nevertheless. The
 * row is on the disk before the next epoch begins.
 *
 * With `append`, a file that is there gives the columns. (Keras takes those of the logs, and mixes
 * columns up where they differ.) A fit that goes on from a state adds to the file in any case, cut
 * back to what it was when the state was saved.
 *
 * @throws NameError, ValueError for options; in a fit a DataError where the file cannot be written,
 *   has other columns, or was lost since the state of the fit was saved. Keys that have no column are told once
 * @example callbacks.csvLogger("training.csv")
 */
export class CSVLogger implements StatefulCallback {
  readonly addsLogs = [];
  readonly #path: string;
  readonly #separator: string;
  readonly #append: boolean;
  readonly #file: CsvFile;
  /** The columns after `epoch`. */
  #keys: readonly string[] | undefined;
  /** Bytes of the file, whole rows only. */
  #bytes = 0;
  #goesOn = false;
  #hasWarned = false;

  constructor(filename: string, options: CSVLoggerOptions = {}) {
    this.#path = text().read(filename, "filename", who);
    const given = readOptions({ separator, append: boolean(false) }, options, who);
    this.#append = given.append;
    this.#separator = given.separator;
    this.#file = new CsvFile(this.#path, given.separator);
  }

  get settings() {
    return { separator: this.#separator };
  }

  async onTrainBegin(): Promise<void> {
    this.#hasWarned = false;
    if (this.#goesOn) await cutBack(this.#path, this.#bytes, who);
    else await this.#begin();
    this.#goesOn = false;
  }

  async #begin(): Promise<void> {
    this.#keys = undefined;
    const header = this.#append ? await this.#file.header() : undefined;
    this.#bytes = 0;
    if (header === undefined) return this.#file.clear();
    const [first, ...keys] = header;
    if (first !== "epoch")
      throw new DataError({
        who: `${who} ${this.#path}`,
        expected: 'a first column "epoch"',
        received: describe(first),
        fix: "Choose another file, or the separator that it was written with.",
      });
    this.#keys = keys;
    // Rows of others, and of a fit that was killed while it wrote, may lack it.
    await this.#file.endRow();
    this.#bytes = await this.#file.size();
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const values = new Map(Object.entries(logs).map(([name, one]) => [toSnakeKey(name), one]));
    const rows: string[][] = [];
    if (!this.#keys) {
      this.#keys = columnsFor([...values.keys()]);
      rows.push(["epoch", ...this.#keys]);
    }
    const fields = this.#keys.map((key) => {
      const value = values.get(key);
      return value === undefined ? "NA" : pythonFloat(value);
    });
    rows.push([String(epoch), ...fields]);
    this.#warnOfLost([...values.keys()]);
    this.#bytes += await this.#file.add(rows);
  }

  getState(): CallbackState {
    return { bytes: this.#bytes, columns: this.#keys ?? null };
  }

  setState(state: CallbackState): void {
    const { bytes, columns } = readState(stateFields, state, `${who} setState`);
    this.#bytes = bytes;
    this.#keys = columns;
    this.#goesOn = true;
  }

  #warnOfLost(keys: readonly string[]): void {
    const lost = keys.filter((key) => !this.#keys!.includes(key));
    if (lost.length === 0 || this.#hasWarned) return;
    this.#hasWarned = true;
    console.warn(`${who}: ${this.#path} has no column for ${lost.join(", ")}.`);
  }
}

/** Keras's columns for the keys of a first epoch. */
function columnsFor(keys: readonly string[]): string[] {
  const sorted = [...keys].sort();
  const hasHeld = sorted.some((key) => key.startsWith("val_"));
  return hasHeld ? sorted : [...sorted, ...sorted.map((key) => `val_${key}`)];
}

/** See `CSVLogger`. */
export const csvLogger = (filename: string, options: CSVLoggerOptions = {}): CSVLogger =>
  new CSVLogger(filename, options);
