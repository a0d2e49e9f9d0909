/** Testing and predicting on one batch. */
import { StateError } from "../base/errors.ts";
import type { HostArray } from "../base/host-array.ts";
import { settings } from "../nn/options.ts";
import type { WeightOptions } from "./data.ts";
import { HeldData } from "./evaluate.ts";
import type { Net } from "./net.ts";
import { predictRows } from "./predict.ts";
import { readyData, readyInputs } from "./ready.ts";
import type { DataInput } from "./rows.ts";
import type { Logs } from "./totals.ts";

/** Loss and metrics of these samples, all in one batch. */
export async function testOnBatch(
  net: Net,
  x: DataInput,
  y: DataInput,
  options: Pick<WeightOptions, "sampleWeight"> = {},
): Promise<Logs> {
  const who = "testOnBatch";
  const weights = settings(options, { sampleWeight: undefined }, who);
  const data = readyData(net, x, y, weights, who);
  const held = await HeldData.of(net, who, data);
  try {
    const logs = await held.test(data.count);
    if (logs) return logs;
    throw new StateError({ who, expected: "a pass that ends", received: "one that was ended" });
  } finally {
    held.close();
  }
}

/** Outputs for these samples, all in one batch. */
export async function predictOnBatch(net: Net, x: DataInput): Promise<HostArray[]> {
  const rows = readyInputs(net, x, "predictOnBatch x");
  return predictRows(net, rows, rows.count);
}
