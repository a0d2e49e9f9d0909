import { describe, expect, it } from "vitest";
import { sizeOf } from "../base/shape.ts";
import { interpret } from "../ir/interpret.ts";
import { lower } from "../ir/lower.ts";
import { Trace } from "../tensor/trace.ts";
import { Variable } from "../tensor/variable.ts";
import type { Constraint } from "./constraints.ts";
import { constraints } from "./constraints.ts";
import type { Optimizer } from "./optimizer.ts";
import { optimizerKind, optimizers, serializeOptimizer } from "./optimizers.ts";
import { scheduleKind, schedules } from "./schedules.ts";
import { deserializePart, type Serialized } from "./serialization.ts";
import { golden, type Nested, valuesOf } from "./values.case.ts";

const parts = ["kernel", "bias"] as const;
type ByName = Readonly<Record<string, Nested>>;

interface Case {
  readonly name: keyof typeof optimizers;
  readonly options: Readonly<Record<string, unknown>>;
  readonly weights: Readonly<Record<string, ByName>>;
  /** By Keras's names, at some steps. */
  readonly slots?: Readonly<Record<string, ByName>>;
  /** Names of Keras's variables, in order. */
  readonly variables?: readonly string[];
  readonly serialized?: Serialized;
  readonly finalized?: ByName;
  readonly laterRate?: number;
  readonly exclude?: readonly string[];
  readonly constraint?: "nonNeg";
  /** With PyTorch's OneCycleLR. */
  readonly cycled?: boolean;
  /** Legacy tf.keras's. */
  readonly decay?: number;
}

interface File {
  readonly cases: readonly Case[];
}

const sequences = golden<{
  optimizers: { initial: ByName; gradients: Readonly<Record<string, readonly Nested[]>> };
}>("library.json").optimizers;
const files = {
  "Keras 3": golden<File>("optimizers-keras.json").cases,
  "Keras 3's options": golden<File>("optimizers-keras-options.json").cases,
  PyTorch: golden<File>("optimizers-torch.json").cases,
  "legacy tf.keras": golden<File>("optimizers-legacy.json").cases,
};
const { newer } = golden<{ newer: readonly Serialized[] }>("optimizers-legacy.json");
const all = Object.values(files).flat();

/** Changes of what a case asks for: wrong on purpose. */
interface Change {
  readonly options?: Readonly<Record<string, unknown>>;
  /** Added to the count of steps that numbers are asked for. */
  readonly shift?: number;
}

function optimizerOf(one: Case, changed: Readonly<Record<string, unknown>> = {}): Optimizer {
  const { learningRate, ...rest } = one.options;
  const rate =
    typeof learningRate === "object"
      ? { learningRate: deserializePart(scheduleKind, learningRate) }
      : one.cycled
        ? { learningRate: schedules.oneCycle({ preset: "pytorch", maxRate: 0.05, totalSteps: 30 }) }
        : learningRate === undefined
          ? {}
          : { learningRate: learningRate as number };
  const isLegacy = one.decay !== undefined && one.decay > 0 && one.name !== "nadam";
  const legacyRate = isLegacy && {
    learningRate: schedules.inverseTimeDecay({
      initialLearningRate: learningRate as number,
      decaySteps: 1,
      decayRate: one.decay!,
    }),
  };
  // Keras 3's Nadam has this rule; Antler's default is the paper's.
  const isKerasNadam = one.name === "nadam" && one.variables !== undefined;
  const decay = isKerasNadam ? { momentumDecay: 1 } : {};
  const make = optimizers[one.name] as (options: object) => Optimizer;
  return make({ ...decay, ...rest, ...rate, ...legacyRate, ...changed });
}

interface Run {
  /** Weights after each step. */
  readonly weights: Readonly<Record<string, readonly Float32Array[]>>;
  /** Slots after each step, by Keras's names. */
  readonly slots: readonly Readonly<Record<string, ArrayLike<number>>>[];
  readonly optimizer: Optimizer;
  readonly variables: readonly Variable[];
}

