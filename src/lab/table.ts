/** The results of several runs beside what the document reports. */
import type { ResultEvent, TableRow } from "./events.ts";
import { type Published, type PublishedName, published } from "./published.ts";
import { binomialError, summarize } from "./statistics.ts";

/** A row for each net, in the order in which they first come. */
export function tableRows(results: readonly ResultEvent[]): TableRow[] {
  const names = [...new Set(results.map(({ variant }) => variant))];
  return names.flatMap((name) => {
    const runs = results.filter(({ variant }) => variant === name);
    const hasNoise = runs.every(({ mcAccuracy }) => mcAccuracy !== undefined);
    return hasNoise ? [rowOf(name, runs), monteCarloRow(runs)] : [rowOf(name, runs)];
  });
}

function rowOf(variant: string, runs: readonly ResultEvent[]): TableRow {
  const of = (value: (run: ResultEvent) => number) => summarize(runs.map(value));
  return {
    ...headOf(variant, runs, (run) => run.valAccuracy),
    loss: of((run) => run.valLoss),
    testAccuracy: of((run) => run.testAccuracy),
    bestEpoch: of((run) => run.bestEpoch),
    epochs: of((run) => run.epochs),
    secondsPerEpoch: of((run) => run.secondsPerEpoch),
    microsecondsPerSample: of((run) => run.microsecondsPerSample),
  };
}

const monteCarloRow = (runs: readonly ResultEvent[]): TableRow => ({
  ...headOf("mc", runs, (run) => run.mcAccuracy!),
  loss: null,
  testAccuracy: null,
  bestEpoch: null,
  epochs: null,
  secondsPerEpoch: null,
  microsecondsPerSample: null,
});

function headOf(
  variant: string,
  runs: readonly ResultEvent[],
  accuracyOf: (run: ResultEvent) => number,
) {
  const accuracy = summarize(runs.map(accuracyOf));
  return {
    variant,
    seeds: runs.map(({ seed }) => seed),
    document: documentOf(variant),
    accuracy,
    binomialError: binomialError(accuracy.mean, runs[0].validation),
  };
}

const documentOf = (variant: string): Published | null =>
  Object.hasOwn(published, variant) ? published[variant as PublishedName] : null;
