/**
 * A train step of the ELU net, batch 32, one thread: ours and PyTorch's, in turns in one run.
 *
 * Both gather a shuffled batch from resident bytes, cast it, and do forward, loss, the count of
 * hits, gradients and NAdam. PyTorch is eager, and its loop in Python counts, as ours in JavaScript
 * does in `fit`.
 */
import { measurePeak } from "../dist/runtime/profile.js";
import { runLab } from "./lib/processes.mjs";
import { maximum, mean, summary } from "./lib/statistics.mjs";
import {
  EngineSteps,
  fitEpoch,
  Net,
  randomImages,
  stepsPerCall,
  wholeBatches,
} from "./lib/steps.mjs";
import { TorchProcess } from "./lib/torch.mjs";

export const about = "a train step of the ELU net at batch 32 on one thread";

const batch = 32;
const images = wholeBatches(10_000, batch);
const warmTorchSteps = 10;
const millisecondsEach = 400;
/** Of the rounds, so many also run the lab as a process of its own. */
const labRounds = 2;
const labEpochs = 3;

/** What a hand-written program reached (ms), and the peak of the core it ran on (GFLOP/s). */
const reference = { milliseconds: 1.77, peak: 59 };
const most = { toTorch: 0.5, toReference: 1.6 };

/** @param {import("./run.mjs").Context} context */
export async function run({ report, fma, python, rounds = 8 }) {
  const data = randomImages(images);
  const net = new Net(1);
  const torch = python ? new TorchProcess(python) : undefined;
  try {
    const steps = await EngineSteps.open(net, batch, data);
    await fitEpoch(net, batch, data);
    const info = torch && (await startTorch(torch));
    report.record("setup", { batch, images, threads: steps.threads, torch: info });
    const times = await measure({ net, steps, data, torch, fma, rounds });
    steps.close();
    tell(report, times, info);
  } finally {
    torch?.close();
    await net.close();
  }
}

/** @param {TorchProcess} torch */
async function startTorch(torch) {
  const { torch: version, python, capability, cpu } = await torch.ask({ cmd: "info" });
  await torch.ask({ cmd: "init", batch, images, threads: 1, metrics: true });
  await torch.ask({ cmd: "steps", count: warmTorchSteps });
  return { version, python, capability, cpu };
}

/** Rounds in which each side has its turn; milliseconds per step. */
async function measure({ net, steps, data, torch, fma, rounds }) {
  const times = { fit: [], epoch: [], run: [], lab: [], torch: [], peak: [] };
  const perCall = stepsPerCall(batch);
  let torchCount = 20;
  for (let round = 0; round < rounds; round++) {
    times.peak.push(measurePeak(fma));
    const { epoch, calls } = await fitEpoch(net, batch, data);
    times.epoch.push(epoch);
    times.fit.push(...calls);
    if (torch) {
      const { perStep, seconds } = await torch.ask({ cmd: "steps", count: torchCount });
      times.torch.push(...groups(perStep, perCall));
      torchCount = Math.ceil(millisecondsEach / ((seconds * 1000) / perStep.length));
      torchCount = Math.ceil(torchCount / perCall) * perCall;
    }
    times.peak.push(measurePeak(fma));
    times.run.push(...(await steps.runFor(millisecondsEach)));
    if (round % Math.ceil(rounds / labRounds) === 0) {
      const options = ["--dataset", "embedded", "--threads", 1, "--epochs", labEpochs];
      const { events } = await runLab(options);
      for (const { event, msPerStep } of events) if (event === "epoch") times.lab.push(msPerStep);
    }
  }
  return times;
}

/** Means of so many steps each, as long as one of our calls: the same smoothing on both sides. */
function groups(values, size) {
  const count = Math.max(1, Math.floor(values.length / size));
  return Array.from({ length: count }, (_, i) => mean(values.slice(i * size, (i + 1) * size)));
}

function tell(report, times, info) {
  const peak = maximum(times.peak);
  const scaled = (reference.milliseconds * reference.peak) / peak;
  const sides = [
    { name: "fit", text: "Antler, model.fit", values: times.fit },
    { name: "epoch", text: "Antler, model.fit, whole epochs", values: times.epoch },
    { name: "run", text: "Antler, execution.run", values: times.run },
    { name: "lab", text: "Antler, msPerStep of the lab", values: times.lab },
  ].map((side) => ({ ...side, ...summary(side.values) }));
  const torch = info && summary(times.torch);
  const rows = sides.map((side) => [
    side.text,
    side.minimum,
    side.median,
    `${side.samples}`,
    torch && side.minimum / torch.minimum,
    torch && side.median / torch.median,
    side.minimum / scaled,
  ]);
  if (torch)
    rows.push([`PyTorch ${info.version}`, torch.minimum, torch.median, `${torch.samples}`, "", ""]);
  const head = [
    "ms per step",
    "minimum",
    "median",
    "samples",
    "to PyTorch",
    "median",
    "to reference",
  ];
  report.table(head, rows);
  report.text(
    `  reference: ${reference.milliseconds} ms at ${reference.peak} GFLOP/s, without gathering: ` +
      `${scaled.toFixed(2)} ms at this core's ${peak.toFixed(1)} GFLOP/s`,
  );
  report.record("reference", { ...reference, peakHere: peak, scaledMilliseconds: scaled });
  for (const { name, minimum, median, samples } of sides)
    report.record("time", { side: name, milliseconds: { minimum, median, samples } });
  if (torch) report.record("time", { side: "pytorch", milliseconds: torch });
  else report.skip("PyTorch's step, for want of a Python with torch and numpy (see --python)");
  judge(report, sides, torch, scaled);
}

/** Ratios to PyTorch and to the reference of `scaled` milliseconds. */
function judge(report, sides, torch, scaled) {
  for (const { name, text, minimum, median } of sides) {
    const ratioToReference = minimum / scaled;
    const ratios = torch && {
      ratio: minimum / torch.minimum,
      ratioOfMedians: median / torch.median,
    };
    report.record("ratios", { side: name, ratioToReference, ...ratios });
    // Means of whole epochs are not judged here: one disturbance spoils a sample, unlike PyTorch's.
    if (name === "epoch") continue;
    if (ratios)
      report.target({ what: `${text}: to PyTorch`, value: ratios.ratio, most: most.toTorch });
    const what = `${text}: to reference`;
    report.target({ what, value: ratioToReference, most: most.toReference });
  }
}
