import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
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

  it("tells where it cannot be written", async () => {
    const file = new CsvFile(join(folder, "none", "a.csv"), ",");
    await expect(file.clear()).rejects.toThrow("must be a writable file");
    await expect(file.add([["a"]])).rejects.toThrow("must be a writable file");
    writeFileSync(join(folder, "plain"), "");
    await expect(new CsvFile(folder, ",").clear()).rejects.toThrow("must be a writable file");
  });
});
