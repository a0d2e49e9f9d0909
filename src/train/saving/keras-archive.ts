/** `.keras` files: a zip archive of Keras's config and weights, and entries of our own beside them. */
import type { TypedArray } from "../../base/dtype.ts";
import { DataError } from "../../base/errors.ts";
import { type H5Group, readHdf5, rewriteHdf5 } from "../../formats/hdf5.ts";
import { readZip, writeZip } from "../../formats/zip.ts";
import { compileConfig } from "../../model/compile-config.ts";
import { modelConfig } from "../../model/config.ts";
import type { Net } from "../../model/net.ts";
import { configText } from "../../nn/config-text.ts";
import type { Variable } from "../../tensor/variable.ts";
import {
  type AntlerEntry,
  antlerEntry,
  entryName,
  parsed,
  readAntlerEntry,
} from "./antler-entry.ts";
import { kerasWeights, optimizerSets, readLayers } from "./keras-weights.ts";
import { readNet, writeNet } from "./net-values.ts";
import { writtenOptimizer } from "./optimizer-config.ts";
import { type OptimizerState, readOptimizer, settle, stateValues } from "./optimizer-state.ts";

/** The version of Keras whose files these are. */
export const kerasVersion = "3.15.1";
const names = {
  metadata: "metadata.json",
  config: "config.json",
  weights: "model.weights.h5",
} as const;

/** What a `.keras` file holds. */
export interface KerasArchive {
  /** The model without weights, as `modelConfig` has it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Weights and the optimizer's state. */
  readonly weights: H5Group;
  /** Entries that Keras ignores: their names begin with `antler/`. */
  readonly extra: ReadonlyMap<string, Uint8Array>;
}

/**
 * A model as the bytes of a `.keras` file.
 *
 * @param extra entries beside Keras's own, `antler/...`
 * @throws StateError before the model is built, ValueError where a user's own part is not registered
 */
export async function kerasBytes(
  net: Net,
  extra: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Uint8Array<ArrayBuffer>> {
  const values = await readNet(net, "save");
  const { compiled } = net;
  const optimizer = writtenOptimizer(net, values);
  const config = modelConfig(net, compiled && compileConfig(compiled, optimizer!.config));
  const antler = antlerEntry(net, values, optimizer?.full);
  const metadata = { keras_version: kerasVersion, date_saved: now() };
  const text = (value: string) => new TextEncoder().encode(value);
  return writeZip(
    new Map([
      [names.metadata, text(JSON.stringify(metadata))],
      [names.config, text(configText(config))],
      [names.weights, await rewriteHdf5(kerasWeights(net, values, optimizer))],
      [entryName, antler],
      ...extra,
    ]),
  );
}

/** In Keras's form: 2026-11-26@01:42:57. */
const now = (): string => new Date().toISOString().slice(0, 19).replace("T", "@");

/**
 * What the bytes of a `.keras` file hold.
 *
 * @param who the file, for messages
 * @throws DataError where it is no such file, or broken
 */
export async function readKerasArchive(bytes: Uint8Array, who: string): Promise<KerasArchive> {
  const files = await readZip(bytes, { who });
  const entry = (name: string): Uint8Array => {
    const found = files.get(name);
    if (found) return found;
    throw new DataError({
      who,
      expected: `must hold ${name}`,
      received: `${[...files.keys()].join(", ") || "no entries"}`,
      fix: "A .keras file is what model.save writes, here or in Keras 3.",
    });
  };
  const config = parsed<Record<string, unknown>>(entry(names.config), names.config, who);
  const about = files.get(names.metadata);
  const metadata = about ? parsed<Record<string, unknown>>(about, names.metadata, who) : {};
  const weights = await readHdf5(entry(names.weights), { who: `${who} ${names.weights}` });
  const extra = new Map([...files].filter(([name]) => name.startsWith("antler/")));
  return { config, metadata, weights, extra };
}

/** How `restoreNet` takes what is in a file. */
export interface RestoreOptions {
  /** Whether weights may hold NaN and infinities. Default: true. */
  readonly allowNonFinite?: boolean;
}

/**
 * Gives a model the weights, the optimizer's state and the counters of a file: all or nothing. What
 * the file does not have stays: an optimizer's state, counters.
 *
 * @throws DataError, ShapeError where an entry is missing, too many, of another shape or broken
 */
export async function restoreNet(
  net: Net,
  archive: KerasArchive,
  who: string,
  { allowNonFinite = true }: RestoreOptions = {},
): Promise<void> {
  const source = { who, allowNonFinite };
  const values = readLayers(net, archive.weights, source);
  const found = net.compiled && optimizerSets(archive.weights);
  const state = found && readOptimizer(net, found.sets, source);
  const antler = readAntlerEntry(archive.extra.get(entryName), who);
  for (const [counter, count] of counterValues(net, antler)) values.set(counter, count);
  await writeAll(net, values, state);
}

/** The counters in a file, for the model's. */
export function counterValues(
  { counters }: Net,
  antler: AntlerEntry | undefined,
): [Variable, TypedArray][] {
  return counters.flatMap((counter, i) => {
    const count = antler?.counters[i];
    return count === undefined ? [] : [[counter, Uint32Array.of(count)]];
  });
}

/** Sets checked values, all at once. */
export async function writeAll(
  net: Net,
  values: ReadonlyMap<Variable, TypedArray>,
  state: OptimizerState | undefined,
): Promise<void> {
  const all = new Map([...values, ...(state ? stateValues(net, state) : [])]);
  await writeNet(net, all);
  if (state) settle(net, state);
}
