/** Runs the parts of a Monte Carlo step over rows that lie on the device. */
import { now } from "#host";
import type { HostArray } from "../base/host-array.ts";
import type { Table } from "../runtime/engine.ts";
import { leastMcBatch, type McPart, mcNames, samplesInBlock } from "./mc-step.ts";
import type { Net } from "./net.ts";
import { Pace } from "./pace.ts";
import { seedValues } from "./seeds.ts";
import { stepNames } from "./step.ts";
import type { CallValues } from "./totals.ts";
import type { WeightCopies } from "./weight-copies.ts";

/** Data on the device, beside the weights. */
export class Tables {
  readonly net: Net;
  readonly weights: WeightCopies;
  readonly byName: Record<string, Table> = {};

  constructor(net: Net, weights: WeightCopies) {
    this.net = net;
    this.weights = weights;
  }

  async add(name: string, array: HostArray): Promise<void> {
    this.byName[name] = await this.net.engine.upload(array);
  }

  release(): void {
    for (const table of Object.values(this.byName)) table.release();
  }
}

/** Batches of one size, one after the other. */
export interface Group {
  /** The first row of the first one. */
  readonly from: number;
  readonly batches: number;
  readonly size: number;
}

/** All whole batches, and the last, smaller one. */
export function groupsOf(rows: number, batchSize: number): Group[] {
  const batches = Math.floor(rows / batchSize);
  const from = batches * batchSize;
  return [
    { from: 0, batches, size: batchSize },
    { from, batches: rows > from ? 1 : 0, size: rows - from },
  ].filter((group) => group.batches > 0);
}

/** What a part is run with. */
export interface PartRun {
  /** Steps for each batch. */
  readonly repeats: number;
  /** Samples in a step. */
  readonly copies: number;
  /** Rows of earlier blocks. */
  readonly before: number;
  readonly seed: number;
}

/** A step that is done. */
export interface PartStep {
  /** The first row of its batch, and how many rows that has. */
  readonly row: number;
  readonly rows: number;
  /** Which of its batch's steps it is. */
  readonly repeat: number;
  /** A result; of one row more than there are where there is only one. */
  value(name: string): Float32Array | undefined;
}

/** Runs a part for all batches of a group, several steps a call. */
export async function runPart(
  { traced, inputs, hostBytes }: McPart,
  { net, weights, byName }: Tables,
  group: Group,
  run: PartRun,
  take: (step: PartStep) => void,
): Promise<void> {
  const execution = await net.engine.load(weights.boundTo(traced), byName);
  const pace = new Pace(hostBytes);
  const steps = group.batches * run.repeats;
  try {
    for (let step = 0; step < steps; ) {
      const count = Math.min(pace.steps, steps - step);
      const start = now();
      const values = stepValues(group, step, count, run);
      const seeds = seedValues(inputs, run.seed, count);
      const results = await execution.run(count, { ...values, ...seeds });
      pace.took(count, now() - start);
      for (let i = 0; i < count; i++)
        take({
          ...placeOf(group, step + i, run),
          rows: group.size,
          value: (name) => {
            const all = results[name] as Float32Array | undefined;
            const size = (all?.length ?? 0) / count;
            return all?.subarray(i * size, (i + 1) * size);
          },
        });
      step += count;
    }
  } finally {
    execution.close();
  }
}

/** All steps of a batch, then those of the next. */
const placeOf = ({ from, size }: Group, step: number, { repeats }: PartRun) => ({
  row: from + Math.floor(step / repeats) * size,
  repeat: step % repeats,
});

/** The inputs of a call, beside the seed. */
function stepValues(group: Group, step: number, count: number, run: PartRun): CallValues {
  const batch = Math.max(group.size, leastMcBatch);
  const places = Array.from({ length: count }, (_, i) => placeOf(group, step + i, run));
  const rows = new Uint32Array(count * batch);
  // A single row is there twice, and its second result is left out.
  for (let i = 0; i < rows.length; i++)
    rows[i] = places[Math.floor(i / batch)].row + Math.min(i % batch, group.size - 1);
  const samples = places.map(({ repeat }) => repeat * run.copies);
  return {
    [stepNames.rows]: rows,
    [mcNames.block]: Uint32Array.from(samples, (sample) => Math.floor(sample / samplesInBlock)),
    [mcNames.word]: Uint32Array.from(samples, (sample) => sample % samplesInBlock),
    [mcNames.firstRow]: new Uint32Array(count).fill(run.before + 1),
    [mcNames.batchRow]: Uint32Array.from(places, ({ row }) => run.before + row + 1),
  };
}
