/** Weights as PyTorch has them: tools/golden/files_torch.py, and our own. */
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../src/formats/safetensors.ts";
import { Engine, type HostArray, layers, sequential } from "../src/index.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const place = (name: string) => new URL(`../tools/golden/${name}`, import.meta.url);
const torch = new Uint8Array(readFileSync(place("files-torch.safetensors")));
const golden = JSON.parse(readFileSync(place("files-torch.json"), "utf8")) as {
  names: Record<string, number[]>;
  inputs: number[][][];
  outputs: number[][];
};

const small = { epsilon: 1e-5 };

/** The layers of `files_torch.py`. */
const net = (names: readonly string[] = ["a", "b", "c", "d", "e", "f"]) => {
  const [a, b, c, d, e, f] = names;
  return sequential(
    [
      layers.flatten({ inputShape: [2, 3] }),
      layers.dense({ units: 5, name: a }),
      layers.batchNormalization({ ...small, name: b }),
      layers.elu(),
      layers.dropout({ rate: 0.1 }),
      layers.dense({ units: 5, useBias: false, name: c }),
      layers.layerNormalization({ ...small, name: d }),
      layers.prelu({ name: e }),
      layers.dense({ units: 3, name: f }),
      layers.softmax(),
    ],
    { engine, seed: 2 },
  );
};

type Net = ReturnType<typeof net>;

async function distance(model: Net): Promise<number> {
  const { data } = await model.predict(golden.inputs);
  const expected = golden.outputs.flat();
  return Math.max(...expected.map((value, i) => Math.abs(value - data[i]!)));
}

/** The file's tensors under other names, or changed. */
function changed(change: (tensors: Map<string, HostArray>) => void): Uint8Array {
  const tensors = new Map(readSafetensors(torch).tensors);
  change(tensors);
  return writeSafetensors({ tensors });
}

const renamed = (names: Record<string, string>) =>
  changed((tensors) => {
    for (const [name, tensor] of [...tensors]) {
      const [module, ...rest] = name.split(".") as [string, ...string[]];
      tensors.delete(name);
      tensors.set([names[module] ?? module, ...rest].join("."), tensor);
    }
  });

const named = { 1: "a", 2: "b", 5: "c", 6: "d", 7: "e", 11: "f" };

describe("a state_dict of PyTorch", () => {
  it("goes by the numbers of its modules: 11 comes after 2", async () => {
    const model = net();
    await model.loadWeights(torch);
    expect(await distance(model)).toBeLessThan(1e-5);
  });

  it("goes by the names of layers, without the count of batches too", async () => {
    const model = net();
    await model.loadWeights(renamed(named));
    expect(await distance(model)).toBeLessThan(1e-5);
    const again = net();
    await again.loadWeights(changed((tensors) => tensors.delete("2.num_batches_tracked")));
    expect(await distance(again)).toBeLessThan(1e-5);
  });

  it("near miss: kernels of PyTorch are transposed, and running_var is no running_mean", async () => {
    const model = net();
    await model.loadWeights(torch);
    const weights = await model.getWeights();
    const square = weights[6]!;
    const turned = square.data.map((_, i) => square.data[(i % 5) * 5 + Math.floor(i / 5)]!);
    const wrong = weights.map((one, i) => (i === 6 ? { ...one, data: turned } : one));
    await model.setWeights(wrong);
    expect(await distance(model)).toBeGreaterThan(1e-3);
    await model.loadWeights(
      changed((tensors) => tensors.set("2.running_mean", tensors.get("2.running_var")!)),
    );
    expect(await distance(model)).toBeGreaterThan(1e-3);
  });
});

