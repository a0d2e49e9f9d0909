/** Every optimizer through the public API: it converges, and nothing is compiled a second time. */
import { afterAll, describe, expect, it } from "vitest";
import {
  defaultEngine,
  Engine,
  type HostArray,
  layers,
  type Optimizer,
  optimizers,
  schedules,
  sequential,
  Variable,
} from "../src/index.ts";
import { readVariables } from "../src/tensor/variable.ts";

const engine = new Engine({ threads: 1 });
afterAll(() => engine.close());

/** y = 2 a - b + 0.5 c + 1, without noise. */
function regression(n: number): { x: HostArray; y: HostArray } {
  const x = Float32Array.from({ length: n * 3 }, (_, i) => Math.sin((i + 1) * 12.9898) * 1.5);
  const y = Float32Array.from({ length: n }, (_, i) => {
    const [a, b, c] = x.subarray(3 * i);
    return 2 * a - b + 0.5 * c + 1;
  });
  return { x: { data: x, shape: [n, 3] }, y: { data: y, shape: [n, 1] } };
}

const { x, y } = regression(64);

function modelWith(optimizer: Optimizer) {
  const layer = layers.dense({ units: 1, kernelInitializer: "zeros", inputShape: [3] });
  const model = sequential([layer], { seed: 3, engine });
  model.compile({ optimizer, loss: "meanSquaredError" });
  return model;
}

const rates = {
  sgd: 0.05,
  rmsprop: 0.03,
  adam: 0.1,
  adamW: 0.1,
  nadam: 0.1,
  adamax: 0.1,
  adagrad: 0.5,
  adadelta: 30,
  lion: 0.03,
  ftrl: 0.5,
} satisfies Record<string, number>;

type Name = keyof typeof rates;
const names = Object.keys(optimizers).filter((name) => name in rates) as Name[];

/** Option variants that change the chain. */
const variants: readonly [Name, object][] = [
  ["sgd", { momentum: 0.5, nesterov: true }],
  ["sgd", { momentum: 0.5, momentumOf: "gradients", dampening: 0.2 }],
  ["rmsprop", { momentum: 0.3, centered: true, epsilon: 1e-3 }],
  ["adam", { amsgrad: true, biasCorrection: "moments" }],
  ["sgd", { clipnorm: 5, useEma: true, emaMomentum: 0.5, emaOverwriteFrequency: 4 }],
  ["adam", { gradientAccumulationSteps: 2, globalClipnorm: 5 }],
  ["adamax", { weightDecay: 1e-5, weightDecayMode: "coupled", epsilonPlace: "inside" }],
  ["nadam", { lossScaleFactor: 16, weightDecay: 1e-5, clipvalue: 10 }],
];

const cases: readonly [string, Name, object][] = [
  ...names.map((name): [string, Name, object] => [name, name, {}]),
  ...variants.map(([name, options]): [string, Name, object] => [
    `${name} ${JSON.stringify(options)}`,
    name,
    options,
  ]),
];

const make = (name: Name, options: object): Optimizer =>
  (optimizers[name] as (options: object) => Optimizer)(options);

describe("every optimizer", () => {
  it("is tested", () => {
    const known = Object.keys(optimizers).filter((name) => !/serialize/i.test(name));
    expect(names).toEqual(known);
  });

  it.each(cases)("%s converges, and compiles once", async (_, name, options) => {
    const optimizer = make(name, { learningRate: rates[name], ...options });
    const model = modelWith(optimizer);
    const { history } = await model.fit(x, y, { batchSize: 16, epochs: 1 });
    const compilations = engine.compilations;
    await model.fit(x, y, { batchSize: 16, epochs: 30 });
    // FTRL's weights are proportional to its rate.
    const alpha = name === "ftrl" ? 1 : 0.01;
    const decay = { initialLearningRate: rates[name], decaySteps: 400, alpha };
    optimizer.learningRate = schedules.cosineDecay(decay);
    await model.fit(x, y, { batchSize: 16, epochs: 40 });
    optimizer.rateFactor = name === "ftrl" ? 1 : 0.5;
    const last = (await model.fit(x, y, { batchSize: 16, epochs: 20 })).history.loss.at(-1)!;
    expect(last).toBeLessThan(0.01 * history.loss[0]);
    expect(last).toBeLessThan(0.02);
    // Other rates, schedules and factors, and another model of the same kind: the same program.
    await modelWith(
      make(name, { ...options, learningRate: (step: number) => 0.1 / (step + 1) }),
    ).fit(x, y, { batchSize: 16, epochs: 1 });
    expect(engine.compilations).toBe(compilations);
  });
});

describe("every optimizer on every device", () => {
  const reference = new Engine({ device: "reference" });
  const threads = [2, 3].map((count) => new Engine({ threads: count }));
  afterAll(() => {
    for (const one of [reference, ...threads]) one.close();
  });

  /** Weights after two epochs of a net whose kernels are shared among threads. */
  async function trained(name: Name, options: object, on: Engine): Promise<number[]> {
    const dense = layers.dense({ units: 96, activation: "elu", inputShape: [3] });
    const model = sequential([dense, layers.dense({ units: 96 }), layers.dense({ units: 1 })], {
      seed: 3,
      engine: on,
    });
    const optimizer = make(name, { learningRate: 0.1 * rates[name], ...options });
    model.compile({ optimizer, loss: "meanSquaredError" });
    await model.fit(x, y, { batchSize: 16, epochs: 2 });
    return (await model.getWeights()).flatMap(({ data }) => [...data]);
  }

  it.each(cases)("%s has the same bits on any number of threads", async (_, name, options) => {
    const one = await trained(name, options, engine);
    for (const on of threads) expect(await trained(name, options, on)).toEqual(one);
    const slow = await trained(name, options, reference);
    const far = one.map((value, i) => Math.abs(value - slow[i]));
    // Steps of one size turn around where rounding decides a sign.
    const few = far.filter((distance) => distance > 1e-3).length;
    expect(few / far.length).toBeLessThan(0.01);
  });
});

