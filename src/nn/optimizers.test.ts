import { describe, expect, it } from "vitest";
import type { Shape } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { Trace } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { Optimizer } from "./optimizer.ts";
import {
  type NadamOptions,
  optimizerKind,
  optimizers,
  type SgdOptions,
  serializeOptimizer,
} from "./optimizers.ts";
import { schedules } from "./schedules.ts";
import { deserializePart, type Serialized } from "./serialization.ts";
import { accumulateMomentum, scaleByLearningRate, type Transform } from "./transforms.ts";
import { golden, type Nested, valuesOf } from "./values.case.ts";

type Part = "kernel" | "bias";
type ByPart = Readonly<Record<Part, Nested>>;

interface Case extends ByPart {
  readonly library: string;
  readonly name: "sgd" | "nadam";
  readonly config: SgdOptions & NadamOptions;
  readonly learningRates: readonly number[];
  readonly slots: { readonly [slot: string]: ByPart | number };
  readonly exact: ByPart;
}

interface Miss extends ByPart {
  readonly name: "sgd" | "nadam";
  readonly miss: string;
  readonly learningRates: readonly number[];
}

interface Golden {
  readonly initial: ByPart;
  readonly gradients: Readonly<Record<Part, readonly Nested[]>>;
  readonly cases: readonly Case[];
  readonly nearMisses: readonly Miss[];
}

const { optimizers: facts } = golden<{ optimizers: Golden }>("library.json");
const legacy = golden<Golden>("legacy.json");
const parts = ["kernel", "bias"] as const;

/** What the optimizer makes of the golden gradients: the weights after each step, and its state. */
function trajectory(optimizer: Optimizer, rates: readonly number[]) {
  const shapes: Record<Part, Shape> = { kernel: [3, 4], bias: [4] };
  const weights = parts.map(
    (path) =>
      new Variable({
        path,
        shape: shapes[path],
        trainable: true,
        initial: Float32Array.from(valuesOf(facts.initial[path]).data),
      }),
  );
  optimizer.build(weights);
  const trace = new Trace();
  const gradients = parts.map((part) => trace.input(part, "float32", shapes[part]));
  optimizer.apply(trace, weights, gradients);
  const { computation, variables } = trace.finish();
  const lowered = lower(computation);
  const all: Record<Part, number[][]> = { kernel: [], bias: [] };
  for (const [step, rate] of rates.entries()) {
    optimizer.learningRate = rate;
    const numbers = optimizer.numbers(step);
    const { updates } = interpret(
      lowered,
      ({ op, attributes }) => {
        const name = attributes.name!;
        if (op === "variable") return variables.get(name)!.hostValue!;
        const part = parts.find((other) => other === name);
        if (part) return valuesOf(facts.gradients[part][step]).data;
        return numbers.get(name)!;
      },
      "rounding",
    );
    for (const [name, { data }] of updates) variables.get(name)!.hostValue!.set(data);
    for (const [i, part] of parts.entries()) all[part].push([...weights[i].hostValue!]);
  }
  const slot = (name: string, part: Part) =>
    optimizer.slotsOf(weights[parts.indexOf(part)]).find(({ path }) => path.endsWith(`/${name}`))!
      .hostValue!;
  return { steps: all, slot };
}

/**
 * The largest distance of weights to expected ones, measured in the way that each weight went: of a
 * step of 1e-3 a millionth is 1e-9, but a float32 near 1 has no such digits.
 */
function distance(found: ArrayLike<number>, expected: ArrayLike<number>, part: Part): number {
  const start = valuesOf(facts.initial[part]).data;
  let worst = 0;
  for (let i = 0; i < start.length; i++) {
    const way = Math.abs(expected[i] - start[i]) + 1e-2 * Math.abs(start[i]) + 1e-12;
    worst = Math.max(worst, Math.abs(found[i] - expected[i]) / way);
  }
  return worst;
}

