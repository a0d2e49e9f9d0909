/**
 * Monte Carlo predict of the net with alpha dropout on 5,000 pictures, beside what it is made of: one
 * predict of the layers before the noise, and one of the rest (which draws noise) for each sample.
 */
import { layers, sequential } from "../dist/index.js";
import { variantModel } from "../dist/lab/variants.js";
import { Engine } from "../dist/runtime/engine.js";
import { summary } from "./lib/statistics.mjs";
import { randomImages } from "./lib/steps.mjs";

export const about = "Monte Carlo predict of 5,000 pictures, 100 samples, on one thread";

const pictures = 5000;
const samples = 100;
/** To one trunk and a head for each sample. */
const most = 1.3;

/** Alpha dropout that always samples, as the document writes it. */
class MCAlphaDropout extends layers.AlphaDropout {
  call(x, context) {
    return super.call(x, { ...context, sampling: true });
  }
}

/** @param {import("./run.mjs").Context} context */
export async function run({ report, rounds = 5 }) {
  const engine = new Engine({ threads: 1 });
  try {
    const { x } = randomImages(pictures);
    const model = variantModel("alpha", { seed: 1, engine });
    const [output, noise] = [model.layers.at(-1), model.layers.at(-2)];
    const trunk = sequential(model.layers.slice(0, -2), { engine });
    const hidden = await trunk.predict(x);
    const always = new MCAlphaDropout({ rate: noise.rate, inputShape: hidden.shape.slice(1) });
    const head = sequential([always, output], { engine });
    const whole = sequential(
      model.layers.map((layer) => (layer === noise ? new MCAlphaDropout({ rate: 0.1 }) : layer)),
      { engine },
    );
    const sides = [
      { name: "mcPredict", run: () => model.mcPredict(x, { samples }) },
      { name: "trunk", run: () => trunk.predict(x) },
      { name: "heads", run: () => repeat(samples, () => head.predict(hidden)) },
      // The document's way, once; it does so for each sample.
      { name: "whole net", run: () => whole.predict(x) },
    ];
    const times = await measure(sides, rounds);
    tell(report, times);
  } finally {
    await engine.close();
  }
}

async function repeat(count, task) {
  for (let i = 0; i < count; i++) await task();
}

/** Milliseconds of each side, in turns; the first turn compiles and is left out. */
async function measure(sides, rounds) {
  const times = new Map(sides.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++)
    for (const { name, run: side } of sides) {
      const start = performance.now();
      await side();
      if (round > 0) times.get(name).push(performance.now() - start);
    }
  return times;
}

function tell(report, times) {
  const found = [...times].map(([name, values]) => ({ name, ...summary(values) }));
  const of = (name) => found.find((side) => side.name === name);
  const parts = of("trunk").minimum + of("heads").minimum;
  report.table(
    ["ms", "minimum", "median", "samples"],
    found.map(({ name, minimum, median, samples: count }) => [name, minimum, median, `${count}`]),
  );
  for (const { name, minimum, median, samples: count } of found)
    report.record("time", { side: name, milliseconds: { minimum, median, samples: count } });
  const uncut = samples * of("whole net").minimum;
  report.text(
    `  ${(uncut / of("mcPredict").minimum).toFixed(1)} times as fast as ${samples} whole nets`,
  );
  const what = `mcPredict: to one trunk and ${samples} heads`;
  report.target({ what, value: of("mcPredict").minimum / parts, most });
}