describe("an optimizer in a fit", () => {
  const fit = { batchSize: 16, shuffle: false } as const;
  const flat = async (model: ReturnType<typeof modelWith>) =>
    (await model.getWeights()).flatMap(({ data }) => [...data]);

  it("follows its schedule step by step, and knows the rate of the next one", async () => {
    const rate = schedules.exponentialDecay({
      initialLearningRate: 0.1,
      decaySteps: 4,
      decayRate: 0.5,
    });
    const optimizer = optimizers.sgd({ learningRate: rate });
    const seen: number[] = [];
    const model = modelWith(optimizer);
    await model.fit(x, y, {
      ...fit,
      epochs: 2,
      callbacks: [{ onTrainBatchBegin: () => void seen.push(optimizer.learningRate) }],
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(rate));
    expect(optimizer.learningRate).toBe(rate(8));
    // All steps in one call are the same.
    const other = modelWith(optimizers.sgd({ learningRate: rate }));
    await other.fit(x, y, { ...fit, epochs: 2 });
    expect(await flat(other)).toEqual(await flat(model));
    // A rate set by hand, step by step, too.
    const byHand = modelWith(optimizers.sgd());
    let step = 0;
    await byHand.fit(x, y, {
      ...fit,
      epochs: 2,
      callbacks: [
        {
          onTrainBatchBegin: () => {
            byHand.optimizer.learningRate = rate(step++);
          },
        },
      ],
    });
    expect(await flat(byHand)).toEqual(await flat(model));
  });

  it("accumulates: two halves of a batch are one step", async () => {
    const whole = modelWith(optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }));
    await whole.fit(x, y, { ...fit, batchSize: 32, epochs: 3 });
    const options = { learningRate: 0.1, momentum: 0.9, gradientAccumulationSteps: 2 };
    const halves = modelWith(optimizers.sgd(options));
    await halves.fit(x, y, { ...fit, batchSize: 16, epochs: 3 });
    const [a, b] = [await flat(whole), await flat(halves)];
    for (const [i, value] of a.entries()) expect(Math.abs(value - b[i])).toBeLessThan(1e-5);
  });

  it("takes gradients of the loss as it was scaled", async () => {
    const plain = modelWith(optimizers.sgd({ learningRate: 0.1 }));
    const scaled = modelWith(optimizers.sgd({ learningRate: 0.1, lossScaleFactor: 1024 }));
    const histories = [plain, scaled].map((model) => model.fit(x, y, { ...fit, epochs: 2 }));
    const [a, b] = await Promise.all(histories);
    // A power of two changes no digit.
    expect(b.history).toEqual(a.history);
    expect(await flat(scaled)).toEqual(await flat(plain));
  });

  it("ends with the averages, also where it ends early, before hooks see the end", async () => {
    const weights: number[][] = [];
    const optimizer = optimizers.sgd({ learningRate: 0.1, useEma: true, emaMomentum: 0.5 });
    const model = modelWith(optimizer);
    const plain = modelWith(optimizers.sgd({ learningRate: 0.1 }));
    const path: number[][] = [];
    await plain.fit(x, y, {
      ...fit,
      epochs: 1,
      callbacks: [{ onTrainBatchEnd: async () => void path.push(await flat(plain)) }],
    });
    await model.fit(x, y, {
      ...fit,
      epochs: 9,
      callbacks: [
        {
          onEpochEnd: async () => {
            weights.push(await flat(model));
            model.stopTraining = true;
          },
          onTrainEnd: async () => void weights.push(await flat(model)),
        },
      ],
    });
    const average = path
      .slice(1)
      .reduce((mean, next) => mean.map((m, i) => 0.5 * m + 0.5 * next[i]), path[0]);
    const close = (found: number[], expected: number[]) => {
      for (const [i, value] of expected.entries())
        expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);
    };
    close(weights[0], path[3]);
    close(weights[1], average);
    close(await flat(model), average);
    expect(weights).toHaveLength(2);
  });

  it("applies gradients to variables that no model has, on the engine too", async () => {
    const variable = new Variable({ path: "v", shape: [2], initial: Float32Array.of(1, 2) });
    const optimizer = optimizers.adam({ learningRate: 0.1 });
    await optimizer.applyGradients([[[1, -4], variable]]);
    const { compilations } = defaultEngine();
    for (let step = 1; step < 3; step++) await optimizer.applyGradients([[[1, -4], variable]]);
    expect(defaultEngine().compilations).toBe(compilations);
    expect(compilations).toBeGreaterThan(0);
    const other = modelWith(optimizers.sgd());
    await other.fit(x, y, { ...fit, epochs: 1 });
    const kernel = other.layers[0].weights[0];
    const before = (await other.getWeights())[0].data[0];
    await optimizers.sgd({ learningRate: 0.5 }).applyGradients([[[[1], [0], [0]], kernel]]);
    expect((await other.getWeights())[0].data[0]).toBeCloseTo(before - 0.5, 6);
    // Adam's first steps have the size of the rate, whatever the gradients are.
    const [{ data }] = await readVariables([variable]);
    expect(data[0]).toBeCloseTo(0.7, 5);
    expect(data[1]).toBeCloseTo(2.3, 5);
  });
});
