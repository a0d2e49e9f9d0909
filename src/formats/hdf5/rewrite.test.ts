import { describe, expect, it, vi } from "vitest";
import type { TypedArray } from "../../base/dtype.ts";
import { rewriteHdf5 } from "./rewrite.ts";
import type { H5Dataset, H5Group } from "./types.ts";
import * as writer from "./write.ts";

const set = (data: TypedArray, shape: number[] = [data.length]): H5Dataset => ({
  kind: "dataset",
  shape,
  data,
  attributes: {},
});
const group = (children: H5Group["children"], attributes: H5Group["attributes"] = {}): H5Group => ({
  kind: "group",
  attributes,
  children,
});

/** Values that look like anything, marks and zeros among them. */
const tree = (seed: number, name = "dense"): H5Group =>
  group({
    layers: group({
      [name]: group(
        {
          "0": set(
            Float32Array.from({ length: 600 }, (_, i) => Math.sin(seed + i)),
            [20, 30],
          ),
          "1": set(new Float32Array(3)),
        },
        { name },
      ),
    }),
    optimizer: group({
      "0": set(Int32Array.of(seed)),
      "1": set(new Float32Array(Uint32Array.of(0x5eed_0001).buffer)),
      "2": set(Float64Array.of(seed, 2, 3)),
    }),
    vars: group({}),
  });

describe("a file that is written again", () => {
  it("has the library's bytes, which then is not asked any more", async () => {
    const spy = vi.spyOn(writer, "writeHdf5");
    for (let seed = 0; seed < 6; seed++) {
      const expected = await writer.writeHdf5(tree(seed));
      spy.mockClear();
      expect(Buffer.from(await rewriteHdf5(tree(seed))).equals(expected)).toBe(true);
      // Once, once more with marks, then never.
      expect(spy.mock.calls.length).toBe([1, 2, 0, 0, 0, 0][seed]);
    }
    // What is in a child of the name "data", or in attributes, counts too.
    const data = (shape: number[], more: H5Group["attributes"] = {}) =>
      group({ data: set(new Float32Array(6).fill(shape[0]), shape) }, more);
    const array = (value: number) => ({ array: { data: Float32Array.of(value), shape: [1] } });
    for (const one of [[6], [2, 3], [3, 2], [6], [3, 2]].map((shape) => data(shape)))
      for (let time = 0; time < 3; time++)
        expect(Buffer.from(await rewriteHdf5(one)).equals(await writer.writeHdf5(one))).toBe(true);
    for (const value of [1, 1, 1, 2]) {
      const one = data([6], array(value));
      expect(Buffer.from(await rewriteHdf5(one)).equals(await writer.writeHdf5(one))).toBe(true);
    }
    // Of another name it is another one.
    const other = tree(1, "dense_1");
    expect(Buffer.from(await rewriteHdf5(other)).equals(await writer.writeHdf5(other))).toBe(true);
    vi.restoreAllMocks();
  });

  it("is learnt where arrays lie at odd addresses", async () => {
    // Text attributes of any length move what is behind them.
    const many = (seed: number) =>
      group(
        Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => {
            const name = `layer${"x".repeat(i % 7)}${i}`;
            return [name, group({ "0": set(new Float32Array(100).fill(seed + i)) }, { name })];
          }),
        ),
      );
    const spy = vi.spyOn(writer, "writeHdf5");
    const bytes = await writer.writeHdf5(many(0.5));
    // Of what is looked for in whole words, some is missing.
    const at = Array.from({ length: 40 }, (_, i) =>
      Buffer.from(bytes).indexOf(Buffer.from(new Float32Array(100).fill(0.5 + i).buffer)),
    );
    expect(at.filter((address) => address % 4 !== 0).length).toBeGreaterThan(0);
    for (let seed = 1; seed < 4; seed++) await rewriteHdf5(many(seed));
    spy.mockClear();
    const again = await rewriteHdf5(many(0.5));
    expect(spy.mock.calls.length).toBe(0);
    expect(Buffer.from(again).equals(bytes)).toBe(true);
    vi.restoreAllMocks();
  });

  it("may be of what it does not learn", async () => {
    const odd = (data: H5Dataset["data"], shape: number[]) =>
      group({ a: { kind: "dataset", shape, data, attributes: {} } });
    for (const one of [odd(Uint8Array.of(1, 2, 3), [3]), odd(["x", "y"], [2]), group({})])
      for (let time = 0; time < 4; time++)
        expect(Buffer.from(await rewriteHdf5(one)).equals(await writer.writeHdf5(one))).toBe(true);
  });
});
