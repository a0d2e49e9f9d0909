/** Models to files and back. What real Keras says of them: tools/verify/keras_files.py. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readZip } from "../src/formats/zip.ts";
import {
  callbacks,
  Engine,
  input,
  Layer,
  layers,
  loadModel,
  type Model,
  model,
  optimizers,
  registerSerializable,
  Sequential,
  schedules,
  sequential,
  type Tensor,
} from "../src/index.ts";
import type { Variable } from "../src/tensor/variable.ts";

const engine = new Engine({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "antler-files-"));
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

const place = (name: string) => join(folder, name);
const rows = 24;
const data = (size: number, k = 0) => ({
  data: Float32Array.from({ length: rows * size }, (_, i) => Math.sin(1.3 * i + k)),
  shape: [rows, size],
});
const x = data(4);
const y = data(2, 1);

const noisy = (seed = 3) =>
  sequential(
    [
      layers.dense({ units: 8, activation: "elu", inputShape: [4] }),
      layers.batchNormalization(),
      layers.dropout({ rate: 0.3 }),
      layers.dense({ units: 2 }),
    ],
    { engine, seed },
  );

async function trained(optimizer: Parameters<Model["compile"]>[0] = {}): Promise<Model> {
  const net = noisy();
  net.compile({ optimizer: optimizers.nadam(), loss: "meanSquaredError", ...optimizer });
  await net.fit(x, y, { epochs: 2, batchSize: 8 });
  return net;
}

const bits = async (net: Pick<Model, "getWeights">) =>
  (await net.getWeights()).map(({ data: values }) => [...values]);

describe("a model that is loaded", () => {
  it.each(["keras", "h5"])("goes on bit for bit: .%s", async (ending) => {
    const net = await trained();
    await net.predict(x);
    await net.save(place(`bits.${ending}`));
    const again = await loadModel(place(`bits.${ending}`), { engine });
    expect(again.seed).toBe(3);
    const [a, b] = [
      await net.fit(x, y, { epochs: 2, batchSize: 8 }),
      await again.fit(x, y, { epochs: 2, batchSize: 8 }),
    ];
    expect(b.history).toEqual(a.history);
    expect(await bits(again)).toEqual(await bits(net));
    // Another seed draws other noise.
    const other = await loadModel(place(`bits.${ending}`), { engine, seed: 4 });
    const c = await other.fit(x, y, { epochs: 2, batchSize: 8 });
    expect(c.history.loss).not.toEqual(a.history.loss);
  });

  it("comes from bytes: Uint8Array, ArrayBuffer, Blob, a part of a buffer", async () => {
    const net = await trained();
    const bytes = await net.toBytes("keras");
    const wide = new Uint8Array(bytes.length + 8);
    wide.set(bytes, 8);
    const expected = await bits(net);
    for (const file of [bytes, bytes.buffer, new Blob([bytes]), wide.subarray(8)])
      expect(await bits(await loadModel(file, { engine }))).toEqual(expected);
    const weights = new Blob([await net.toBytes("weights.h5")]);
    const other = noisy(5);
    await other.loadWeights(weights);
    expect(await bits(other)).toEqual(expected);
  });

  it("is not compiled with compile: false, nor where it was not", async () => {
    const net = await trained();
    const bytes = await net.toBytes();
    const bare = await loadModel(bytes, { engine, compile: false });
    expect(() => bare.optimizer).toThrow("the model must be compiled first");
    const never = await loadModel(await noisy().toBytes(), { engine });
    expect(() => never.optimizer).toThrow("the model must be compiled first");
  });

  it("is a Sequential where it was one", async () => {
    const again = await loadModel(await noisy().toBytes(), { engine });
    expect(again).toBeInstanceOf(Sequential);
    (again as Sequential).add(layers.dense({ units: 1 }));
    expect((await again.predict(x)).shape).toEqual([rows, 1]);
  });

  it("tells its kind by the content, not by the name", async () => {
    const net = await trained();
    writeFileSync(place("odd.h5"), await net.toBytes("keras"));
    writeFileSync(place("odd.keras"), await net.toBytes("h5"));
    for (const name of ["odd.h5", "odd.keras"])
      expect(await bits(await loadModel(place(name), { engine }))).toEqual(await bits(net));
  });

  it("has its frozen layers, and names of outputs in a list", async () => {
    const one = input({ shape: [4], name: "in" });
    const hidden = layers.dense({ units: 3, trainable: false, name: "kept" });
    const outputs = [layers.dense({ units: 2 }).apply(hidden.apply(one))];
    const net = model({ inputs: one, outputs, engine });
    const again = await loadModel<never>(await net.toBytes(), { engine });
    expect(again.trainableWeights.length).toBe(2);
    expect(again.getLayer("kept").trainable).toBe(false);
    expect(Array.isArray(await again.predict(x))).toBe(true);
  });
});

describe("an optimizer in a file", () => {
  const compiledWith = async (optimizer: ReturnType<typeof optimizers.sgd>) => {
    const net = await trained({ optimizer });
    return { net, again: await loadModel(await net.toBytes(), { engine }) };
  };
  const kerasConfig = async (net: Model) => {
    const config = (await readZip(await net.toBytes())).get("config.json");
    const { compile_config: compile } = JSON.parse(new TextDecoder().decode(config));
    return compile.optimizer.config as Record<string, unknown>;
  };

  it("keeps a schedule that Keras lacks; Keras gets the rate of today", async () => {
    const oneCycle = schedules.oneCycle({ maxRate: 0.5, totalSteps: 20, preset: "pytorch" });
    const { net, again } = await compiledWith(optimizers.sgd({ learningRate: oneCycle }));
    expect(again.optimizer.schedule?.name).toBe("oneCycle");
    expect(again.optimizer.learningRate).toBe(oneCycle(6));
    const config = await kerasConfig(net);
    expect(config.learning_rate).toBe(oneCycle(6));
    expect(config.momentum).toBe(oneCycle.momentum!(6));
    const after = [];
    for (const one of [net, again]) {
      await one.fit(x, y, { epochs: 1, batchSize: 8 });
      after.push(await bits(one));
    }
    expect(after[1]).toEqual(after[0]);
  });

  it("keeps the factor of a plateau, of a number and of a schedule", async () => {
    const cosine = { initialLearningRate: 0.2, decaySteps: 10, alpha: 0.1 };
    const rates = [0.2, schedules.cosineDecay(cosine)];
    for (const learningRate of rates) {
      const net = await trained({ optimizer: optimizers.sgd({ learningRate }) });
      net.optimizer.rateFactor = 0.5;
      const again = await loadModel(await net.toBytes(), { engine });
      expect(again.optimizer.rateFactor).toBe(0.5);
      expect(again.optimizer.learningRate).toBe(net.optimizer.learningRate);
      const { learning_rate: rate } = await kerasConfig(net);
      expect(JSON.stringify(rate)).toContain("0.1");
      expect(Object.keys(await kerasConfig(net))).not.toContain("rate_factor");
    }
  });

  it("keeps a function that is registered", async () => {
    const halved = registerSerializable((step: number) => 0.1 * 0.5 ** step, { name: "halved" });
    const { net, again } = await compiledWith(optimizers.sgd({ learningRate: halved }));
    expect(again.optimizer.schedule?.(3)).toBe(halved(3));
    expect(again.optimizer.learningRate).toBe(halved(6));
    expect((await kerasConfig(net)).learning_rate).toBe(halved(6));
  });

  it("has the rate of today for a user's own function", async () => {
    const own = (step: number) => 0.5 / (step + 1);
    const { again } = await compiledWith(optimizers.sgd({ learningRate: own }));
    expect(again.optimizer.schedule).toBe(undefined);
    expect(again.optimizer.learningRate).toBe(own(6));
  });

  it("keeps options that Keras lacks, and weights that do not decay", async () => {
    const adam = optimizers.adam({ weightDecay: 0.1, weightDecayMode: "coupled" });
    adam.excludeFromWeightDecay({ names: ["bias"] });
    const { net, again } = await compiledWith(adam);
    expect(again.optimizer.options).toMatchObject({ weightDecayMode: "coupled" });
    expect(again.trainableWeights.map((weight) => again.optimizer.decays(weight))).toEqual(
      net.trainableWeights.map((weight) => adam.decays(weight)),
    );
    expect(Object.keys(await kerasConfig(net))).not.toContain("weight_decay_mode");
  });

  it("is not built by saving", async () => {
    const net = noisy();
    net.compile({ optimizer: optimizers.adagrad(), loss: "meanSquaredError" });
    const bytes = await net.toBytes();
    expect(net.optimizer.built).toBe(false);
    const again = await loadModel(bytes, { engine });
    const kernel = again.trainableWeights[0]!;
    const [accumulator] = again.optimizer.slotsOf(kernel);
    // What Adagrad begins with.
    expect((await accumulator!.read()).data[0]).toBe(Math.fround(0.1));
  });
});

class Scale extends Layer {
  static override readonly className: string = "Scale";
  factor!: Variable;
  override build([size]: readonly number[]) {
    this.factor = this.addWeight({ name: "factor", shape: [size!], initializer: "ones" });
  }
  call(value: Tensor, { trace }: { trace: { read(variable: Variable): Tensor } }) {
    return value.multiply(trace.read(this.factor));
  }
}

class Registered extends Scale {
  static override readonly className = "Registered";
}
registerSerializable(Registered, { package: "files" });

describe("a user's own layers", () => {
  const withLayer = (layer: Layer) =>
    sequential([layers.dense({ units: 4, inputShape: [4] }), layer], { engine });

  it("come back by customObjects, or registered", async () => {
    const net = withLayer(new Scale());
    await net.layers[1]!.setWeights([[1, 2, 3, 4]]);
    const bytes = await net.toBytes();
    await expect(loadModel(bytes, { engine })).rejects.toThrow(
      /^loadModel: deserialize layer: class_name must be a layer .* got "Scale"\. Pass customObjects: \{ Scale \}/,
    );
    const again = await loadModel(bytes, { engine, customObjects: { Scale } });
    expect(again.layers[1]).toBeInstanceOf(Scale);
    expect(await bits(again)).toEqual(await bits(net));
    const registered = withLayer(new Registered());
    expect((await loadModel(await registered.toBytes(), { engine })).layers[1]).toBeInstanceOf(
      Registered,
    );
  });
});

describe("saving while a fit runs", () => {
  it("writes the state between two steps, beside it and in its hooks", async () => {
    const states = new Map<number, number[][]>();
    const twin = noisy();
    const compile = { optimizer: optimizers.adam(), loss: "meanSquaredError" } as const;
    twin.compile({ ...compile, optimizer: optimizers.adam() });
    let step = 0;
    const record = {
      async onTrainBatchEnd() {
        states.set(++step, await bits(twin));
      },
    };
    await twin.fit(x, y, { epochs: 12, batchSize: 8, callbacks: [record] });

    const net = noisy();
    net.compile(compile);
    const inHooks: Uint8Array[] = [];
    const save = { onEpochEnd: async () => inHooks.push(await net.toBytes()) };
    const fit = net.fit(x, y, { epochs: 12, batchSize: 8, callbacks: [save] });
    const beside: Uint8Array[] = [];
    for (let i = 0; i < 4; i++) beside.push(await net.toBytes());
    await fit;
    expect(inHooks.length).toBe(12);
    for (const bytes of [...inHooks.slice(0, 3), ...beside]) {
      const again = await loadModel(bytes, { engine });
      const [{ data: count }, { data: steps }] = [
        await again.optimizer.iterations.read(),
        await again.net.step.read(),
      ];
      expect(steps[0]).toBe(count[0]);
      if (count[0] > 0) expect(await bits(again)).toEqual(states.get(count[0]!));
    }
  });

  it("loads weights in a hook, not beside it", async () => {
    const net = await trained();
    const bytes = await net.toBytes("weights.h5");
    const outside: unknown[] = [];
    const hook = {
      async onEpochEnd() {
        await net.loadWeights(bytes, { optimizer: false });
      },
    };
    const fit = net.fit(x, y, { epochs: 2, batchSize: 8, callbacks: [hook] });
    await net.loadWeights(bytes).catch((error) => outside.push(error.message));
    await fit;
    expect(outside).toEqual([
      "loadWeights: no fit of this model may be running, got a call while one runs. " +
        "Await the fit first, or end it with an AbortSignal.",
    ]);
  });

  it("checkpoints that a callback writes are loaded", async () => {
    const net = noisy();
    net.compile({ optimizer: "adam", loss: "meanSquaredError" });
    const path = place("best.keras");
    const best = callbacks.modelCheckpoint(path);
    await net.fit(x, y, { epochs: 3, batchSize: 8, callbacks: [best] });
    const again = await loadModel(path, { engine });
    expect(await again.evaluate(x, y)).toEqual(await net.evaluate(x, y));
  });
});

describe("paths", () => {
  it("are known by their endings", async () => {
    const net = await trained();
    const message = (path: unknown, weights = false) =>
      (weights ? net.saveWeights(path as string) : net.save(path as string)).catch(
        (e) => e.message,
      );
    expect(await message("model.onnx")).toBe(
      "save model.onnx: a path that ends in .keras, .h5, .hdf5, got another ending. " +
        'Example: model.save("model.keras"); for weights alone model.saveWeights("model.weights.h5").',
    );
    expect(await message("model.weights.h5")).toContain("Use model.saveWeights for weights alone.");
    expect(await message("model.safetensors")).toContain(
      "Use model.saveWeights for weights alone.",
    );
    expect(await message("model.h5", true)).toBe(
      "saveWeights model.h5: a path that ends in .weights.h5, .safetensors, got another ending. " +
        'Example: model.saveWeights("model.weights.h5"); for the whole model model.save("model.keras").',
    );
    expect(await message(3)).toBe("save: a path, got 3.");
    expect(await message("")).toBe('save: a path, got "".');
    await expect(net.toBytes("onnx" as never)).rejects.toThrow(
      'toBytes: one of keras, h5, weights.h5, safetensors, got "onnx".',
    );
    await expect(loadModel(7 as never)).rejects.toThrow(
      "loadModel: a path, or a file's bytes as Uint8Array, ArrayBuffer or Blob, got 7.",
    );
    await expect(loadModel(place("none.keras"))).rejects.toThrow(place("none.keras"));
  });

  it("are not written over with overwrite: false", async () => {
    const net = await trained();
    const path = place("once.keras");
    await net.save(path, { overwrite: false });
    const before = readFileSync(path);
    await expect(net.save(path, { overwrite: false })).rejects.toThrow(
      `${path}: must not be there yet with overwrite: false, got a file. ` +
        "Choose another path, or pass { overwrite: true }.",
    );
    expect(readFileSync(path)).toEqual(before);
    await net.save(path);
    await expect(net.save(path, { overwrite: 1 } as never)).rejects.toThrow("overwrite");
    await expect(net.save(path, { over: true } as never)).rejects.toThrow("overwrite");
  });

  it("need a model that is built", async () => {
    const net = sequential([layers.dense({ units: 2 })], { engine });
    await expect(net.save(place("unbuilt.keras"))).rejects.toThrow(
      "save: a model that is built, got one whose input shape is not known yet.",
    );
    await expect(net.loadWeights(new Uint8Array(9))).rejects.toThrow("a model that is built");
  });
});
