/**
 * Packing: columns of an operand that lie apart are brought together, so that each step of the reduced
 * axis is one piece. `sources` point at the columns of one register tile, `to` at the packed block,
 * `end` behind its last step.
 */
import type { Code, Local } from "./assembler.ts";

/** Four steps of four columns at a time: a 4x4 transpose in registers. */
export function packTransposed(code: Code, sources: readonly Local[], to: Local, end: Local): void {
  const width = sources.length;
  code.repeatWhile(() => {
    for (let j = 0; j < width; j += 4) {
      const rows = sources.slice(j, j + 4).map((source) => {
        const row = code.local("v128");
        code.get(source).do("v128.load").set(row);
        code.get(source).i32(16).do("i32.add").set(source);
        return row;
      });
      const [r0, r1, r2, r3] = rows as [Local, Local, Local, Local];
      const pairs = [
        [r0, r1, lowPairs],
        [r2, r3, lowPairs],
        [r0, r1, highPairs],
        [r2, r3, highPairs],
      ] as const;
      const halves = pairs.map(([x, y, lanes]) => {
        const half = code.local("v128");
        code.get(x).get(y).shuffle(lanes).set(half);
        return half;
      });
      const [l01, l23, h01, h23] = halves as [Local, Local, Local, Local];
      const columns = [
        [l01, l23, firstHalves],
        [l01, l23, secondHalves],
        [h01, h23, firstHalves],
        [h01, h23, secondHalves],
      ] as const;
      for (const [step, [x, y, lanes]] of columns.entries())
        code
          .get(to)
          .get(x)
          .get(y)
          .shuffle(lanes)
          .do("v128.store", 4 * (step * width + j));
      code.release(...rows, ...halves);
    }
    code
      .get(to)
      .i32(16 * width)
      .do("i32.add")
      .tee(to)
      .get(end)
      .do("i32.lt_u");
  });
}

/** One element at a time, `kStride` elements apart in each source. */
export function packLanes(
  code: Code,
  sources: readonly Local[],
  kStride: number,
  to: Local,
  end: Local,
): void {
  code.repeatWhile(() => {
    for (const [j, source] of sources.entries()) {
      code
        .get(to)
        .get(source)
        .do("i32.load")
        .do("i32.store", 4 * j);
      code
        .get(source)
        .i32(4 * kStride)
        .do("i32.add")
        .set(source);
    }
    code
      .get(to)
      .i32(4 * sources.length)
      .do("i32.add")
      .tee(to)
      .get(end)
      .do("i32.lt_u");
  });
}

const words = (...lanes: readonly number[]) =>
  lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
const lowPairs = words(0, 4, 1, 5);
const highPairs = words(2, 6, 3, 7);
const firstHalves = words(0, 1, 4, 5);
const secondHalves = words(2, 3, 6, 7);
