import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { DataError, ValueError } from "../base/errors.ts";
import { readZip, writeZip } from "./zip.ts";

const golden = join(import.meta.dirname, "../../tools/golden");
const file = (name: string) => new Uint8Array(readFileSync(join(golden, "formats", name)));
const said: Record<string, string> = JSON.parse(
  readFileSync(join(golden, "formats.json"), "utf8"),
).zip;
const text = (words: string) => new TextEncoder().encode(words);

/** What a test's archive says of a file in it, right or wrong. */
interface Member {
  readonly name: string;
  readonly data?: Uint8Array;
  /** As it is stored; default: `data` itself. */
  readonly stored?: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly crc?: number;
  readonly localName?: string;
  readonly mode?: number;
}

/** CRC-32 bit by bit. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** An archive by hand, with whatever mistakes its members ask for. */
function archiveOf(members: readonly Member[]): Uint8Array {
  const words = (...pairs: [value: number, bytes: number][]) =>
    pairs.flatMap(([value, bytes]) =>
      Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) & 255),
    );
  const locals: number[] = [];
  const central: number[] = [];
  for (const { name, data = new Uint8Array(0), ...rest } of members) {
    const { stored = data, method = 0, flags = 0x800, size = data.length, mode = 0o100644 } = rest;
    const facts = words(
      [method, 2],
      [0x21_0000, 4],
      [rest.crc ?? crc32(data), 4],
      [stored.length, 4],
      [size, 4],
    );
    const offset = locals.length;
    const localName = text(rest.localName ?? name);
    locals.push(...words([0x04034b50, 4], [20, 2], [flags, 2]), ...facts);
    locals.push(...words([localName.length, 2], [0, 2]), ...localName, ...stored);
    central.push(...words([0x02014b50, 4], [0x0314, 2], [20, 2], [flags, 2]), ...facts);
    central.push(...words([text(name).length, 2], [0, 2], [0, 2], [0, 2], [0, 2]));
    central.push(...words([mode * 65536, 4], [offset, 4]), ...text(name));
  }
  const count = members.length;
  const end = words(
    [0x06054b50, 4],
    [0, 4],
    [count, 2],
    [count, 2],
    [central.length, 4],
    [locals.length, 4],
    [0, 2],
  );
  return Uint8Array.from([...locals, ...central, ...end]);
}

