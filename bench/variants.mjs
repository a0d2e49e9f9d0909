/**
 * A train step of each net of the exercise, batch 32, one thread, in turns in one run; that with batch
 * normalization also in PyTorch. Alpha dropout is compared with the same net without it.
 */
import { variantNames } from "../dist/lab/settings.js";
import { EngineSteps, Net, randomImages, stepsPerCall, wholeBatches } from "./lib/steps.mjs";
import { TorchProcess } from "./lib/torch.mjs";

export const about = "a train step of every net of the exercise at batch 32 on one thread";

const batch = 32;
const images = wholeBatches(4000, batch);
const millisecondsEach = 250;
const warmTorchSteps = 5;

const most = { toTorch: 0.5, alphaDropout: 1.05 };

/** @param {import("./run.mjs").Context} context */
export async function run({ report, python, rounds = 8 }) {
  const data = randomImages(images);
  const sides = [];
  const torch = python ? new TorchProcess(python) : undefined;
  const times = Object.fromEntries(variantNames.map((name) => [name, []]));
  const torchTimes = [];
  try {
    if (torch) {
      await torch.ask({ cmd: "init", net: "bn", batch, images, threads: 1, metrics: true });
      await torch.ask({ cmd: "steps", count: warmTorchSteps });
    }
    for (const name of variantNames) {
      const net = new Net(1, name);
      sides.push({ name, net, steps: await EngineSteps.open(net, batch, data) });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { name, steps } of sides)
        times[name].push(...(await steps.runFor(millisecondsEach)));
      if (torch) {
        const { perStep } = await torch.ask({ cmd: "steps", count: stepsPerCall(batch) * 4 });
        torchTimes.push(...perStep);
      }
    }
  } finally {
    torch?.close();
    for (const { net, steps } of sides) {
      steps.close();
      await net.close();
    }
  }
  tell(report, times, torchTimes);
}

const least = (list) => Math.min(...list);

function tell(report, times, torchTimes) {
  for (const [name, list] of Object.entries(times)) {
    report.text(`  ${name.padEnd(9)} ${least(list).toFixed(2)} ms`);
    report.record("variant", { variant: name, milliseconds: least(list) });
  }
  report.target({
    what: "alpha dropout: the step with it, of the one without",
    value: least(times.alpha) / least(times.selu),
    most: most.alphaDropout,
  });
  if (torchTimes.length === 0)
    return report.text("  no PyTorch here: batch normalization not compared");
  report.text(`  bn in PyTorch ${least(torchTimes).toFixed(2)} ms`);
  report.target({
    what: "batch normalization: our step, of PyTorch's",
    value: least(times.bn) / least(torchTimes),
    most: most.toTorch,
  });
}
