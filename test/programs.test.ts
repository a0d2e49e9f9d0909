/**
 * The programs of canonical nets: as text, so that a change which touches them shows, and as bytes. After
 * a change that is meant to touch them, `npx vitest run test/programs.test.ts -u` writes the texts anew.
 */
import { describe, expect, it } from "vitest";
import { type CompileOptions, compile } from "../src/compile/compile.ts";
import type { Program } from "../src/compile/program.ts";
import { type Layer, layers, optimizers } from "../src/index.ts";
import { canonicalize } from "../src/ir/canonical.ts";
import type { Computation } from "../src/ir/graph.ts";
import type { CompileOptions as NetOptions } from "../src/model/compiled.ts";
import { Net } from "../src/model/net.ts";
import { Sequence } from "../src/model/sequence.ts";
import type { StepKind, StepShapes } from "../src/model/step.ts";
import { Engine } from "../src/runtime/engine.ts";
import { decode, isCall, isScalarFloat } from "./wasm-decoder.ts";

const classify: NetOptions = {
  optimizer: optimizers.nadam({ learningRate: 5e-5 }),
  loss: "sparseCategoricalCrossentropy",
  metrics: ["accuracy"],
};

const pictures = (batch: number): StepShapes => ({
  batch,
  x: [{ dtype: "uint8", shape: [32, 32, 3] }],
  y: [{ dtype: "uint8", shape: [] }],
});

/** The lab's net with so many hidden layers. */
const elus = (hidden: number, width = 100) => [
  layers.flatten({ inputShape: [32, 32, 3] }),
  ...Array.from({ length: hidden }, () =>
    layers.dense({ units: width, activation: "elu", kernelInitializer: "heNormal" }),
  ),
  layers.dense({ units: 10, activation: "softmax" }),
];

const regression = [
  layers.dense({ units: 30, activation: "relu", inputShape: [8] }),
  layers.dense({ units: 20, activation: "relu" }),
  layers.dense({ units: 1 }),
];
const squares: NetOptions = {
  optimizer: optimizers.sgd({ learningRate: 0.01, momentum: 0.9 }),
  loss: "meanSquaredError",
};
const houses: StepShapes = {
  batch: 16,
  x: [{ dtype: "float32", shape: [8] }],
  y: [{ dtype: "float32", shape: [1] }],
};

function stepOf(
  list: readonly Layer[],
  options: NetOptions,
  shapes: StepShapes,
  kind: StepKind = "train",
): Computation {
  const net = new Net(new Sequence(list), "net", 1, () => new Engine({ device: "reference" }));
  net.compile(options);
  return canonicalize(net.stepOf(kind, shapes).traced.computation).computation;
}

const programOf = (computation: Computation, options: Partial<CompileOptions> = {}): Program =>
  compile(computation, { threads: 1, fma: true, shared: true, ...options });

/** What a reader wants to see change: kernels, splits, barriers, places. */
const printed = ({ text, threads, report, records }: Program): string =>
  [
    `${threads} threads, ${records.length} kernels, ${report.barriers} barriers, ${report.flops} FLOPs`,
    text,
  ].join("\n");

describe("printed programs", () => {
  const small = elus(3);
  it.each<[file: string, () => Computation, threads: number]>([
    ["elu-train-1", () => stepOf(small, classify, pictures(32)), 1],
    ["elu-train-2", () => stepOf(small, classify, pictures(32)), 2],
    ["elu-test-2", () => stepOf(small, classify, pictures(32), "test"), 2],
    ["elu-predict-1", () => stepOf(small, classify, pictures(32), "predict"), 1],
    ["regression-train-1", () => stepOf(regression, squares, houses), 1],
    ["regression-train-2", () => stepOf(regression, squares, houses), 2],
  ])("of %s are what they were", async (file, make, threads) => {
    await expect(printed(programOf(make(), { threads }))).toMatchFileSnapshot(
      `programs/${file}.txt`,
    );
  });

  it("hang on nothing but the step and the options", () => {
    const make = () => programOf(stepOf(elus(3), classify, pictures(32)), { threads: 2 });
    const [one, other] = [make(), make()];
    expect(one.text).toBe(other.text);
    expect(one.bytes).toEqual(other.bytes);
    expect(one.arguments).toEqual(other.arguments);
  });
});

