/** From the start of a process to the end of its first train step, and where the time goes. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runLab } from "./lib/processes.mjs";
import { summary } from "./lib/statistics.mjs";

export const about = "seconds from the start of the lab to its first step, loading data not in";

const most = { firstStep: 1, tracing: 0.4 };
const coldProgram = fileURLToPath(new URL("./lib/cold-compile.mjs", import.meta.url));

/** @param {import("./run.mjs").Context} context */
export async function run({ report, rounds = 5 }) {
  const seconds = [];
  const parts = [];
  for (let round = 0; round < rounds; round++) {
    const options = ["--dataset", "embedded", "--limit", 64, "--epochs", 1];
    const { events } = await runLab(options);
    seconds.push(events.at(-1).secondsToFirstStep);
    parts.push(coldParts());
  }
  const names = ["load", "build", "trace", "compile", "module"];
  const texts = [
    "loading modules",
    "building the model",
    "tracing",
    "compiling",
    "WebAssembly.Module",
  ];
  const rows = names.map((name, i) => ({
    name,
    text: texts[i],
    ...summary(parts.map((part) => part[name])),
  }));
  const tracing = summary(parts.map((part) => (part.trace + part.compile) / 1000));
  const firstStep = summary(seconds);
  report.table(
    ["ms", "minimum", "median"],
    [
      ["start to first step, in the lab", firstStep.minimum * 1000, firstStep.median * 1000],
      ...rows.map(({ text, minimum, median }) => [`cold: ${text}`, minimum, median]),
    ],
  );
  report.record("time", { side: "lab", seconds: firstStep });
  for (const { name, minimum, median, samples } of rows)
    report.record("time", { side: name, milliseconds: { minimum, median, samples } });
  report.target({
    what: "start to first step",
    value: firstStep.minimum,
    most: most.firstStep,
    unit: "s",
  });
  report.target({
    what: "tracing and compiling in a cold process",
    value: tracing.minimum,
    most: most.tracing,
    unit: "s",
  });
}

/** Milliseconds of the parts, in a process that did nothing before. */
function coldParts() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [coldProgram], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the cold process failed: ${stderr.trim()}`);
  return JSON.parse(stdout);
}
