/** Commands that people are told to type: the full run, and how an interrupted one goes on. */
import { environment } from "#host";
import { type DatasetName, defaults, trainings, type VariantName } from "../lab/settings.ts";

/** The options as parsed. */
export interface LabFlags {
  readonly variant: readonly VariantName[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly seed: number;
  readonly seeds: number;
  readonly threads?: number;
  readonly data?: string;
  readonly dataset: DatasetName;
  readonly limit?: number;
  readonly out: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

type Variable = (name: string) => string | undefined;

/**
 * The command that trains on all of CIFAR-10 for all epochs; undefined where it was this one.
 *
 * @param pictures what was trained on
 */
export function fullRun(
  flags: LabFlags,
  pictures: "cifar10" | "embedded",
  variable: Variable = environment,
): string | undefined {
  const { variant, epochs, dataset, limit } = flags;
  const usual = Math.max(...variant.map((name) => trainings[name].epochs));
  const isFull = (epochs ?? usual) >= usual && limit === undefined;
  if (isFull && (pictures === "cifar10" || dataset === "embedded")) return undefined;
  // Where `auto` found no CIFAR-10, the full run downloads it.
  const isMissing = dataset === "auto" && pictures === "embedded";
  const { limit: _limit, resume: _resume, epochs: _epochs, ...rest } = flags;
  const full: LabFlags = {
    ...rest,
    ...(isMissing && { dataset: "cifar10" }),
    // Of several nets each has its own number.
    ...(variant.length === 1 && { epochs: Math.max(epochs ?? usual, usual) }),
  };
  return lineOf(full, variable);
}

/** The command by which this run goes on. */
export const goingOn = (flags: LabFlags, variable: Variable = environment): string =>
  lineOf({ ...flags, resume: true }, variable);

/** A command with these options; defaults are left out. */
function lineOf(flags: LabFlags, variable: Variable): string {
  const { variant, epochs, batch, learningRate, seed, seeds, threads, data, dataset } = flags;
  const words = [commandOf(variable("npm_lifecycle_event"), epochs !== undefined)];
  const add = (name: string, value: string | number | undefined, usual?: string | number) => {
    if (value !== undefined && value !== usual) words.push(name, quoted(String(value)));
  };
  add("--variant", variant.join(","), defaults.variant);
  add("--epochs", epochs);
  add("--batch", batch, variant.length === 1 ? trainings[variant[0]].batchSize : undefined);
  add("--learning-rate", learningRate);
  add("--seed", seed, defaults.seed);
  add("--seeds", seeds, 1);
  add("--threads", threads);
  add("--dataset", dataset, defaults.dataset);
  if (dataset !== "embedded" && data) add("--data", data, variable("ANTLER_DATA"));
  add("--limit", flags.limit);
  add("--out", flags.out, defaults.out);
  if (flags.resume) words.push("--resume");
  return words.join(" ");
}

/**
 * How the command was called: by the package's script (which has a number of epochs, so the line must
 * name another), by npx, or by its name.
 */
function commandOf(script: string | undefined, namesEpochs: boolean): string {
  if (script === "lab") return namesEpochs ? "npm run lab --" : "node dist/cli/main.js lab cifar10";
  return script === "npx" ? "npx antler lab cifar10" : "antler lab cifar10";
}

const quoted = (text: string): string =>
  /^[\w./\\:~,-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
