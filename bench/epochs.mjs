/**
 * Whether the ELU net learns on CIFAR-10 as PyTorch's does: mean losses of the epochs of several
 * seeds against those in tools/golden/elu-epochs.json.
 */
import { readFileSync } from "node:fs";
import { root } from "./lib/machine.mjs";
import { runLab } from "./lib/processes.mjs";
import { mean, welch } from "./lib/statistics.mjs";

export const about = "mean losses of epochs on CIFAR-10, several seeds, against PyTorch's";
export const needsData = true;

/** An interval that does not hold 0 must lie this close to it. */
const tolerance = 0.02;
/** With fewer seeds an interval is so wide that it holds 0 whatever happens. */
const leastSeeds = 5;
/** Mean validation accuracy of these epochs. */
const late = { from: 8, to: 10, least: 0.36, most: 0.46 };

/** @param {import("./run.mjs").Context} context */
export async function run({ report, data, seeds = 5, epochs = 5 }) {
  const golden = JSON.parse(readFileSync(`${root}/tools/golden/elu-epochs.json`, "utf8"));
  const runs = [];
  for (let seed = 0; seed < seeds; seed++) {
    const run = ["--seed", seed, "--epochs", epochs];
    const { events } = await runLab(["--dataset", "cifar10", "--data", data, ...run]);
    const ours = events.filter(({ event }) => event === "epoch");
    runs.push(ours);
    const losses = ours.map(({ loss }) => loss.toFixed(4)).join(" ");
    report.text(`  seed ${seed}: losses ${losses}`);
    for (const { loss, accuracy, valLoss, valAccuracy, msPerStep, epoch } of ours)
      report.record("epoch", { seed, epoch, loss, accuracy, valLoss, valAccuracy, msPerStep });
  }
  if (seeds > 1) compareLosses(report, runs, golden);
  else report.skip("the comparison with PyTorch, which needs two seeds at least");
  if (epochs >= late.to) judgeAccuracy(report, runs);
}

function compareLosses(report, runs, golden) {
  const count = Math.min(runs[0].length, golden.runs[0].loss.length);
  const rows = Array.from({ length: count }, (_, i) => {
    const ours = runs.map((run) => run[i].loss);
    const theirs = golden.runs.map(({ loss }) => loss[i]);
    const { difference, low, high, degrees } = welch(ours, theirs);
    const holds = low <= 0 && high >= 0;
    const isClose = Math.max(Math.abs(low), Math.abs(high)) <= tolerance;
    const means = { ours: mean(ours), pytorch: mean(theirs) };
    return { epoch: i + 1, ...means, difference, low, high, degrees, fits: holds || isClose };
  });
  const exact = (/** @type {number} */ value) => value.toFixed(4);
  report.table(
    ["epoch", "our loss", "PyTorch's", "difference", "95 % from", "to", "fits"],
    rows.map((row) => [
      `${row.epoch}`,
      ...[row.ours, row.pytorch, row.difference, row.low, row.high].map(exact),
      row.fits ? "yes" : "NO",
    ]),
  );
  for (const row of rows) report.record("welch", row);
  const unjudged = runs.length < leastSeeds && `fewer than ${leastSeeds} seeds`;
  report.target({
    what: `epochs of ${count} whose interval holds 0 or lies within ${tolerance}`,
    value: rows.filter(({ fits }) => fits).length,
    least: count,
    ...(unjudged && { unjudged }),
  });
}

function judgeAccuracy(report, runs) {
  const values = runs.flatMap((run) =>
    run.filter(({ epoch }) => epoch >= late.from && epoch <= late.to),
  );
  const { least, most } = late;
  const what = `mean validation accuracy of epochs ${late.from} to ${late.to}`;
  report.target({ what, value: mean(values.map((each) => each.valAccuracy)), least, most });
}
