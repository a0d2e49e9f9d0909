/** A record of a run, for tests. */
import type { RunIdentity } from "./run-identity.ts";
import type { RunRecord } from "./run-record.ts";

const hash = "0123456789abcdef".repeat(4);

export const recordOf = (run: RunIdentity, more: Partial<RunRecord> = {}): RunRecord => ({
  format: "antler-run",
  formatVersion: 1,
  experiment: "cifar10",
  status: "running",
  options: run.options,
  seed: run.seed,
  versions: { antler: "0.1.0", node: "v20.0.0", platform: "linux x64" },
  device: { name: "wasm", threads: 2, fma: true, cpu: "a processor" },
  data: { sha256: hash, train: 96, validation: 64, test: 64 },
  times: {
    started: "2026-01-01T00:00:00.000Z",
    ended: null,
    sessions: [{ started: "2026-01-01T00:00:00.000Z", ended: null, fromEpoch: 1 }],
  },
  results: null,
  weightsHash: null,
  error: null,
  ...more,
});

export const finishedRecordOf = (run: RunIdentity): RunRecord =>
  recordOf(run, {
    status: "finished",
    weightsHash: hash,
    results: {
      event: "result",
      variant: run.options.variant,
      seed: run.seed,
      epochs: 3,
      bestEpoch: 2,
      valLoss: 1.5,
      valAccuracy: 0.5,
      testLoss: 1.6,
      testAccuracy: 0.4,
      microsecondsPerSample: 20,
      secondsToFirstStep: 1,
      seconds: 60,
      weightsHash: hash,
      secondsPerEpoch: 3,
      validation: 64,
      folder: "out/elu",
    },
  });