/** 30 steps on the golden gradients, by the interpreter in float32. */
function run(one: Case, { options, shift = 0 }: Change = {}): Run {
  const optimizer = optimizerOf(one, options);
  const variables = parts.map((path) => {
    const { data, shape } = valuesOf(sequences.initial[path]);
    return new Variable({ path, shape, trainable: true, initial: Float32Array.from(data) });
  });
  if (one.exclude) optimizer.excludeFromWeightDecay({ names: one.exclude });
  optimizer.build(variables);
  const trace = new Trace();
  const gradients = variables.map(({ path, shape }) => trace.input(path, "float32", shape));
  const nonNeg: Constraint | undefined = one.constraint && constraints[one.constraint]();
  optimizer.apply(trace, variables, gradients, [nonNeg && ((w) => nonNeg.call(w))]);
  const { computation, variables: bound } = trace.finish();
  const lowered = lower(computation);
  const weights = { kernel: [] as Float32Array[], bias: [] as Float32Array[] };
  const slots: Record<string, ArrayLike<number>>[] = [];
  for (let step = 0; step < 30; step++) {
    if (one.laterRate !== undefined && step === 15) optimizer.learningRate = one.laterRate;
    const numbers = optimizer.numbers(Math.max(0, step + shift));
    const { updates } = interpret(
      lowered,
      ({ op, attributes }) => {
        const name = attributes.name!;
        if (op === "variable") return bound.get(name)!.hostValue!;
        const gradient = sequences.gradients[name];
        return gradient ? valuesOf(gradient[step]).data : numbers.get(name)!;
      },
      "rounding",
    );
    for (const [name, { data }] of updates) bound.get(name)!.hostValue!.set(data);
    for (const [i, part] of parts.entries())
      weights[part].push(variables[i].hostValue!.slice() as Float32Array);
    slots.push(
      Object.fromEntries(
        optimizer.entries.map(({ name, variable, value }) => [
          name,
          variable ? variable.hostValue!.slice() : [value!(step + 1)],
        ]),
      ),
    );
  }
  return { weights, slots, optimizer, variables };
}

/** The largest distance of weights, in shares of the way that each went. */
function distance(found: ArrayLike<number>, expected: Nested, part: string): number {
  const start = valuesOf(sequences.initial[part]).data;
  const { data } = valuesOf(expected);
  let worst = 0;
  for (let i = 0; i < start.length; i++) {
    const way = Math.abs(data[i] - start[i]) + 1e-2 * Math.abs(start[i]) + 1e-12;
    const share = Math.abs(found[i] - data[i]) / way;
    worst = Math.max(worst, Number.isNaN(share) ? Number.POSITIVE_INFINITY : share);
  }
  return worst;
}

/** The largest distance over all steps that a case has. */
function worstOf(one: Case, { weights }: Run): number {
  const distances = Object.entries(one.weights).flatMap(([step, expected]) =>
    parts.map((part) => distance(weights[part][Number(step) - 1], expected[part], part)),
  );
  return Math.max(...distances);
}

const title = ({ name, options, ...how }: Case): string => {
  const { weights, slots, serialized, variables, finalized, ...rest } = how;
  return `${name} ${JSON.stringify({ ...options, ...rest })}`;
};

/** Float32 noise; Keras takes powers of the betas in float32. */
const tolerance = 3e-4;

for (const [library, cases] of Object.entries(files))
  describe(`30 steps of ${library}`, () => {
    it.each(cases.map((one) => [title(one), one] as const))("%s", (_, one) => {
      const found = run(one);
      expect(worstOf(one, found)).toBeLessThan(tolerance);
      for (const [step, expected] of Object.entries(one.slots ?? {}))
        for (const [name, nested] of Object.entries(expected)) {
          const slot = found.slots[Number(step) - 1][name];
          const { data } = valuesOf(nested);
          // Measured by the largest number. Keras takes 1 - beta2 of a float32: 1.3e-5 off.
          const scale = Math.max(...data.map(Math.abs), 1e-30);
          const worst = Math.max(...data.map((value, i) => Math.abs(slot[i] - value)));
          expect(worst / scale, `${name} at ${step}`).toBeLessThan(1e-4);
        }
    });
  });

