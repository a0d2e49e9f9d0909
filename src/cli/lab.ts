/** `antler lab cifar10`. */
import { environment } from "#host";
import { type Cifar10Options, cifar10 } from "../lab/cifar10.ts";
import type { ResultEvent } from "../lab/events.ts";
import { resolvedDataset } from "../lab/pictures.ts";
import { type DatasetName, defaults, trainings, type VariantName } from "../lab/settings.ts";
import { jsonReporter, TextReporter } from "./reporter.ts";
import { terminalOf } from "./terminal.ts";

/** The options as parsed. */
export interface LabFlags {
  readonly variant: VariantName;
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly data?: string;
  readonly dataset: DatasetName;
  readonly limit?: number;
  readonly json?: boolean;
}

/** Trains, and tells of it on standard output. */
export async function runLab(flags: LabFlags, signal: AbortSignal): Promise<void> {
  const pictures = await resolvedDataset({ dataset: flags.dataset, folder: flags.data });
  if (pictures !== flags.dataset && pictures === "embedded") process.stderr.write(noPictures);
  const terminal = terminalOf(process.stdout);
  const reporter = flags.json ? jsonReporter(terminal) : new TextReporter(terminal);
  let result: ResultEvent | undefined;
  try {
    result = await cifar10({
      ...optionsOf(flags),
      signal,
      onEvent: (event) => reporter.onEvent(event),
      callbacks: reporter.callbacks,
    });
  } catch (error) {
    reporter.leave();
    throw error;
  }
  if (!result) return reporter.interrupted();
  const full = fullRun(flags, pictures);
  if (!flags.json && full) terminal.write(`The full run: ${full}\n`);
}

const optionsOf = ({ batch, data, ...same }: LabFlags): Cifar10Options => ({
  ...same,
  ...(batch !== undefined && { batchSize: batch }),
  folder: data,
});

const noPictures =
  "CIFAR-10 is neither in a folder (--data DIR or ANTLER_DATA) nor in the cache: training on the " +
  "embedded pictures, which are generated shapes. --dataset cifar10 downloads it (170 MB).\n";

/**
 * The command that trains on all of CIFAR-10 for all epochs; undefined where it was this one.
 *
 * @param pictures what was trained on
 */
export function fullRun(
  flags: LabFlags,
  pictures: "cifar10" | "embedded",
  variable = environment,
): string | undefined {
  const { variant, epochs, batch, learningRate, seed, threads, data, dataset, limit } = flags;
  const usual = trainings[variant];
  const isFull = (epochs ?? usual.epochs) >= usual.epochs && limit === undefined;
  if (isFull && (pictures === "cifar10" || dataset === "embedded")) return undefined;
  const words = [commandOf(variable("npm_lifecycle_event"))];
  const add = (name: string, value: string | number | undefined, usual?: string | number) => {
    if (value !== undefined && value !== usual) words.push(name, quoted(String(value)));
  };
  add("--variant", variant, defaults.variant);
  words.push("--epochs", String(Math.max(epochs ?? usual.epochs, usual.epochs)));
  add("--batch", batch, usual.batchSize);
  add("--learning-rate", learningRate);
  add("--seed", seed, defaults.seed);
  add("--threads", threads);
  // Where `auto` found no CIFAR-10, the full run downloads it.
  const isMissing = dataset === "auto" && pictures === "embedded";
  add("--dataset", isMissing ? "cifar10" : dataset, defaults.dataset);
  if (dataset !== "embedded" && data) add("--data", data, variable("ANTLER_DATA"));
  return words.join(" ");
}

/** How the command was called: by the package's script, by npx, or by its name. */
function commandOf(script: string | undefined): string {
  if (script === "lab") return "npm run lab --";
  return script === "npx" ? "npx antler lab cifar10" : "antler lab cifar10";
}

const quoted = (text: string): string =>
  /^[\w./\\:~-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