describe("optimizers over 30 steps", () => {
  for (const one of [...facts.cases, ...legacy.cases]) {
    const { library, name, config, learningRates, slots, exact } = one;
    it(`${library} ${name} ${JSON.stringify(config)} to ${learningRates.at(-1)}`, () => {
      const optimizer = optimizers[name](config);
      const { steps, slot } = trajectory(optimizer, learningRates);
      for (const part of parts) {
        const real = one[part] as readonly Nested[];
        for (const [step, found] of steps[part].entries())
          expect(distance(found, valuesOf(real[step]).data, part)).toBeLessThan(3e-4);
        expect(distance(steps[part].at(-1)!, valuesOf(exact[part]).data, part)).toBeLessThan(1e-4);
      }
      for (const [key, values] of Object.entries(slots)) {
        if (typeof values === "number") {
          const { u_product } = optimizer.transforms[0].scalars!(30);
          expect(Math.abs(u_product / values - 1)).toBeLessThan(1e-5);
        } else
          for (const part of parts) {
            const expected = valuesOf(values[part]).data;
            const found = slot(key, part);
            // Measured by the largest number. Keras takes 1 - beta2 of a float32: 1.3e-5 off.
            const scale = Math.max(...expected.map(Math.abs));
            for (const [i, value] of found.entries())
              expect(Math.abs(value - expected[i])).toBeLessThan(2e-5 * scale);
          }
      }
    });
  }

  it("rejects the near misses", () => {
    const options: Record<string, SgdOptions & NadamOptions> = {
      "epsilon inside the root": { epsilon: 1e-7 },
      "momentumDecay 1": { epsilon: 1e-7 },
      "PyTorch's momentum at a changing rate": { momentum: 0.9 },
      "momentum without nesterov": { momentum: 0.9, nesterov: true },
    };
    expect(facts.nearMisses.map(({ miss }) => miss).sort()).toEqual(Object.keys(options).sort());
    for (const { name, miss, learningRates, ...last } of facts.nearMisses) {
      const { steps } = trajectory(optimizers[name](options[miss]), learningRates);
      const found = parts.map((part) =>
        distance(steps[part].at(-1)!, valuesOf(last[part]).data, part),
      );
      expect(Math.max(...found)).toBeGreaterThan(3e-3);
    }
  });

  it("PyTorch's momentum is the same links in the other order", () => {
    const miss = facts.nearMisses.find((one) => one.miss.startsWith("PyTorch's momentum"))!;
    const torch = new Optimizer({
      name: "torch",
      learningRate: 0.01,
      transforms: [accumulateMomentum(0.9), scaleByLearningRate()],
    });
    const { steps } = trajectory(torch, miss.learningRates);
    for (const part of parts)
      expect(distance(steps[part].at(-1)!, valuesOf(miss[part]).data, part)).toBeLessThan(1e-4);
  });
});

describe("an optimizer's numbers", () => {
  const u = "optimizer/0/gradientScale";

  it("are a pure function of iteration and rate", () => {
    const optimizer = optimizers.nadam();
    const later = optimizer.numbers(1000);
    expect(optimizer.numbers(990, 11).get(u)![10]).toBe(later.get(u)![0]);
    const first = optimizer.numbers(0);
    expect([...optimizer.numbers(1000)]).toEqual([...later]);
    expect([...optimizers.nadam().numbers(0)]).toEqual([...first]);
    optimizer.learningRate = 0.5;
    const names = [...first.keys()];
    const changed = names.filter(
      (name) => optimizer.numbers(0).get(name)![0] !== first.get(name)![0],
    );
    expect(changed).toEqual(["optimizer/1/downhill"]);
  });

  it("are as exact as doubles after many steps", () => {
    const numbers = optimizers.nadam().numbers(99_999);
    expect(numbers.get("optimizer/0/velocityScale")![0]).toBe(1);
    const now = 0.9 * (1 - 0.5 * 0.96 ** (0.004 * 100_000));
    expect(numbers.get("optimizer/0/gradientScale")![0]).toBeCloseTo(1 - now, 12);
    const tenth = optimizers.nadam({ momentumDecay: 3.5 }).numbers(9);
    const u10 = 0.9 * (1 - 0.5 * 0.96 ** 35);
    let product = 1;
    for (let t = 1; t <= 10; t++) product *= 0.9 * (1 - 0.5 * 0.96 ** (3.5 * t));
    expect(tenth.get("optimizer/0/gradientScale")![0]).toBeCloseTo((1 - u10) / (1 - product), 14);
    expect(tenth.get("optimizer/0/velocityScale")![0]).toBeCloseTo(1 / (1 - 0.999 ** 10), 10);
  });
});

