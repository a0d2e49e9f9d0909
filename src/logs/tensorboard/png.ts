/** Pictures as PNG files. https://www.w3.org/TR/png-3/ */
import { joined } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

/** 8 bits for each of 1 (grey), 2 (with alpha), 3 (RGB) or 4 channels, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
}

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Of 1 to 4 channels. */
const colorTypes = [0, 4, 2, 6];

/** The bytes of a PNG file. */
export async function encodePng({ width, height, channels, pixels }: Picture): Promise<Uint8Array> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colorTypes[channels - 1]], 8);
  // Before each row the number of its filter: none.
  const rows = new Uint8Array(height * (1 + width * channels));
  for (let row = 0; row < height; row++) {
    const from = row * width * channels;
    rows.set(pixels.subarray(from, from + width * channels), row * (1 + width * channels) + 1);
  }
  return joined([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", await deflated(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

function chunk(name: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A zlib stream, by the Compression Streams that browsers have, too. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
