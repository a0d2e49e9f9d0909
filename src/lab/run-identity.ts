/** What a run is asked for, in full, and the name that it has by that. */
import { sha256 } from "#host";
import { checkSeed } from "../base/philox.ts";
import { trainings, type VariantName } from "./settings.ts";

/** Options of a run that decide its bits, with the defaults filled in. */
export interface RunOptions {
  readonly variant: VariantName;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly dataset: "cifar10" | "embedded";
  /** Training pictures, the first ones; null: all. */
  readonly limit: number | null;
}

/** What a run is, beside the data and the version: the same identity, the same name. */
export interface RunIdentity {
  readonly options: RunOptions;
  readonly seed: number;
  /** `elu-seed1-3f2a9c10`: the variant, the seed, and 32 bits of the SHA-256 of the options. */
  readonly name: string;
}

/** A run's options as they are given: undefined is the net's own. */
export interface GivenOptions {
  readonly variant: VariantName;
  readonly seed: number;
  readonly dataset: "cifar10" | "embedded";
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly limit?: number | undefined;
}

/** The identity of a run. Throws a ValueError for a seed that is none. */
export async function runIdentity(given: GivenOptions): Promise<RunIdentity> {
  const { variant, seed, dataset, limit = null } = given;
  checkSeed(seed, "lab");
  const usual = trainings[variant];
  const options: RunOptions = {
    variant,
    epochs: given.epochs ?? usual.epochs,
    batchSize: given.batchSize ?? usual.batchSize,
    learningRate: given.learningRate ?? usual.learningRate,
    dataset,
    limit,
  };
  return { options, seed, name: `${variant}-seed${seed}-${await hashOf(options)}` };
}

async function hashOf(options: RunOptions): Promise<string> {
  const text = JSON.stringify(["cifar10", ...optionNames.map((name) => [name, options[name]])]);
  return (await sha256(new TextEncoder().encode(text))).slice(0, 8);
}

/** In the order in which they are named and hashed. */
const optionNames = [
  "variant",
  "epochs",
  "batchSize",
  "learningRate",
  "dataset",
  "limit",
] as const satisfies readonly (keyof RunOptions)[];

/** The command's names of options; the net and the seed are in a folder's name. */
const flags: Partial<Record<keyof RunOptions, string>> = {
  epochs: "--epochs",
  batchSize: "--batch",
  learningRate: "--learning-rate",
  dataset: "--dataset",
  limit: "--limit",
};

/** An option in which two runs differ, as the command has it. */
export interface Difference {
  readonly flag: string;
  readonly saved: string;
  readonly given: string;
}

/** The options in which a run differs from one that was saved. */
export function differencesOf(saved: RunOptions, given: RunOptions): Difference[] {
  const text = (value: RunOptions[keyof RunOptions]) => (value === null ? "none" : String(value));
  return optionNames
    .filter((name) => saved[name] !== given[name])
    .map((name) => ({
      flag: flags[name] ?? name,
      saved: text(saved[name]),
      given: text(given[name]),
    }));
}

/** The parts of a folder's name; undefined where it is none that a run gets. */
export function partsOfName(folder: string): { name: string; number: number } | undefined {
  const found = /^([a-z]+-seed\d+-[0-9a-f]{8})(?:-([1-9]\d{0,8}))?$/.exec(folder);
  return found ? { name: found[1], number: Number(found[2] ?? 1) } : undefined;
}

/** `elu-seed1-`: what the names of all runs of this net and seed begin with. */
export const stemOf = ({ options, seed }: RunIdentity): string => `${options.variant}-seed${seed}-`;
