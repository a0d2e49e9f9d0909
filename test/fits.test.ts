/** Small fits against real Keras 3 (tools/golden/fits.py): histories, weights and predictions. */
import { afterAll, describe, expect, it } from "vitest";
import {
  Engine,
  type FitOptions,
  losses,
  type Model,
  metrics,
  modelFromJson,
  optimizers,
} from "../src/index.ts";
import { golden, type Nested, valuesOf } from "../src/nn/values.case.ts";

interface Fit {
  readonly name: string;
  readonly model: object;
  readonly optimizer: { readonly class_name: string; readonly config: Record<string, unknown> };
  readonly loss: object;
  readonly compile: {
    readonly metrics?: readonly (string | object)[];
    readonly weighted_metrics?: readonly (string | object)[];
  };
  readonly fit: {
    readonly class_weight?: Record<string, number>;
    readonly sample_weight?: true;
    readonly validation_data?: true;
    readonly validation_split?: number;
  };
  readonly y: Nested;
  readonly initialWeights: readonly Nested[];
  readonly history: Readonly<Record<string, readonly number[]>>;
  readonly finalWeights: readonly Nested[];
  readonly predictions: Nested;
}

const file = golden<{
  batchSize: number;
  epochs: number;
  x: Nested;
  held: { x: Nested; y: Nested };
  sampleWeight: Nested;
  fits: Fit[];
  /** The history of "batch normalization" with variances of n - 1. */
  sampleVariance: Fit["history"];
}>("fits.json");

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

const array = (nested: Nested) => {
  const { data, shape } = valuesOf(nested);
  return { data: Float32Array.from(data), shape };
};

/** The model and what it is trained with, as the golden file has them in Keras's configs. */
async function modelOf(golden: Fit, optimizer: object = golden.optimizer): Promise<Model> {
  const model = modelFromJson(golden.model, { seed: 1, engine });
  const list = (given: readonly (string | object)[] = []) =>
    given.map((one) => (typeof one === "string" ? (ours(one) as "mse") : metrics.deserialize(one)));
  model.compile({
    optimizer: optimizers.deserialize(optimizer),
    loss: losses.deserialize(golden.loss),
    metrics: list(golden.compile.metrics),
    weightedMetrics: list(golden.compile.weighted_metrics),
  });
  await model.setWeights(golden.initialWeights.map(array));
  return model;
}

/** The fit's options, before somebody changes them. */
function optionsOf({ fit }: Fit): FitOptions {
  return {
    batchSize: file.batchSize,
    epochs: file.epochs,
    shuffle: false,
    ...(fit.class_weight && { classWeight: fit.class_weight }),
    ...(fit.sample_weight && { sampleWeight: array(file.sampleWeight) }),
    ...(fit.validation_split && { validationSplit: fit.validation_split }),
    ...(fit.validation_data && {
      validationData: [array(file.held.x), array(file.held.y)] as const,
    }),
  };
}

/** `val_weighted_accuracy` -> `valWeightedAccuracy`. */
const ours = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The largest difference of histories, and of weights by the largest of each. */
async function distance(golden: Fit, model: Model, options: FitOptions) {
  const y = array(golden.y);
  const x = array((file.x as Nested[]).slice(0, y.shape[0]));
  const { history } = await model.fit(x, y, options);
  const keys = Object.keys(golden.history);
  const histories = keys.flatMap((key) =>
    golden.history[key].map((value, epoch) =>
      Math.abs((history[ours(key)]?.[epoch] ?? 1e9) - value),
    ),
  );
  const found = await model.getWeights();
  const weights = found.map(({ data }, i) => {
    const expected = valuesOf(golden.finalWeights[i]).data;
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return (
      expected.reduce((most, value, k) => Math.max(most, Math.abs(data[k] - value)), 0) / largest
    );
  });
  return {
    keys: Object.keys(history).sort(),
    wanted: keys.map(ours).sort(),
    history: Math.max(...histories),
    weights: Math.max(...weights),
  };
}

const named = (name: string): Fit => file.fits.find((golden) => golden.name === name)!;

describe("fits against Keras", () => {
  it("are more than twenty", () => {
    expect(file.fits.length).toBeGreaterThan(20);
  });

  it.each(file.fits.map((golden) => [golden.name, golden] as const))("%s", async (_, golden) => {
    const model = await modelOf(golden);
    const found = await distance(golden, model, optionsOf(golden));
    expect(found.keys).toEqual(found.wanted);
    expect(found.history).toBeLessThan(1e-4);
    expect(found.weights).toBeLessThan(5e-4);
    const predicted = await model.predict(array(file.held.x));
    const expected = valuesOf(golden.predictions).data;
    for (const [i, value] of expected.entries()) expect(predicted.data[i]).toBeCloseTo(value, 3);
  });
});

describe("what only looks alike is rejected", () => {
  const far = async (golden: Fit, options: FitOptions, optimizer?: object) => {
    const found = await distance(golden, await modelOf(golden, optimizer), options);
    return Math.max(found.history / 1e-4, found.weights / 5e-4);
  };

  it("shuffled samples, and a last batch that is left out", async () => {
    const golden = named("elu, Keras 3's Nadam");
    expect(await far(golden, { ...optionsOf(golden), shuffle: true })).toBeGreaterThan(5);
    const two = { ...golden, y: (golden.y as Nested[]).slice(0, 2 * file.batchSize) };
    expect(await far(two, optionsOf(golden))).toBeGreaterThan(5);
  });

  it("batch normalization by variances of n - 1", async () => {
    const golden = { ...named("batch normalization"), history: file.sampleVariance };
    const found = await distance(golden, await modelOf(golden), optionsOf(golden));
    expect(found.history).toBeGreaterThan(5e-4);
  });

  it("weights of classes and samples that are ignored", async () => {
    for (const name of ["class weights", "sample weights"]) {
      const { classWeight: _, sampleWeight: __, ...options } = optionsOf(named(name));
      expect(await far(named(name), options)).toBeGreaterThan(5);
    }
  });

  it.each([
    ["elu, Keras 3's Nadam", { decay: 0.004 }],
    ["clipnorm", { clipnorm: null }],
    ["globalClipnorm", { global_clipnorm: null, clipnorm: 0.3 }],
    ["average of weights", { use_ema: false }],
    ["average that overwrites", { ema_overwrite_frequency: null }],
    ["accumulation", { gradient_accumulation_steps: 3 }],
    ["selu, AdamW", { weight_decay: 0 }],
    ["a schedule", { learning_rate: 0.3 }],
  ])("%s with %j", async (name, change) => {
    const golden = named(name);
    const { optimizer } = golden;
    const changed = { ...optimizer, config: { ...optimizer.config, ...change } };
    expect(await far(golden, optionsOf(golden), changed)).toBeGreaterThan(5);
  });
});
