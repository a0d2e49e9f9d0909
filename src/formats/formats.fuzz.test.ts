/** Damaged zip, HDF5 and safetensors files: an error every time, in bounded time and memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checksumRepair, findSpans } from "./hdf5/checksums.case.ts";
import { limitsFor, readWith } from "./hdf5/read.ts";
import { type SessionWorker, startSession } from "./hdf5/worker.ts";
import { type H5Dataset, type H5Group, readHdf5 } from "./hdf5.ts";
import { mutantCount, type Sample, survive } from "./mutants.case.ts";
import { readSafetensors } from "./safetensors.ts";
import { readZip } from "./zip.ts";

const folder = join(import.meta.dirname, "../../tools/golden/formats");
const sample = (name: string, header: number): Sample => ({
  name,
  bytes: new Uint8Array(readFileSync(join(folder, name))),
  header,
});
/** The long form takes minutes. */
const patience = { timeout: 3_600_000 };

const isFilled = ({
  data,
  shape,
}: {
  readonly data: { length: number };
  shape: readonly number[];
}) => data.length === shape.reduce((size, extent) => size * extent, 1);

describe("HDF5", () => {
  const old = ["numbers", "storage", "attributes", "texts"].map((name) => sample(`${name}.h5`, 96));
  const latest = ["numbers", "storage", "attributes", "links"].map((name) => {
    const one = sample(`${name}-latest.h5`, 48);
    return { ...one, repair: checksumRepair(one.bytes) };
  });
  const samples = [...old, ...latest, sample("links.h5", 608)];
  const limits = limitsFor(20_000, { milliseconds: 3000 });
  // `readHdf5` has a worker for each file; this one goes on until a file breaks it.
  let worker: SessionWorker | undefined;
  afterAll(() => worker?.end());

  const read = async (bytes: Uint8Array): Promise<H5Group> => {
    worker ??= (await startSession(limits.worker))!;
    try {
      return await readWith(worker, bytes, limits, "mutant");
    } catch (error) {
      if (!`${error}`.includes("HDF5 says")) {
        await worker.end();
        worker = undefined;
      }
      throw error;
    }
  };

  /** Whatever is read must be whole: HDF5 has no checksums in the old format, so values may differ. */
  const check = (value: unknown): void => {
    const thing = value as H5Group | H5Dataset;
    if (thing.kind === "group") Object.values(thing.children).forEach(check);
    else expect(isFilled(thing)).toBe(true);
  };

  it("has the checksums of the newer format", () => {
    for (const { bytes, repair } of latest) {
      expect(findSpans(bytes).length).toBeGreaterThan(3);
      const copy = bytes.slice();
      repair(copy);
      expect(copy).toEqual(bytes);
    }
  });

  it("survives mutants", patience, async () => {
    const count = mutantCount(600);
    const told = await survive(samples, read, { count, milliseconds: 10_000, check });
    expect(told.values + told.errors).toBe(count);
    expect(told.pastHeader).toBeGreaterThan(count / 2);
    expect(told.errors).toBeGreaterThan(count / 4);
  });

  it("survives mutants with a worker for each", patience, async () => {
    const count = mutantCount(200) / 10;
    const whole = (bytes: Uint8Array) => readHdf5(bytes, { milliseconds: 3000 });
    const told = await survive(samples, whole, { count, seed: 2, check });
    expect(told.values + told.errors).toBe(count);
  });
});

describe("zip", () => {
  const samples = ["stored", "deflated", "streamed"].map((name) => sample(`${name}.zip`, 30));
  const contents: Record<string, string> = JSON.parse(
    readFileSync(join(folder, "../formats.json"), "utf8"),
  ).zip;

  /** With checksums, whatever is read is right. */
  const check = (value: unknown): void => {
    for (const [name, bytes] of value as Map<string, Uint8Array>)
      if (name in contents) expect(new TextDecoder().decode(bytes)).toBe(contents[name]);
  };

  it("survives mutants", patience, async () => {
    const count = mutantCount(3000);
    const read = (bytes: Uint8Array) => readZip(bytes, { who: "mutant" });
    const told = await survive(samples, read, { count, milliseconds: 2000, check });
    expect(told.values + told.errors).toBe(count);
    expect(told.pastHeader).toBeGreaterThan(count / 2);
    expect(told.errors).toBeGreaterThan(count / 2);
  });
});

describe("safetensors", () => {
  const samples = ["numpy", "torch"].map((name) => sample(`${name}.safetensors`, 8));

  const check = (value: unknown): void => {
    const { tensors } = value as ReturnType<typeof readSafetensors>;
    for (const tensor of tensors.values()) expect(isFilled(tensor)).toBe(true);
  };

  it("survives mutants", patience, async () => {
    const count = mutantCount(5000);
    const read = (bytes: Uint8Array) => readSafetensors(bytes, "mutant");
    const told = await survive(samples, read, { count, milliseconds: 500, check });
    expect(told.values + told.errors).toBe(count);
    expect(told.pastHeader).toBeGreaterThan(count / 2);
    expect(told.errors).toBeGreaterThan(count / 2);
  });
});
