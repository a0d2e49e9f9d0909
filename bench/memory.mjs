/** The most memory that a run of the lab on all of CIFAR-10 keeps resident. */
import { runLab } from "./lib/processes.mjs";

export const about = "peak of resident memory of the lab on all of CIFAR-10, one epoch";
export const needsData = true;

const mostMegabytes = 700;

/** @param {import("./run.mjs").Context} context */
export async function run({ report, data }) {
  const options = ["--dataset", "cifar10", "--data", data, "--epochs", 1];
  const { events, peakBytes } = await runLab(options);
  const { train, threads } = events[0];
  report.text(`  ${train} training pictures, ${threads} threads`);
  report.record("memory", { train, threads, peakBytes });
  report.target({
    what: "peak of resident memory",
    value: peakBytes / 1e6,
    most: mostMegabytes,
    unit: "MB",
  });
}
