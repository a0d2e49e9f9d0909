/**
 * The most memory that is resident with all of CIFAR-10: as bytes, in the lab, for each net; and as
 * floats that are standardized outside the model, in the exercise's part d.
 */
import { variantNames } from "../dist/lab/settings.js";
import { runExample } from "./lib/examples.mjs";
import { runLab } from "./lib/processes.mjs";

export const about = "peak of resident memory with all of CIFAR-10, as bytes and as floats";
export const needsData = true;

const mostMegabytes = { bytes: 700, floats: 1600 };
const floatExample = { name: "8d-selu", epochs: 2, threads: 2 };

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
      most: mostMegabytes.bytes,
      unit: "MB",
    });
  }
  const { name, ...options } = floatExample;
  const { peakBytes } = await runExample(name, { ...options, data });
  report.record("memory", { example: name, ...options, peakBytes });
  report.target({
    what: `peak of resident memory, example ${name} (float32 data)`,
    value: peakBytes / 1e6,
    most: mostMegabytes.floats,
    unit: "MB",
  });
}
