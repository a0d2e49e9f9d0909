import { describe, expect, it } from "vitest";
import { Variable } from "./variable.ts";

describe("a variable", () => {
  it("is read and written as an array", async () => {
    const weight = new Variable({ path: "w", shape: [2, 2] });
    expect(await weight.read()).toEqual({ data: new Float32Array(4), shape: [2, 2] });
    await weight.write([
      [1, 2],
      [3, 4],
    ]);
    const { data } = await weight.read();
    expect(data).toEqual(Float32Array.of(1, 2, 3, 4));
    data[0] = 9;
    expect((await weight.read()).data[0]).toBe(1);
    const count = new Variable({ path: "n", shape: [], dtype: "uint32" });
    await count.write({ data: Uint32Array.of(7), shape: [] });
    expect((await count.read()).data).toEqual(Uint32Array.of(7));
  });

  it("refuses another shape", async () => {
    const weight = new Variable({ path: "w", shape: [2] });
    await expect(weight.write([1, 2, 3])).rejects.toThrow('variable "w": shape [2], got [3].');
  });
});
