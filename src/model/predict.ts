/** Outputs of a model, in inference mode. */
import type { Dataset } from "../base/dataset.ts";
import type { HostArray } from "../base/host-array.ts";
import { sizeOf } from "../base/shape.ts";
import { chunksOf } from "./chunks.ts";
import { isDataset, type StepData } from "./data.ts";
import { type BatchOptions, batchSettings } from "./evaluate.ts";
import type { Net } from "./net.ts";
import { runPass } from "./pass.ts";
import { Programs } from "./programs.ts";
import { readyInputs } from "./ready.ts";
import type { DataInput } from "./rows.ts";
import { stepNames } from "./step.ts";

/**
 * The outputs for these inputs: `[n, ...outputShape]`, a copy; one for each output of the model. Of
 * a `Dataset` only the inputs are asked.
 */
export async function predict(
  net: Net,
  x: DataInput | Dataset,
  options: BatchOptions = {},
): Promise<HostArray[]> {
  const { batchSize } = batchSettings(options, "predict");
  if (!isDataset(x)) return predictRows(net, readyInputs(net, x, "predict x"), batchSize);
  const parts: HostArray[][] = [];
  const read = (chunk: { x: DataInput }, who: string) => readyInputs(net, chunk.x, `${who} x`);
  for await (const rows of chunksOf(x, { batchSize, read, who: "predict" }))
    parts.push(await predictRows(net, rows, batchSize));
  return parts[0].map((_, i) => concatenated(parts.map((outputs) => outputs[i])));
}

/** The outputs for checked inputs. */
export async function predictRows(
  net: Net,
  rows: StepData,
  batchSize: number,
): Promise<HostArray[]> {
  const { outputShapes } = net.topology;
  const outputs = outputShapes.map((shape) => ({
    data: new Float32Array(rows.count * sizeOf(shape)),
    shape: [rows.count, ...shape],
  }));
  let done = 0;
  const programs = await Programs.open(net, "predict", rows);
  try {
    await runPass({
      programs,
      batchSize: Math.min(batchSize, rows.count),
      after: async ({ results, count, batch }) => {
        for (const [i, { data }] of outputs.entries())
          data.set(results[stepNames.output(i)], (done * data.length) / rows.count);
        done += count * batch;
        return true;
      },
    });
  } finally {
    programs.close();
  }
  return outputs;
}

/** Arrays one after the other along the first axis, as float32. */
export function concatenated(arrays: readonly HostArray[]): HostArray {
  const data = new Float32Array(arrays.reduce((sum, array) => sum + array.data.length, 0));
  let at = 0;
  for (const array of arrays) {
    data.set(array.data, at);
    at += array.data.length;
  }
  const rows = arrays.reduce((sum, { shape }) => sum + shape[0], 0);
  return { data, shape: [rows, ...arrays[0].shape.slice(1)] };
}
