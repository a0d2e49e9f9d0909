/** Event files that are damaged: the reader ends them or says so. */
import { expect, it } from "vitest";
import { mutantCount, type Sample, survive } from "../../formats/mutants.case.ts";
import { maskedCrc32c } from "./crc32.ts";
import { encodeEvent, type LogEvent, readEvents } from "./events.ts";
import { frameRecord } from "./records.ts";
import { histogramSummary, imageSummary, modelSummary, scalarSummary } from "./summaries.ts";
import { tensorflowFile } from "./tensorboard.case.ts";

/** Makes the checks of all records right that are within the bytes. */
function repair(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start + 12 <= bytes.length; ) {
    view.setUint32(start + 8, maskedCrc32c(bytes.subarray(start, start + 8)), true);
    const length = Number(view.getBigUint64(start, true));
    const dataEnd = start + 12 + length;
    if (dataEnd + 4 > bytes.length) return;
    view.setUint32(dataEnd, maskedCrc32c(bytes.subarray(start + 12, dataEnd)), true);
    start = dataEnd + 4;
  }
}

async function samples(): Promise<Sample[]> {
  const picture = { width: 3, height: 2, channels: 1, pixels: new Uint8Array(6) };
  const values = [
    scalarSummary("epoch_loss", 0.5),
    histogramSummary("dense/kernel/histogram", [1, 2, 3]),
    await imageSummary("dense/kernel/image", [picture, picture]),
    modelSummary("keras", '{"class_name": "Sequential", "config": {"layers": [1, 2]}}'),
  ];
  const events = values.map((value, step) => ({ wallTime: 1, step, values: [value] }));
  const ours = Buffer.concat(events.map((event) => frameRecord(encodeEvent(event))));
  const header = 40; // The record of the version.
  return [
    { name: "TensorFlow's", bytes: tensorflowFile, header },
    { name: "TensorFlow's, repaired", bytes: tensorflowFile, header, repair },
    { name: "ours, repaired", bytes: new Uint8Array(ours), header: 12, repair },
  ];
}

it("are read or refused, in time and in bounded memory", async () => {
  const told = await survive(await samples(), (bytes) => [...readEvents(bytes, "a")], {
    count: mutantCount(1500),
    milliseconds: 2000,
    megabytes: 256,
    check: (value) => {
      const numbers = (value as LogEvent[]).flatMap(({ values }) =>
        values.map(({ tensor }) => tensor?.data.length ?? 0),
      );
      // No event of a file of 3 kB has more than what is written out at most.
      for (const count of numbers) expect(count).toBeLessThanOrEqual(1 << 20);
    },
  });
  expect(told.pastHeader).toBeGreaterThan((told.values + told.errors) / 2);
  // Behind right checks, messages are met: some are read, many are not.
  expect(told.values).toBeGreaterThan(300);
  expect(told.errors).toBeGreaterThan(500);
});
