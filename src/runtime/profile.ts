/** Times the kernels of a program one by one, each alone in a loop on one core. */
import { now } from "#host";
import type { ArgumentWord, Program } from "../compile/program.ts";
import { peakFlopsPerRepeat, peakModule } from "../compile/wasm/peak.ts";

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
  const variables = new Map(program.variables.map((v) => [v.name, take(v.layout.bytes)]));
  const tables = new Map(
    program.tables.map((t) => [t.name, take(Math.max(tableBytes, 4 * t.rowSize + 64))]),
  );
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
    const at = variables.get(v.name)! / 4;
    floats.fill(0.01, at, at + v.layout.bytes / 4);
  }
  const words = new Int32Array(memory.buffer);
  for (const [i, word] of program.arguments[0]!.entries())
    words[table / 4 + i] = wordFor(word, { variables, tables, arena, scratch });
  return { memory, table, inputs, results };
}

interface Places {
  readonly variables: ReadonlyMap<string, number>;
  readonly tables: ReadonlyMap<string, number>;
  readonly arena: number;
  readonly scratch: number;
}

function wordFor(word: ArgumentWord, { variables, tables, arena, scratch }: Places): number {
  switch (word.kind) {
    case "variable":
      return variables.get(word.name)! + word.offset;
    case "table":
      return tables.get(word.name)! + word.offset;
    case "arena":
      return arena + word.offset;
    case "scratch":
      return scratch + word.offset;
    case "number":
      return word.value;
  }
}

type Part = readonly [number, number];
const partOf = ([from, to]: Part, parts: readonly Part[]): number => (to - from) / parts.at(-1)![1];