describe("our own", () => {
  it("has PyTorch's names and layouts, and comes back the same", async () => {
    const model = net(["a", "b", "c", "d", "e", "f"]);
    await model.loadWeights(torch);
    const bytes = await model.toBytes("safetensors");
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: "pt" });
    const expected = readSafetensors(renamed(named)).tensors;
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, { data, shape }] of tensors) {
      expect([name, shape]).toEqual([name, expected.get(name)!.shape]);
      // The batches that this model was trained with.
      const values = name === "b.num_batches_tracked" ? [0] : [...expected.get(name)!.data];
      expect([...data]).toEqual(values);
    }
    const copy = net(["a", "b", "c", "d", "e", "f"]);
    await copy.loadWeights(bytes);
    expect(await copy.getWeights()).toEqual(await model.getWeights());
  });

  it("fills in what PyTorch's modules cannot be without", async () => {
    const model = sequential(
      [
        layers.batchNormalization({ scale: false, inputShape: [2], name: "b" }),
        layers.layerNormalization({ scale: false, name: "l" }),
        layers.rmsNormalization({ name: "r" }),
        layers.normalization({ name: "n" }),
      ],
      { engine },
    );
    const { tensors } = readSafetensors(await model.toBytes("safetensors"));
    expect([...tensors.keys()].sort()).toEqual(
      "b.bias b.num_batches_tracked b.running_mean b.running_var b.weight l.bias l.weight n.count n.mean n.variance r.weight".split(
        " ",
      ),
    );
    expect([...tensors.get("b.weight")!.data]).toEqual([1, 1]);
    const other = new Map(tensors).set("b.weight", { data: Float32Array.of(1, 2), shape: [2] });
    await expect(model.loadWeights(writeSafetensors({ tensors: other }))).rejects.toThrow(
      "loadWeights: b.weight must be 1 everywhere, for the layer has none, got other numbers.",
    );
  });
});

describe("what does not fit", () => {
  const unchanged = async (model: Net, bytes: Uint8Array, text: string): Promise<void> => {
    const before = await model.getWeights();
    await expect(model.loadWeights(bytes)).rejects.toThrow(text);
    expect(await model.getWeights()).toEqual(before);
  };

  it("names what was expected and what is there", async () => {
    const bytes = changed((tensors) => {
      tensors.delete("5.weight");
      tensors.set("extra", { data: Float32Array.of(1), shape: [1] });
    });
    await unchanged(
      net(),
      bytes,
      "loadWeights: must hold a.weight, a.bias, b.weight, b.bias, b.running_mean, b.running_var, c.weight, d.weight, d.bias, e.weight, f.weight, f.bias, or numbers of modules in place of the layers' names, got 2.num_batches_tracked, 1.bias, 1.weight, 11.bias, ",
    );
  });

  it("refuses names that could be either", async () => {
    const numbers = ["11", "2", "5", "6", "7", "1"];
    await unchanged(
      net(numbers),
      torch,
      "loadWeights: must hold names of layers, or numbers of modules, got names that are both, for other layers each: ",
    );
    // In the order of the layers both mean the same.
    const model = net(["1", "2", "5", "6", "7", "11"]);
    await model.loadWeights(torch);
    expect(await distance(model)).toBeLessThan(1e-5);
  });

  it("refuses other shapes, NaN, the state of an optimizer", async () => {
    const turned = changed((tensors) =>
      tensors.set("1.weight", { data: new Float32Array(30), shape: [6, 5] }),
    );
    await unchanged(
      net(),
      turned,
      "loadWeights: 1.weight (dense/kernel) must have shape [5, 6], got [6, 5].",
    );
    const broken = changed((tensors) =>
      tensors.set("11.bias", { data: Float32Array.of(0, Number.NaN, 0), shape: [3] }),
    );
    await unchanged(
      net(),
      broken,
      "loadWeights: 11.bias (dense_2/bias) must hold finite numbers, got NaN at 1.",
    );
    const model = net();
    await model.loadWeights(broken, { allowNonFinite: true });
    await expect(model.loadWeights(torch, { optimizer: true })).rejects.toThrow(
      "loadWeights: must hold the state of an optimizer, got weights alone. Pass { optimizer: false }.",
    );
  });
});
