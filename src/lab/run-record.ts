/** `run.json`: what a run folder says of its run. */
import { joinPath, readFile, writeFileAtomic } from "#host";
import { AntlerError, DataError, describe } from "../base/errors.ts";
import { boolean, choice, type Field, number, optional, text, whole } from "../nn/fields.ts";
import type { ResultEvent } from "./events.ts";
import type { RunOptions } from "./run-identity.ts";
import { variantNames } from "./settings.ts";

/** What `run.json` holds. New versions may add keys; `formatVersion` grows where others change. */
export interface RunRecord {
  readonly format: "antler-run";
  readonly formatVersion: 1;
  readonly experiment: "cifar10";
  /** `running` also where the process was killed. */
  readonly status: RunStatus;
  /** All that decide the run's bits, defaults filled in. */
  readonly options: RunOptions;
  readonly seed: number;
  readonly versions: {
    readonly antler: string;
    readonly node: string;
    /** `linux x64`. */
    readonly platform: string;
  };
  readonly device: {
    /** `wasm`. */
    readonly name: string;
    /** Of the process that wrote the record last; they change no bit. */
    readonly threads: number;
    /** Whether multiply-adds are fused: it changes bits. */
    readonly fma: boolean;
    readonly cpu: string;
  };
  readonly data: {
    /** SHA-256 of all pictures and labels: training, validation, test. */
    readonly sha256: string;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
  };
  readonly times: {
    /** ISO 8601, as all times here. */
    readonly started: string;
    /** Null while it runs. */
    readonly ended: string | null;
    /** One for each process that worked on it. */
    readonly sessions: readonly Session[];
  };
  /** What the run reports; null before its end. */
  readonly results: ResultEvent | null;
  /** That of the results: SHA-256 of all weights after the last epoch. */
  readonly weightsHash: string | null;
  /** Why it failed; null where it did not. */
  readonly error: string | null;
}

export interface Session {
  readonly started: string;
  /** Null while it runs, and where it was killed. */
  readonly ended: string | null;
  /** The first epoch that it trained, from 1. */
  readonly fromEpoch: number;
}

const statuses = ["running", "interrupted", "failed", "finished"] as const;
export type RunStatus = (typeof statuses)[number];

export const recordFile = "run.json";

/** Writes it whole or not at all. */
export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  const text = `${JSON.stringify(record, null, 2)}\n`;
  await writeFileAtomic(joinPath(folder, recordFile), new TextEncoder().encode(text));
}

/**
 * Reads it.
 *
 * @throws DataError naming the file, where it cannot be read or is no record of this experiment
 */
export async function readRecord(folder: string): Promise<RunRecord> {
  const path = joinPath(folder, recordFile);
  const bytes = await readFile(path);
  const refuse = (received: string, cause: unknown) =>
    new DataError({
      who: path,
      expected: "must be a run's record",
      received,
      fix: "Move its folder away, or choose another one by --out.",
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw refuse("what is no JSON", error);
  }
  try {
    return record.read(value, "", path);
  } catch (error) {
    if (!(error instanceof AntlerError)) throw error;
    throw refuse(`${error.received} where ${error.expected}`, error);
  }
}

/** An object with these keys; others are kept as they are. */
const object = <T>(fields: { readonly [K in keyof T]-?: Field }): Field<T> => ({
  read: (value, name, who) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new DataError({
        who,
        expected: `${name || "it"} must be an object`,
        received: describe(value),
      });
    const given = value as Record<string, unknown>;
    const read = Object.entries<Field>(fields).map(([key, field]) => [
      key,
      field.read(given[key], name ? `${name}.${key}` : key, who),
    ]);
    return { ...value, ...Object.fromEntries(read) };
  },
});

/** The field, or null. */
const nullable = <T>(field: Field<T>): Field<T | null> => ({
  read: (value, name, who) => (value === null ? null : field.read(value, name, who)),
});

/** Losses are NaN where training diverged, and JSON writes that as null. */
const loss: Field<number> = {
  read: (value, name, who) => (value === null ? Number.NaN : number().read(value, name, who)),
};

const sha256Text: Field<string> = {
  read: (value, name, who) => {
    if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return value;
    throw new DataError({
      who,
      expected: `${name} must be 64 hexadecimal digits`,
      received: describe(value),
    });
  },
};

const share = number(undefined, { from: 0, to: 1 });
const time = number(undefined, { from: 0 });

const options = object<RunOptions>({
  variant: choice(variantNames),
  epochs: whole(),
  batchSize: whole(),
  learningRate: time,
  dataset: choice(["cifar10", "embedded"]),
  limit: nullable(whole()),
});

const results = object<ResultEvent>({
  event: choice(["result"]),
  variant: choice(variantNames),
  seed: whole(undefined, 0),
  epochs: whole(),
  bestEpoch: whole(),
  valLoss: loss,
  valAccuracy: share,
  mcAccuracy: optional(share),
  testLoss: loss,
  testAccuracy: share,
  microsecondsPerSample: time,
  secondsToFirstStep: loss,
  seconds: time,
  weightsHash: sha256Text,
  secondsPerEpoch: time,
  validation: whole(),
  folder: text(),
});

const record = object<RunRecord>({
  format: choice(["antler-run"]),
  formatVersion: {
    read: (value, name, who) => {
      if (value === 1) return 1;
      throw new DataError({ who, expected: `${name} must be 1`, received: describe(value) });
    },
  },
  experiment: choice(["cifar10"]),
  status: choice(statuses),
  options,
  seed: whole(undefined, 0),
  versions: object<RunRecord["versions"]>({ antler: text(), node: text(), platform: text() }),
  device: object<RunRecord["device"]>({
    name: text(),
    threads: whole(),
    fma: boolean(),
    cpu: text(),
  }),
  data: object<RunRecord["data"]>({
    sha256: sha256Text,
    train: whole(),
    validation: whole(),
    test: whole(),
  }),
  times: object<RunRecord["times"]>({
    started: text(),
    ended: nullable(text()),
    sessions: {
      read: (value, name, who) => {
        if (Array.isArray(value))
          return value.map((one, i) => session.read(one, `${name}[${i}]`, who));
        throw new DataError({
          who,
          expected: `${name} must be an array`,
          received: describe(value),
        });
      },
    },
  }),
  results: nullable(results),
  weightsHash: nullable(sha256Text),
  error: nullable(text()),
});

const session = object<Session>({
  started: text(),
  ended: nullable(text()),
  fromEpoch: whole(),
});
