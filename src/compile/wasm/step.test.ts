import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { Code, Module } from "./assembler.ts";
import { emitStep, type StepItem, syncLineBytes } from "./step.ts";

/** Bytes of the memory: sync lines first, then a log (its length, then words), then tables. */
const places = { sync: 0, log: 1024, tables: 32768 };

/**
 * Kernel `number` of a step that appends `1000 * number + record's word` to the log, then whatever
 * `more` does. All kernels of one module have their own function.
 */
function logging(number: number, more: (code: Code) => void = () => {}): Code {
  const code = new Code(["i32", "i32", "i32"]);
  const [record] = code.parameters;
  const at = code.local("i32");
  code.i32(places.log).i32(places.log).do("i32.load").i32(1).do("i32.add").do("i32.store");
  code.i32(places.log).do("i32.load").i32(2).do("i32.shl").i32(places.log).do("i32.add").set(at);
  code.get(at);
  code
    .get(record)
    .do("i32.load")
    .i32(1000 * number)
    .do("i32.add");
  code.do("i32.store");
  more(code);
  return code;
}

const kernel = (number: number, record = 0, onlyFirst = false): StepItem => ({
  kind: "kernel",
  function: number,
  record,
  onlyFirst,
});

/** The bytes of a step, with these functions as kernels 0, 1, ... */
function moduleOf(kernels: readonly Code[], items: readonly StepItem[], threads: number) {
  const module = new Module(true);
  for (const code of kernels) module.add(code);
  emitStep(module, { items, threads, inputBytes: 64, resultBytes: 128 });
  return module.finish();
}

const newMemory = () => new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });

type Run = (...words: number[]) => void;

const load = (bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Run =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports.run as Run;

const logOf = (memory: WebAssembly.Memory): number[] => {
  const words = new Int32Array(memory.buffer, places.log);
  return [...words.subarray(1, 1 + words[0])];
};

interface ThreadOptions {
  readonly thread: number;
  readonly steps: number;
  /** Milliseconds before it begins. */
  readonly delay?: number;
  /** The address of its arguments. */
  readonly table?: number;
}

/** Runs a thread in a worker; false if it has not come to its end after a while. */
async function runThread(
  bytes: Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  { thread, steps, delay = 0, table = places.tables }: ThreadOptions,
): Promise<boolean> {
  const words = [table, 0, 0, steps, places.sync, thread];
  const source = `
    const { workerData } = require("node:worker_threads");
    const { bytes, memory, words, delay } = workerData;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
    setTimeout(() => exports.run(...words), delay);
  `;
  const worker = new Worker(source, { eval: true, workerData: { bytes, memory, words, delay } });
  let ended = false;
  const timer = setTimeout(() => worker.terminate(), 20_000);
  await new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      ended = code === 0;
      resolve();
    });
  });
  clearTimeout(timer);
  return ended;
}

describe("a step on one thread", () => {
  it("runs its kernels in order, with their records, as often as there are steps", () => {
    const memory = newMemory();
    const items = [kernel(1, 4), kernel(0), kernel(1, 8)];
    const run = load(moduleOf([logging(0), logging(1)], items, 1), memory);
    new Int32Array(memory.buffer, places.tables).set([5, 6, 7]);
    run(places.tables, 0, 0, 2, places.sync, 0);
    expect(logOf(memory)).toEqual([1006, 5, 1007, 1006, 5, 1007]);
  });

  it("runs nothing for no steps", () => {
    const memory = newMemory();
    load(moduleOf([logging(0)], [kernel(0)], 1), memory)(places.tables, 0, 0, 0, places.sync, 0);
    expect(logOf(memory)).toEqual([]);
  });

  it("hands each step its own records of inputs and results", () => {
    const memory = newMemory();
    const code = new Code(["i32", "i32", "i32"]);
    const [, inputs, results] = code.parameters;
    // results[0] = 2 * inputs[0]
    code.get(results).get(inputs).do("i32.load").i32(2).do("i32.mul").do("i32.store");
    const run = load(moduleOf([code], [kernel(0)], 1), memory);
    const [from, to] = [4096, 8192];
    const words = new Int32Array(memory.buffer);
    for (let step = 0; step < 3; step++) words[(from + 64 * step) / 4] = 10 + step;
    run(places.tables, from, to, 3, places.sync, 0);
    expect([0, 1, 2, 3].map((step) => words[(to + 128 * step) / 4])).toEqual([20, 22, 24, 0]);
  });
});

