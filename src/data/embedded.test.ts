import { createHash } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { ValueError } from "../base/errors.ts";
import { embeddedClassNames, embeddedName, embeddedPictures } from "./embedded.ts";
import type { ImageDataset } from "./images.ts";

function hash({ train, validation, test }: ImageDataset): string {
  const digest = createHash("sha256");
  for (const { x, y } of [train, validation, test]) digest.update(x.data).update(y.data);
  return digest.digest("hex");
}

const small = { train: 300, validation: 100, test: 100 };

describe("embeddedPictures", () => {
  let whole: ImageDataset;
  beforeAll(async () => {
    whole = await embeddedPictures();
  });

  it("gives 10,000 + 2,000 + 2,000 pictures by default, the same bytes everywhere", async () => {
    const data = whole;
    expect(data.name).toBe(embeddedName);
    expect(data.classNames).toBe(embeddedClassNames);
    expect(data.train.x.shape).toEqual([10_000, 32, 32, 3]);
    expect(data.validation.x.shape).toEqual([2_000, 32, 32, 3]);
    expect(data.test.x.shape).toEqual([2_000, 32, 32, 3]);
    // Fixed once: a change here makes all measured accuracies void.
    expect(hash(data)).toBe("18a991ceb859cbb7abef2ca77696b5c54e9628f7cb2e4c891c4d8558ef4f082b");
  });

  it("has each class equally often, in an order without a pattern", async () => {
    const { train, validation, test } = whole;
    for (const { y } of [train, validation, test]) {
      const counts = new Array(10).fill(0);
      for (const label of y.data) counts[label]++;
      expect(counts).toEqual(new Array(10).fill(y.data.length / 10));
    }
    const repeats = train.y.data.filter((label, i) => i > 0 && label === train.y.data[i - 1]);
    expect(Math.abs(repeats.length - 1000)).toBeLessThan(5 * Math.sqrt(900));
    const odd = (await embeddedPictures({ ...small, train: 17 })).train.y.data;
    const counts = Array.from({ length: 10 }, (_, c) => odd.filter((label) => label === c).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBe(1);
  });

  it("is a function of the seed alone", async () => {
    const first = hash(await embeddedPictures({ seed: 7, ...small }));
    expect(hash(await embeddedPictures({ seed: 7, ...small }))).toBe(first);
    expect(hash(await embeddedPictures({ seed: 8, ...small }))).not.toBe(first);
    expect(hash(await embeddedPictures({ seed: 7 + 2 ** 32, ...small }))).not.toBe(first);
  });

  it("draws no picture twice, within a split or across", async () => {
    const { train, validation, test } = await embeddedPictures(small);
    const seen = new Set<string>();
    for (const { x, y } of [train, validation, test]) {
      for (let i = 0; i < y.data.length; i++) {
        seen.add(Buffer.from(x.data.subarray(i * 3072, (i + 1) * 3072)).toString("latin1"));
      }
    }
    expect(seen.size).toBe(500);
  });

  it("shows the figure of the label: classes differ where their figures do", async () => {
    const { x, y } = (await embeddedPictures({ ...small, train: 2000 })).train;
    // Mean level at the centre of the picture, less that of the corners: light figures are filled
    // there (disc, square, cross, star), those of rings are not.
    const centre = new Array(10).fill(0);
    for (let i = 0; i < y.data.length; i++) {
      const at = (row: number, column: number) => x.data[i * 3072 + (row * 32 + column) * 3 + 1];
      const middle = (at(15, 15) + at(15, 16) + at(16, 15) + at(16, 16)) / 4;
      const corners = (at(0, 0) + at(0, 31) + at(31, 0) + at(31, 31)) / 4;
      centre[y.data[i]] += (middle - corners) / 200;
    }
    const of = (name: string) => centre[embeddedClassNames.indexOf(name)];
    for (const name of ["disc", "square", "triangle", "cross", "star"]) {
      expect(of(name)).toBeGreaterThan(60);
    }
    expect(of("ring")).toBeLessThan(30);
  });

  it("keeps its levels within the bytes, without clipping most pixels", async () => {
    const { data } = (await embeddedPictures(small)).train.x;
    const clipped = data.filter((value) => value === 0 || value === 255).length;
    expect(clipped / data.length).toBeLessThan(0.15);
  });

  it("rejects a seed or a number of pictures that is none", async () => {
    await expect(embeddedPictures({ seed: -1 })).rejects.toThrow(ValueError);
    await expect(embeddedPictures({ train: 1.5 })).rejects.toThrow(
      "embeddedPictures: train must be a whole number from 0 to 500000, got 1.5.",
    );
    expect((await embeddedPictures({ ...small, test: 0 })).test.x.shape).toEqual([0, 32, 32, 3]);
  });
});
