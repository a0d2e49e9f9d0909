import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Arena } from "./arena.ts";

const unlimited = Number.POSITIVE_INFINITY;

describe("Arena", () => {
  it("places blocks side by side, aligned, and fills the first hole that fits", () => {
    const arena = new Arena();
    expect(arena.allocate([100, 300, 128], unlimited)).toEqual([128, 256, 640]);
    expect(arena.used).toBe(128 + 384 + 128);
    expect(arena.end).toBe(768);
    arena.free(256);
    expect(arena.allocate([385], unlimited)).toEqual([768]);
    expect(arena.allocate([384], unlimited)).toEqual([256]);
  });

  it("places all of a list or none", () => {
    const arena = new Arena();
    expect(arena.allocate([128, 128, 128], 512)).toEqual([128, 256, 384]);
    for (const place of [128, 256, 384]) arena.free(place);
    expect(arena.allocate([128, 128, 129], 512)).toBeUndefined();
    expect(arena.used).toBe(0);
    expect(arena.end).toBe(128);
    expect(arena.largestHole(512)).toBe(384);
  });

  it("refuses to free what is not there, or twice", () => {
    const arena = new Arena();
    const [place] = arena.allocate([64], unlimited)!;
    expect(() => arena.free(place! + 128)).toThrow("no block starts at");
    arena.free(place!);
    expect(() => arena.free(place!)).toThrow("no block starts at");
  });

  it("never lets blocks overlap, and is empty when all are freed", () => {
    const step = fc.record({ bytes: fc.integer({ min: 0, max: 2000 }), drop: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arena = new Arena();
        const blocks: { place: number; bytes: number }[] = [];
        for (const { bytes, drop } of steps) {
          const places = arena.allocate([bytes], 20_000);
          if (places) blocks.push({ place: places[0]!, bytes });
          const left = drop < 2 ? blocks.splice(drop, 1) : [];
          for (const { place } of left) arena.free(place);
          const sorted = blocks.toSorted((a, b) => a.place - b.place);
          for (const [i, block] of sorted.entries()) {
            expect(block.place % 128).toBe(0);
            const next = sorted[i + 1]?.place ?? 20_000;
            expect(block.place + block.bytes).toBeLessThanOrEqual(next);
          }
          expect(arena.used).toBe(Arena.bytesFor(blocks.map((block) => block.bytes)));
        }
        for (const { place } of blocks) arena.free(place);
        expect(arena.used).toBe(0);
        expect(arena.largestHole(20_000)).toBe(20_000 - 128);
      }),
      { numRuns: 200 },
    );
  });
});
