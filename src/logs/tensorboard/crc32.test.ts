import { describe, expect, it } from "vitest";
import { crc32, crc32c, maskedCrc32c } from "./crc32.ts";

const digits = new TextEncoder().encode("123456789");
const range = Uint8Array.from({ length: 32 }, (_, i) => i);

describe("checks", () => {
  // The values of RFC 3720, appendix B.4, and the usual one of nine digits.
  it.each([
    ["digits", digits, 0xe3069283],
    ["nothing", new Uint8Array(), 0],
    ["zeros", new Uint8Array(32), 0x8a9136aa],
    ["ones", new Uint8Array(32).fill(255), 0x62a8ab43],
    ["ascending", range, 0x46dd794e],
    ["descending", range.toReversed(), 0x113fdb5c],
  ])("CRC-32C of %s", (_, bytes, check) => {
    expect(crc32c(bytes)).toBe(check);
  });

  it("CRC-32", () => {
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc32(new TextEncoder().encode("IEND"))).toBe(0xae426082);
  });

  it("is masked, and stays unsigned", () => {
    // Of the length 24, as at the beginning of every file of TensorFlow.
    const length = Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0);
    expect(maskedCrc32c(length)).toBe(0xa3 + 0x7f * 256 + 0x4b * 65536 + 0x22 * 16777216);
    for (let i = 0; i < 64; i++) {
      const check = maskedCrc32c(Uint8Array.of(i));
      expect(check).toBeGreaterThanOrEqual(0);
      expect(check).toBeLessThan(2 ** 32);
    }
  });
});
