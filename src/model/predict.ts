/** Outputs of a model, in inference mode. */
import type { ArrayInput, HostArray } from "../base/host-array.ts";
import { sizeOf } from "../base/shape.ts";
import { inputRows } from "./data.ts";
import { type BatchOptions, batchSettings, buildFor } from "./evaluate.ts";
import type { Net } from "./net.ts";
import { runPass } from "./pass.ts";
import { Programs } from "./programs.ts";
import { stepNames } from "./step.ts";

/** The outputs for these inputs: `[n, ...outputShape]`, a copy. */
export async function predict(
  net: Net,
  x: ArrayInput,
  options: BatchOptions = {},
): Promise<HostArray> {
  const { batchSize } = batchSettings(options, "predict");
  buildFor(net, x, "predict x");
  const rows = inputRows(x, net.topology.inputShape, "predict x");
  const { outputShape } = net.topology;
  const data = new Float32Array(rows.count * sizeOf(outputShape));
  let at = 0;
  const programs = await Programs.open(net, "predict", rows);
  try {
    await runPass({
      programs,
      batchSize: Math.min(batchSize, rows.count),
      after: async ({ results }) => {
        data.set(results[stepNames.output], at);
        at += results[stepNames.output].length;
        return true;
      },
    });
  } finally {
    programs.close();
  }
  return { data, shape: [rows.count, ...outputShape] };
}
