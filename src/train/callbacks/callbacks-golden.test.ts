/** What callbacks do over sequences of logs, against Keras. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { metricKind, metrics } from "../../nn/metrics.ts";
import { toPascalCase } from "../../nn/serialization.ts";
import {
  FakeModel,
  type Golden,
  golden,
  ourLogs,
  ourOptions,
  replay,
  rowsOf,
} from "./callbacks.case.ts";
import { CSVLogger } from "./csv-logger.ts";
import { directions } from "./directions.ts";
import { EarlyStopping } from "./early-stopping.ts";
import { LearningRateScheduler } from "./learning-rate-scheduler.ts";
import { Monitor } from "./monitor.ts";
import { ReduceLROnPlateau } from "./reduce-lr-on-plateau.ts";
import { TerminateOnNaN } from "./terminate-on-nan.ts";

const folder = mkdtempSync(join(tmpdir(), "callbacks-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "log").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Rates are float32 in Keras and doubles here. */
const near = (rates: readonly number[]) =>
  rates.map((rate) => expect.toSatisfy((ours: number) => Math.abs(ours - rate) <= 2e-6 * rate));

type Stopping = Golden["earlyStopping"][number];
type Plateau = Golden["reduceLROnPlateau"][number];

async function stopping(one: Stopping, options: object = {}) {
  const callback = new EarlyStopping({ ...ourOptions(one.options), ...options });
  const model = new FakeModel();
  const waits: number[] = [];
  let last = -1;
  await replay(callback, model, rowsOf(one), (epoch) => {
    waits.push(callback.wait);
    last = epoch;
  });
  const { stoppedEpoch: stopped, best, bestEpoch } = callback;
  return { last, stopped, best, bestEpoch, waits, restored: model.restored };
}

const stoppingOf = ({ sequence: _, options: __, best, ...rest }: Stopping) => ({
  ...rest,
  best: best === null ? undefined : Number(best),
});

async function plateau(one: Plateau, options: object = {}) {
  const callback = new ReduceLROnPlateau({ ...ourOptions(one.options), ...options });
  const model = new FakeModel();
  const found = { logged: [], rates: [], waits: [], cooldowns: [] } as Record<string, number[]>;
  await replay(callback, model, rowsOf(one), (_, logs) => {
    found.logged.push(logs.learningRate);
    found.rates.push(model.optimizer.learningRate);
    found.waits.push(callback.wait);
    found.cooldowns.push(callback.cooldownCounter);
  });
  return found;
}

const plateauOf = ({ logged, rates, waits, cooldowns }: Plateau) => ({
  logged: near(logged),
  rates: near(rates),
  waits,
  cooldowns,
});

const title = ({ sequence, options }: Stopping | Plateau) =>
  [`${sequence} ${JSON.stringify(options)}`] as const;

/** How many cases differ from Keras's. */
async function misses<T>(
  cases: readonly T[],
  run: (one: T) => Promise<unknown>,
  expected: (one: T) => unknown,
): Promise<number> {
  let count = 0;
  for (const one of cases) {
    const found = await run(one);
    try {
      expect(found).toEqual(expected(one));
    } catch {
      count++;
    }
  }
  return count;
}

describe("EarlyStopping", () => {
  it.each(golden.earlyStopping.map((one) => [...title(one), one] as const))(
    "stops as Keras: %s",
    async (_, one) => {
      expect(await stopping(one)).toEqual(stoppingOf(one));
    },
  );

  const rejected = (options: (one: Stopping) => object = () => ({})) =>
    misses(golden.earlyStopping, (one) => stopping(one, options(one)), stoppingOf);

  it("agrees everywhere, which the near misses below do not", async () => {
    expect(await rejected()).toBe(0);
  });

  it("is rejected with a patience that is one off", async () => {
    const patience = ({ options }: Stopping) => ({ patience: Number(options.patience ?? 0) + 1 });
    expect(await rejected(patience)).toBeGreaterThan(5);
  });

  it("is rejected without minDelta, the baseline, or the first epochs left out", async () => {
    expect(await rejected(() => ({ minDelta: 0 }))).toBeGreaterThan(1);
    expect(await rejected(() => ({ baseline: null }))).toBeGreaterThan(1);
    expect(await rejected(() => ({ startFromEpoch: 0 }))).toBeGreaterThan(1);
    expect(await rejected(() => ({ restoreBestWeights: false }))).toBeGreaterThan(5);
  });

  it("is rejected with the wrong sign of minDelta", async () => {
    const right = Monitor.prototype.isImprovement;
    const found = await misses(
      golden.earlyStopping.filter(({ options }) => options.min_delta !== undefined),
      (one) => {
        const { monitor, mode = monitor ? "max" : "min", min_delta } = one.options;
        const shift = 2 * Math.abs(Number(min_delta)) * (mode === "max" ? 1 : -1);
        vi.spyOn(Monitor.prototype, "isImprovement").mockImplementation(function (
          this: Monitor,
          value,
          reference,
        ) {
          return right.call(this, value + shift, reference);
        });
        return stopping(one).finally(() =>
          vi.mocked(Monitor.prototype.isImprovement).mockRestore(),
        );
      },
      stoppingOf,
    );
    expect(found).toBeGreaterThan(3);
  });

  it("is rejected with comparisons in doubles", async () => {
    vi.spyOn(Math, "fround").mockImplementation((x) => x);
    expect(await rejected()).toBeGreaterThan(1);
  });
});