describe("emitted bytes", () => {
  const variants: [string, Partial<CompileOptions>][] = [
    ["one thread", {}],
    ["two threads", { threads: 2 }],
    ["no fused multiply-add", { fma: false }],
    ["a memory that is not shared", { shared: false }],
  ];
  const steps = {
    deep: stepOf(elus(20), classify, pictures(32)),
    regression: stepOf(regression, squares, houses),
    dropout: stepOf(
      [...elus(2).slice(0, -1), layers.dropout({ rate: 0.3 }), layers.dense({ units: 10 })],
      squares,
      { ...pictures(7), y: [{ dtype: "float32", shape: [10] }] },
    ),
  };

  it.each(variants)("hold no scalar float and no call in a kernel's loops: %s", (_, options) => {
    for (const step of Object.values(steps)) {
      const { exports, functions } = decode(programOf(step, options).bytes);
      const kernels = [...exports].filter(([name]) => name.startsWith("kernel"));
      expect(kernels.length).toBeGreaterThan(1);
      for (const { code } of functions) expect(code.filter(isScalarFloat)).toEqual([]);
      for (const [, index] of kernels) {
        const { code } = functions[index];
        expect(code.filter((instruction) => isCall(instruction))).toEqual([]);
        expect(code.some(({ loops }) => loops > 0) || code.length < 400).toBe(true);
      }
      const run = functions[exports.get("run")!];
      expect(run.code.filter(isCall).length).toBeGreaterThan(kernels.length - 1);
    }
  });

  it("multiply and add in one instruction where the host can, in two where not", () => {
    const count = (fma: boolean, sub: number) =>
      decode(programOf(steps.deep, { fma }).bytes).functions.reduce(
        (sum, { code }) =>
          sum + code.filter((one) => one.opcode === 0xfd && one.sub === sub).length,
        0,
      );
    const relaxedMadd = 0x105;
    expect(count(true, relaxedMadd)).toBeGreaterThan(20);
    expect(count(false, relaxedMadd)).toBe(0);
    expect(count(false, relaxedMadd + 1)).toBe(0);
  });

  it.each([1, 2])("of equal layers share their functions on %i threads", (threads) => {
    const functions = [4, 10, 20].map(
      (hidden) =>
        decode(programOf(stepOf(elus(hidden), classify, pictures(32)), { threads }).bytes).functions
          .length,
    );
    expect(functions[1]).toBe(functions[0]);
    expect(functions[2]).toBe(functions[0]);
    const wide = stepOf([...elus(4, 100), layers.dense({ units: 3 })], squares, {
      ...pictures(32),
      y: [{ dtype: "float32", shape: [3] }],
    });
    expect(decode(programOf(wide, { threads }).bytes).functions.length).toBeGreaterThan(4);
  });

  it.each(variants)("of the 20 layers are at most 50 KB: %s", (_, options) => {
    expect(programOf(steps.deep, options).bytes.length).toBeLessThanOrEqual(50 * 1024);
  });

  it("name every kernel of a step once, in order, with its record of arguments", () => {
    for (const threads of [1, 2]) {
      const program = programOf(steps.deep, { threads });
      const { exports } = decode(program.bytes);
      const { kernels } = program.report;
      expect(program.records.length).toBe(kernels.length);
      for (const { code } of kernels) expect(exports.has(`kernel${code}`)).toBe(true);
      for (const table of program.arguments) {
        expect(table.length).toBe(program.arguments[0].length);
        for (const at of program.records) expect(at / 4).toBeLessThanOrEqual(table.length);
      }
    }
  });
});

describe("floating-point operations", () => {
  /** Two for each multiply-add of a train step of dense layers of these sizes. */
  const byHand = (batch: number, sizes: readonly number[]): number => {
    const products = sizes.slice(1).map((size, i) => size * sizes[i]);
    const forward = products.reduce((sum, n) => sum + n, 0);
    // The gradient of each weight is as much work again; that of the first layer's input is not needed.
    const inputGradients = forward - products[0];
    return 2 * batch * (forward + forward + inputGradients);
  };

  it.each([1, 2])("are twice the multiply-adds counted by hand, on %i threads", (threads) => {
    const flops = (computation: Computation) => programOf(computation, { threads }).report.flops;
    const hidden = Array.from({ length: 20 }, () => 100);
    const deep = flops(stepOf(elus(20), classify, pictures(32)));
    expect(deep).toBe(byHand(32, [3072, ...hidden, 10]));
    expect(deep).toBe(75_993_600);
    expect(flops(stepOf(elus(2, 37), classify, pictures(100)))).toBe(
      byHand(100, [3072, 37, 37, 10]),
    );
    // A last layer of one unit has no column to tile: it is a sum of products, and so is what follows.
    const list = [
      layers.dense({ units: 30, activation: "relu", inputShape: [8] }),
      layers.dense({ units: 20, activation: "relu" }),
      layers.dense({ units: 4 }),
    ];
    const shapes: StepShapes = { ...houses, y: [{ dtype: "float32", shape: [4] }] };
    expect(flops(stepOf(list, squares, shapes))).toBe(byHand(16, [8, 30, 20, 4]));
  });

  it("of an evaluation are those of the forward pass", () => {
    const { report } = programOf(stepOf(elus(3), classify, pictures(32), "test"));
    expect(report.flops).toBe(2 * 32 * (3072 * 100 + 2 * 100 * 100 + 100 * 10));
  });
});
