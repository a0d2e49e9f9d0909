import { describe, expect, it } from "vitest";
import type { Dataset } from "../../base/dataset.ts";
import type { HostArray } from "../../base/host-array.ts";
import { layers, sequential } from "../../index.ts";
import type { Normalization } from "./index.ts";

const context = { path: "normalization", seed: 1 };
const rows = (values: readonly (readonly number[])[]): HostArray => ({
  data: Float32Array.from(values.flat()),
  shape: [values.length, values[0].length],
});
const data = rows([
  [1, 10],
  [3, 10],
  [5, 40],
]);

/** Chunks of a data set, of the given numbers of rows. */
const chunked = ({ data, shape }: HostArray, ...sizes: number[]): Dataset => ({
  size: shape[0],
  async *[Symbol.asyncIterator]() {
    const row = data.length / shape[0];
    let from = 0;
    for (const size of sizes) {
      const part = data.slice(from * row, (from + size) * row);
      const x = { data: part, shape: [size, ...shape.slice(1)] };
      yield { x, y: { data: new Float32Array(size), shape: [size] } };
      from += size;
    }
  },
});

const statistics = async (layer: Normalization) => {
  const [mean, variance] = await layer.getWeights();
  return { mean: [...mean.data], variance: [...variance.data] };
};

describe("normalization adapts", () => {
  const expected = { mean: [3, 20], variance: [Math.fround(8 / 3), 200] };

  it("before and after it is built, anew each time", async () => {
    const layer = layers.normalization();
    await layer.adapt(rows([[7, 7]]));
    await layer.adapt(data);
    layer.buildFor([2], context);
    expect(await statistics(layer)).toEqual(expected);
    await layer.adapt(rows([[7, 7]]));
    expect(await statistics(layer)).toEqual({ mean: [7, 7], variance: [0, 0] });
    await layer.adapt(data);
    expect(await statistics(layer)).toEqual(expected);
  });

  it("on a data set in chunks as on an array", async () => {
    for (const sizes of [[3], [1, 2], [1, 0, 1, 1]]) {
      const layer = layers.normalization();
      await layer.adapt(chunked(data, ...sizes));
      layer.buildFor([2], context);
      expect(await statistics(layer)).toEqual(expected);
    }
  });

  it("without cancelling, far from 0", async () => {
    const count = 1000;
    const values = Float32Array.from({ length: count }, (_, i) => 2 ** 20 + (i % 2));
    const layer = layers.normalization({ axis: null });
    await layer.adapt({ data: values, shape: [count, 1] });
    layer.buildFor([1], context);
    expect(await statistics(layer)).toEqual({ mean: [2 ** 20 + 0.5], variance: [0.25] });
    // The near miss: mean of squares minus square of the mean, in float32.
    const mean = values.reduce((sum, x) => Math.fround(sum + x), 0) / count;
    const squares = values.reduce((sum, x) => Math.fround(sum + x * x), 0) / count;
    expect(Math.abs(squares - mean * mean - 0.25)).toBeGreaterThan(0.1);
  });

  it("inside of a model, whose next call sees it; bytes go in as they are", async () => {
    const pixels = { data: Uint8Array.of(0, 255, 100, 55, 200, 155), shape: [3, 2] };
    const layer = layers.normalization({ inputShape: [2] });
    const model = sequential([layer]);
    expect((await model.predict(pixels)).data).toEqual(Float32Array.from(pixels.data));
    await layer.adapt(pixels);
    const { data: found } = await model.predict(pixels);
    const column = [0, 2, 4].map((i) => found[i]);
    expect(column[0]).toBeCloseTo(-Math.sqrt(1.5), 5);
    expect(column[1]).toBeCloseTo(0, 5);
    expect(model.trainableWeights).toEqual([]);
    expect(model.weights.map(({ path }) => path)).toEqual([
      "normalization/mean",
      "normalization/variance",
      "normalization/count",
    ]);
  });

  it("to nothing where the statistics are given", async () => {
    const layer = layers.normalization({ mean: 1, variance: 4, inputShape: [2] });
    const model = sequential([layer, layers.rescaling({ scale: [1, 10], offset: [0, 1] })]);
    expect((await model.predict([[5, 3]])).data).toEqual(Float32Array.of(2, 11));
    expect(model.weights).toEqual([]);
    await expect(layer.adapt(data)).rejects.toThrow(
      'Normalization "normalization" adapt: a layer without the options mean and variance, ' +
        "got one whose statistics are given.",
    );
  });
});

describe("normalization refuses", () => {
  it("impossible options", () => {
    const make = (options: object) => () => layers.normalization(options);
    expect(make({ mean: 1 })).toThrow(
      "Normalization: mean and variance must be given both or neither, got mean alone.",
    );
    expect(make({ mean: [1, 2], variance: [1] })).toThrow(
      "Normalization: mean and variance must have one shape, got [2] and [1].",
    );
    expect(make({ mean: [1, 2], variance: [1, -1] })).toThrow(
      "Normalization: each variance must be a finite number of at least 0, got -1.",
    );
    expect(make({ mean: "1", variance: 1 })).toThrow(
      'Normalization: mean must be a number or an array of numbers, got "1".',
    );
    expect(make({ axis: "last" })).toThrow(
      'Normalization: axis must be a whole number or an array of some, got "last".',
    );
    const build = (options: object, shape: number[]) => () =>
      layers.normalization(options).buildFor(shape, context);
    expect(build({ axis: 3 }, [2, 2])).toThrow(
      "Normalization: axis must be a dimension from 1 to 2 (or counted from the end) " +
        "of inputs of shape [2, 2], got 3.",
    );
    expect(build({ axis: 0 }, [2])).toThrow("got 0, the batch.");
    expect(build({ axis: [1, -1] }, [2])).toThrow(
      "Normalization: axis must name each dimension once, got [1, -1].",
    );
    expect(build({ mean: [1, 2, 3], variance: [1, 2, 3] }, [2])).toThrow(
      "Normalization: mean must broadcast to [2], got shape [3].",
    );
  });

  it("data that does not fit", async () => {
    const built = layers.normalization({ name: "n" });
    built.buildFor([3], context);
    await expect(built.adapt(data)).rejects.toThrow(
      'Normalization "n" adapt: samples like the inputs of shape [3] that it is built for, got [2].',
    );
    const adapted = layers.normalization({ name: "n" });
    await adapted.adapt(data);
    expect(() => adapted.buildFor([3], context)).toThrow(
      'Normalization "n": inputs like the samples of shape [2] that it is adapted to, got [3].',
    );
    const layer = layers.normalization();
    await expect(layer.adapt({ data: new Float32Array(0), shape: [0, 2] })).rejects.toThrow(
      "Normalization adapt: at least one sample, got none.",
    );
    await expect(layer.adapt(rows([[1, Number.NaN]]))).rejects.toThrow(
      "Normalization adapt: finite numbers in the data, got some in feature 1 that are not. " +
        "Replace NaN and infinities first.",
    );
    const growing: Dataset = {
      size: undefined,
      async *[Symbol.asyncIterator]() {
        yield { x: data, y: data };
        yield { x: rows([[1, 2, 3]]), y: data };
      },
    };
    await expect(layer.adapt(growing)).rejects.toThrow(
      "Normalization adapt: all samples of shape [2], as the first ones, got [3].",
    );
    const broken: Dataset = {
      size: undefined,
      // biome-ignore lint/correctness/useYield: it breaks off before the first one.
      async *[Symbol.asyncIterator]() {
        throw new Error("the disk is gone");
      },
    };
    await expect(layer.adapt(broken)).rejects.toThrow("the disk is gone");
  });
});