const failure = async (bytes: Uint8Array, options = {}): Promise<string> => {
  const error = await readZip(bytes, { who: "a.keras", ...options }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  return (error as DataError).message;
};
const broken = "a.keras: must be a whole zip archive, got";

describe("readZip", () => {
  it.each(["stored", "deflated", "streamed"])("reads what Python writes: %s", async (name) => {
    const files = await readZip(file(`${name}.zip`));
    const found = [...files].map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]);
    // A folder is no file; the order is the archive's.
    expect(found).toEqual(Object.entries(said));
    expect(found).not.toEqual(Object.entries({ ...said, empty: " " }));
  });

  it("reads an archive made by hand, from anywhere in a buffer", async () => {
    const data = text("abc");
    const whole = archiveOf([
      { name: "a/b.txt", data },
      { name: "c", data, mode: 0 },
    ]);
    const inside = new Uint8Array(whole.length + 9);
    inside.set(whole, 5);
    const files = await readZip(inside.subarray(5, 5 + whole.length));
    expect(files).toEqual(
      new Map([
        ["a/b.txt", data],
        ["c", data],
      ]),
    );
  });

  it.each([
    ["../a", `${broken} "Unsafe filename".`],
    ["a/../../b", `${broken} "Unsafe filename".`],
    ["/etc/passwd", `${broken} "Unsafe filename".`],
    ["C:/a", `${broken} "Unsafe filename".`],
    ["a//b", `${broken} "Unsafe filename".`],
    ["./a", `${broken} "Unsafe filename".`],
    ["a\0b", `${broken} "Unsafe filename".`],
    ["..\\a", `${broken} "Unsafe filename".`],
    ["a\\b", 'a.keras: must hold names of files in folders, with /, got "a\\\\b".'],
  ])("refuses the name %j", async (name, message) => {
    expect(await failure(archiveOf([{ name, data: text("x") }]))).toBe(message);
  });

  const data = text("abc");
  it.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), `${broken} "File format is not recognized".`],
    ["something else", text("x".repeat(100)), `${broken} "End of central directory not found".`],
    [
      "two files of one name",
      archiveOf([
        { name: "a", data },
        { name: "a", data: text("other") },
      ]),
      `${broken} "Ambiguous archive".`,
    ],
    [
      "a file that says it has another name",
      archiveOf([{ name: "a", localName: "b", data }]),
      `${broken} "Ambiguous archive" at "a".`,
    ],
    [
      "an encrypted file",
      archiveOf([{ name: "a", data, flags: 0x801 }]),
      'a.keras: must not be encrypted, got "a".',
    ],
    [
      "a link",
      archiveOf([{ name: "a", data: text("/etc/passwd"), mode: 0o120777 }]),
      'a.keras: must hold files, no links, got "a".',
    ],
    [
      "a size that is none",
      archiveOf([{ name: "a", data, size: 4 }]),
      `${broken} "Invalid uncompressed size" at "a".`,
    ],
    [
      "more than it says",
      archiveOf([
        { name: "a", data, stored: deflateRawSync(new Uint8Array(2e6)), method: 8, size: 10 },
      ]),
      `${broken} "Invalid uncompressed size" at "a".`,
    ],
    [
      "an unknown compression",
      archiveOf([{ name: "a", data, method: 99 }]),
      `${broken} "Compression method not supported" at "a".`,
    ],
    [
      "something before the archive",
      Uint8Array.from([...text("#!/bin/sh"), ...archiveOf([{ name: "a", data }])]),
      `${broken} "Ambiguous archive".`,
    ],
    [
      "something behind it",
      Uint8Array.from([...archiveOf([{ name: "a", data }]), ...text("more")]),
      `${broken} "Ambiguous archive".`,
    ],
  ])("refuses %s", async (_, bytes, message) => {
    expect(await failure(bytes)).toBe(message);
  });

  it("refuses a file with one wrong bit, stored or deflated, and one cut short", async () => {
    for (const name of ["stored", "deflated"]) {
      const whole = file(`${name}.zip`);
      const at = Buffer.from(whole).indexOf("assets/text.txt") + 18;
      const wrong = whole.slice();
      wrong[at]! ^= 1;
      expect(await failure(wrong)).toMatch(/ at "assets\/text.txt"\.$/);
      for (const end of [30, whole.length / 2, whole.length - 1])
        expect(await failure(whole.slice(0, end))).toMatch(/^a.keras: must be a whole zip/);
    }
  });

  it("refuses a bomb before it unpacks it", async () => {
    const zeros = new Uint8Array(70_000_000);
    const stored = deflateRawSync(zeros);
    const bomb = archiveOf([{ name: "a", data: zeros, stored, method: 8, crc: 0 }]);
    const before = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    const message = "a.keras: must unpack to at most 67108864 bytes, got more.";
    expect(await failure(bomb)).toBe(message);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it("refuses more than maxBytes, and more files than anybody has", async () => {
    const two = archiveOf([
      { name: "a", data },
      { name: "b", data },
    ]);
    expect((await readZip(two, { maxBytes: 6 })).size).toBe(2);
    expect(await failure(two, { maxBytes: 5 })).toBe(
      "a.keras: must unpack to at most 5 bytes, got more.",
    );
    const many = archiveOf(Array.from({ length: 10_001 }, (_, i) => ({ name: `${i}` })));
    expect(await failure(many)).toBe("a.keras: must hold at most 10000 files, got more.");
  });
});

describe("writeZip", () => {
  const files = new Map([
    ["metadata.json", text("{}")],
    ["assets/zwölf.txt", text("zwölf")],
    ["empty", new Uint8Array(0)],
    ["part", new Uint8Array(100).fill(7).subarray(3, 9)],
  ]);

  it("writes what readZip reads, in order, uncompressed", async () => {
    const bytes = await writeZip(files);
    expect([...(await readZip(bytes))]).toEqual([...files].map(([k, v]) => [k, v.slice()]));
    expect(Buffer.from(bytes).includes("zwölf")).toBe(true);
    expect(await readZip(await writeZip(new Map()))).toEqual(new Map());
  });

  it("writes the same bytes whenever and wherever", async () => {
    const zone = process.env.TZ;
    try {
      process.env.TZ = "UTC";
      const bytes = await writeZip(files);
      process.env.TZ = "Asia/Kolkata";
      expect(new Date(0).getHours()).toBe(5);
      expect(await writeZip(files)).toEqual(bytes);
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it.each(["", "/a", "a/", "a//b", "../a", "a/./b", "a\\b", "C:/a", "a\0b"])(
    "refuses the name %j",
    async (name) => {
      const error = await writeZip(new Map([[name, text("x")]])).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ValueError);
      expect((error as Error).message).toBe(
        "writeZip: a name must be a relative path with / that leads to a file, " +
          `got ${JSON.stringify(name)}.`,
      );
    },
  );
});
