import { DataError, describe, ValueError } from "../../base/errors.ts";
import { CsvFile, pythonFloat } from "../../logs/csv.ts";
import type { Logs } from "../../model/totals.ts";
import { boolean, type Field, readOptions, text } from "../../nn/fields.ts";
import { toSnakeKey } from "../../nn/serialization.ts";
import type { Callback } from "../callbacks.ts";

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

/**
 * Writes a row for each epoch into a CSV file, as Keras does byte by byte: `epoch`, from 0, then the
 * keys of the first epoch's logs in order, spelt as Keras spells them (`val_loss`), with `NA` for what
 * an epoch lacks. Without validation in the first epoch there are columns for it nevertheless. The
 * row is on the disk before the next epoch begins.
 *
 * With `append`, a file that is there gives the columns. (Keras takes those of the logs, and mixes
 * columns up where they differ.)
 *
 * @throws NameError, ValueError for options; in a fit a DataError where the file cannot be written,
 *   or has other columns. Keys that have no column are told once
 * @example callbacks.csvLogger("training.csv")
 */
export class CSVLogger implements Callback {
  readonly #path: string;
  readonly #append: boolean;
  readonly #file: CsvFile;
  /** The columns after `epoch`. */
  #keys: readonly string[] | undefined;
  #hasWarned = false;

  constructor(filename: string, options: CSVLoggerOptions = {}) {
    this.#path = text().read(filename, "filename", who);
    const given = readOptions({ separator, append: boolean(false) }, options, who);
    this.#append = given.append;
    this.#file = new CsvFile(this.#path, given.separator);
  }

  async onTrainBegin(): Promise<void> {
    this.#keys = undefined;
    this.#hasWarned = false;
    const header = this.#append ? await this.#file.header() : undefined;
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
    await this.#file.add(rows);
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
