import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runIdentity } from "./run-identity.ts";
import { finishedRecordOf, recordOf } from "./run-record.case.ts";
import { readRecord, writeRecord } from "./run-record.ts";

const identity = await runIdentity({ variant: "elu", seed: 1, dataset: "embedded", limit: 96 });
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "antler-record-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("run.json", () => {
  it.each([
    ["running", recordOf(identity)],
    ["finished", finishedRecordOf(identity)],
  ])("is read as it was written, of a run that is %s", async (_, record) => {
    await writeRecord(folder, record);
    expect(await readRecord(folder)).toEqual(record);
    expect(await readdir(folder)).toEqual(["run.json"]);
  });

  it("has NaN as null, and keeps keys that it does not know", async () => {
    const { results, ...rest } = finishedRecordOf(identity);
    const record = { ...rest, results: { ...results!, valLoss: Number.NaN }, note: "kept" };
    await writeRecord(folder, record);
    expect(await readRecord(folder)).toEqual(record);
  });

  const broken: [string, unknown, RegExp][] = [
    ["no JSON", '{"format": "antler-ru', /must be a run's record, got what is no JSON/],
    ["no text", Uint8Array.of(0xff, 0xfe, 0), /got what is no JSON/],
    ["an array", "[]", /got .* where it must be an object/],
    ["null", "null", /got null where it must be an object/],
    [
      "another file's",
      '{"format": "other"}',
      /got "other" where format must be one of "antler-run"/,
    ],
    ["of a later version", { formatVersion: 2 }, /got 2 where formatVersion must be 1/],
    ["without options", { options: undefined }, /got undefined where options must be an object/],
    [
      "of an unknown net",
      { options: { ...identity.options, variant: "vgg" } },
      /got "vgg" where options.variant must be one of/,
    ],
    [
      "with epochs that are none",
      { options: { ...identity.options, epochs: "3" } },
      /got "3" where options.epochs must be a whole number/,
    ],
    ["with a broken fingerprint", { data: { sha256: "../.." } }, /where data.sha256 must be 64/],
    ["with broken times", { times: { started: "x", ended: null, sessions: {} } }, /times.sessions/],
    ["with half of a result", { results: { event: "result" } }, /results\.variant must be/],
  ];
  it.each(broken)("is refused where it is %s, by its name", async (_, content, message) => {
    const isText = typeof content === "string" || content instanceof Uint8Array;
    const record = { ...recordOf(identity), ...(isText ? {} : (content as object)) };
    await writeFile(join(folder, "run.json"), isText ? content : JSON.stringify(record));
    const attempt = readRecord(folder);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toThrow(`${join(folder, "run.json")}: must be a run's record`);
    await expect(attempt).rejects.toThrow("Move its folder away, or choose another one by --out.");
  });
});
