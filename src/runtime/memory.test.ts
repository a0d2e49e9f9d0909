import { afterEach, describe, expect, it } from "vitest";
import { MemoryError } from "../base/errors.ts";
import { compile } from "../compile/compile.ts";
import { Trace } from "../tensor/trace.ts";
import { readVariables, Variable, writeVariables } from "../tensor/variable.ts";
import { Engine } from "./engine.ts";
import { type FakeOptions, fakeEngine } from "./fake-engine.case.ts";
import { inputsOf, traceOn } from "./fake-program.case.ts";
import { WasmDevice } from "./wasm.ts";

const mebibyte = 2 ** 20;
const engines: Engine[] = [];

function make(options: FakeOptions = {}) {
  const made = fakeEngine(options);
  engines.push(made.engine);
  return made;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function model(engine: Engine, size: number) {
  const variable = new Variable({ path: "v", shape: [size] });
  const execution = await engine.load(traceOn(variable));
  const run = async (x: number) => {
    const { value } = await execution.run(1, inputsOf(size, 1, x));
    return value![size - 1];
  };
  return { variable, run };
}

const last = async (variable: Variable) => (await readVariables([variable]))[0]!.data.at(-1);

describe.each([
  ["shared memory", {}],
  ["a worker's own memory", { shared: false }],
] as [string, FakeOptions][])("%s", (_, options) => {
  it("300 models made, run and dropped need no more than 30", async () => {
    const { engine, device } = make(options);
    const taken: number[] = [];
    const dropped: WeakRef<Variable>[] = [];
    for (let k = 0; k < 300; k++) {
      const { run, variable } = await model(engine, 20_000 + 1000 * (k % 3));
      expect(await run(k)).toBe(k);
      expect(await run(k)).toBe(2 * k);
      taken.push(device.memory.taken);
      dropped.push(new WeakRef(variable));
    }
    // One model takes 80 KB, the inputs and results of its call twice that: 30 of them, had they
    // stayed, would take more.
    expect(taken[29]).toBeLessThan(2 * mebibyte);
    expect(taken[299]).toBe(taken[29]);
    await new Promise((resolve) => setTimeout(resolve));
    global.gc!();
    expect(dropped.filter((variable) => variable.deref()).length).toBeLessThan(3);
  });

  it("the values of models that had to leave are still there", async () => {
    const { engine, device } = make(options);
    const models = [];
    for (let k = 0; k < 40; k++) {
      const made = await model(engine, 50_000);
      await made.run(k);
      models.push(made);
    }
    expect(device.memory.taken).toBeLessThan(3 * mebibyte);
    for (const [k, { variable, run }] of models.entries()) {
      expect(await last(variable)).toBe(k);
      if (k % 10 === 0) expect(await run(1)).toBe(k + 1);
    }
  });

  it("two models that run in turn come to stay", async () => {
    const { engine } = make(options);
    const [a, b] = [await model(engine, 200_000), await model(engine, 200_000)];
    for (let k = 1; k <= 6; k++) for (const { run } of [a, b]) expect(await run(1)).toBe(k);
    for (const { variable } of [a, b]) expect(variable.hostValue).toBeUndefined();
    await a.run(1);
    expect(b.variable.hostValue).toBeUndefined();
  });

  it("more than there may be is refused at once, with numbers, and nothing is lost", async () => {
    const { engine, device } = make({ ...options, maximumBytes: 4 * mebibyte });
    const { run, variable } = await model(engine, 100_000);
    await run(3);
    const before = device.memory.used;
    for (const size of [2_000_000, 900_000]) {
      const error = await model(engine, size).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MemoryError);
      expect(`${error}`).toMatch(/all arrays must fit into 4\.0 MiB, got [\d.]+ MiB more, where/);
    }
    const big = { data: new Float32Array(1_500_000), shape: [3, 500_000] };
    await expect(engine.upload(big)).rejects.toThrow("5.7 MiB more");
    expect(device.memory.used).toBeLessThanOrEqual(before);
    expect(await last(variable)).toBe(3);
    expect(await run(1)).toBe(4);
  });

  it("at the limit, everything that is idle makes room", async () => {
    const { engine } = make({ ...options, maximumBytes: 4 * mebibyte });
    const [a, b] = [await model(engine, 100_000), await model(engine, 100_000)];
    for (let k = 0; k < 4; k++) for (const { run } of [a, b]) await run(1);
    const data = Float32Array.from({ length: 600_000 }, (_, i) => i);
    const table = await engine.upload({ data, shape: [600_000] });
    expect(a.variable.hostValue).toBeDefined();
    expect(await a.run(1)).toBe(5);
    expect(await b.run(1)).toBe(5);
    table.release();
    await expect(model(engine, 280_000)).resolves.toBeDefined();
  });

  it("asks the machine before it takes much", async () => {
    const memoryAvailable = () => 50 * mebibyte;
    const { engine } = make({ ...options, memoryAvailable });
    await model(engine, 100_000);
    await expect(model(engine, 10_000_000)).rejects.toThrow(/the machine has 50 MiB left/);
  });

  it("host values that are set while a model is away are what the next call sees", async () => {
    const { engine } = make(options);
    const a = await model(engine, 200_000);
    await a.run(1);
    const b = await model(engine, 200_000);
    await b.run(1);
    expect(a.variable.hostValue).toBeDefined();
    await writeVariables([a.variable], [new Float32Array(200_000).fill(10)]);
    expect(await a.run(1)).toBe(11);
  });
});

