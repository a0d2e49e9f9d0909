import { describe, expect, it } from "vitest";
import { optimizerKind, optimizers, serializeOptimizer } from "./optimizers.ts";
import { type Schedule, scheduleKind, schedules } from "./schedules.ts";
import {
  deserializePart,
  registerSerializable,
  type Serialized,
  serializePart,
} from "./serialization.ts";
import { golden } from "./values.case.ts";

interface Golden {
  readonly keras: readonly {
    readonly name: keyof typeof schedules;
    readonly serialized: Serialized;
    readonly values: readonly number[];
  }[];
  readonly oneCycle: readonly {
    readonly preset: "book" | "fastai" | "pytorch";
    readonly options: { readonly maxRate: number; readonly totalSteps: number };
    readonly values: readonly number[];
    readonly momenta?: readonly number[];
  }[];
  readonly power: {
    readonly options: { readonly initialLearningRate: number; readonly decaySteps: number };
    readonly values: readonly number[];
  };
}

const facts = golden<Golden>("schedules.json");

/** The largest difference, relative to the largest value: rates fall to nothing. */
function difference(found: (step: number) => number, values: readonly number[]): number {
  const scale = Math.max(...values);
  return Math.max(...values.map((value, step) => Math.abs(found(step) - value) / scale));
}

describe("Keras's schedules", () => {
  it.each(
    facts.keras.map(
      (one) => [`${one.name} ${JSON.stringify(one.serialized.config)}`, one] as const,
    ),
  )("%s", (_, { name, serialized, values }) => {
    const schedule = deserializePart(scheduleKind, serialized);
    expect(schedule.name).toBe(name);
    expect(difference(schedule, values)).toBeLessThan(1e-6);
    // A step too early or late is another schedule, but for what stays.
    expect(difference((step) => schedule(step + 1), values)).toBeGreaterThan(1e-3);
    const { name: _name, ...config } = serialized.config as Record<string, unknown>;
    expect(serializePart(scheduleKind, schedule)).toEqual({ ...serialized, config });
  });
});

describe("tf_keras's schedules", () => {
  const { schedules: legacy } = golden<{
    schedules: readonly { readonly serialized: Serialized; readonly values: readonly number[] }[];
  }>("optimizers-legacy.json");

  it.each(legacy.map((one) => [one.serialized.class_name, one] as const))("%s", (_, one) => {
    const schedule = deserializePart(scheduleKind, one.serialized);
    expect(difference(schedule, one.values)).toBeLessThan(1e-6);
  });
});

describe("1cycle", () => {
  it.each(
    facts.oneCycle.map((one) => [`${one.preset} ${JSON.stringify(one.options)}`, one] as const),
  )("%s", (_, { preset, options, values, momenta }) => {
    const schedule = schedules.oneCycle({ preset, ...options });
    expect(difference(schedule, values)).toBeLessThan(1e-14);
    expect(difference((step) => schedule(step + 1), values)).toBeGreaterThan(1e-3);
    expect(schedule.momentum === undefined).toBe(momenta === undefined);
    if (momenta) expect(difference(schedule.momentum!, momenta)).toBeLessThan(1e-14);
    // Afterwards the last rate stays.
    expect(schedule(options.totalSteps + 1000)).toBe(schedule(options.totalSteps));
    expect(schedule(options.totalSteps)).toBeLessThanOrEqual(values.at(-1)! * (1 + 1e-12));
  });

  it("has three different presets", () => {
    const of = (preset: "book" | "fastai" | "pytorch") => {
      const schedule = schedules.oneCycle({ preset, maxRate: 1, totalSteps: 100 });
      return Array.from({ length: 101 }, (_, step) => schedule(step));
    };
    const [book, fastai, pytorch] = [of("book"), of("fastai"), of("pytorch")];
    expect([book, fastai, pytorch].map((rates) => rates.indexOf(Math.max(...rates)))).toEqual([
      44, 25, 29,
    ]);
    expect(book.at(-1)).toBeCloseTo(1e-4, 15);
    expect(fastai.at(-1)).toBeCloseTo(1e-5, 15);
    expect(pytorch.at(-1)).toBeCloseTo(4e-6, 15);
  });

  it("starts and ends sanely with few steps", () => {
    for (const preset of ["book", "fastai", "pytorch"] as const)
      for (let totalSteps = 1; totalSteps < 12; totalSteps++) {
        const schedule = schedules.oneCycle({ preset, maxRate: 0.5, totalSteps });
        for (let step = 0; step < 14; step++) {
          expect(schedule(step)).toBeGreaterThanOrEqual(0);
          expect(schedule(step)).toBeLessThanOrEqual(0.5);
        }
      }
  });
});

