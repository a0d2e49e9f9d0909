import { describe, expect, it } from "vitest";
import { crc32 } from "./crc32.ts";

/** Bit by bit. */
function slowly(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  return ~rest >>> 0;
}

describe("CRC-32", () => {
  it("has the check value of its definition", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  it("is that of the bits, at every length and offset", () => {
    const all = Uint8Array.from({ length: 60 }, (_, i) => (i * i * 37 + 200) & 255);
    for (let from = 0; from < 9; from++)
      for (let to = from; to < 60; to += 1) {
        const bytes = all.subarray(from, to);
        expect(crc32(bytes)).toBe(slowly(bytes));
      }
    expect(crc32(all)).not.toBe(crc32(all.toReversed()));
  });
});
