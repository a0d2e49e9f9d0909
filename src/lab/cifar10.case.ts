/** Small runs, and what tests ask of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cifar10Options, cifar10 } from "./cifar10.ts";
import type { EpochEvent, LabEvent, ResultEvent } from "./events.ts";
import type { RunRecord } from "./run-record.ts";

/** Of few pictures where the test has replaced the embedded ones. */
export async function runSmall(options: Cifar10Options) {
  const small = { dataset: "embedded", limit: 96, epochs: 1, threads: 1 } as const;
  const events: LabEvent[] = [];
  const onEvent = (event: LabEvent) => events.push(event);
  const result = await cifar10({ ...small, ...options, onEvent });
  return { events, names: events.map(({ event }) => event), result: result! };
}

export const epochsOf = (events: readonly LabEvent[]): EpochEvent[] =>
  events.filter((event): event is EpochEvent => event.event === "epoch");

export const recordIn = async (folder: string): Promise<RunRecord> =>
  JSON.parse(await readFile(join(folder, "run.json"), "utf8"));

/** What a result has whatever the machine is doing. */
export function bitsOf(result: ResultEvent) {
  const { seconds, secondsPerEpoch, secondsToFirstStep, ...rest } = result;
  const { microsecondsPerSample, folder, ...bits } = rest;
  return bits;
}
