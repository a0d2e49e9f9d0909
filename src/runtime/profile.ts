/** Times the kernels of a program one by one, each alone in a loop on one core. */
import { now } from "#host";
import type { Program } from "../compile/program.ts";
import { peakFlopsPerRepeat, peakModule } from "../compile/wasm/peak.ts";
import { wordsOf } from "./words.ts";

export interface KernelTime {
  /** Milliseconds of one run of thread 0's part, the least of many. */
  readonly milliseconds: number;
  /** Share of the core's peak of multiply-adds that its contraction reaches; 0 without one. */
  readonly peakShare: number;
}

/** Where the program's blocks begin in the memory of a profile; nothing lies below. */
const firstAddress = 1024;
const alignment = 128;
/** The engine replaces its quick first code by its best only after some calls. */
const leastRuns = 60;
/** Rows of a data set of zeros, of which row 0 is read. */
const tableBytes = 1 << 20;

/**
 * The time of each kernel of `program` in the order of a step. The kernel runs on memory of its own,
 * full of small numbers, so nothing of a model changes. Blocks this thread for about
 * `millisecondsEach` a kernel.
 */
export function profileKernels(program: Program, millisecondsEach = 20): KernelTime[] {
  const peak = measurePeak(program.fma);
  const { memory, table, inputs, results } = layOut(program);
  const module = new WebAssembly.Module(program.bytes);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return program.report.kernels.map((kernel, i) => {
    const call = exports[`kernel${kernel.code}`] as (...words: number[]) => void;
    const milliseconds = timeOf(
      () => call(table + program.records[i]!, inputs, results),
      millisecondsEach,
    );
    const part = kernel.split ? partOf(kernel.split.parts[0]!, kernel.split.parts) : 1;
    const rate = (kernel.flops * part) / (milliseconds * 1e6);
    return { milliseconds, peakShare: rate / peak };
  });
}

/** GFLOP/s of one core in multiply-adds, the best of many. */
export function measurePeak(fma: boolean): number {
  const memory = new WebAssembly.Memory({ initial: 0 });
  const module = new WebAssembly.Module(peakModule(fma));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const peak = exports.peak as (repeats: number) => number;
  const repeats = 200_000;
  return (repeats * peakFlopsPerRepeat) / timeOf(() => peak(repeats), 100) / 1e6;
}

/** The least time of one call, in milliseconds. */
function timeOf(call: () => void, milliseconds: number): number {
  const start = now();
  let batch = 1;
  let runs = 0;
  let best = Number.POSITIVE_INFINITY;
  do {
    const before = now();
    for (let i = 0; i < batch; i++) call();
    const each = (now() - before) / batch;
    best = Math.min(best, each);
    runs += batch;
    // Long enough for the clock, short enough that most runs are not disturbed.
    batch = Math.max(1, Math.min(1000, Math.ceil(0.5 / Math.max(each, 1e-6))));
  } while (now() - start < milliseconds || runs < leastRuns);
  return best;
}

function layOut(program: Program) {
  let end = firstAddress;
  const take = (bytes: number) => {
    const at = end;
    end += Math.ceil(bytes / alignment) * alignment;
    return at;
  };
  const places = new Map([
    ...program.variables.map((v) => [v.name, take(v.layout.bytes)] as const),
    ...program.tables.map((t) => [t.name, take(Math.max(tableBytes, 4 * t.rowSize + 64))] as const),
  ]);
  const arena = take(program.arenaBytes);
  const scratch = take(program.scratchBytes);
  const table = take(4 * program.arguments[0]!.length);
  const inputs = take(program.inputBytes);
  const results = take(program.resultBytes);
  const pages = Math.ceil(end / 65536) + 1;
  const memory = new WebAssembly.Memory({
    initial: pages,
    ...(program.shared && { maximum: 65536, shared: true }),
  });
  const floats = new Float32Array(memory.buffer);
  for (const v of program.variables) {
    const at = places.get(v.name)! / 4;
    floats.fill(0.01, at, at + v.layout.bytes / 4);
  }
  const words = wordsOf(program.arguments[0]!, {
    placeOf: (name) => places.get(name)!,
    arena,
    scratch,
  });
  new Int32Array(memory.buffer).set(words, table / 4);
  return { memory, table, inputs, results };
}

type Part = readonly [number, number];
const partOf = ([from, to]: Part, parts: readonly Part[]): number => (to - from) / parts.at(-1)![1];
