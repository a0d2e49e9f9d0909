/** Runs benchmarks by name: `npm run bench -- NAME ... [options]`. See docs/bench.md. */
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

/** In the order in which they run. */
const names = [
  ...["step", "variants", "threads", "busy", "widths", "compile", "start", "mc", "callbacks"],
  ...["memory", "epochs"],
];

const help = `Usage: npm run bench -- [NAME ...] [options]

Benchmarks: ${names.join(", ")}. Default: all.

  --python PATH  interpreter with torch and numpy, for step and variants (or ANTLER_BENCH_PYTHON;
                 default: python3 or python, where it has them)
  --data DIR     folder with CIFAR-10's binary files, for callbacks, memory and epochs
                 (or ANTLER_DATA)
  --rounds N     turns of each side; default: each benchmark's own
  --seeds N      of epochs; default: 5
  --epochs N     of epochs and of each side of callbacks; default: 5
  --json         one JSON object a line instead of text
  --help         this text
`;

/**
 * What a benchmark is given.
 *
 * @typedef {object} Context
 * @property {import("./lib/report.mjs").Report} report
 * @property {boolean} fma whether the host has a fused multiply-add
 * @property {string | undefined} python an interpreter with torch and numpy
 * @property {string | undefined} data the folder with CIFAR-10
 * @property {number | undefined} rounds
 * @property {number | undefined} seeds
 * @property {number | undefined} epochs
 */

/** Wrong use: told without a stack, with exit code 2. */
class UseError extends Error {}

function parse() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        python: { type: "string" },
        data: { type: "string" },
        rounds: { type: "string" },
        seeds: { type: "string" },
        epochs: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined)
      throw new Error(`no benchmark is called ${unknown}; there are ${names.join(", ")}`);
    const counts = Object.fromEntries(
      ["rounds", "seeds", "epochs"].map((name) => [name, whole(`--${name}`, values[name])]),
    );
    return { ...values, ...counts, chosen: positionals };
  } catch (error) {
    throw new UseError(error.message);
  }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 */
function whole(name, text) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`${name} must be a whole number of at least 1, not ${text}`);
}

async function main() {
  const options = parse();
  if (options.help) return process.stdout.write(help);
  if (!existsSync(new URL("../dist/index.js", import.meta.url)))
    throw new UseError("dist/ is missing: run npm run build first");
  const [{ machine }, { measurePeaks }, { Report }, torch] = await Promise.all([
    import("./lib/machine.mjs"),
    import("./lib/peak.mjs"),
    import("./lib/report.mjs"),
    import("./lib/torch.mjs"),
  ]);
  const chosen = options.chosen.length > 0 ? options.chosen : names;
  const data = options.data ?? process.env.ANTLER_DATA;
  const named = options.python ?? process.env[torch.pythonVariable];
  const needsPython = chosen.includes("step") || chosen.includes("variants");
  const python = needsPython ? findPython(torch, named) : undefined;

  const report = new Report(options.json);
  const facts = machine();
  const peaks = await measurePeaks(facts.fma);
  const peak = { one: round(peaks.one), two: round(peaks.joint) };
  report.record("machine", { ...facts, peakGflops: peak, python, data });
  report.text(
    `${facts.cpu}, ${facts.cores} cores, ${facts.platform}, load ${facts.load.toFixed(2)}\n` +
      `Antler ${facts.antler} (${facts.commit ?? "no commit"}), Node ${facts.node}, ` +
      `${facts.fma ? "fused multiply-add" : "no fused multiply-add"}, ${facts.date}\n` +
      `FMA peak: one core ${peak.one} GFLOP/s, two at once ${peak.two} GFLOP/s`,
  );
  if (facts.load > 1)
    report.text("Other programs keep this machine busy: figures are worse than it can do.");
  for (const name of chosen) {
    const bench = await import(`./${name}.mjs`);
    report.begin(name, bench.about);
    if (bench.needsData && !data) report.skip("it needs CIFAR-10: name its folder with --data");
    else {
      const { rounds, seeds, epochs } = options;
      try {
        await bench.run({ report, fma: facts.fma, python, data, rounds, seeds, epochs });
      } catch (error) {
        // The others run all the same.
        report.failure(error);
        process.stderr.write(`bench ${name}: ${error.stack}\n`);
        process.exitCode = 1;
      }
    }
  }
  report.end();
}

/** @param {typeof import("./lib/torch.mjs")} torch */
function findPython(torch, named) {
  try {
    return torch.findPython(named);
  } catch (error) {
    throw new UseError(error.message);
  }
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  if (!(error instanceof UseError)) process.stderr.write(`${error.stack}\n`);
  process.exitCode = error instanceof UseError ? 2 : 1;
}