describe("golden trajectories reject", () => {
  const flips: Readonly<Record<string, (one: Case) => readonly Change[]>> = {
    "epsilon on the other side": ({ name, options }) =>
      ["rmsprop", "adagrad", "adamax"].includes(name)
        ? [
            {
              options: {
                epsilonPlace:
                  (options.epsilonPlace ?? (name === "adamax" ? "outside" : "inside")) === "inside"
                    ? "outside"
                    : "inside",
              },
            },
          ]
        : [],
    "the other bias correction": ({ name, options }) =>
      name.startsWith("adam") && name !== "adamax"
        ? [{ options: { biasCorrection: options.biasCorrection ? "rate" : "moments" } }]
        : [],
    "the other weight decay": ({ options }) =>
      options.weightDecay
        ? [{ options: { weightDecayMode: options.weightDecayMode ? "decoupled" : "coupled" } }]
        : [],
    "nesterov off": ({ options }) => (options.nesterov ? [{ options: { nesterov: false } }] : []),
    "amsgrad off": ({ options }) => (options.amsgrad ? [{ options: { amsgrad: false } }] : []),
    "centered off": ({ options }) => (options.centered ? [{ options: { centered: false } }] : []),
    "momentum of the others where the rate changes": ({ name, options, laterRate, cycled }) =>
      ["sgd", "rmsprop"].includes(name) && options.momentum && (laterRate || cycled)
        ? [{ options: { momentumOf: options.momentumOf ? "updates" : "gradients" } }]
        : [],
    "accumulation off by one": ({ options }) =>
      options.gradientAccumulationSteps ? [{ shift: 1 }, { shift: -1 }] : [],
    "bias correction or schedule off by one": ({ name, options }) =>
      name.startsWith("adam") || name === "nadam" || typeof options.learningRate === "object"
        ? [{ shift: 1 }]
        : [],
    "no clip": ({ options }) =>
      ["clipnorm", "clipvalue", "globalClipnorm"]
        .filter((name) => options[name])
        .map((name) => ({ options: { [name]: undefined } })),
    "the other clip": ({ options }) =>
      options.clipnorm
        ? [{ options: { clipnorm: undefined, globalClipnorm: options.clipnorm } }]
        : [],
    "no average in between": ({ options }) =>
      options.emaOverwriteFrequency ? [{ options: { emaOverwriteFrequency: undefined } }] : [],
    "Nadam's other momentum": ({ name, variables }) =>
      name === "nadam" ? [{ options: { momentumDecay: variables ? 0.004 : 1 } }] : [],
    "no dampening": ({ options }) => (options.dampening ? [{ options: { dampening: 0 } }] : []),
  };
  // Epsilon of 1e-7 beside larger numbers, or an average of all equal ones, cannot be seen.
  it.each(Object.entries(flips))("%s", (_, changes) => {
    const worst = all.flatMap((one) =>
      changes(one).map((change) => worstOf(one, run(one, change)) / tolerance),
    );
    expect(worst.length).toBeGreaterThan(0);
    expect(Math.max(...worst)).toBeGreaterThan(10);
  });
});

describe("Keras's variables of an optimizer", () => {
  it.each(all.filter(({ variables }) => variables).map((one) => [title(one), one] as const))(
    "%s",
    (_, one) => {
      const { optimizer } = run(one);
      expect(optimizer.entries.map(({ name }) => name)).toEqual(one.variables);
      const sizes = { kernel: 12, bias: 4 };
      const count = one.variables!.map((name) =>
        name.startsWith("kernel_") ? sizes.kernel : name.startsWith("bias_") ? sizes.bias : 1,
      );
      expect(optimizer.countParams()).toBe(count.reduce((a, b) => a + b));
    },
  );
});

