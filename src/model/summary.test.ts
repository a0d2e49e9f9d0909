import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as layers from "../nn/layers/index.ts";
import { Engine } from "../runtime/engine.ts";
import { Net } from "./net.ts";
import { Sequence } from "./sequence.ts";
import { formatBytes, summary } from "./summary.ts";

const golden = (name: string) =>
  readFileSync(new URL(`../../tools/golden/summary-${name}.txt`, import.meta.url), "utf8");

const netOf = (all: layers.Layer[], name = "sequential") =>
  new Net(new Sequence(all), name, 1, () => new Engine({ device: "reference" }));

const small = () =>
  netOf(
    [
      layers.flatten({ inputShape: [2, 3, 2] }),
      layers.dense({ units: 5 }),
      layers.activation({ activation: "relu" }),
      layers.dropout({ rate: 0.2 }),
      layers.dense({ units: 4, activation: "elu", name: "a_name_that_is_longer_than_its_column" }),
      layers.dense({ units: 3, activation: "softmax" }),
    ],
    "small",
  );

describe("summary", () => {
  it("of the exercise's net is Keras's, letter by letter", () => {
    const hidden = Array.from({ length: 20 }, () =>
      layers.dense({ units: 100, activation: "elu", kernelInitializer: "zeros" }),
    );
    const net = netOf([
      layers.flatten({ inputShape: [32, 32, 3] }),
      ...hidden,
      layers.dense({ units: 10, activation: "softmax" }),
    ]);
    expect(summary(net)).toBe(golden("elu"));
  });

  it("wraps long names, before and after training", () => {
    const net = small();
    expect(summary(net)).toBe(golden("small"));
    net.compile({ optimizer: "nadam", loss: "sparseCategoricalCrossentropy" });
    expect(summary(net)).toBe(golden("small"));
    net.compiledFor("test").optimizer.build(net.trainableWeights);
    expect(summary(net)).toBe(golden("small-trained"));
  });

  it("of a net that is not built has no shapes", () => {
    const text = summary(netOf([layers.dense({ units: 3 })]));
    expect(text).toContain("│ dense (Dense)                        │ ?         ");
    expect(text).toContain("0 (unbuilt)");
  });

  it("sizes are in steps of 1024", () => {
    expect([0, 1023, 1024, 2_000_840, 5e9].map(formatBytes)).toEqual([
      "0.00 B",
      "1023.00 B",
      "1.00 KB",
      "1.91 MB",
      "4.66 GB",
    ]);
  });
});
