import { describe, expect, it } from "vitest";
import { checkNumber, checkWhole, settings } from "./options.ts";

interface Options {
  readonly size: number;
  readonly rate?: number;
}

const defaults = { size: undefined, rate: 0.5 };
const read = (options: Options) => settings<Options, typeof defaults>(options, defaults, "thing");

describe("options", () => {
  it("get their defaults, also where undefined is given", () => {
    expect(read({ size: 3 })).toEqual({ size: 3, rate: 0.5 });
    expect(read({ size: 3, rate: undefined as never })).toEqual({ size: 3, rate: 0.5 });
    expect(read({ size: 3, rate: 0 })).toEqual({ size: 3, rate: 0 });
  });

  it("must be known", () => {
    expect(() => read({ size: 3, Rate: 1 } as never)).toThrow(
      'thing: option names must be known, got "Rate". Did you mean "rate"?',
    );
    expect(() => read({ size: 3, toString: 1 } as never)).toThrow('got "toString"');
    expect(() => read(3 as never)).toThrow(
      "thing: options must be an object, got 3. Options: size, rate.",
    );
    expect(() => read(undefined as never)).toThrow("options must be an object, got undefined");
  });

  it("numbers have ranges", () => {
    const check = (value: unknown, range: Parameters<typeof checkNumber>[3]) => () =>
      checkNumber(value, "rate", "thing", range);
    expect(check(1, { from: 0, to: 1 })).not.toThrow();
    expect(check(1, { from: 0, below: 1 })).toThrow("thing: rate must be in [0, 1), got 1.");
    expect(check(0, { above: 0, to: 1 })).toThrow("rate must be in (0, 1], got 0.");
    expect(check(-1, { from: 0 })).toThrow("rate must be a finite number of at least 0, got -1.");
    expect(check(Number.NaN, {})).toThrow("rate must be a finite number, got NaN.");
    expect(check("1", { from: 0 })).toThrow('got "1".');
    expect(() => checkWhole(2.5, "units", "thing")).toThrow(
      "thing: units must be a whole number of at least 1, got 2.5.",
    );
  });
});
