/** Two threads while other programs fill every core: waiting must not cost whole time slices. */
import { availableParallelism } from "node:os";
import { startSpinning } from "./lib/processes.mjs";
import { maximum, mean, median, minimum } from "./lib/statistics.mjs";
import { EngineSteps, Net, randomImages, wholeBatches } from "./lib/steps.mjs";

export const about = "a train step at batch 32 on two threads while other programs fill all cores";

const batch = 32;
const most = 5;
const millisecondsEach = 1000;

/** @param {import("./run.mjs").Context} context */
export async function run({ report, rounds = 4 }) {
  const programs = availableParallelism();
  const net = new Net(2);
  const times = { quiet: [], busy: [] };
  try {
    const data = randomImages(wholeBatches(2000, batch));
    const steps = await EngineSteps.open(net, batch, data);
    for (let round = 0; round < rounds; round++) {
      times.quiet.push(...(await steps.runFor(millisecondsEach)));
      const stop = await startSpinning(programs);
      try {
        times.busy.push(...(await steps.runFor(millisecondsEach)));
      } finally {
        await stop();
      }
    }
  } finally {
    await net.close();
  }
  const rows = Object.entries(times).map(([name, values]) => ({
    name,
    minimum: minimum(values),
    median: median(values),
    mean: mean(values),
    maximum: maximum(values),
    samples: values.length,
  }));
  report.table(
    ["ms per step", "minimum", "median", "mean", "maximum", "calls"],
    rows.map((row) => [
      row.name === "busy" ? `with ${programs} busy programs` : row.name,
      ...[row.minimum, row.median, row.mean, row.maximum],
      `${row.samples}`,
    ]),
  );
  for (const { name, ...milliseconds } of rows) report.record("time", { side: name, milliseconds });
  // The mean: under load a few calls wait for long, and they are what this is about. The quiet time
  // is the median, which other programs of the machine disturb less.
  const value = mean(times.busy) / median(times.quiet);
  report.target({ what: "mean step with busy cores to a quiet one", value, most });
}