it("a call's own variables never make room for each other", async () => {
  const engine = new Engine({ threads: 1 });
  engines.push(engine);
  const [a, b] = ["a", "b"].map((path) => new Variable({ path, shape: [300_000] }));
  const load = (...variables: Variable[]) => {
    const trace = new Trace();
    for (const variable of variables) trace.assign(variable, trace.read(variable).add(1));
    return engine.load(trace.finish());
  };
  await (await load(a!)).run(1);
  const both = await load(a!, b!);
  await both.run(1);
  expect([await last(a!), await last(b!)]).toEqual([2, 1]);
});

it("a value that is set after a call was asked for is not what that call sees", async () => {
  const { engine } = make();
  const a = await model(engine, 200_000);
  await a.run(1);
  const b = await model(engine, 200_000);
  expect(a.variable.hostValue).toBeDefined();
  const calls = [b.run(1), a.run(1)];
  await writeVariables([a.variable], [new Float32Array(200_000).fill(10)]);
  expect(await Promise.all(calls)).toEqual([1, 2]);
  expect(await last(a.variable)).toBe(10);
});

it("a closed engine gives its memory back, whoever still knows the engine", async () => {
  const Real = WebAssembly.Memory;
  const made: WeakRef<WebAssembly.Memory>[] = [];
  WebAssembly.Memory = class extends Real {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      made.push(new WeakRef(this));
    }
  };
  try {
    const { engine } = make();
    const { run, variable } = await model(engine, 1000);
    expect(await run(2)).toBe(2);
    await engine.close();
    expect(await last(variable)).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    global.gc!();
    expect(made.map((memory) => memory.deref())).toEqual([undefined]);
    expect(await last(variable)).toBe(2);
    await expect(engine.upload({ data: Float32Array.of(1), shape: [1] })).rejects.toThrow(
      "upload: an open engine, got one that was closed.",
    );
  } finally {
    WebAssembly.Memory = Real;
  }
});

it("addresses beyond 2 GiB are as good as others", async () => {
  const settings = { threads: 2, fma: false, shared: true };
  const device = new WasmDevice({
    ...settings,
    compile: (computation) => compile(computation, settings),
    memoryAvailable: () => undefined,
  });
  // Never written, so it takes addresses but no memory.
  await device.allocate([{ dtype: "uint8", sizes: [2 ** 31 + 2 ** 20] }], true);
  const engine = new Engine({}, device);
  engines.push(engine);
  const v = new Variable({ path: "v", shape: [40, 40], initial: new Float32Array(1600).fill(1) });
  const table = await engine.upload({ data: Uint8Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] });
  const trace = new Trace();
  const rows = trace.gather("rows", "uint8", [2], trace.input("at", "uint32", [2]));
  const next = trace.read(v).matmul(trace.read(v)).multiply(0.25);
  trace.assign(v, next);
  trace.result("next", next);
  trace.result("sum", rows.cast("float32").sum());
  const execution = await engine.load(trace.finish(), { rows: table });
  expect(execution.threads).toBe(2);
  const { next: both, sum } = await execution.run(2, { at: Uint32Array.of(2, 0, 1, 1) });
  expect(both).toEqual(Float32Array.from({ length: 3200 }, (_, i) => (i < 1600 ? 10 : 1000)));
  expect(sum).toEqual(Float32Array.of(14, 14));
  expect(await last(v)).toBe(1000);
});

it("the host's own limit of addresses is found by trying", async () => {
  const Real = WebAssembly.Memory;
  // As under `ulimit -v`: a large maximum is refused, later any.
  let most = 2048;
  const Small = class extends Real {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      if (descriptor.maximum! > most) throw new RangeError("could not allocate memory");
      super(descriptor);
    }
  };
  WebAssembly.Memory = Small;
  try {
    const { engine } = make();
    const { run } = await model(engine, 1000);
    expect(await run(2)).toBe(2);
    await expect(model(engine, 30_000_000)).rejects.toThrow("must fit into 128 MiB");
    most = 0;
    expect(() => make()).toThrow(MemoryError);
    expect(() => make()).toThrow("got a host that has none left");
  } finally {
    WebAssembly.Memory = Real;
  }
});
