import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as layers from "../nn/layers/index.ts";
import { input } from "../nn/layers/input.ts";
import type { SymbolicTensor } from "../nn/symbolic.ts";
import { Engine } from "../runtime/engine.ts";
import { Functional } from "./functional.ts";
import { Net } from "./net.ts";
import { Sequence } from "./sequence.ts";
import { formatBytes, summary } from "./summary.ts";

const golden = (name: string) =>
  readFileSync(new URL(`../../tools/golden/summary-${name}.txt`, import.meta.url), "utf8");

const netOf = (all: layers.Layer[], name = "sequential") =>
  new Net(new Sequence(all), name, 1, () => new Engine({ device: "reference" }));

const functional = (inputs: SymbolicTensor[], outputs: SymbolicTensor[], name: string) =>
  new Net(new Functional(inputs, outputs), name, 1, () => new Engine({ device: "reference" }));

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

  it("of functional models has what layers are connected to", () => {
    const last = layers.dense({ units: 2, name: "value" });
    const kind = layers.dense({ units: 3, activation: "softmax", name: "kind" });
    const right = input({ shape: [3], name: "right" });
    const left = input({ shape: [3], name: "left" });
    const shared = layers.dense({ units: 4, activation: "elu", name: "shared" });
    const after = shared.apply(right);
    const before = shared.apply(left);
    const deeper = layers.dense({ units: 4, name: "deeper" }).apply(before);
    const added = layers.add({ name: "added" }).apply([deeper, after]);
    const joined = layers.concatenate({ name: "joined" }).apply([added, left]);
    const outputs = [kind.apply(joined), last.apply(added)];
    const net = functional([left, right], outputs, "ends");
    expect(summary(net)).toBe(golden("ends"));
    shared.trainable = false;
    net.compile({ optimizer: "adam", loss: ["sparseCategoricalCrossentropy", "mse"] });
    net.compiledFor("test").optimizer.build(net.trainableWeights);
    expect(summary(net)).toBe(golden("ends-frozen"));
  });

  it("of a functional chain is as narrow as a sequential one's", () => {
    const x = input({ shape: [4] });
    const first = layers.dense({ units: 300, trainable: false });
    const last = layers.dense({ units: 2, name: "a_name_that_is_longer_than_its_column" });
    const y = layers.batchNormalization().apply(first.apply(x));
    expect(summary(functional([x], [last.apply(y)], "line"))).toBe(golden("line"));
  });

  it("of shared layers lists all their applications", () => {
    const first = input({ shape: [2, 3], name: "a_long_name_of_an_input" });
    const second = input({ shape: [2, 3] });
    const name = "a_shared_block_with_a_name_too_long_for_its_column";
    const block = layers.dense({ units: 3, name });
    const parts = [block.apply(first), block.apply(second), block.apply(block.apply(first))];
    const joined = layers.concatenate({ axis: 1 }).apply([...parts, second]);
    const outputs = [layers.batchNormalization().apply(joined)];
    expect(summary(functional([first, second], outputs, "wide"))).toBe(golden("wide"));

    const x = input({ shape: [3] });
    const twice = layers.dense({ units: 3 });
    expect(summary(functional([x], [twice.apply(twice.apply(x))], "twice"))).toBe(golden("twice"));
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
