/**
 * What checkpoint, last state, logs and progress bar cost of an epoch: epochs of the exercise's first
 * net with all of them and with none, in turns, on two threads and on one.
 */
import { fileURLToPath } from "node:url";
import { runNode } from "./lib/processes.mjs";
import { summary } from "./lib/statistics.mjs";

export const about = "an epoch with checkpoint, last state, logs and progress bar, and without";
export const needsData = true;

const mostPercent = 3;
const program = fileURLToPath(new URL("./lib/callback-epochs.mjs", import.meta.url));

/** @param {import("./run.mjs").Context} context */
export async function run({ report, data, epochs = 5 }) {
  for (const threads of [2, 1]) {
    // The first epoch compiles.
    const options = JSON.stringify({ data, threads, epochs: epochs + 1 });
    const { told } = await runNode([program, options]);
    const times = JSON.parse(told);
    const [bare, full, ends] = [times.bare, times.full, times.ends].map((list) =>
      summary(list.slice(1)),
    );
    report.table(
      [`ms, ${threads} ${threads === 1 ? "thread" : "threads"}`, "minimum", "median"],
      [
        ["an epoch without callbacks", bare.minimum, bare.median],
        ["an epoch with all of them", full.minimum, full.median],
        ["  of it, their hooks at its end", ends.minimum, ends.median],
      ],
    );
    report.record("time", { threads, bare, full, ends });
    report.target({
      what: `callbacks add to an epoch, ${threads} ${threads === 1 ? "thread" : "threads"}`,
      value: 100 * (full.minimum / bare.minimum - 1),
      most: mostPercent,
      unit: "%",
    });
  }
}
