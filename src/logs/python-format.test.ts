/** Numbers as Python formats them: tools/golden/checkpoints.py. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ValueError } from "../base/errors.ts";
import { formatNumber, readFormat } from "./python-format.ts";

type Num = number | string;
interface Golden {
  readonly floats: [string, string[]][];
  readonly floatValues: Num[];
  readonly whole: [string, string[]][];
  readonly wholeValues: Num[];
  readonly good: [string, boolean, boolean][];
}
const path = join(import.meta.dirname, "../../tools/golden/checkpoints.json");
const { formats }: { formats: Golden } = JSON.parse(readFileSync(path, "utf8"));
const { floats, floatValues, whole, wholeValues } = formats;

const written = (spec: string, isWhole: boolean, values: readonly Num[]) =>
  values.map((value) => formatNumber(Number(value), readFormat(spec, isWhole, "test"), isWhole));

describe("Python's formats", () => {
  it.each(floats)("of values, %j", (spec, expected) => {
    expect(written(spec, false, floatValues)).toEqual(expected);
  });

  it.each(whole)("of counts, %j", (spec, expected) => {
    expect(written(spec, true, wholeValues)).toEqual(expected);
  });

  it("are not those of toFixed, which rounds ties up", () => {
    const rounded = (value: Num) => Number(value).toFixed(0);
    const [, expected] = floats.find(([spec]) => spec === ".0f")!;
    expect(floatValues.map(rounded)).not.toEqual(expected);
    expect([formatNumber(2.5, readFormat(".0f", false, "test"), false), rounded(2.5)]).toEqual([
      "2",
      "3",
    ]);
  });

  it.each(formats.good)("are refused where Python does: %j", (spec, isFloat, isCount) => {
    const read = (isWhole: boolean) => () => readFormat(spec, isWhole, "test");
    if (isFloat) read(false)();
    else expect(read(false)).toThrow(ValueError);
    if (isCount) read(true)();
    else expect(read(true)).toThrow(ValueError);
  });

  it("say what they may be", () => {
    expect(() => readFormat("q", false, "a {loss:q}")).toThrow(
      "a {loss:q}: a format must be [fill][align][sign][0][width][,][.precision][type], " +
        'got "q". Examples: "02d" for a count, ".4f", ".2e" or ".1%" for a value.',
    );
    expect(() => readFormat("02d", false, "x")).toThrow("type d is for epoch and batch only");
    expect(() => readFormat(".2d", true, "x")).toThrow("a whole number has no precision");
  });
});
