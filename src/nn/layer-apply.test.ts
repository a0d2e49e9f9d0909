import { describe, expect, it } from "vitest";
import type { Tensor } from "../tensor/tensor.ts";
import { Layer } from "./layer.ts";
import * as layers from "./layers/index.ts";
import { setRandomSeed } from "./seed.ts";

const row = (...data: number[]) => ({ data: Float32Array.from(data), shape: [1, data.length] });

describe("a layer on arrays", () => {
  it("is built by its first ones, and keeps to their shape where it has weights", async () => {
    const layer = layers.dense({ units: 2, kernelInitializer: "ones" });
    expect(await layer.apply([[1, 2, 3]])).toEqual(row(6, 6));
    expect(await layer.apply({ data: Uint8Array.of(1, 2, 3), shape: [1, 3] })).toEqual(row(6, 6));
    await expect(layer.apply([[1, 2]])).rejects.toThrow(
      "Dense: inputs of shape [3], as it was built for, got [2].",
    );
  });

  it("takes any shape that fits where it has no weights, as Keras's do", async () => {
    const relu = layers.relu();
    expect(await relu.apply([[1, -2, 3]])).toEqual(row(1, 0, 3));
    expect(await relu.apply([[-1, 2]])).toEqual(row(0, 2));
    const flatten = layers.reshape({ targetShape: [-1] });
    expect((await flatten.apply({ data: new Float32Array(12), shape: [1, 3, 4] })).shape).toEqual([
      1, 12,
    ]);
    expect((await flatten.apply({ data: new Float32Array(6), shape: [3, 2] })).shape).toEqual([
      3, 2,
    ]);
  });

  it("that could not be computed leaves the layer as it was", async () => {
    class Picky extends Layer {
      call(x: Tensor): Tensor {
        return x.reshape([x.shape[0]!, 2]);
      }
    }
    const layer = new Picky();
    await expect(layer.apply([[1, 2, 3]])).rejects.toThrow();
    expect(layer.built).toBe(false);
    const add = layers.add();
    await expect(add.apply([row(1, 2), row(1, 2, 3)])).rejects.toThrow("Add: inputs whose shapes");
    expect(await add.apply([row(1, 2), row(3, 4)])).toEqual(row(4, 6));
  });

  it("draws weights from its seed, the next one after setRandomSeed, or a random one", async () => {
    const x = [[1, 2, 3]];
    const fresh = (seed?: number) =>
      layers.dense({ units: 4 }).apply(x, seed === undefined ? {} : { seed });
    expect(await fresh(7)).toEqual(await fresh(7));
    expect(await fresh(7)).not.toEqual(await fresh(8));
    // Two layers of one shape must not be twins.
    expect(await fresh()).not.toEqual(await fresh());
    const both = async () => {
      setRandomSeed(3);
      return [await fresh(), await fresh()];
    };
    const [first, second] = await both();
    expect(first).not.toEqual(second);
    expect(await both()).toEqual([first, second]);
  });

  it("checks its options", async () => {
    const apply = (options: object) => layers.relu().apply([[1]], options);
    await expect(apply({ training: true })).rejects.toThrow(
      'ReLU apply: option names must be known, got "training". ' +
        "Known names: sampling, batchStatistics, seed, step.",
    );
    await expect(apply({ sampling: 1 })).rejects.toThrow("sampling must be true or false, got 1.");
    await expect(apply({ seed: -1 })).rejects.toThrow("seed must be a whole number in [0, 2^53)");
    await expect(apply({ step: 0.5 })).rejects.toThrow("step must be a whole number of at least 0");
  });

  it("refuses what is no batch, and lists for layers of one input", async () => {
    const dense = () => layers.dense({ units: 1 });
    await expect(dense().apply([])).rejects.toThrow(
      "Dense apply: at least one sample, [n, ...], got [0].",
    );
    await expect(dense().apply({ data: new Float32Array(0), shape: [0, 3] })).rejects.toThrow(
      "got [0, 3].",
    );
    await expect(dense().apply([1, 2])).rejects.toThrow(
      "Dense: inputs of at least one dimension beside the batch, got [].",
    );
    await expect(dense().apply([["a"]] as never)).rejects.toThrow(
      'Dense apply: element [0, 0] must be a number, got "a".',
    );
    const lists =
      "inputs that the layer takes; one that joins no inputs takes no list, got a list, of shapes " +
      "[2] and [2]. Join them first, e.g. layers.concatenate().apply([a, b]).";
    const pair = [row(1, 2), row(1, 2)];
    await expect(dense().apply(pair)).rejects.toThrow(`Dense: ${lists}`);
    await expect(layers.relu().apply(pair)).rejects.toThrow(`ReLU: ${lists}`);
  });
});
