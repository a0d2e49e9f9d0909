/** A small model that is stopped, mistreated and robbed of a worker. It imports types only. */
import type * as Antler from "../../src/index.ts";
import type { Library } from "./training.ts";

/** The text of the error that something fails with. */
export async function attempt(task: () => unknown): Promise<string> {
  try {
    await task();
    return "no error";
  } catch (error) {
    return String(error);
  }
}

const [samples, inputs] = [64, 100];

/** A model that is large enough for four threads, and 64 samples for it. */
function small(antler: Library, engine: Antler.Engine, first?: Antler.Layer) {
  const { layers, sequential } = antler;
  const hidden = layers.dense({ units: 256, activation: "elu", inputShape: [inputs] });
  const last = layers.dense({ units: 3, activation: "softmax" });
  const model = sequential([...(first ? [first] : []), hidden, last], { seed: 1, engine });
  model.compile({ optimizer: "nadam", loss: "sparseCategoricalCrossentropy" });
  const data = Float32Array.from({ length: samples * inputs }, (_, i) => (i % 17) / 8 - 1);
  const y = Uint8Array.from({ length: samples }, (_, i) => i % 3);
  return { model, x: { data, shape: [samples, inputs] }, y };
}

async function withEngine<T>(
  antler: Library,
  options: Antler.EngineOptions,
  task: (engine: Antler.Engine) => Promise<T>,
): Promise<T> {
  const engine = new antler.Engine(options);
  try {
    return await task(engine);
  } finally {
    await engine.close();
  }
}

/** Trains two epochs: the losses. */
export function fitSmall(
  antler: Library,
  options: Antler.EngineOptions,
): Promise<readonly number[]> {
  return withEngine(antler, options, async (engine) => {
    const { model, x, y } = small(antler, engine);
    const { history } = await model.fit(x, y, { epochs: 2 });
    return history.loss!;
  });
}

/**
 * Trains an epoch, saves, and goes on with the model that it loads: the losses of both, and the
 * other formats' bytes as text.
 */
export function saveAndLoad(antler: Library, options: Antler.EngineOptions) {
  return withEngine(antler, options, async (engine) => {
    const { model, x, y } = small(antler, engine);
    await model.fit(x, y, { epochs: 1 });
    const files: string[] = [];
    // A `.keras` file has the time in it.
    for (const format of ["h5", "weights.h5", "safetensors"] as const) {
      const bytes = await model.toBytes(format);
      files.push(Array.from(bytes, (byte) => byte.toString(16)).join());
    }
    const saved = new Blob([await model.toBytes()]);
    const losses: number[] = [];
    for (const one of [model, await antler.loadModel(saved, { engine })]) {
      const { history } = await one.fit(x, y, { epochs: 1 });
      losses.push(...history.loss!);
    }
    return { files, losses };
  });
}

/** Aborts a fit after its third step, and goes on. */
export function abort(antler: Library, options: Antler.EngineOptions) {
  return withEngine(antler, options, async (engine) => {
    const { model, x, y } = small(antler, engine);
    const controller = new AbortController();
    const batches: number[] = [];
    const onTrainBatchEnd = (batch: number) => {
      if (batches.push(batch) === 3) controller.abort();
    };
    const { signal } = controller;
    const ended = await model.fit(x, y, { batchSize: 8, signal, callbacks: [{ onTrainBatchEnd }] });
    const { history } = await model.fit(x, y, { epochs: 2 });
    return { batches, epochs: ended.epoch.length, losses: history.loss };
  });
}

/** The texts of what goes wrong by mistakes of the user's. */
export function mistakes(antler: Library, options: Antler.EngineOptions): Promise<string[]> {
  class Broken extends antler.Layer {
    static override readonly className: string = "Broken";
    call(): Antler.Tensor {
      throw new RangeError("no output today");
    }
  }
  return withEngine(antler, options, async (engine) => {
    const { model, x, y } = small(antler, engine);
    const broken = () => small(antler, engine, new Broken({ inputShape: [inputs] }));
    const hook = () => {
      throw new TypeError("a hook's own");
    };
    return [
      await attempt(broken),
      await attempt(() => model.fit(x, y, { callbacks: [{ onEpochEnd: hook }] })),
      await attempt(() => model.fit(x, y.fill(3, 0, 1))),
      await attempt(() => model.predict({ data: new Float32Array(3), shape: [1, 3] })),
      await attempt(() => new antler.Engine({ threads: 0 })),
    ];
  });
}

/**
 * Lets a worker fail in the middle of a fit, while the others wait for it: the errors of this fit and
 * of the model's next one, and the losses of a new model on the same engine. For pages: workers are
 * caught where they are made.
 */
export function rob(antler: Library, options: Antler.EngineOptions) {
  const { Worker: Original } = globalThis;
  const workers: Worker[] = [];
  globalThis.Worker = class extends Original {
    constructor(...words: ConstructorParameters<typeof Worker>) {
      super(...words);
      workers.push(this);
    }
  };
  const watch: Antler.Callback = {
    onTrainBatchEnd(batch) {
      if (batch === 2) workers.at(-1)!.postMessage({ id: -1, action: "none" });
    },
  };
  return withEngine(antler, options, async (engine) => {
    const { model, x, y } = small(antler, engine);
    const other = small(antler, engine);
    const first = await attempt(() => model.fit(x, y, { batchSize: 16, callbacks: [watch] }));
    const second = await attempt(() => model.fit(x, y));
    const { history } = await other.model.fit(x, y, { epochs: 2 });
    return { threads: watch.params!.threads, errors: [first, second], losses: history.loss! };
  }).finally(() => {
    globalThis.Worker = Original;
  });
}
