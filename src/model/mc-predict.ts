/** Monte Carlo predict: many draws of the outputs, with what comes before the noise computed once. */
import type { Dataset } from "../base/dataset.ts";
import { checkSeed } from "../base/philox.ts";
import { type Shape, sizeOf } from "../base/shape.ts";
import { checkWhole, settings } from "../nn/options.ts";
import { chunksOf } from "./chunks.ts";
import { isDataset, type StepData, sliceData, stepShapes } from "./data.ts";
import { type Group, groupsOf, runPart, Tables } from "./mc-run.ts";
import { leastMcBatch, type McStep, mcNames } from "./mc-step.ts";
import { joinedPredictions, type McPrediction, McTotals } from "./mc-totals.ts";
import type { Net } from "./net.ts";
import { readyInputs } from "./ready.ts";
import type { DataInput } from "./rows.ts";
import { stepNames } from "./step.ts";
import { WeightCopies } from "./weight-copies.ts";

/** Options of `mcPredict`. */
export interface McPredictOptions {
  /** Draws of each row's outputs, at least 1. Default: 10. */
  readonly samples?: number;
  /** Rows in a step; it changes speed, not results: noise hangs on the row's number. Default: 32. */
  readonly batchSize?: number;
  /** Of the noise, a whole number in [0, 2^53). Default: the model's seed. */
  readonly seed?: number;
}

interface Settings {
  readonly samples: number;
  readonly batchSize: number;
  readonly seed: number;
}

/** So many bytes of inputs, of what the trunk leaves and of sums over the samples are held at a time. */
const heldBytes = 64 * 2 ** 20;

/** For each output, what the samples say of these inputs. Of a `Dataset` only the inputs are asked. */
export async function mcPredict(
  net: Net,
  x: DataInput | Dataset,
  options: McPredictOptions = {},
): Promise<McPrediction[]> {
  const who = "mcPredict";
  const given = mcSettings(options, net.seed, who);
  const parts: McPrediction[][] = [];
  let count = 0;
  let weights: WeightCopies | undefined;
  const predict = async (rows: StepData) => {
    const step = firstStep(net, rows, given.batchSize);
    // All samples are of the same weights, even if a fit runs.
    weights ??= await WeightCopies.of(net.engine, step.head.traced);
    const size = blockRows(net, step, rows, given.batchSize);
    for (let from = 0; from < rows.count; from += size) {
      const block = sliceData(rows, from, Math.min(from + size, rows.count));
      parts.push(await predictBlock(new Tables(net, weights), block, count + from, given));
    }
    count += rows.count;
  };
  try {
    if (!isDataset(x)) await predict(readyInputs(net, x, `${who} x`));
    else {
      const read = (chunk: { x: DataInput }, name: string) =>
        readyInputs(net, chunk.x, `${name} x`);
      const { batchSize } = given;
      for await (const rows of chunksOf(x, { batchSize, read, who })) await predict(rows);
    }
  } finally {
    weights?.release();
  }
  return parts[0].map((_, output) => joinedPredictions(parts.map((part) => part[output])));
}

function mcSettings(options: McPredictOptions, modelSeed: number, who: string): Settings {
  const defaults = { samples: 10, batchSize: 32, seed: modelSeed };
  const given = settings<McPredictOptions, typeof defaults>(options, defaults, who);
  checkWhole(given.samples, "samples", who);
  checkWhole(given.batchSize, "batchSize", who);
  checkSeed(given.seed, who);
  return { ...given, batchSize: Math.max(leastMcBatch, given.batchSize) };
}

/** The step of the first batch. */
const firstStep = (net: Net, rows: StepData, batchSize: number): McStep =>
  net.mcStepOf(stepShapes(Math.max(leastMcBatch, Math.min(batchSize, rows.count)), rows));

/** How many rows are worked on at a time: whole batches. */
function blockRows(net: Net, { kept }: McStep, { x }: StepData, batchSize: number): number {
  const numbers = (shapes: readonly Shape[]) => shapes.reduce((sum, one) => sum + sizeOf(one), 0);
  const inputs = x.map(
    ({ array: { data, shape } }) => (data.BYTES_PER_ELEMENT * data.length) / shape[0],
  );
  const rowBytes =
    inputs.reduce((sum, bytes) => sum + bytes, 0) +
    4 * numbers(kept.map(({ shape }) => shape)) +
    20 * numbers(net.topology.outputShapes);
  return batchSize * Math.max(1, Math.floor(heldBytes / (rowBytes * batchSize)));
}

/** @param before rows of earlier blocks */
async function predictBlock(
  tables: Tables,
  data: StepData,
  before: number,
  { samples, batchSize, seed }: Settings,
): Promise<McPrediction[]> {
  const { net } = tables;
  const { outputShapes } = net.topology;
  const totals = outputShapes.map((shape) => new McTotals(data.count, shape));
  const groups = groupsOf(data.count, batchSize);
  const step = ({ size }: Group) => net.mcStepOf(stepShapes(Math.max(size, leastMcBatch), data));
  try {
    for (const [i, { array }] of data.x.entries()) await tables.add(stepNames.x(i), array);
    const kept = step(groups[0]).kept.map(({ name, shape }) => ({
      name,
      size: sizeOf(shape),
      array: { data: new Float32Array(data.count * sizeOf(shape)), shape: [data.count, ...shape] },
    }));
    for (const group of groups) {
      const { trunk } = step(group);
      if (!trunk) continue;
      const run = { repeats: 1, copies: 1, before, seed };
      await runPart(trunk, tables, group, run, ({ row, rows, value }) => {
        for (const { name, size, array } of kept)
          array.data.set(value(name)!.subarray(0, rows * size), row * size);
      });
    }
    for (const { name, array } of kept) await tables.add(name, array);
    for (const group of groups) {
      const { head, copies } = step(group);
      const run = { repeats: Math.ceil(samples / copies), copies, before, seed };
      await runPart(head, tables, group, run, ({ row, rows, repeat, value }) => {
        for (let copy = 0; copy < copies && repeat * copies + copy < samples; copy++)
          for (const [i, one] of totals.entries()) {
            const output = value(mcNames.result(stepNames.output(i), copy))!;
            one.add(row, rows, output, value(mcNames.result(mcNames.entropy(i), copy)));
          }
      });
    }
  } finally {
    tables.release();
  }
  return totals.map((one) => one.summary());
}
