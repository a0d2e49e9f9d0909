/** Names of files with numbers in them: Python's format language, as Keras takes it. */
import { describe, NameError, ValueError } from "../../base/errors.ts";
import { type FormatSpec, formatNumber, readFormat } from "../../logs/python-format.ts";
import type { Logs } from "../../model/totals.ts";
import { toSnakeKey } from "../../nn/serialization.ts";

/** A replacement field, `{val_loss:.2f}`. */
interface Place {
  readonly key: string;
  readonly spec: FormatSpec;
  readonly isWhole: boolean;
}

/** Counts that a pattern may name, beside the keys of the logs; from 1. */
export interface Counts {
  readonly epoch: number;
  readonly batch?: number | undefined;
}

/**
 * A pattern such as `{epoch:02d}-{val_loss:.2f}.keras`. Keys are those of the logs, in Keras's
 * spelling or ours; `{{` and `}}` stand for braces.
 */
export class FilePattern {
  readonly text: string;
  readonly #who: string;
  readonly #parts: readonly (string | Place)[];

  /** @throws ValueError where the pattern is broken, or would make folders of numbers */
  constructor(text: string, who: string) {
    this.text = text;
    this.#who = who;
    this.#parts = partsOf(text, who);
  }

  /** The name, where it is the same for all numbers. */
  get plain(): string | undefined {
    return this.#places.length === 0 ? this.#parts.join("") : undefined;
  }

  get #places(): readonly Place[] {
    return this.#parts.filter((part) => typeof part !== "string");
  }

  /**
   * Throws a NameError for a key that will be none of these.
   *
   * @param counts `epoch`, `batch`
   * @param keys of the logs; those of a metric with several numbers without their position
   */
  check(counts: readonly string[], keys: readonly string[]): void {
    const known = [...counts, ...keys];
    const spelt = new Set(known.map(toSnakeKey));
    for (const { key } of this.#places) {
      const name = toSnakeKey(key);
      if (!spelt.has(name) && !spelt.has(name.replace(/_\d+$/, "")))
        throw this.#unknown(key, known);
    }
  }

  /** The name for these numbers. Throws a NameError where there is none for a key. */
  with(counts: Counts, logs: Logs): string {
    const values = new Map(Object.entries(logs).map(([name, one]) => [toSnakeKey(name), one]));
    for (const [name, count] of Object.entries(counts))
      if (count !== undefined) values.set(name, count);
    const parts = this.#parts.map((part) => {
      if (typeof part === "string") return part;
      const value = values.get(toSnakeKey(part.key));
      if (value !== undefined) return formatNumber(value, part.spec, part.isWhole);
      const counted = counts.batch === undefined ? ["epoch"] : ["epoch", "batch"];
      throw this.#unknown(part.key, [...counted, ...Object.keys(logs)]);
    });
    return parts.join("");
  }

  #unknown(key: string, known: readonly string[]): NameError {
    return new NameError({
      who: `${this.#who} "${this.text}"`,
      expected: "keys of the pattern must be epoch or in the logs",
      received: describe(key),
      fix: `Known keys: ${known.join(", ")}.`,
    });
  }
}

function partsOf(text: string, who: string): (string | Place)[] {
  const name = `${who} "${text}"`;
  const parts: (string | Place)[] = [];
  const pattern = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    parts.push(text.slice(end, found.index));
    end = found.index + found[0].length;
    if (found[1] !== undefined) parts.push(placeOf(found[1], name));
    else if (found[0].length === 2) parts.push(found[0][0]);
    else
      throw new ValueError({
        who: name,
        expected: "each { of a pattern needs its }",
        received: `a single ${found[0]}`,
        fix: "Example: {epoch:02d}-{val_loss:.2f}.keras; braces themselves are {{ and }}.",
      });
  }
  return [...parts, text.slice(end)];
}

function placeOf(field: string, who: string): Place {
  const [, key, , format = ""] = /^([^:]*)(:(.*))?$/s.exec(field)!;
  if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(key))
    throw new ValueError({
      who,
      expected: "a field of a pattern must be {key} or {key:format}",
      received: describe(`{${field}}`),
      fix: "Example: {epoch:02d}-{val_loss:.2f}.keras",
    });
  const isWhole = key === "epoch" || key === "batch";
  const spec = readFormat(format, isWhole, who);
  if (/[/\\\0]/.test(spec.fill))
    throw new ValueError({
      who,
      expected: "numbers in a pattern must not make folders",
      received: `${describe(spec.fill)} to fill them up with`,
      fix: 'Fill with "0" or "_".',
    });
  return { key, spec, isWhole };
}
