import { describe, expect, it } from "vitest";
import { DataError } from "../base/errors.ts";
import { makeTar, noise, type TarFile, tarHeader } from "./archive.case.ts";
import { readTar } from "./tar.ts";

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What is read of an archive, all files or those that are wanted. */
async function contentOf(tar: Uint8Array, size = 1000, wanted = (_: string) => true) {
  const found = new Map<string, Buffer>();
  await readTar("CIFAR-10", inPieces(tar, size), async ({ path, bytes }) => {
    if (!wanted(path)) return undefined;
    const parts: Uint8Array[] = [];
    return {
      write: async (part) => void parts.push(Uint8Array.from(part)),
      end: async () => {
        const content = Buffer.concat(parts);
        expect(content.length).toBe(bytes);
        found.set(path, content);
      },
    };
  });
  return found;
}

const files: readonly TarFile[] = [0, 1, 511, 512, 513, 5000].map((length) => ({
  path: `a/${length}`,
  content: noise(length, length),
}));

describe("readTar", () => {
  it.each([1, 7, 512, 1000, 1 << 20])("reads files in pieces of %d bytes", async (size) => {
    const found = await contentOf(makeTar(files), size);
    expect([...found.keys()]).toEqual(files.map(({ path }) => path));
    for (const { path, content } of files)
      expect(found.get(path)!.equals(Buffer.from(content!))).toBe(true);
  });

  it("gives only what is wanted, and passes over what is no file", async () => {
    const others: TarFile[] = [
      { path: "a/", type: "5" },
      { path: "link", type: "2" },
      { path: "pax", type: "x", content: noise(600, 1) },
      { path: "global", type: "g", content: noise(10, 1) },
      { path: "old-folder/", type: "\0" },
    ];
    const found = await contentOf(makeTar([...others, ...files]), 900, (path) => path === "a/513");
    expect([...found.keys()]).toEqual(["a/513"]);
    expect(await contentOf(makeTar(others))).toEqual(new Map());
  });

  it("reads long names in two parts, and the oldest archives", async () => {
    const long = { path: "name", prefix: "some/folder", content: noise(3, 1) };
    expect([...(await contentOf(makeTar([long]))).keys()]).toEqual(["some/folder/name"]);
    const old = { path: "old", type: "\0", content: noise(3, 1) };
    expect([...(await contentOf(makeTar([old]))).keys()]).toEqual(["old"]);
  });

  it("takes bytes after the end for padding", async () => {
    expect((await contentOf(Buffer.concat([makeTar(files), noise(2000, 5)]))).size).toBe(6);
  });

  it.each(["../a", "a/../../b", "/etc/passwd", "C:\\a", "a\\..\\..\\b", "\\a", ".."])(
    "refuses the path %s",
    async (path) => {
      const attempt = contentOf(makeTar([{ path, content: noise(3, 1) }]));
      await expect(attempt).rejects.toThrow(
        `CIFAR-10: the tar archive must keep its files in folders of its own, got ${JSON.stringify(path)}.`,
      );
      await expect(attempt).rejects.toThrow(DataError);
    },
  );

  it("takes names that only look like it", async () => {
    const paths = ["a..b", "..a/b", "a/...", "ac:d"];
    const found = await contentOf(makeTar(paths.map((path) => ({ path }))));
    expect([...found.keys()]).toEqual(paths);
  });

  it("refuses what is broken or ends early", async () => {
    const fails = (tar: Uint8Array, received: string) =>
      expect(contentOf(tar)).rejects.toThrow(`, got ${received}.`);
    const whole = makeTar(files);
    await fails(whole.subarray(0, 700), "one that ends within a file");
    await fails(whole.subarray(0, whole.length - 3000), "one that ends within a file");
    await fails(makeTar(files, 0), "one without its end");
    await fails(new Uint8Array(), "one without its end");
    const flipped = Buffer.from(whole);
    flipped[3] ^= 1;
    await fails(flipped, "one with a wrong checksum");
    await fails(noise(512, 3), "one with a wrong checksum");
    await fails(tarHeader({ path: "a", size: "12x4567\0\0\0\0\0" }), 'no size of "a"');
  });
});
