/** `antler/model.json`: what Keras's files have no place for. */
import { DataError, describe } from "../../base/errors.ts";
import { checkSeed } from "../../base/philox.ts";
import type { Net } from "../../model/net.ts";
import type { Serialized } from "../../nn/serialization.ts";
import type { NetValues } from "./net-values.ts";

/** Its place in the zip archive. */
export const entryName = "antler/model.json";
const format = 1;

/** What is in it. */
export interface AntlerEntry {
  readonly format: number;
  readonly seed: number;
  /** As `net.counters`: steps, epochs, draws. */
  readonly counters: readonly number[];
  /** The optimizer's config in full, where Keras's says less. */
  readonly optimizer?: Serialized | string;
  /** Positions among the model's weights of those that do not decay. */
  readonly undecayed?: readonly number[];
  /** Whether users get a single output in a list. */
  readonly hasListOfOutputs?: boolean;
}

/** The entry's bytes. */
export function antlerEntry(
  net: Net,
  values: NetValues,
  optimizer: Serialized | string | undefined,
): Uint8Array {
  const weights = net.weights.filter(({ trainable }) => trainable);
  const kept = net.compiled?.optimizer;
  const undecayed = weights.flatMap((weight, i) => (kept && !kept.decays(weight) ? [i] : []));
  const entry: AntlerEntry = {
    format,
    seed: net.seed,
    counters: net.counters.map((counter) => values.countOf(counter)),
    ...(optimizer !== undefined && { optimizer }),
    ...(undecayed.length > 0 && { undecayed }),
    ...(net.hasListOfOutputs && { hasListOfOutputs: true }),
  };
  return new TextEncoder().encode(JSON.stringify(entry));
}

const isWhole = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;

const isWholes = (value: unknown): boolean => Array.isArray(value) && value.every(isWhole);

/**
 * The entry in these bytes.
 *
 * @throws DataError where it is broken or of another version of the library
 */
export function readAntlerEntry(
  bytes: Uint8Array | undefined,
  who: string,
): AntlerEntry | undefined {
  if (!bytes) return undefined;
  const found = parsed<Partial<AntlerEntry>>(bytes, entryName, who);
  if (found.format !== format)
    throw new DataError({
      who,
      expected: `${entryName} must have format ${format}`,
      received: describe(found.format),
      fix: "Read it with the version of Antler that wrote it, or remove this entry.",
    });
  const { counters, undecayed = [], seed } = found;
  if (!isWholes(counters) || !isWholes(undecayed))
    throw new DataError({
      who,
      expected: `${entryName} must hold whole numbers as counters and undecayed`,
      received: describe(isWholes(counters) ? undecayed : counters),
    });
  checkSeed(seed as number, `${who}: ${entryName}`);
  return found as AntlerEntry;
}

/**
 * An object that JSON bytes hold.
 *
 * @param place the entry, for messages
 */
export function parsed<T extends object>(bytes: Uint8Array, place: string, who: string): T {
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    checkDepth(text, place, who);
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const received = (cause as Error).message;
    throw new DataError({ who, expected: `${place} must be JSON`, received, cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as T;
  const received = describe(value);
  throw new DataError({ who, expected: `${place} must be an object`, received });
}

/** Python reads no JSON that is nested deeper. */
const mostDepth = 900;

/** What walks through a config goes as deep as it is nested, and must come back. */
function checkDepth(text: string, place: string, who: string): void {
  let depth = 0;
  let isText = false;
  for (let i = 0; i < text.length && depth <= mostDepth; i++) {
    const mark = text[i];
    if (isText && mark === "\\") i++;
    else if (mark === '"') isText = !isText;
    else if (isText) continue;
    else if (mark === "[" || mark === "{") depth++;
    else if (mark === "]" || mark === "}") depth--;
  }
  if (depth <= mostDepth) return;
  const expected = `${place} must be nested at most ${mostDepth} deep`;
  throw new DataError({ who, expected, received: "more" });
}
