/** Several runs one after the other: each net with each seed. */
import { now, processStart } from "#host";
import { ValueError } from "../base/errors.ts";
import { checkSeed } from "../base/philox.ts";
import { type Cifar10Options, cifar10, identityOf } from "./cifar10.ts";
import type { ResultEvent } from "./events.ts";
import { picturesOf, resolvedDataset } from "./pictures.ts";
import { checkRun } from "./run-folder.ts";
import { defaults, type VariantName } from "./settings.ts";
import { tableRows } from "./table.ts";

/** What a study is made of; `variant` and `seed` are those of a run. */
export interface StudyOptions extends Omit<Cifar10Options, "variant"> {
  /** Default: `elu` alone. */
  readonly variants?: readonly VariantName[] | undefined;
  /** How many seeds, from `seed` on. Default: 1. */
  readonly seeds?: number | undefined;
}

/** A run of a study. */
interface PlannedRun {
  readonly variant: VariantName;
  readonly seed: number;
}

/**
 * Trains each net with each seed, all nets with one seed before the next seed, and returns their
 * results: those of the runs that were finished where the signal ended it. A `run` event comes before
 * each of several runs, and a `table` at the end. All runs are checked before the first one begins.
 *
 * @throws as `cifar10`
 */
export async function cifar10Study(options: StudyOptions): Promise<ResultEvent[]> {
  const { variants, seeds, ...common } = options;
  const { onEvent, out = defaults.out, resume = false } = options;
  const runs = plannedRuns(options);
  for (const run of runs) await checkRun(out, await identityOf({ ...common, ...run }), resume);
  const pictures = once(() => picturesOf(common));
  const results: ResultEvent[] = [];
  for (const [index, run] of runs.entries()) {
    const clockStart = index === 0 ? processStart() : now();
    if (runs.length > 1) onEvent?.({ event: "run", ...run, run: index + 1, runs: runs.length });
    const result = await cifar10({ ...common, ...run }, { pictures, clockStart });
    if (!result) return results;
    results.push(result);
  }
  const dataset = await resolvedDataset(common);
  const { limit = null } = common;
  onEvent?.({ event: "table", runs: runs.length, dataset, limit, rows: tableRows(results) });
  return results;
}

function plannedRuns(options: StudyOptions): PlannedRun[] {
  const { variants = [defaults.variant], seeds = 1, seed = defaults.seed } = options;
  checkSeed(seed, "lab");
  if (seeds - 1 > Number.MAX_SAFE_INTEGER - seed)
    throw new ValueError({
      who: "lab",
      expected: "all seeds must be below 2^53",
      received: `${seeds} from ${seed} on`,
    });
  const runs: PlannedRun[] = [];
  for (let i = 0; i < seeds; i++)
    for (const variant of variants) runs.push({ variant, seed: seed + i });
  return runs;
}

/** The pictures of all runs, loaded by the first one. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