describe("bad input of optimizers", () => {
  it("is refused, and nothing changes", () => {
    expect(() => optimizers.sgd({ learningRate: -0.1 })).toThrow(
      "sgd: learningRate must be a finite number of at least 0, got -0.1.",
    );
    expect(() => optimizers.nadam({ learningRate: Number.NaN })).toThrow(
      "nadam: learningRate must be a finite number of at least 0, got NaN.",
    );
    expect(() => optimizers.nadam({ beta2: 1 })).toThrow("nadam: beta2 must be in [0, 1), got 1.");
    expect(() => optimizers.sgd({ momentum: 1.1 })).toThrow(
      "sgd: momentum must be in [0, 1], got 1.1.",
    );
    expect(() => optimizers.nadam({ beta_1: 0.9 } as never)).toThrow(
      'nadam: option names must be known, got "beta_1". Did you mean "beta1"?',
    );
    const optimizer = optimizers.sgd();
    expect(() => {
      optimizer.learningRate = -1;
    }).toThrow("sgd: learningRate must be a finite number of at least 0, got -1.");
    expect(optimizer.learningRate).toBe(0.01);
  });

  it("of a user's own is refused where it is no chain", () => {
    const own = (options: object) => () =>
      new Optimizer({ name: "mine", learningRate: 0.1, transforms: [], ...options });
    expect(own({ name: undefined })).toThrow("Optimizer: name must be a text, got undefined.");
    expect(own({ transforms: undefined })).toThrow(
      "mine: transforms must be an array of links, got undefined.",
    );
    expect(own({ transforms: [scaleByLearningRate(), "adam"] })).toThrow(
      'mine: transforms[1] must be a link, { name, update }, got "adam". ' +
        "Links of the library: transforms.scaleByLearningRate(), ...",
    );
    // A factory that was not called.
    expect(own({ transforms: [scaleByLearningRate] })).toThrow(
      "mine: transforms[0] must be a link",
    );
    expect(own({ learningRate: undefined })).toThrow("mine: learningRate must be a finite number");
  });

  it("names the link of a user's chain that is wrong", () => {
    const apply = (transform: Transform) => () =>
      trajectory(
        new Optimizer({ name: "mine", learningRate: 0.1, transforms: [transform] }),
        [0.1],
      );
    expect(apply({ name: "sum", update: (gradients) => gradients.map((g) => g.sum()) })).toThrow(
      "mine sum: an update of shape [3, 4] for weight 0, got [].",
    );
    expect(apply({ name: "few", update: () => [] })).toThrow("weight 0, got none.");
    expect(
      apply({
        name: "slots",
        update: (gradients, { slot }) => gradients.map((_, i) => slot("m", i).value),
      }),
    ).toThrow('mine slots: a slot that it declares, one of [], got "m".');
  });
});

