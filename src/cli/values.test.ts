import { describe, expect, it } from "vitest";
import { folderPath, someOf } from "./values.ts";

describe("someOf", () => {
  const parse = someOf(["elu", "bn", "selu"]);

  it("takes names in the order given", () => {
    expect(parse("elu")).toEqual(["elu"]);
    expect(parse("selu, elu")).toEqual(["selu", "elu"]);
  });

  it.each([
    ["", "It must be one of: elu, bn, selu."],
    ["elu,", "It must be one of: elu, bn, selu."],
    ["elu,selo", "It must be one of: elu, bn, selu. Did you mean selu?"],
    ["elu,bn,elu", "It has elu twice."],
  ])("refuses %o", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });
});

it("a path is not empty", () => {
  expect(folderPath("a b")).toBe("a b");
  expect(() => folderPath("")).toThrow("It must be a path.");
});
