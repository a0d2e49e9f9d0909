/** One thread against two, in turns, at batches from small to large. */
import { measurePeaks, twoCores } from "./lib/peak.mjs";
import { summary } from "./lib/statistics.mjs";
import { EngineSteps, Net, randomImages, wholeBatches } from "./lib/steps.mjs";

export const about = "a train step of the ELU net on one thread and on two";

/** `least`: how many times faster two threads must be. */
const batches = [
  { batch: 32, least: 1 },
  { batch: 128, least: 1.3 },
  { batch: 1024, least: 1 },
];
const millisecondsEach = 250;

/** @param {import("./run.mjs").Context} context */
export async function run({ report, fma, rounds = 8 }) {
  const before = await measurePeaks(fma);
  const found = [];
  for (const { batch, least } of batches) {
    const [one, two] = await measure(batch, rounds);
    const speedup = one.minimum / two.minimum;
    found.push({ batch, least, one, two, speedup, medians: one.median / two.median });
    report.record("time", { batch, threads: 1, milliseconds: one });
    report.record("time", { batch, threads: two.threads, milliseconds: two });
  }
  const after = await measurePeaks(fma);
  const peaks = {
    one: Math.max(before.one, after.one),
    joint: Math.max(before.joint, after.joint),
  };
  const cores = peaks.joint / peaks.one;
  report.table(
    [
      "batch",
      "1 thread, minimum ms",
      "median",
      "2 threads, minimum ms",
      "median",
      "speed-up",
      "median",
    ],
    found.map(({ batch, one, two, speedup, medians }) => [
      `${batch}`,
      ...[one.minimum, one.median, two.minimum, two.median, speedup, medians],
    ]),
  );
  report.text(
    `  peak of one core ${peaks.one.toFixed(1)} GFLOP/s, of two ` +
      `${peaks.joint.toFixed(1)} = ${cores.toFixed(2)} times one's`,
  );
  report.record("peaks", { ...peaks, cores });
  const unjudged = cores >= twoCores ? undefined : `no two real cores (${cores.toFixed(2)})`;
  for (const { batch, least, speedup } of found)
    report.target({
      what: `speed-up by two threads at batch ${batch}`,
      value: speedup,
      least,
      ...(unjudged && { unjudged }),
    });
}

/** Milliseconds per step on one thread and on two. */
async function measure(batch, rounds) {
  const data = randomImages(wholeBatches(Math.max(10_000, batch), batch));
  const nets = [new Net(1), new Net(2)];
  try {
    const sides = [];
    for (const net of nets)
      sides.push({ steps: await EngineSteps.open(net, batch, data), times: [] });
    for (let round = 0; round < rounds; round++)
      for (const { steps, times } of sides) times.push(...(await steps.runFor(millisecondsEach)));
    return sides.map(({ steps, times }) => ({ threads: steps.threads, ...summary(times) }));
  } finally {
    for (const net of nets) await net.close();
  }
}