describe("an optimizer's rate", () => {
  const cosine = schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
  const rateOf = (optimizer: Optimizer, step: number) =>
    -optimizer.numbers(step).get("optimizer/0/downhill")![0];

  it("is read and set at any time, with a schedule too", () => {
    const optimizer = optimizers.sgd({ learningRate: cosine });
    expect(optimizer.learningRate).toBe(0.1);
    expect(rateOf(optimizer, 4)).toBe(cosine(4));
    // Where the device holds the count, the host knows what it asked for last.
    optimizer.iterations.hostValue = undefined;
    expect(optimizer.learningRate).toBe(cosine(5));
    expect([...optimizer.numbers(6, 3).values()][0]).toEqual(
      Float64Array.of(-cosine(6), -cosine(7), -cosine(8)),
    );
    expect(optimizer.learningRate).toBe(cosine(9));
    optimizer.learningRate = 0.7;
    expect(optimizer.learningRate).toBe(0.7);
    expect(optimizer.schedule).toBeUndefined();
    expect(rateOf(optimizer, 4)).toBe(0.7);
    optimizer.learningRate = (step) => 1 / (step + 1);
    expect(rateOf(optimizer, 3)).toBe(0.25);
  });

  it("is a schedule times a factor, so that both can act", () => {
    const optimizer = optimizers.sgd({ learningRate: cosine, rateFactor: 0.5 });
    expect(rateOf(optimizer, 3)).toBe(cosine(3) * 0.5);
    optimizer.rateFactor *= 0.1;
    expect(rateOf(optimizer, 7)).toBe(cosine(7) * (0.5 * 0.1));
    const config = serializeOptimizer(optimizer) as Serialized;
    expect((config.config as Record<string, unknown>).rate_factor).toBe(0.05);
    const back = deserializePart(optimizerKind, JSON.parse(JSON.stringify(config)));
    expect(back.numbers(7)).toEqual(optimizer.numbers(7));
    optimizer.learningRate = 0.2;
    expect(optimizer.rateFactor).toBe(1);
    optimizer.rateFactor = 0.5;
    expect(optimizer.learningRate).toBe(0.1);
    // What is written is the rate as it is, without a key that Keras does not know.
    const { config: plain } = serializeOptimizer(optimizer) as Serialized;
    expect(plain).toMatchObject({ learning_rate: 0.1 });
    expect(plain).not.toHaveProperty("rate_factor");
  });

  it("has a momentum where its schedule cycles it", () => {
    const cycle = schedules.oneCycle({ preset: "pytorch", maxRate: 0.1, totalSteps: 10 });
    const momenta = (optimizer: Optimizer, name: string) =>
      [0, 4, 9].map((step) => optimizer.numbers(step).get(name)![0]);
    const expected = [0, 4, 9].map((step) => cycle.momentum!(step));
    const sgd = optimizers.sgd({ learningRate: cycle });
    expect(momenta(sgd, "optimizer/1/momentum")).toEqual(expected);
    const adam = optimizers.adam({ learningRate: cycle });
    expect(momenta(adam, "optimizer/0/newShare")).toEqual(expected.map((m) => 1 - m));
    const nadam = optimizers.nadam({ learningRate: cycle });
    const late = nadam.numbers(8);
    nadam.numbers(2);
    expect(nadam.numbers(8)).toEqual(late);
    nadam.learningRate = 0.1;
    expect(nadam.numbers(8).get("optimizer/0/newShare")![0]).toBe(1 - 0.9);
    // One update in two steps: the momentum is that of the step that updates.
    const rare = optimizers.sgd({ learningRate: cycle, gradientAccumulationSteps: 2 });
    expect(rare.numbers(3).get("optimizer/1/momentum")![0]).toBe(cycle.momentum!(3));
    expect(() => optimizers.adagrad({ learningRate: cycle })).toThrow(
      "adagrad: an optimizer with momentum or beta1 for a schedule that cycles it, " +
        "got schedule oneCycle. Pass cycleMomentum: false to the schedule.",
    );
    const plain = optimizers.adagrad();
    expect(() => {
      plain.learningRate = cycle;
    }).toThrow("adagrad: an optimizer with momentum or beta1");
    expect(plain.learningRate).toBe(0.001);
  });

  it("is no 0 for FTRL, which divides by it", () => {
    expect(() => optimizers.ftrl({ learningRate: 0 }).numbers(0)).toThrow(
      "ftrl: a learning rate above 0, because it divides by it, got 0. " +
        "Let its schedule end at a small rate.",
    );
  });
});

