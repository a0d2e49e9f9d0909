import { describe, expect, it } from "vitest";
import { histogramOf } from "./histogram.ts";
import { encodePng } from "./png.ts";
import { imageSummary } from "./summaries.ts";
import { flat, floats, golden } from "./tensorboard.case.ts";

/** The pixels of a PNG file as we write it: without filters, in one chunk. */
async function pixelsOf(png: Uint8Array, rowBytes: number): Promise<number[]> {
  const view = new DataView(png.buffer, png.byteOffset);
  const start = 8 + 25;
  const length = view.getUint32(start);
  expect(new TextDecoder().decode(png.subarray(start + 4, start + 8))).toBe("IDAT");
  const data = png.slice(start + 8, start + 8 + length);
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  const rows = new Uint8Array(await new Response(stream).arrayBuffer());
  return [...rows].filter((_, i) => i % (rowBytes + 1) !== 0);
}

describe("histograms", () => {
  it.each(golden.weights)("of $name as TensorFlow's, to the last bit", ({ data, histogram }) => {
    expect([...histogramOf(floats(data))]).toEqual(flat(histogram));
  });

  it("are told from those of one bucket more", () => {
    const { data, histogram } = golden.weights[0];
    const numbers = [...floats(data)];
    const most = numbers.indexOf(Math.max(...numbers));
    const missing = numbers.filter((_, i) => i !== most);
    expect([...histogramOf(missing)]).not.toEqual(flat(histogram));
  });

  it("are of finite numbers", () => {
    const finite = histogramOf([1, 2, 4]);
    const { NaN: none, POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;
    expect(histogramOf([none, 1, most, 2, 4, least])).toEqual(finite);
    expect(histogramOf([none, none])).toEqual(new Float64Array(90));
    expect(histogramOf([])).toEqual(new Float64Array(90));
  });
});

describe("pictures", () => {
  it("are PNG files", async () => {
    const pixels = Uint8Array.from({ length: 24 }, (_, i) => 10 * i);
    for (const channels of [1, 2, 3, 4]) {
      const width = 6 / channels > 1 ? Math.floor(6 / channels) : 1;
      const rowBytes = width * channels;
      const used = pixels.subarray(0, rowBytes * 3);
      const png = await encodePng({ width, height: 3, channels, pixels: used });
      expect([...png.subarray(0, 8)]).toEqual([0x89, 80, 78, 71, 13, 10, 26, 10]);
      expect([...png.subarray(16, 29)]).toEqual(
        [0, 0, 0, width, 0, 0, 0, 3, 8, [0, 4, 2, 6][channels - 1], 0, 0, 0], // No interlacing.
      );
      expect(await pixelsOf(png, rowBytes)).toEqual([...used]);
    }
  });

  it("come with their size, three at most", async () => {
    const one = { width: 2, height: 1, channels: 1, pixels: Uint8Array.of(0, 255) };
    const { tensor } = await imageSummary("w", [one, one, one, one]);
    expect(tensor!.shape).toEqual([5]);
    const [width, height] = tensor!.data as Uint8Array[];
    expect([String.fromCharCode(...width), String.fromCharCode(...height)]).toEqual(["2", "1"]);
  });
});
