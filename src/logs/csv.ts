/** Rows of CSV files as Python's `csv` writes them, so that what reads Keras's files reads ours. */
import { appendFile, fileSize, readFile, truncateFile, writeFileAtomic } from "#host";

const lineEnd = "\r\n";

/**
 * A number as Python's `repr` writes a float: `1.0`, `1e-05`, `1e+16`, `nan`, `inf`.
 */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [digits, power] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 16) {
    // JavaScript writes numbers from 1e-6 on without an exponent.
    const text = String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** A row with its line end; fields with separators, quotes or line ends are quoted. */
export function csvRow(fields: readonly string[], separator: string): string {
  const quoted = fields.map((field) => {
    const isPlain = !field.includes(separator) && !/["\r\n]/.test(field);
    return isPlain ? field : `"${field.replaceAll('"', '""')}"`;
  });
  return quoted.join(separator) + lineEnd;
}

/** The fields of a text's first line; undefined where there is no text. */
export function firstRow(text: string, separator: string): string[] | undefined {
  if (text === "") return undefined;
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const letter = text[i];
    if (isQuoted) {
      if (letter !== '"') field += letter;
      else if (text[i + 1] === '"') field += text[i++];
      else isQuoted = false;
    } else if (letter === '"') isQuoted = true;
    else if (letter === "\r" || letter === "\n") break;
    else if (letter === separator) {
      fields.push(field);
      field = "";
    } else field += letter;
  }
  return [...fields, field];
}

/** A CSV file that rows are added to. No file stays open between two rows. */
export class CsvFile {
  readonly #path: string;
  readonly #separator: string;

  constructor(path: string, separator: string) {
    this.#path = path;
    this.#separator = separator;
  }

  /**
   * The fields of the first row; undefined where there is no file or nothing in it.
   *
   * @throws DataError if it cannot be read
   */
  async header(): Promise<string[] | undefined> {
    if ((await fileSize(this.#path)) === undefined) return undefined;
    return firstRow(new TextDecoder().decode(await readFile(this.#path)), this.#separator);
  }

  /** Its bytes; 0 where there is no file. */
  async size(): Promise<number> {
    return (await fileSize(this.#path)) ?? 0;
  }

  /** Makes the file, or empties it. Throws a DataError if that cannot be done. */
  async clear(): Promise<void> {
    await writeFileAtomic(this.#path, new Uint8Array());
  }

  /** Ends the last row where it has no line end, and returns the bytes that this took. */
  async endRow(): Promise<number> {
    const last = (await readFile(this.#path)).at(-1);
    if (last === undefined || last === 0x0a || last === 0x0d) return 0;
    return await this.#append(lineEnd);
  }

  /**
   * Adds rows and returns their bytes; they are on the disk when it resolves. Throws a DataError if
   * that cannot be done; the file is as it was then.
   */
  async add(rows: readonly (readonly string[])[]): Promise<number> {
    return await this.#append(rows.map((row) => csvRow(row, this.#separator)).join(""));
  }

  async #append(text: string): Promise<number> {
    const bytes = new TextEncoder().encode(text);
    const before = await this.size();
    const file = await appendFile(this.#path);
    try {
      await file.write(bytes);
      await file.flush();
    } catch (error) {
      // Half a row would run into the next one. The cause is what counts.
      await truncateFile(this.#path, before).catch(() => {});
      throw error;
    } finally {
      await file.close();
    }
    return bytes.length;
  }
}
