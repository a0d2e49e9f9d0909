/**
 * Compiled programs run on the main thread, step by step, in a memory of their own: what the tests of
 * the compiler compare with the interpreter.
 *
 * The memory is hostile. Whatever no one has written holds 0xff bytes (a NaN, the largest index), the
 * padding of every array too; and what nobody may write is watched.
 */
import { arrayFor, bytesOf, type DType, type TypedArray } from "../src/base/dtype.ts";
import { gatherFrom, type Layout, lineBytes, roundUp, scatter } from "../src/compile/layout.ts";
import type { ArgumentWord, Program } from "../src/compile/program.ts";
import { sizeOfAxes } from "../src/ir/node.ts";
import type { Draw } from "./random/draw.ts";
import type { LeafValue } from "./random-graphs.ts";

/** Which of the threads that may go on does so next. */
export type Turns = "first" | "last" | Draw;

interface Region {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  readonly writable: boolean;
}

/** Bytes between regions: more than any load may run over an end. */
const gap = 4 * lineBytes;
const poison = 0xff;

type Kernel = (table: number, inputs: number, results: number) => void;

interface KernelItem {
  readonly run: Kernel;
  readonly record: number;
  readonly onlyFirst: boolean;
}

export class CompiledProgram {
  readonly program: Program;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: Record<string, (...words: number[]) => void>;
  readonly #regions: Region[] = [];
  readonly #byName = new Map<string, Region>();
  #before: Uint8Array;
  readonly #steps: number;
  readonly #start: number;

