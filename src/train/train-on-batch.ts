/** One train step on one batch. */
import type { WeightOptions } from "../model/data.ts";
import type { Net } from "../model/net.ts";
import { runPass } from "../model/pass.ts";
import { Programs } from "../model/programs.ts";
import { readyData } from "../model/ready.ts";
import type { DataInput } from "../model/rows.ts";
import type { Logs } from "../model/totals.ts";
import { settings } from "../nn/options.ts";
import { stepInputs } from "./step-inputs.ts";

/**
 * One step on these samples: loss and metrics of the batch, before the update. Noise is drawn from
 * the model's seed. (Keras's method returns means over all batches since `reset_metrics`.)
 */
export async function trainOnBatch(
  net: Net,
  x: DataInput,
  y: DataInput,
  options: WeightOptions = {},
): Promise<Logs> {
  const who = "trainOnBatch";
  const weights = settings(options, { sampleWeight: undefined, classWeight: undefined }, who);
  net.beginFit(who);
  let programs: Programs | undefined;
  try {
    const compiled = net.compiledFor(who);
    const data = readyData(net, x, y, weights, who, compiled);
    programs = await Programs.open(net, "train", data);
    const totals = programs.totals();
    await runPass({
      programs,
      batchSize: data.count,
      inputs: (program, count) => stepInputs(compiled.optimizer, net.seed, program, count),
      after: async (call) => {
        totals.add(call, 0);
        return true;
      },
    });
    return totals.logs();
  } finally {
    programs?.close();
    net.endFit();
  }
}
