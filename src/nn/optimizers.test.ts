import { describe, expect, it } from "vitest";
import type { Shape } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { Trace } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import { Optimizer } from "./optimizer.ts";
import { type NadamOptions, optimizers, type SgdOptions } from "./optimizers.ts";
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