describe("an optimizer on arrays", () => {
  const variable = (values: number[], path = "w") =>
    new Variable({ path, shape: [values.length], initial: Float32Array.from(values) });

  it("changes variables by gradients, and has slots under Keras's names", async () => {
    const w = variable([1, 2]);
    const optimizer = optimizers.sgd({ learningRate: 0.5, momentum: 0.5 });
    expect(await optimizer.applyGradients([[[1, -2], w]])).toBe(1);
    expect([...w.hostValue!]).toEqual([0.5, 3]);
    expect(await optimizer.applyGradients([[[1, -2], w]])).toBe(2);
    expect([...w.hostValue!]).toEqual([-0.25, 4.5]);
    expect(optimizer.slotNames).toEqual(["momentum"]);
    expect([...optimizer.slot(w, "momentum").hostValue!]).toEqual([-0.75, 1.5]);
    expect(optimizer.slotsOf(w)).toEqual([optimizer.slot(w, "momentum")]);
    expect([...optimizer.iterations.hostValue!]).toEqual([2]);
  });

  it("takes steps that are asked for at once one after the other", async () => {
    const w = variable([1]);
    const optimizer = optimizers.sgd({ learningRate: (step) => (step === 0 ? 0.5 : 0.25) });
    const apply = (gradient: number[]) => optimizer.applyGradients([[gradient, w]]);
    const steps = [apply([1]), apply([1, 2]), apply([1])];
    const results = await Promise.allSettled(steps);
    expect(results.map((one) => (one.status === "fulfilled" ? one.value : "refused"))).toEqual([
      1,
      "refused",
      2,
    ]);
    expect([...w.hostValue!]).toEqual([0.25]);
  });

  it("takes a number as the gradient of a scalar", async () => {
    const w = new Variable({ path: "w", shape: [], initial: Float32Array.of(1) });
    await optimizers.sgd({ learningRate: 0.5 }).applyGradients([[1, w]]);
    expect([...w.hostValue!]).toEqual([0.5]);
    await expect(optimizers.sgd().applyGradients([[1, variable([1, 2])]])).rejects.toThrow(
      'sgd applyGradients: gradient 0 of shape [2], as "w", got [].',
    );
  });

  it("keeps the state of links apart that name it alike", async () => {
    const w = variable([0]);
    const chain = [accumulateMomentum(0.5), accumulateMomentum(0.25), scaleByLearningRate()];
    const optimizer = new Optimizer({ name: "two", learningRate: 1, transforms: chain });
    await optimizer.applyGradients([[[1], w]]);
    await optimizer.applyGradients([[[1], w]]);
    expect(optimizer.slotNames).toEqual(["momentum", "momentum_1"]);
    expect(optimizer.slot(w, "momentum").hostValue![0]).toBe(1.5);
    expect(optimizer.slot(w, "momentum_1").hostValue![0]).toBe(1.75);
    expect(optimizer.variables.map(({ path }) => path)).toEqual([
      "two/iteration",
      "two/w/momentum",
      "two/w/momentum_1",
    ]);
    expect(optimizer.entries.map(({ variable }) => variable).slice(2)).toEqual(
      optimizer.slotsOf(w),
    );
  });

  it("sets only the weights that it is asked for to their averages", async () => {
    const [a, b, c] = [variable([1], "a"), variable([1], "b"), variable([1], "c")];
    const optimizer = optimizers.sgd({ learningRate: 0.5, useEma: true, emaMomentum: 0.5 });
    for (let step = 0; step < 2; step++)
      await optimizer.applyGradients([
        [[1], a],
        [[1], b],
      ]);
    await optimizer.finalizeVariableValues([a, c]);
    expect([a, b, c].map((one) => one.hostValue![0])).toEqual([0.25, 0, 1]);
  });

  it("names all slots as Keras does", () => {
    const names = (optimizer: Optimizer) => optimizer.slotNames;
    expect(names(optimizers.adam({ amsgrad: true, useEma: true }))).toEqual([
      "average",
      "momentum",
      "velocity",
      "velocity_hat",
    ]);
    expect(names(optimizers.adadelta({ gradientAccumulationSteps: 2 }))).toEqual([
      "gradient_accumulator",
      "accumulated_grad",
      "accumulated_delta_var",
    ]);
  });

  it("keeps what accumulates, and what does not decay", async () => {
    const [kernel, bias] = [variable([1], "dense/kernel"), variable([1], "dense/bias")];
    const options = { learningRate: 0.5, gradientAccumulationSteps: 2, weightDecay: 0.5 };
    const optimizer = optimizers.sgd(options);
    optimizer.excludeFromWeightDecay({ names: ["bias"] });
    const step = (a: number, b: number) =>
      optimizer.applyGradients([
        [[a], kernel],
        [[b], bias],
      ]);
    await step(1, 2);
    expect([kernel, bias].map((one) => one.hostValue![0])).toEqual([1, 1]);
    expect(optimizer.slot(bias, "gradient_accumulator").hostValue![0]).toBe(2);
    await step(3, 2);
    expect([kernel, bias].map((one) => one.hostValue![0])).toEqual([-0.25, 0]);
    expect(optimizer.slot(bias, "gradient_accumulator").hostValue![0]).toBe(0);
    expect(() => optimizer.excludeFromWeightDecay({})).toThrow(
      "sgd excludeFromWeightDecay: an optimizer that was not built yet, got one with state.",
    );
    const other = optimizers.sgd({ weightDecay: 0.5 });
    expect(() => other.excludeFromWeightDecay({ names: "bias" as never })).toThrow(
      'sgd excludeFromWeightDecay: names must be an array of texts, got "bias". ' +
        'Example: { names: ["bias"] }',
    );
    expect(() => other.excludeFromWeightDecay({ variables: ["bias"] as never })).toThrow(
      'sgd excludeFromWeightDecay: variables must be an array of Variables, got ["bias"].',
    );
  });

  it("does not divide 0 by 0 in FTRL without an initial sum", async () => {
    const w = variable([1, 2]);
    const optimizer = optimizers.ftrl({ learningRate: 0.1, initialAccumulatorValue: 0 });
    await optimizer.applyGradients([[[0, 1], w]]);
    expect(w.hostValue![0]).toBe(1);
    expect(Number.isFinite(w.hostValue![1])).toBe(true);
  });

  it("does not clip a NaN away; only a common norm spreads it", async () => {
    const [a, b] = [variable([1], "a"), variable([1], "b")];
    const all: [number[], Variable][] = [
      [[Number.NaN], a],
      [[1], b],
    ];
    await optimizers.sgd({ clipnorm: 1 }).applyGradients(all);
    expect([a, b].map((one) => Number.isNaN(one.hostValue![0]))).toEqual([true, false]);
    const [c, d] = [variable([1], "c"), variable([1], "d")];
    await optimizers.sgd({ globalClipnorm: 1 }).applyGradients([
      [[Number.POSITIVE_INFINITY], c],
      [[1], d],
    ]);
    expect([c, d].map((one) => Number.isNaN(one.hostValue![0]))).toEqual([true, true]);
  });

  it("refuses what does not fit, and changes nothing", async () => {
    const w = variable([1, 2]);
    const optimizer = optimizers.sgd();
    const apply = (pairs: unknown) => optimizer.applyGradients(pairs as never);
    await expect(apply([])).rejects.toThrow(
      "sgd applyGradients: pairs of a gradient and a variable, got",
    );
    await expect(apply([[[1, 2], "w"]])).rejects.toThrow(
      'sgd applyGradients: pair 0 must be a gradient and a float32 Variable, got "w".',
    );
    await expect(apply([[[1, 2, 3], w]])).rejects.toThrow(
      'sgd applyGradients: gradient 0 of shape [2], as "w", got [3].',
    );
    await expect(
      apply([
        [[1, 2], w],
        [[1, 2], w],
      ]),
    ).rejects.toThrow('sgd applyGradients: each variable once, got "w" again in pair 1.');
    expect(optimizer.built).toBe(false);
    expect([...w.hostValue!]).toEqual([1, 2]);
    expect(() => optimizer.slot(w, "momentum")).toThrow(
      'sgd slot: a weight that it was built for, got "w". Train a step first',
    );
    await apply([[[1, 2], w]]);
    expect(() => optimizer.slot(w, "velocity")).toThrow(
      'sgd slot: the name of one of its slots, got "velocity".',
    );
  });
});

