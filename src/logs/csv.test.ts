import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { CsvFile, csvRow, firstRow, pythonFloat } from "./csv.ts";

const folder = mkdtempSync(join(tmpdir(), "csv-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("pythonFloat", () => {
  it.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [-12.5, "-12.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [5e-324, "5e-324"],
    [123456789, "123456789.0"],
    [9999999999999998, "9999999999999998.0"],
    [1e16, "1e+16"],
    [1.25e17, "1.25e+17"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [Number.NaN, "nan"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
  ])("writes %d as %s", (value, text) => {
    expect(pythonFloat(value)).toBe(text);
  });
});

describe("rows", () => {
  it("quote what would not come back", () => {
    const fields = ["a", "b,c", 'd"e', "f\r\ng", ""];
    const row = csvRow(fields, ",");
    expect(row).toBe('a,"b,c","d""e","f\r\ng",\r\n');
    expect(firstRow(`${row}next,row\r\n`, ",")).toEqual(fields);
    expect(csvRow(["a,b", "c;d"], ";")).toBe('a,b;"c;d"\r\n');
  });

  it("come back with any line end, and not at all from nothing", () => {
    expect(firstRow("a;b\nc;d", ";")).toEqual(["a", "b"]);
    expect(firstRow("a;b", ",")).toEqual(["a;b"]);
    expect(firstRow("", ",")).toBeUndefined();
    expect(firstRow("\r\n", ",")).toEqual([""]);
  });
});

describe("CsvFile", () => {
  it("adds rows, tells its header, and is emptied", async () => {
    const path = join(folder, "a.csv");
    const file = new CsvFile(path, ",");
    expect(await file.header()).toBeUndefined();
    await file.add([["epoch", "loss"]]);
    await file.add([["0", "1.5"]]);
    expect(readFileSync(path, "utf8")).toBe("epoch,loss\r\n0,1.5\r\n");
    expect(await file.header()).toEqual(["epoch", "loss"]);
    await file.clear();
    expect(readFileSync(path, "utf8")).toBe("");
    expect(await file.header()).toBeUndefined();
  });

  it("ends a row that has no line end, once", async () => {
    const path = join(folder, "open.csv");
    writeFileSync(path, "epoch,loss\r\n0,1.5");
    const file = new CsvFile(path, ",");
    expect([await file.endRow(), await file.endRow()]).toEqual([2, 0]);
    await file.add([["1", "2.5"]]);
    expect(readFileSync(path, "utf8")).toBe("epoch,loss\r\n0,1.5\r\n1,2.5\r\n");
    writeFileSync(path, "");
    expect(await file.endRow()).toBe(0);
  });

  it("has no half rows where the disk is full", async () => {
    const path = join(folder, "full.csv");
    const file = new CsvFile(path, ",");
    await file.add([["epoch", "loss"]]);
    const handle = await open(path, "r+");
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    const whole = prototype.writeFile;
    vi.spyOn(prototype, "writeFile").mockImplementation(async function (this: unknown, bytes) {
      await whole.call(this, (bytes as Uint8Array).subarray(0, 2));
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    });
    await expect(file.add([["0", "1.5"]])).rejects.toThrow("must be a writable file, got ENOSPC");
    vi.restoreAllMocks();
    expect(readFileSync(path, "utf8")).toBe("epoch,loss\r\n");
  });

  it("tells where it cannot be written", async () => {
    const file = new CsvFile(join(folder, "none", "a.csv"), ",");
    await expect(file.clear()).rejects.toThrow("must be a writable file");
    await expect(file.add([["a"]])).rejects.toThrow("must be a writable file");
    writeFileSync(join(folder, "plain"), "");
    await expect(new CsvFile(folder, ",").clear()).rejects.toThrow("must be a writable file");
  });
});