  /**
   * @param values of variables and tables, by name
   * @param steps as many as it can run in one call
   * @param start where all its memory begins
   */
  constructor(program: Program, values: ReadonlyMap<string, LeafValue>, steps = 1, start = 0) {
    this.program = program;
    this.#steps = steps;
    this.#start = start;
    let end = start + gap;
    const place = (name: string, bytes: number, writable: boolean) => {
      const region = { name, at: end, bytes, writable };
      this.#regions.push(region);
      this.#byName.set(name, region);
      end = roundUp(end + bytes, 2 * lineBytes) + gap;
    };
    const tableBytes = (name: string) => numbersOf(values.get(name)!).byteLength;
    place("sync", program.syncBytes, true);
    place("arena", program.arenaBytes, true);
    for (const [t, words] of program.arguments.entries()) {
      place(`arguments ${t}`, 4 * words.length, false);
      place(`scratch ${t}`, program.scratchBytes, true);
    }
    place("inputs", program.inputBytes * steps, false);
    place("results", program.resultBytes * steps, true);
    for (const { name, layout, written } of program.variables) place(name, layout.bytes, written);
    for (const { name } of program.tables) place(name, tableBytes(name), false);

    const pages = Math.ceil(end / 65536);
    this.#memory = program.shared
      ? new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true })
      : new WebAssembly.Memory({ initial: pages });
    this.#bytes.fill(poison);
    const module = new WebAssembly.Module(program.bytes);
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory } });
    this.#exports = instance.exports as Record<string, (...words: number[]) => void>;
    for (const [t, words] of program.arguments.entries())
      this.#view("uint32", `arguments ${t}`).set(words.map((word) => this.#addressOf(word, t)));
    for (const { name, dtype, layout } of program.variables)
      scatter(numbersOf(values.get(name)!), this.#view(dtype, name), layout);
    for (const { name, dtype } of program.tables)
      this.#view(dtype, name).set(numbersOf(values.get(name)!));
    this.#before = this.#bytes.slice();
  }

  /** From the start of what is placed. */
  get #bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.#start);
  }

  #view(dtype: DType, name: string, offset = 0, layout?: Layout): TypedArray {
    const { at, bytes } = this.#byName.get(name)!;
    const size = layout ? extentOf(layout) : Math.floor((bytes - offset) / bytesOf(dtype));
    return viewOf(dtype, this.#memory.buffer, at + offset, size);
  }

  #addressOf(word: ArgumentWord, thread: number): number {
    const at = (name: string) => this.#byName.get(name)!.at;
    switch (word.kind) {
      case "variable":
      case "table":
        return at(word.name) + word.offset;
      case "arena":
        return at("arena") + word.offset;
      case "scratch":
        return at(`scratch ${thread}`) + word.offset;
      case "number":
        return word.value;
    }
  }

  /** The numbers of a variable, row-major in its axes. */
  variable(name: string): TypedArray {
    const { dtype, axes, layout } = this.program.variables.find((each) => each.name === name)!;
    const values = arrayFor(dtype, sizeOfAxes(axes));
    gatherFrom(this.#view(dtype, name), values, layout);
    return values;
  }

  setVariable(name: string, values: ArrayLike<number>): void {
    const { dtype, layout } = this.program.variables.find((each) => each.name === name)!;
    scatter(values, this.#view(dtype, name), layout);
  }

  /** The inputs of one step; the rest of its record stays poisoned. */
  setInputs(step: number, values: (name: string) => ArrayLike<number>): void {
    for (const { name, dtype, offset, layout } of this.program.inputs) {
      const at = step * this.program.inputBytes + offset;
      scatter(values(name), this.#view(dtype, "inputs", at, layout), layout);
    }
    this.#before = this.#bytes.slice();
  }

  result(step: number, name: string): TypedArray {
    const { program } = this;
    const field = program.results.find((each) => each.name === name)!;
    const values = arrayFor(field.dtype, sizeOfAxes(field.axes));
    const at = step * program.resultBytes + field.offset;
    gatherFrom(this.#view(field.dtype, "results", at, field.layout), values, field.layout);
    return values;
  }

  /** All that a host can see after a step: its results, and the variables that it writes. */
  outcome(step = 0): Map<string, TypedArray> {
    const written = this.program.variables.filter((variable) => variable.written);
    return new Map([
      ...this.program.results.map(({ name }) => [name, this.result(step, name)] as const),
      ...written.map(({ name }) => [name, this.variable(name)] as const),
    ]);
  }

  /** Runs steps as the device does; for programs of one thread. */
  run(steps = 1): void {
    if (this.program.threads !== 1 || steps > this.#steps)
      throw new RangeError(`one thread and at most ${this.#steps} steps can run here`);
    const at = (name: string) => this.#byName.get(name)!.at;
    this.#view("uint8", "sync").fill(0);
    this.#exports.run(at("arguments 0"), at("inputs"), at("results"), steps, at("sync"), 0);
    this.#checkUntouched();
  }

  /**
   * Runs one step of all threads, kernel by kernel: each thread may be as far ahead of the others as
   * the barriers let it. A missing barrier shows as another result.
   */
  runInTurns(turns: Turns, step = 0): void {
    const { program } = this;
    const { kernels, barriers } = itemsOf(program, this.#exports);
    const inputs = this.#byName.get("inputs")!.at + step * program.inputBytes;
    const results = this.#byName.get("results")!.at + step * program.resultBytes;
    const done = program.arguments.map(() => 0);
    const mayGoOn = (t: number) =>
      done[t] < kernels.length &&
      barriers.every(
        ({ after, before }) => done[t] < before || done.every((count) => count > after),
      );
    for (;;) {
      const ready = done.map((_, t) => t).filter(mayGoOn);
      if (ready.length === 0) break;
      const t = turns === "first" ? ready[0] : turns === "last" ? ready.at(-1)! : turns.pick(ready);
      const { run, record, onlyFirst } = kernels[done[t]++];
      const table = this.#byName.get(`arguments ${t}`)!.at;
      if (!onlyFirst || t === 0) run(table + record, inputs, results);
    }
    if (done.some((count) => count < kernels.length)) throw new Error("the threads wait for ever");
    this.#checkUntouched();
  }

  /** Throws if a byte changed that no kernel may write. */
  #checkUntouched(): void {
    const now = this.#bytes;
    const regions = this.#regions.filter((region) => region.writable);
    const last = { name: "end", at: this.#start + now.length, bytes: 0 };
    let at = this.#start;
    for (const region of [...regions, last]) {
      for (; at < region.at; at++)
        if (now[at - this.#start] !== this.#before[at - this.#start]) {
          const near = this.#regions.findLast((each) => each.at <= at);
          throw new Error(
            `byte ${at - (near?.at ?? 0)} of ${near?.name} (${near?.bytes} bytes) was written`,
          );
        }
      at = region.at + region.bytes;
    }
  }
}

/** The kernels of a step and the barriers between them, as the printed program has them. */
function itemsOf(program: Program, exported: Record<string, unknown>) {
  const kernels: KernelItem[] = [];
  const barriers: { after: number; before: number }[] = [];
  const signals: number[] = [];
  for (const line of program.text.split("\n")) {
    if (line === "signal") signals.push(kernels.length - 1);
    else if (line === "wait")
      barriers.push({ after: signals[barriers.length], before: kernels.length });
    else if (line.startsWith("kernel ")) {
      const { split, code } = program.report.kernels[kernels.length];
      const copies = /^kernel \d+: uniform /.test(line) && !line.endsWith("nothing fused");
      kernels.push({
        run: exported[`kernel${code}`] as Kernel,
        record: program.records[kernels.length],
        onlyFirst: program.threads > 1 && !split && !copies,
      });
    }
  }
  return { kernels, barriers };
}

const numbersOf = (value: LeafValue): TypedArray => ("rows" in value ? value.data : value);

/** Elements from the first to the last one. */
const extentOf = ({ sizes, strides }: Layout): number =>
  sizes.reduce((last, size, axis) => last + (size - 1) * strides[axis], 1);

function viewOf(dtype: DType, buffer: ArrayBufferLike, at: number, size: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, at, size);
    case "uint32":
      return new Uint32Array(buffer, at, size);
    case "uint8":
      return new Uint8Array(buffer, at, size);
    case "int32":
    case "bool":
      return new Int32Array(buffer, at, size);
  }
}