describe("bad input of the common options", () => {
  it("is refused", () => {
    const make = (options: object) => () => optimizers.adam(options);
    expect(make({ clipnorm: 1, clipvalue: 2 })).toThrow(
      'adam: at most one of clipnorm, clipvalue and globalClipnorm, got ["clipnorm", "clipvalue"].',
    );
    expect(make({ clipnorm: 0 })).toThrow("adam: clipnorm must be a finite number above 0, got 0.");
    expect(make({ gradientAccumulationSteps: 1 })).toThrow(
      "adam: gradientAccumulationSteps must be a whole number of at least 2, got 1.",
    );
    expect(make({ weightDecay: -1 })).toThrow(
      "adam: weightDecay must be a finite number of at least 0, got -1.",
    );
    expect(make({ emaMomentum: 1.5 })).toThrow("adam: emaMomentum must be in [0, 1], got 1.5.");
    expect(make({ useEma: true, emaOverwriteFrequency: 0 })).toThrow(
      "adam: emaOverwriteFrequency must be a whole number of at least 1, got 0.",
    );
    expect(make({ lossScaleFactor: 0 })).toThrow("lossScaleFactor must be a finite number above 0");
    expect(make({ weightDecayMode: "l2" })).toThrow(
      'adam: weightDecayMode must be one of "decoupled", "coupled", got "l2".',
    );
    expect(make({ beta1: 1 })).toThrow("adam: beta1 must be in [0, 1), got 1.");
    expect(make({ rateFactor: -1 })).toThrow("rateFactor must be a finite number of at least 0");
    expect(make({ momentum: 0.9 })).toThrow('adam: option names must be known, got "momentum".');
    expect(() => optimizers.lion({ beta1: 0 })).toThrow("lion: beta1 must be in (0, 1], got 0.");
    expect(() => optimizers.rmsprop({ rho: 1 })).toThrow("rmsprop: rho must be in [0, 1), got 1.");
    expect(() => optimizers.ftrl({ learningRatePower: 0.5 })).toThrow(
      "ftrl: learningRatePower must be",
    );
    expect(() => optimizers.adamW({ weightDecay: null as never })).toThrow(
      "adamW: weightDecay must be a finite number of at least 0, got null.",
    );
    expect(() => optimizers.sgd({ nesterov: true, momentum: 0.9, dampening: 0.1 })).toThrow(
      "sgd: dampening must be 0 with nesterov, got 0.1.",
    );
    expect(
      () =>
        new Optimizer({ name: "mine", learningRate: 0.1, transforms: [], clipNorm: 1 } as never),
    ).toThrow('mine: option names must be known, got "clipNorm". Did you mean "clipnorm"?');
  });

  it("of configs names class and key", () => {
    const read = (class_name: string, config: object) => () =>
      deserializePart(optimizerKind, { class_name, config });
    expect(read("Muon", {})).toThrow(
      "deserialize optimizer: class_name must be an optimizer of the library or a registered one, " +
        'got "Muon".',
    );
    expect(read("Adam", { beta_3: 1 })).toThrow(
      'optimizer adam config: keys of its config must be known, got "beta_3". Did you mean "beta_1"?',
    );
    expect(read("Adam", { learning_rate: { class_name: "Cosine", config: {} } })).toThrow(
      "deserialize schedule: class_name must be a schedule of the library or a registered one",
    );
    expect(
      read("Adam", {
        decay: 0.1,
        learning_rate: { class_name: "ExponentialDecay", config: {} },
      }),
    ).toThrow("optimizer adam config: a number as learning_rate beside a decay");
  });

  it("names users' own optimizers in messages and paths", () => {
    const optimizer = optimizers.adam({ name: "teacher" });
    optimizer.build([new Variable({ path: "dense/bias", shape: [2] })]);
    expect(optimizer.variables.map(({ path }) => path)).toEqual([
      "teacher/iteration",
      "teacher/dense/bias/momentum",
      "teacher/dense/bias/velocity",
    ]);
    expect(serializeOptimizer(optimizer)).toMatchObject({
      class_name: "Adam",
      config: { name: "teacher" },
    });
  });
});
