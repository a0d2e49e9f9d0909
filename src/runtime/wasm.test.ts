import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { startWorker } from "#host";
import { DeviceError } from "../base/errors.ts";
import { readVariables, type Variable, writeVariables } from "../tensor/variable.ts";
import type { Engine } from "./engine.ts";
import { type FakeOptions, fakeEngine } from "./fake-engine.case.ts";
import { commands, inputsOf, traceAccumulate } from "./fake-program.case.ts";

const size = 100;
const engines: Engine[] = [];

function make(options: FakeOptions = {}) {
  const made = fakeEngine(options);
  engines.push(made.engine);
  return made;
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

/** A model of one variable, ready to run. */
async function model(engine: Engine, length = size) {
  const { traced, variable } = traceAccumulate(length);
  const execution = await engine.load(traced);
  const run = (steps: number, x: number, command = commands.nothing) =>
    execution.run(steps, inputsOf(length, steps, x, command));
  return { execution, variable, run };
}

const first = async (variable: Variable) => (await readVariables([variable]))[0]!.data[0];

const modes: [string, FakeOptions][] = [
  ["three threads over shared memory", { threads: 3 }],
  ["one thread over shared memory", { threads: 1 }],
  ["one worker with its own memory", { shared: false }],
];

describe.each(modes)("%s", (_, options) => {
  it("runs steps and returns each one's results, row-major", async () => {
    const { engine } = make(options);
    const { execution, variable, run } = await model(engine);
    expect(execution.threads).toBe(options.threads ?? 1);
    const { value, echo } = await run(3, 2);
    expect(value).toEqual(
      Float32Array.from({ length: 3 * size }, (_, i) => 2 * (1 + Math.floor(i / size))),
    );
    expect(echo).toEqual(new Int32Array(3));
    await run(1, 0.5);
    expect((await readVariables([variable]))[0]!.data).toEqual(new Float32Array(size).fill(6.5));
  });

  it("rejects with the cause when a worker traps, and goes on with new workers", async () => {
    const { engine } = make(options);
    const [good, bad] = [await model(engine), await model(engine)];
    await good.run(1, 1);
    await good.run(1, 1);
    const waiting = [bad.run(1, 1, commands.trap), bad.run(1, 1), good.run(1, 1)];
    for (const call of waiting) {
      const error = await call.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DeviceError);
      expect(`${error}`).toMatch(/DeviceError: device "wasm": .*memory access out of bounds/);
      expect((error as DeviceError).cause).toBeInstanceOf(Error);
    }
    await expect(first(bad.variable)).rejects.toThrow(
      /variable "v\/100": a call that ran to its end must have left its value, got one that broke off/,
    );
    await expect(bad.run(1, 1)).rejects.toThrow("broke off");
    // Its memory was the worker's own: then all values went with it.
    if (options.shared === false) {
      await expect(first(good.variable)).rejects.toThrow("broke off");
      await writeVariables([good.variable], [new Float32Array(size).fill(2)]);
    }
    expect(await first(good.variable)).toBe(2);
    await good.run(1, 1);
    expect(await first(good.variable)).toBe(3);
    await writeVariables([bad.variable], [new Float32Array(size).fill(7)]);
    await bad.run(1, 1);
    expect(await first(bad.variable)).toBe(8);
  });

  it("leaves the main thread free, and ends the await when someone ends a worker", async () => {
    const raw: Worker[] = [];
    const note = (worker: Worker) => raw.push(worker);
    process.on("worker", note);
    const { engine } = make(options);
    const { run } = await model(engine);
    await run(1, 1);
    process.off("worker", note);
    const call = run(1, 1, commands.spin);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await raw.at(-1)!.terminate();
    await expect(call).rejects.toThrow(/a worker that ended: exit code 1/);
  });

  it("ends the await when a worker exits by itself", async () => {
    const exiting: typeof startWorker = (source, ...rest) =>
      startWorker(`${source}\nactions.run = () => process.exit(3);`, ...rest);
    const { engine } = make({ ...options, startWorker: exiting });
    const { run } = await model(engine);
    await expect(run(1, 1)).rejects.toThrow(/a worker that ended: exit code 3/);
  });

  it("starts with an arena of zeros whoever had it before", async () => {
    const { engine } = make(options);
    const [one, other] = [await model(engine), await model(engine, 50)];
    const arenaOf = async ({ run }: typeof one) => (await run(1, 0, commands.arena)).echo![0];
    expect(await arenaOf(one)).toBe(0);
    expect(await arenaOf(one)).toBe(7);
    expect(await arenaOf(other)).toBe(0);
    expect(await arenaOf(one)).toBe(0);
  });
});

describe("several threads", () => {
  it.each([
    ["run for ever", commands.trapBesideSpin],
    ["sleep for ever", commands.trapBesideSleep],
  ])("end when one traps while the others %s", async (_, command) => {
    const { engine } = make({ threads: 3 });
    const { run } = await model(engine);
    await expect(run(1, 1, command)).rejects.toThrow("memory access out of bounds");
    const { run: again } = await model(engine);
    expect((await again(1, 5)).value![0]).toBe(5);
  });

  it("are as many as asked for, and fewer where there is nothing to split", async () => {
    const { engine } = make({ threads: 5 });
    expect((await model(engine, 16 * 5)).execution.threads).toBe(5);
    const small = await model(engine, 20);
    expect(small.execution.threads).toBe(2);
    expect((await small.run(2, 1)).value!.at(-1)).toBe(2);
  });
});

it("a worker that ends between calls is replaced, and nothing is lost", async () => {
  const raw: Worker[] = [];
  const note = (worker: Worker) => raw.push(worker);
  process.on("worker", note);
  const { engine } = make();
  const { run, variable } = await model(engine);
  await run(1, 1);
  process.off("worker", note);
  await raw[0]!.terminate();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await run(1, 1);
  expect(await first(variable)).toBe(2);
});
