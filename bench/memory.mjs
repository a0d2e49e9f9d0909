/** The most memory that a run of the lab on all of CIFAR-10 keeps resident, for each net. */
import { variantNames } from "../dist/lab/settings.js";
import { runLab } from "./lib/processes.mjs";

export const about = "peak of resident memory of the lab on all of CIFAR-10, one epoch of each net";
export const needsData = true;

const mostMegabytes = 700;

/** @param {import("./run.mjs").Context} context */
export async function run({ report, data }) {
  for (const variant of variantNames) {
    const options = ["--dataset", "cifar10", "--data", data, "--epochs", 1, "--variant", variant];
    const { events, peakBytes } = await runLab(options);
    const { train, threads } = events[0];
    report.text(`  ${variant}: ${train} training pictures, ${threads} threads`);
    report.record("memory", { variant, train, threads, peakBytes });
    report.target({
      what: `peak of resident memory, ${variant}`,
      value: peakBytes / 1e6,
      most: mostMegabytes,
      unit: "MB",
    });
  }
}
