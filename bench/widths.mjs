/**
 * Single contractions of many sizes, each alone in a loop on one core: `x[b, w] @ W[w, w]` and its
 * two gradients.
 *
 * FLOPs are those that the tile does: columns count up to whole vectors of the register tile, rows
 * as they are, because no row is computed that is not there.
 */
import { compile } from "../dist/compile/compile.js";
import { canonicalize } from "../dist/ir/canonical.js";
import { measurePeak, profileKernels } from "../dist/runtime/profile.js";
import { Trace } from "../dist/tensor/trace.js";
import { Variable } from "../dist/tensor/variable.js";

export const about = "contractions of many sizes, GFLOP/s and share of a core's peak";

const batches = [1, 7, 32, 100, 1000];
const widths = [10, 37, 100, 300];
const millisecondsEach = 20;

/** From here on a contraction must reach this share of the peak. */
const judged = { flops: 1e6, axis: 16, least: 0.5 };

const kinds = {
  forward: { text: "x @ W", record: (x, weight) => x.matmul(weight) },
  weightGradient: { text: "x' @ g", record: (x, _, gradient) => x.transpose().matmul(gradient) },
  inputGradient: { text: "g @ W'", record: (_, weight, g) => g.matmul(weight.transpose()) },
};

/** @param {import("./run.mjs").Context} context */
export async function run({ report, fma, rounds = 2 }) {
  const cases = batches.flatMap((batch) =>
    widths.flatMap((width) =>
      Object.entries(kinds).map(([kind, { record }]) => ({
        ...{ batch, width, kind, milliseconds: Number.POSITIVE_INFINITY },
        ...contraction(programOf(batch, width, record, fma)),
      })),
    ),
  );
  let peak = 0;
  for (let round = 0; round < rounds; round++)
    for (const [i, one] of cases.entries()) {
      if (i % 6 === 0) peak = Math.max(peak, measurePeak(fma));
      if (one.position < 0) continue;
      const time = profileKernels(one.program, millisecondsEach)[one.position].milliseconds;
      one.milliseconds = Math.min(one.milliseconds, time);
    }
  tell(report, cases, peak);
}

/** The program that computes one of the three and stores it. */
function programOf(batch, width, record, fma) {
  const trace = new Trace();
  const variable = (path, shape) => trace.read(new Variable({ path, shape }));
  const x = variable("x", [batch, width]);
  const weight = variable("weight", [width, width]);
  const gradient = variable("gradient", [batch, width]);
  const value = record(x, weight, gradient);
  trace.assign(new Variable({ path: "result", shape: value.shape }), value);
  const { computation } = canonicalize(trace.finish().computation);
  return compile(computation, { threads: 1, fma, shared: false });
}

/** Where the contraction is in a program (-1: there is none), and the FLOPs that its tile does. */
function contraction(program) {
  const position = program.report.kernels.findIndex(({ flops }) => flops > 0);
  if (position < 0) return { program, position, padded: 0 };
  const { what, tile, flops } = program.report.kernels[position];
  const [, column, vectors] = /\bvectors (\w+) (\d+)/.exec(tile);
  const size = Number(new RegExp(`\\b${column}:(\\d+)`).exec(what)[1]);
  const unit = 4 * Number(vectors);
  return { program, position, padded: (flops / size) * Math.ceil(size / unit) * unit };
}

function tell(report, cases, peak) {
  const names = Object.keys(kinds);
  const rows = [];
  const targets = [];
  for (const batch of batches)
    for (const width of widths) {
      const row = [`${batch} x ${width} x ${width}`];
      for (const kind of names) {
        const one = cases.find((c) => c.batch === batch && c.width === width && c.kind === kind);
        const flops = 2 * batch * width * width;
        const isJudged = flops > judged.flops && Math.min(batch, width) >= judged.axis;
        const rate = one.position < 0 ? undefined : one.padded / one.milliseconds / 1e6;
        const share = rate && rate / peak;
        const mark = !isJudged ? "" : share >= judged.least ? " +" : " !";
        row.push(rate, share ? `${(100 * share).toFixed(0)} %${mark || "  "}` : "-  ");
        const { milliseconds } = one;
        const sizes = { kind, batch, width, flops, paddedFlops: one.padded };
        if (rate) report.record("contraction", { ...sizes, milliseconds, rate, share, isJudged });
        if (isJudged) targets.push(share);
      }
      rows.push(row);
    }
  const head = names.flatMap((name) => [`${kinds[name].text} GFLOP/s`, "of peak"]);
  report.table(["b x w x w", ...head], rows);
  const reached = targets.filter((share) => share >= judged.least).length;
  report.text(
    `  peak of one core ${peak.toFixed(1)} GFLOP/s; judged (+ reached, ! not): above 1 MFLOP ` +
      `with all axes of ${judged.axis} and more; -: an outer product, no contraction`,
  );
  report.record("peaks", { one: peak });
  report.target({
    what: `least share of the peak (${reached} of ${targets.length} contractions reach half)`,
    value: Math.min(...targets),
    least: judged.least,
  });
}