describe("averages", () => {
  const averaged = all.filter(({ finalized }) => finalized);

  it.each(averaged.map((one) => [title(one), one] as const))("end %s", async (_, one) => {
    const { optimizer, variables } = run(one);
    await optimizer.finalizeVariableValues();
    for (const [i, part] of parts.entries()) {
      const found = variables[i].hostValue!;
      expect(distance(found, one.finalized![part], part)).toBeLessThan(tolerance);
      expect(sizeOf(variables[i].shape)).toBe(found.length);
    }
  });

  it("of weights that were not trained change nothing", async () => {
    const weight = new Variable({ path: "w", shape: [1], initial: Float32Array.of(3) });
    const optimizer = optimizers.sgd({ useEma: true });
    await optimizer.finalizeVariableValues();
    optimizer.build([weight]);
    await optimizer.finalizeVariableValues();
    expect([...weight.hostValue!]).toEqual([3]);
  });

  it("are of the weights that they began with", async () => {
    const [a, b] = ["a", "b"].map((path) => new Variable({ path, shape: [1] }));
    const optimizer = optimizers.sgd({ useEma: true });
    await optimizer.applyGradients([[[1], a]]);
    expect(() => optimizer.build([a, b])).toThrow(
      'sgd: the weights that its averages began with, got another one after 1 steps, "b". ' +
        "Compile with a new optimizer.",
    );
  });
});

/** Configs without what Keras makes up; numbers as float32, which Keras holds rates in. */
function comparable(value: unknown): unknown {
  if (typeof value === "number") return Math.fround(value);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "name" && key !== "build_config")
      .map(([key, one]) => [key, comparable(one)] as const),
  );
}

describe("configs of optimizers", () => {
  it.each(
    files["Keras 3"]
      .concat(files["Keras 3's options"])
      .map((one) => [title(one), one.serialized!] as const),
  )("of Keras 3 are read, and written alike: %s", (_, serialized) => {
    const read = deserializePart(optimizerKind, serialized);
    const written = JSON.parse(JSON.stringify(serializeOptimizer(read))) as Serialized;
    const schedule = (written.config as { learning_rate?: unknown }).learning_rate;
    if (typeof schedule !== "object") {
      expect(comparable(written)).toEqual(comparable(serialized));
      return;
    }
    const { config, ...rest } = comparable(written) as { config: Record<string, unknown> };
    const expected = comparable(serialized) as { config: Record<string, unknown> };
    expect({ ...rest, config: { ...config, learning_rate: 0 } }).toEqual({
      ...expected,
      config: { ...expected.config, learning_rate: 0 },
    });
    expect(config.learning_rate).toMatchObject(expected.config.learning_rate as object);
  });

  it.each(files["legacy tf.keras"].map((one) => [title(one), one] as const))(
    "of legacy tf.keras step alike: %s",
    (_, one) => {
      const { name, options } = deserializePart(optimizerKind, one.serialized);
      expect(name).toBe(one.name);
      const { decay: _decay, ...plain } = one;
      const found = run({ ...plain, options: {} }, { options: options! });
      expect(worstOf(one, found)).toBeLessThan(tolerance);
    },
  );

  it.each(newer.map((one) => [one.class_name, one] as const))("of tf_keras's %s", (_, one) => {
    const written = serializeOptimizer(deserializePart(optimizerKind, one)) as Serialized;
    const keys = comparable(one) as { config: Record<string, unknown> };
    const { jit_compile: _j, is_legacy_optimizer: _i, ...config } = keys.config;
    expect(comparable(written.config)).toMatchObject(config);
    expect(written.class_name).toBe(one.class_name);
  });
});