describe("schedules", () => {
  it("power is the book's", () => {
    const { options, values } = facts.power;
    expect(difference(schedules.powerDecay(options), values)).toBeLessThan(1e-14);
    const inverse = schedules.inverseTimeDecay({
      initialLearningRate: 0.1,
      decaySteps: 6,
      decayRate: 1,
    });
    const power = schedules.powerDecay({ initialLearningRate: 0.1, decaySteps: 6 });
    for (let step = 0; step < 30; step++) expect(power(step)).toBeCloseTo(inverse(step), 15);
  });

  it("are pure functions of the step", () => {
    const options = { initialLearningRate: 0.1, firstDecaySteps: 5, tMul: 1.3, mMul: 0.9 };
    const [a, b] = [schedules.cosineDecayRestarts(options), schedules.cosineDecayRestarts(options)];
    const late = a(1000);
    for (let step = 0; step < 1000; step++) b(step);
    expect(b(1000)).toBe(late);
    expect(a(0)).toBe(0.1);
  });

  it("are parts: named, with options, and a number in files where they are constant", () => {
    const cosine = schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
    expect(cosine.name).toBe("cosineDecay");
    expect(cosine.options).toEqual({
      initialLearningRate: 0.1,
      decaySteps: 10,
      alpha: 0,
      warmupTarget: undefined,
      warmupSteps: 0,
    });
    const constant = schedules.constant({ learningRate: 0.25 });
    expect([constant(0), constant(1e6)]).toEqual([0.25, 0.25]);
    const optimizer = optimizers.sgd({ learningRate: constant });
    expect(optimizer.schedule).toBe(constant);
  });

  it("of the library's own come back from their configs", () => {
    const made: Schedule[] = [
      schedules.powerDecay({ initialLearningRate: 0.1, decaySteps: 6, power: 2 }),
      schedules.oneCycle({ preset: "pytorch", maxRate: 0.1, totalSteps: 9, threePhase: true }),
      schedules.constant({ learningRate: 0.3 }),
    ];
    for (const one of made) {
      const config = JSON.parse(JSON.stringify(serializePart(scheduleKind, one)));
      const back = deserializePart(scheduleKind, config);
      for (let step = 0; step < 9; step++) expect(back(step)).toBe(one(step));
    }
  });

  it("may be a user's function", () => {
    const halves = (step: number) => 0.5 ** step;
    registerSerializable(halves);
    const optimizer = optimizers.sgd({ learningRate: halves });
    expect(optimizer.schedule!.name).toBe("function halves");
    expect(optimizer.learningRate).toBe(1);
    expect(optimizer.numbers(3).get("optimizer/0/downhill")![0]).toBe(-0.125);
    const config = JSON.parse(JSON.stringify(serializeOptimizer(optimizer)));
    expect(config.config.learning_rate.registered_name).toBe("Custom>halves");
    expect(deserializePart(optimizerKind, config).numbers(3)).toEqual(optimizer.numbers(3));
  });
});

