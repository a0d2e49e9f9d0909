import { describe, expect, it } from "vitest";
import { NameCounter, toSnakeCase } from "./names.ts";

describe("names", () => {
  it("are Keras's snake case", () => {
    const names = ["Dense", "BatchNormalization", "ReLU", "ELU", "AlphaDropout", "MyLayer2"];
    expect(names.map(toSnakeCase)).toEqual([
      "dense",
      "batch_normalization",
      "re_lu",
      "elu",
      "alpha_dropout",
      "my_layer2",
    ]);
  });

  it("count by stem and leave out what is taken", () => {
    const counter = new NameCounter(new Set(["dense_1"]));
    const stems = ["dense", "dropout", "dense", "dense", "dropout"];
    expect(stems.map((stem) => counter.next(stem))).toEqual([
      "dense",
      "dropout",
      "dense_2",
      "dense_3",
      "dropout_1",
    ]);
  });
});
