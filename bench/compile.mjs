/** How many programs fits compile, and how long recording and compiling a step take. */
import { compile } from "../dist/compile/compile.js";
import { canonicalize } from "../dist/ir/canonical.js";
import { variantModel } from "../dist/lab/variants.js";
import { recordStep } from "../dist/model/step.js";
import { defaultThreads, stepShapes } from "./lib/cold-step.mjs";
import { summary } from "./lib/statistics.mjs";
import { Net, randomImages } from "./lib/steps.mjs";

export const about = "programs that fits compile, and the time that recording and compiling take";

const most = { programs: 4 };
/** Neither is a multiple of the batch: training and validation have a last, smaller batch each. */
const counts = { train: 360, validation: 150 };
const fits = 5;

/** @param {import("./run.mjs").Context} context */
export async function run({ report, fma, rounds = 8 }) {
  const programs = await countPrograms();
  report.text(`  programs compiled after each of ${fits} fits: ${programs.join(", ")}`);
  report.record("programs", { afterEachFit: programs });
  report.target({
    what: "programs compiled in a fit with validation",
    value: programs[0],
    most: most.programs,
  });
  report.target({
    what: `programs compiled by ${fits - 1} more fits, two of them of a new model`,
    value: programs.at(-1) - programs[0],
    most: 0,
  });
  const rows = [];
  for (const threads of new Set([1, defaultThreads()])) {
    const { trace, compiling, module, bytes } = measure(threads, fma, rounds);
    for (const [what, values] of Object.entries({ trace, compile: compiling, module })) {
      const milliseconds = summary(values);
      const thread = `${threads} thread${threads > 1 ? "s" : ""}`;
      const label = what === "module" ? `WebAssembly.Module, ${bytes} bytes` : what;
      rows.push([`${label}, ${thread}`, values[0], milliseconds.minimum, milliseconds.median]);
      report.record("time", { what, threads, bytes, first: values[0], milliseconds });
    }
  }
  report.table(["train step, batch 32: ms", "first", "minimum", "median"], rows);
}

/** Programs compiled so far after each fit. */
async function countPrograms() {
  const net = new Net(defaultThreads());
  const train = randomImages(counts.train);
  const validation = randomImages(counts.validation);
  const found = [];
  try {
    const models = [net.model, net.model, net.model];
    while (models.length < fits)
      models.push(variantModel("elu", { seed: models.length, engine: net.engine }));
    for (const model of models) {
      await model.fit(train.x, train.y, { validationData: [validation.x, validation.y] });
      found.push(net.engine.compilations);
    }
    return found;
  } finally {
    await net.close();
  }
}

/** Milliseconds of each part, again and again in this process. */
function measure(threads, fma, rounds) {
  const { model, engine } = new Net(threads);
  const { net } = model;
  const times = { trace: [], compiling: [], module: [], bytes: 0 };
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const { traced } = recordStep(net, net.compiled, "train", stepShapes);
    const { computation } = canonicalize(traced.computation);
    const recorded = performance.now();
    const { bytes } = compile(computation, { threads, fma, shared: true });
    const compiled = performance.now();
    new WebAssembly.Module(bytes);
    times.module.push(performance.now() - compiled);
    times.compiling.push(compiled - recorded);
    times.trace.push(recorded - start);
    times.bytes = bytes.length;
  }
  void engine.close();
  return times;
}