describe("ReduceLROnPlateau", () => {
  it.each(golden.reduceLROnPlateau.map((one) => [...title(one), one] as const))(
    "lowers the rate as Keras: %s",
    async (_, one) => {
      expect(await plateau(one)).toEqual(plateauOf(one));
    },
  );

  const rejected = (options: (one: Plateau) => object = () => ({})) =>
    misses(golden.reduceLROnPlateau, (one) => plateau(one, options(one)), plateauOf);

  it("is rejected with a patience that is one off, without cooldown, bound or minDelta", async () => {
    expect(await rejected()).toBe(0);
    const patience = ({ options }: Plateau) => ({ patience: Number(options.patience) + 1 });
    expect(await rejected(patience)).toBeGreaterThan(5);
    expect(await rejected(() => ({ cooldown: 0 }))).toBeGreaterThan(2);
    expect(await rejected(() => ({ minLr: 0 }))).toBeGreaterThan(1);
    expect(await rejected(() => ({ minDelta: 0 }))).toBeGreaterThan(0);
    expect(await rejected(() => ({ factor: 0.6 }))).toBeGreaterThan(5);
  });

  it("is rejected with comparisons in doubles", async () => {
    vi.spyOn(Math, "fround").mockImplementation((x) => x);
    expect(await rejected()).toBeGreaterThan(0);
  });
});

describe("LearningRateScheduler", () => {
  const schedules: Record<string, (epoch: number, rate: number) => number> = {
    halved: (_, rate) => rate * 0.5,
    late: (epoch, rate) => (epoch < 3 ? rate : rate * 0.9),
    fixed: (epoch) => 0.1 / (epoch + 1),
  };

  it.each(golden.learningRateScheduler.map((one) => [one.name, one.logged] as const))(
    "sets rates as Keras: %s",
    async (name, logged) => {
      const found: number[] = [];
      const rows = logged.map(() => ({ loss: 1 }));
      await replay(new LearningRateScheduler(schedules[name]), new FakeModel(), rows, (_, logs) =>
        found.push(logs.learningRate),
      );
      expect(found).toEqual(near(logged));
      // Counted from 1, it would be another sequence.
      expect(found.slice(1)).not.toEqual(near(logged.slice(0, -1)));
    },
  );
});

describe("CSVLogger", () => {
  it.each(golden.csvLogger.map((one, i) => [`${i} ${JSON.stringify(one.options)}`, one] as const))(
    "writes Keras's bytes: %s",
    async (name, { options, before, fits, text }) => {
      const path = join(folder, `${name.replace(/\W+/g, "-")}.csv`);
      if (before !== null) writeFileSync(path, before);
      let first = 0;
      for (const rows of fits) {
        const logger = new CSVLogger(path, ourOptions(options));
        await replay(logger, new FakeModel(), rows.map(ourLogs), undefined, first);
        first += rows.length;
      }
      expect(readFileSync(path, "utf8")).toBe(text);
    },
  );
});

describe("TerminateOnNaN", () => {
  it.each(golden.terminateOnNaN.map((one) => [one.losses.join(" "), one] as const))(
    "stops at Keras's step: %s",
    (_, { losses, batch }) => {
      const callback = new TerminateOnNaN();
      const model = new FakeModel();
      callback.model = model.trained;
      const at = losses.findIndex((loss, step) => {
        callback.onTrainBatchEnd(step, { loss: Number(loss) });
        return model.stopTraining;
      });
      expect(at).toBe(batch ?? -1);
    },
  );
});

describe("mode auto", () => {
  it("goes Keras's way for every metric", () => {
    const names = metricKind.classNames as Record<string, string>;
    const ours = Object.keys(metrics).map((name) => {
      const known = name === "accuracy" ? "Accuracy" : (names[name] ?? toPascalCase(name));
      return [known, directions[name as keyof typeof metrics] ?? null];
    });
    const theirs = ours.map(([name]) => [name, golden.directions[name as string]]);
    expect(ours).toEqual(theirs);
  });
});