describe("bad input of schedules", () => {
  it("is refused", () => {
    const first = { initialLearningRate: 0.1 };
    expect(() => schedules.cosineDecay({ ...first, decaySteps: 0 })).toThrow(
      "cosineDecay: decaySteps must be a finite number above 0, got 0.",
    );
    expect(() => schedules.cosineDecay({ decaySteps: 3 } as never)).toThrow(
      "cosineDecay: initialLearningRate must be a finite number of at least 0, got undefined.",
    );
    expect(() => schedules.exponentialDecay({ ...first, decaySteps: 3, decayRate: -1 })).toThrow(
      "exponentialDecay: decayRate must be a finite number of at least 0, got -1.",
    );
    expect(() =>
      schedules.piecewiseConstantDecay({ boundaries: [5, 5], values: [3, 2, 1] }),
    ).toThrow("piecewiseConstantDecay: boundaries must increase, got");
    expect(() => schedules.piecewiseConstantDecay({ boundaries: [5], values: [3] })).toThrow(
      'values must be one more than boundaries, got "1 values for 1 boundaries"',
    );
    expect(() =>
      schedules.cosineDecayRestarts({ ...first, firstDecaySteps: 3, tMul: 0.5 }),
    ).toThrow("cosineDecayRestarts: tMul must be a finite number of at least 1, got 0.5.");
    const cycle = { maxRate: 0.1, totalSteps: 10 };
    expect(() => schedules.oneCycle({ ...cycle, totalSteps: 0 })).toThrow(
      "oneCycle: totalSteps must be a whole number of at least 1, got 0.",
    );
    expect(() => schedules.oneCycle({ ...cycle, pctStart: 0.3 })).toThrow(
      'oneCycle: options of the preset "book", got pctStart. Leave it out, or choose another preset.',
    );
    expect(() => schedules.oneCycle({ ...cycle, preset: "pytorch", lastSteps: 3 })).toThrow(
      'oneCycle: options of the preset "pytorch", got lastSteps.',
    );
    expect(() => schedules.oneCycle({ ...cycle, lastSteps: 11 })).toThrow(
      "oneCycle: lastSteps must be at most totalSteps 10, got 11.",
    );
    expect(() => schedules.oneCycle({ ...cycle, preset: "keras" as never })).toThrow(
      'oneCycle: preset must be one of "book", "fastai", "pytorch", got "keras".',
    );
    expect(() =>
      schedules.oneCycle({ ...cycle, preset: "fastai", baseMomentum: 0.95, maxMomentum: 0.9 }),
    ).toThrow("oneCycle: baseMomentum must be at most maxMomentum, got");
  });

  it("is refused as a step, by library and users' schedules", () => {
    const restarts = schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 3 });
    expect(() => restarts(Number.POSITIVE_INFINITY)).toThrow(
      "cosineDecayRestarts: step must be a finite number of at least 0, got Infinity.",
    );
    const power = schedules.powerDecay({ initialLearningRate: 1, decaySteps: 3, power: 0.5 });
    for (const step of [-1, Number.NaN, undefined as never, "3" as never])
      expect(() => power(step)).toThrow("powerDecay: step must be a finite number of at least 0");
    const cycle = schedules.oneCycle({ preset: "pytorch", maxRate: 1, totalSteps: 9 });
    expect(() => cycle.momentum!(-1)).toThrow("oneCycle: step must be a finite number");
  });

  it("of a user's function is found where it is called", () => {
    const optimizer = optimizers.sgd({ learningRate: (step) => (step < 2 ? 0.1 : Number.NaN) });
    expect(optimizer.numbers(0, 2).size).toBe(1);
    expect(() => optimizer.numbers(2)).toThrow(
      "sgd schedule function learningRate: it must return a finite number of at least 0, " +
        "got NaN at step 2.",
    );
    expect(() => optimizers.sgd({ learningRate: "cosineDecay" as never })).toThrow(
      'sgd: schedule "cosineDecay" needs options',
    );
    expect(() => optimizers.sgd({ learningRate: "0.1" as never })).toThrow(
      'sgd: schedule must be a known name, got "0.1".',
    );
    expect(() => optimizers.sgd({ learningRate: {} as never })).toThrow(
      "sgd: schedule must be a name, an object or a function of this kind",
    );
  });
});
