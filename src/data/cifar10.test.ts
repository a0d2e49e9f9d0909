import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DataError, ValueError } from "../base/errors.ts";
import { cifar10ClassNames, loadCifar10 } from "./cifar10.ts";
import type * as datasets from "./datasets.ts";

const RECORD = 3073;
const RECORDS = 10_000;
const files = [1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`).concat("test_batch.bin");

/** The label of a record of a made file. */
const labelOf = (file: number, record: number) => (record + 3 * file) % 10;
/** A byte of a made picture, different for files, records, planes and places. */
const byteOf = (file: number, record: number, plane: number, pixel: number) =>
  (file * 41 + record * 7 + plane * 85 + pixel * 3 + (pixel >> 5)) & 255;

function makeFile(file: number): Uint8Array {
  const bytes = new Uint8Array(RECORD * RECORDS);
  let at = 0;
  for (let record = 0; record < RECORDS; record++) {
    bytes[at++] = labelOf(file, record);
    for (let plane = 0; plane < 3; plane++) {
      for (let pixel = 0; pixel < 1024; pixel++) bytes[at++] = byteOf(file, record, plane, pixel);
    }
  }
  return bytes;
}

/** The first place where an image is not what was made for this record, or undefined. */
function firstWrong(pixels: Uint8Array, image: number, file: number, record: number) {
  for (let pixel = 0; pixel < 1024; pixel++) {
    for (let plane = 0; plane < 3; plane++) {
      const value = pixels[image * 3072 + pixel * 3 + plane];
      if (value !== byteOf(file, record, plane, pixel)) return { image, pixel, plane, value };
    }
  }
  return undefined;
}

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "antler-cifar10-"));
  for (const [i, name] of files.entries()) await writeFile(join(folder, name), makeFile(i));
});
afterAll(() => rm(folder, { recursive: true }));

describe("loadCifar10", () => {
  it("gives the first 5,000 training images as validation, channels last", async () => {
    const data = await loadCifar10({ folder });
    expect(data.name).toBe("cifar10");
    expect(data.classNames).toBe(cifar10ClassNames);
    expect(data.classNames).toHaveLength(10);
    expect(data.train.x.shape).toEqual([45_000, 32, 32, 3]);
    expect(data.validation.x.shape).toEqual([5_000, 32, 32, 3]);
    expect(data.test.x.shape).toEqual([10_000, 32, 32, 3]);
    for (const { x, y } of [data.train, data.validation, data.test]) {
      expect(x.data).toBeInstanceOf(Uint8Array);
      expect(x.data.length).toBe(y.data.length * 3072);
      expect(y.shape).toEqual([y.data.length]);
    }
    const cases: readonly ["train" | "validation" | "test", number, number, number][] = [
      // Split, image, and the file and record it comes from.
      ["validation", 0, 0, 0],
      ["validation", 4999, 0, 4999],
      ["train", 0, 0, 5000],
      ["train", 4999, 0, 9999],
      ["train", 5000, 1, 0],
      ["train", 44_999, 4, 9999],
      ["test", 0, 5, 0],
      ["test", 9999, 5, 9999],
    ];
    for (const [split, image, file, record] of cases) {
      expect(firstWrong(data[split].x.data, image, file, record)).toBeUndefined();
      expect(data[split].y.data[image]).toBe(labelOf(file, record));
    }
    const labels = Array.from({ length: 45_000 }, (_, i) =>
      labelOf(Math.floor((i + 5000) / RECORDS), (i + 5000) % RECORDS),
    );
    expect(data.train.y.data).toEqual(Uint8Array.from(labels));
  });

  it("takes any size of the validation set, and a limit after it", async () => {
    const data = await loadCifar10({ folder, validation: 12_345, limit: 3 });
    expect(data.validation.y.shape).toEqual([12_345]);
    expect(firstWrong(data.validation.x.data, 12_344, 1, 2344)).toBeUndefined();
    expect(data.train.x.shape).toEqual([3, 32, 32, 3]);
    expect(firstWrong(data.train.x.data, 0, 1, 2345)).toBeUndefined();
    expect(firstWrong(data.train.x.data, 2, 1, 2347)).toBeUndefined();
    expect(data.test.y.shape).toEqual([10_000]);
    const none = await loadCifar10({ folder, validation: 0, limit: 1 });
    expect(none.validation.x.shape).toEqual([0, 32, 32, 3]);
    expect(firstWrong(none.train.x.data, 0, 0, 0)).toBeUndefined();
  });

  it("finds the files in the folder of the official archive", async () => {
    const outer = await mkdtemp(join(tmpdir(), "antler-cifar10-outer-"));
    const inner = join(outer, "cifar-10-batches-bin");
    await rename(folder, inner);
    const data = await loadCifar10({ folder: outer, limit: 1 }).finally(() =>
      rename(inner, folder),
    );
    expect(firstWrong(data.train.x.data, 0, 0, 5000)).toBeUndefined();
    await rm(outer, { recursive: true });
  });

  it("rejects numbers of images that make no sense", async () => {
    const attempt = (options: object) => loadCifar10({ folder, ...options });
    for (const options of [
      { validation: -1 },
      { validation: 50_000 },
      { validation: 1.5 },
      { limit: 0 },
      { limit: 45_001 },
      { limit: Number.NaN },
    ]) {
      await expect(attempt(options)).rejects.toThrow(ValueError);
    }
    await expect(attempt({ limit: 45_001 })).rejects.toThrow(
      "loadCifar10: limit must be a whole number from 1 to 45000, got 45001.",
    );
  });
});

/** Runs a check while a file is changed, and puts it right again. */
async function whileChanged(file: number, change: (path: string) => Promise<unknown>, limit = 1) {
  const path = join(folder, files[file]);
  await change(path);
  try {
    return await loadCifar10({ folder, limit }).then(
      () => undefined,
      (error: unknown) => error,
    );
  } finally {
    await rm(path, { force: true, recursive: true });
    await writeFile(path, makeFile(file));
  }
}

describe("broken CIFAR-10 files, also those that the limit does not need", () => {
  const tail =
    "All of data_batch_1.bin to data_batch_5.bin and test_batch.bin of the binary version";

  it.each([0, 4, 5])("are named when file %d is truncated by a byte", async (file) => {
    const error = await whileChanged(file, (path) => truncate(path, 30_729_999));
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toBe(
      `${join(folder, files[file])}: must be a CIFAR-10 file of exactly 30730000 bytes, ` +
        `got 30729999 bytes (it is truncated). ${tail} are needed.`,
    );
  });

  it("are named when they are padded", async () => {
    const error = await whileChanged(3, (path) => truncate(path, 30_730_001));
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain(
      `${join(folder, "data_batch_4.bin")}: must be a CIFAR-10 file of exactly 30730000 bytes, ` +
        "got 30730001 bytes (it is padded).",
    );
  });

  it.each([0, 5])("are named when file %d is missing or a folder", async (file) => {
    for (const change of [
      (path: string) => rm(path),
      (path: string) => rm(path).then(() => mkdir(path)),
    ]) {
      const error = await whileChanged(file, change);
      expect(error).toBeInstanceOf(DataError);
      expect((error as Error).message).toContain(
        `${join(folder, files[file])}: must be a CIFAR-10 file of exactly 30730000 bytes, ` +
          "got no such file.",
      );
    }
  });

  it.each([
    [0, 0, 10],
    [4, 9999, 255],
    [5, 1234, 10],
  ])("are named when file %d, record %d has the label %d", async (file, record, label) => {
    const error = await whileChanged(file, async (path) => {
      const bytes = makeFile(file);
      bytes[record * RECORD] = label;
      await writeFile(path, bytes);
    });
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain(
      `${join(folder, files[file])}: labels must be 0 to 9, ` +
        `got ${label} in record ${record} (counted from 0).`,
    );
  });

  it("are told from a folder that is none or holds nothing", async () => {
    const missing = join(folder, "nowhere");
    await expect(loadCifar10({ folder: missing })).rejects.toThrow(
      `CIFAR-10 in ${missing}: must be a folder, got none.`,
    );
    const empty = await mkdtemp(join(tmpdir(), "antler-cifar10-empty-"));
    await expect(loadCifar10({ folder: empty })).rejects.toThrow(
      `${join(empty, "data_batch_1.bin")}: must be a CIFAR-10 file`,
    );
    await rm(empty, { recursive: true });
  });
});

describe("CIFAR-10 without a folder", () => {
  let cacheFolder = "";
  beforeAll(async () => {
    vi.stubEnv("ANTLER_DATA", "");
    cacheFolder = await mkdtemp(join(tmpdir(), "antler-cifar10-cache-"));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(cacheFolder, { recursive: true });
  });
  // Nobody listens there.
  const source = { url: "http://127.0.0.1:9/a.tar.gz" };
  const messageOf = (options: object) =>
    loadCifar10({ cacheFolder, source, progress: false, ...options }).then(
      () => "it did not fail",
      (error: Error) => `${error.name}: ${error.message}`,
    );

  it("is the folder that the environment names", async () => {
    vi.stubEnv("ANTLER_DATA", folder);
    const data = await loadCifar10({ source, limit: 1 }).finally(() =>
      vi.stubEnv("ANTLER_DATA", ""),
    );
    expect(firstWrong(data.train.x.data, 0, 0, 5000)).toBeUndefined();
  });

  it("tells of what a program can do where no network is", async () => {
    expect(await messageOf({})).toMatch(
      /^DataError: CIFAR-10: the archive must come from http:\/\/127\.0\.0\.1:9\/a\.tar\.gz, got no network \(.*\)\. Give \{ folder \} or set ANTLER_DATA to the folder with its six files, or take datasets\.embedded\(\)\.$/,
    );
  });

  it("is not downloaded where that is not wanted", async () => {
    expect(await messageOf({ download: false })).toMatch(
      /^DataError: CIFAR-10: a folder or the cache must have its files, got neither, and download: false\. Give/,
    );
  });

  it("tells of its progress to a function, or to nobody", async () => {
    const steps: string[] = [];
    const progress = ({ step, title, total }: datasets.ArchiveProgress) =>
      void steps.push(`${step} ${title} ${total}`);
    await messageOf({ progress });
    expect(steps).toEqual(["download CIFAR-10 170052171"]);
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await messageOf({});
    expect(write).not.toHaveBeenCalled();
    await messageOf({ progress: true });
    expect(write.mock.calls).toEqual([[`Downloading CIFAR-10 (170.1 MB) from ${source.url}\n`]]);
    write.mockRestore();
  });

  it("is searched for only when the other options are right", async () => {
    const name = "ValueError: loadCifar10";
    expect(await messageOf({ limit: 0 })).toContain(`${name}: limit must be`);
    for (const timeout of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "1"])
      expect(await messageOf({ timeout })).toContain(`${name}: timeout must be a number of`);
    for (const url of ["ftp://a/b", "a", "", "http://"])
      expect(await messageOf({ source: { url } })).toContain(`${name}: the source's url must be`);
    for (const sha256 of ["", "a".repeat(63), "g".repeat(64)])
      expect(await messageOf({ source: { sha256 } })).toContain(
        `${name}: the source's sha256 must`,
      );
    for (const bytes of [0, 1.5, Number.NaN])
      expect(await messageOf({ source: { bytes } })).toContain(`${name}: the source's bytes must`);
  });
});
