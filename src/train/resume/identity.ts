/** What a fit is made of: a fit that goes on where another was must be made of the same. */
import { sha256 } from "#host";
import type { Dataset } from "../../base/dataset.ts";
import { describe, ValueError } from "../../base/errors.ts";
import { formatShape } from "../../base/shape.ts";
import { compileConfig } from "../../model/compile-config.ts";
import { modelConfig } from "../../model/config.ts";
import { isDataset, type StepData } from "../../model/data.ts";
import type { Rows } from "../../model/rows.ts";
import type { Json } from "../../nn/fields.ts";
import type { StatefulCallback } from "../callbacks/state.ts";
import type { FitParams } from "../callbacks.ts";
import type { FitSettings } from "../fit-options.ts";
import type { Run } from "../run.ts";

/** Facts of a fit; a path into them names what differs. */
export type Identity = Readonly<Record<string, Json>>;

/** Options of `fit` that change what comes out, but `epochs`. */
const options = [
  ...(["batchSize", "initialEpoch", "stepsPerEpoch", "shuffle", "seed", "classWeight"] as const),
  ...(["validationSplit", "validationBatchSize", "validationFreq", "validationSteps"] as const),
] satisfies (keyof FitSettings)[];

export async function identityOf(
  { net, given, sources }: Run,
  { device, fma }: FitParams,
  callbacks: readonly StatefulCallback[],
): Promise<Identity> {
  const { config } = modelConfig(net);
  const { name: _, ...model } = config as Readonly<Record<string, Json>>;
  return {
    fit: Object.fromEntries(options.map((name) => [name, (given[name] ?? null) as Json])),
    callbacks: callbacks.map(className),
    ...Object.fromEntries(callbacks.map((callback, i) => settingsOf(callback, i))),
    data: await dataFacts(sources.train),
    validation: sources.held ? await dataFacts(sources.held) : null,
    device: { name: device, fma },
    model,
    compile: compileConfig(net.compiledFor("fit")),
  };
}

const className = (callback: StatefulCallback): string => callback.constructor?.name ?? "Object";

const settingsOf = (callback: StatefulCallback, i: number) =>
  [`callbacks[${i}] ${className(callback)}`, callback.settings ?? {}] as const;

async function dataFacts(data: StepData | Dataset): Promise<Json> {
  // Its rows come later; that they are the same is the set's own business.
  if (isDataset(data)) return { Dataset: data.size ?? null };
  const list = (all: readonly (Rows | undefined)[] = []) => Promise.all(all.map(rowFacts));
  const [x, y, sampleWeight] = await Promise.all([list(data.x), list(data.y), list(data.weights)]);
  return { x, y, sampleWeight };
}

/** Type, shape and the first 64 bits of the SHA-256. */
async function rowFacts(rows: Rows | undefined): Promise<Json> {
  if (!rows) return null;
  const { array, type } = rows;
  const { buffer, byteOffset, byteLength } = array.data;
  const hash = await sha256(new Uint8Array(buffer, byteOffset, byteLength));
  return `${type.dtype} ${formatShape(array.shape)} ${hash.slice(0, 16)}`;
}

/**
 * Throws a ValueError that names the first difference, with both values.
 *
 * @param who the file that the facts were saved in
 */
export function checkSame(saved: unknown, now: unknown, who: string): void {
  const found = difference(saved, now, "");
  if (!found) return;
  throw new ValueError({
    who,
    expected: `${found.path.trim()} ${text(found.saved)} as in the interrupted fit`,
    received: text(found.now),
    fix: "Repeat the fit as it was, or remove this file to begin anew.",
  });
}

const text = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : describe(value);

interface Difference {
  readonly path: string;
  readonly saved: unknown;
  readonly now: unknown;
}

function difference(saved: unknown, now: unknown, path: string): Difference | undefined {
  // JSON has no -0.
  if (saved === now || Object.is(saved, now)) return undefined;
  const isTree = (value: unknown): value is object => typeof value === "object" && value !== null;
  if (!isTree(saved) || !isTree(now) || Array.isArray(saved) !== Array.isArray(now))
    return { path, saved, now };
  if (Array.isArray(saved) && saved.length !== (now as unknown[]).length)
    return saved.every((one) => !isTree(one))
      ? { path, saved, now }
      : { path: `${path}.length`, saved: saved.length, now: (now as unknown[]).length };
  const keys = new Set([...Object.keys(saved), ...Object.keys(now)]);
  for (const key of keys) {
    const [before, after] = [saved, now].map((tree) => (tree as Record<string, unknown>)[key]);
    const place = Array.isArray(saved) ? `${path}[${key}]` : joined(path, key);
    const found = difference(before, after, place);
    if (found) return found;
  }
  return undefined;
}

/** `fit batchSize`, `model layers[3].config.units`. */
const joined = (path: string, key: string): string =>
  path === "" ? `${key} ` : path.endsWith(" ") ? path + key : `${path}.${key}`;