describe("a step on several threads", () => {
  it("runs what one thread does alone only there", async () => {
    const items = [kernel(0), kernel(1, 0, true)];
    const bytes = moduleOf([logging(0), logging(1)], items, 2);
    const memory = newMemory();
    // One after the other: the second thread finds the first at the end of the step.
    const first = runThread(bytes, memory, { thread: 0, steps: 1 });
    const second = runThread(bytes, memory, { thread: 1, steps: 1, delay: 100 });
    expect(await Promise.all([first, second])).toEqual([true, true]);
    expect(logOf(memory).sort()).toEqual([0, 0, 1000]);
  });

  it("waits for the signal that is meant, not for a later one that it has given itself", async () => {
    // What the other thread would do, this one's kernels do for it: they write its count of signals.
    const other = places.sync + syncLineBytes;
    const answer = (count: number) =>
      logging(count, (code) => code.i32(other).i32(count).do("i32.atomic.store"));
    const items: StepItem[] = [
      kernel(0),
      { kind: "signal" },
      kernel(0),
      { kind: "signal" },
      // The other one has given one signal only.
      { kind: "wait" },
      kernel(2),
      { kind: "wait" },
      kernel(3),
    ];
    const kernels = [logging(0), answer(1), answer(2), answer(3)];
    const memory = newMemory();
    new Int32Array(memory.buffer)[other / 4] = 1;
    const ended = await runThread(moduleOf(kernels, items, 2), memory, { thread: 0, steps: 1 });
    expect(logOf(memory)).toEqual([0, 0, 2000, 3000]);
    expect(ended).toBe(true);
  });

  it("meets at every barrier, though one thread comes late and the other has gone to sleep", async () => {
    // Each thread adds 1 to its own word, meets, and adds the other's word to its sum.
    const own = new Code(["i32", "i32", "i32"]);
    const read = new Code(["i32", "i32", "i32"]);
    const word = (code: Code, offset: number) =>
      code.get(code.parameters[0]).do("i32.load", offset);
    word(own, 0);
    word(own, 0).do("i32.load").i32(1).do("i32.add").do("i32.store");
    word(read, 8);
    word(read, 8).do("i32.load");
    word(read, 4).do("i32.load").do("i32.add").do("i32.store");
    const items: StepItem[] = [
      kernel(0),
      { kind: "signal" },
      { kind: "wait" },
      kernel(1),
      { kind: "signal" },
      { kind: "wait" },
    ];
    const module = new Module(true);
    module.add(own);
    module.add(read);
    emitStep(module, { items, threads: 2, inputBytes: 0, resultBytes: 0 });
    const bytes = module.finish();
    const memory = newMemory();
    const words = new Int32Array(memory.buffer);
    const steps = 3000;
    // Words of the threads at 4096 and 4224, their sums at 4352 and 4480.
    const table = (thread: number) => [
      4096 + 128 * thread,
      4224 - 128 * thread,
      4352 + 128 * thread,
    ];
    const run = (thread: number, delay: number) => {
      const at = places.tables + 64 * thread;
      words.set(table(thread), at / 4);
      return runThread(bytes, memory, { thread, steps, delay, table: at });
    };
    expect(await Promise.all([run(0, 0), run(1, 300)])).toEqual([true, true]);
    // 1 + 2 + ... + steps, exactly: neither thread was ever early or late by one.
    const sum = (steps * (steps + 1)) / 2;
    expect([words[4352 / 4], words[4480 / 4]]).toEqual([sum, sum]);
    expect(words[places.sync / 4 + 1]).toBe(0);
  });
});
